// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One instruction of a function, with every name resolved.
#ifndef MOE_TARGET_PTX_INSTRUCTION_H
#define MOE_TARGET_PTX_INSTRUCTION_H

#include "moe/Target/PTX/Diagnostics.h"
#include "moe/Target/PTX/Types.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace moe::ptx {

struct Function;
struct Form;
struct Variable;

/// An operand. Which members count is said by `kind`.
struct Operand {
  enum class Kind : uint8_t {
    Register,   ///< `index` into Function::registers; `component` of a vector
    Special,    ///< `special`, `component`, for %pm3 and %envreg3 `index`
    Integer,    ///< `integer`
    Float,      ///< `bits` of an f64 (`type` F64) or of an f32 (`type` F32)
    Sink,       ///< "_": the result is dropped
    Vector,     ///< "{a, b, …}": `elements`
    Pair,       ///< "p|q": `elements[0]`, `elements[1]`
    Address,    ///< "[base + offset]": see base(), `offset`, coordinates()
    Variable,   ///< the address of `variable`, plus `offset`
    Function,   ///< `function`
    Label,      ///< `index` into Function::labels
    Arguments,  ///< "(a, b, …)" of a call: `elements`
    Prototype,  ///< `index` into Function::prototypes
    TargetList, ///< of brx.idx (labels) or a call (functions): `index` into
                ///< Function::targetLists
  };

  Kind kind = Kind::Sink;
  bool negated = false; ///< "!p"
  uint8_t component = noComponent;
  Type type = Type::None; ///< Register: its type; Float: F32 or F64
  SpecialRegister special{};
  uint32_t index = 0;
  int64_t integer = 0; ///< two's complement; isUnsigned says "U"
  bool isUnsigned = false;
  uint64_t bits = 0;
  int64_t offset = 0;
  const ptx::Variable *variable = nullptr;
  const ptx::Function *function = nullptr;
  std::vector<Operand> elements;
  Location location;

  static constexpr uint8_t noComponent = 0xff;

  bool is(Kind k) const { return kind == k; }
  bool isImmediate() const { return is(Kind::Integer) || is(Kind::Float); }
  /// Of an address: a register, a variable or an integer.
  const Operand &base() const { return elements.front(); }
  /// Of an address "[tensor, {c0, c1}]": the vector, or null.
  const Operand *coordinates() const {
    return elements.size() > 1 ? &elements[1] : nullptr;
  }
};

/// The bits of an immediate read as `type`: integers are truncated, floats are
/// rounded to f32 or f64 where the type is one of these.
uint64_t immediateBits(const Operand &immediate, Type type);

/// "m16n8k16"; 0 where the name has no such part ("m8n8").
struct Shape {
  uint16_t m = 0, n = 0, k = 0;
  bool operator==(const Shape &o) const {
    return m == o.m && n == o.n && k == o.k;
  }
};

struct Instruction {
  Opcode opcode{};
  uint16_t name = 0;    ///< which spelling of the opcode, see opcodeName()
  uint8_t vector = 1;   ///< ".v4": 4
  uint8_t repeat = 0;   ///< ".x4": 4; 0 without
  Shape shape;          ///< ".m16n8k16"
  bool guarded = false; ///< "@p", "@!p"
  bool guardNegated = false;
  uint32_t guard = 0; ///< index into Function::registers
  Location location;
  uint32_t loc = noLoc; ///< index into Function::locs: the last .loc before

  std::vector<Type> types;         ///< in the order they are written
  std::vector<Space> spaces;       ///< in the order they are written
  std::vector<Modifier> modifiers; ///< in the order they are written
  /// Every dotted name as written, for printing: see Part.
  std::vector<uint32_t> parts;
  std::vector<Operand> operands;
  /// The row of the tables that the verifier found for it; null before.
  const Form *form = nullptr;

  static constexpr uint32_t noLoc = ~0u;

  bool has(Modifier m) const {
    for (Modifier other : modifiers)
      if (other == m)
        return true;
    return false;
  }
  /// The first modifier of a class, or Modifier::None.
  Modifier modifier(ModifierClass wanted) const {
    for (Modifier m : modifiers)
      if (modifierClass(m) == wanted)
        return m;
    return Modifier::None;
  }
  Type type(size_t i = 0) const {
    return i < types.size() ? types[i] : Type::None;
  }
  Space space(size_t i = 0) const {
    return i < spaces.size() ? spaces[i] : Space::Generic;
  }
};

/// "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32": all dotted names.
std::string fullName(const Instruction &instruction);

} // namespace moe::ptx

#endif // MOE_TARGET_PTX_INSTRUCTION_H
