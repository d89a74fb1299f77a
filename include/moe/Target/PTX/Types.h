// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vocabulary of PTX: types, state spaces, instructions, their modifiers and
// special registers, each an enumeration made from one table.
#ifndef MOE_TARGET_PTX_TYPES_H
#define MOE_TARGET_PTX_TYPES_H

#include <cstdint>
#include <string_view>

namespace moe::ptx {

enum class Type : uint8_t {
  None,
#define MOE_PTX_TYPE(enumerator, spelling, bits, class) enumerator,
#include "moe/Target/PTX/Types.def"
};

/// What decides whether two types of one width may stand for each other.
/// Packed and alternate formats (bf16, tf32, f32x2, s16x2, …) live in registers
/// of bits.
enum class TypeClass : uint8_t {
  Predicate,
  Bits,
  Unsigned,
  Signed,
  Float,
  PackedInteger,
  PackedFloat,
  Opaque,
};

enum class Space : uint8_t {
  Generic,
  Reg,
  Global,
  Const,
  Local,
  Param,      ///< ".param" as written; entry or function says which.
  ParamEntry, ///< ".param::entry"
  ParamFunc,  ///< ".param::func"
  Shared,     ///< ".shared" as written: ".shared::cta" in most instructions.
  SharedCta,
  SharedCluster,
  Tex,
};

enum class Opcode : uint16_t {
#define MOE_PTX_OPCODE(enumerator, spelling, family) enumerator,
#include "moe/Target/PTX/Opcodes.def"
};

enum class Family : uint8_t {
  Arithmetic,
  Logic,
  Approximation,
  Compare,
  Move,
  Convert,
  Memory,
  Atomic,
  AsyncCopy,
  BulkCopy,
  Barrier,
  Fence,
  Mbarrier,
  Cluster,
  Warp,
  Matrix,
  Wgmma,
  Tcgen05,
  Control,
  Texture,
};

enum class Modifier : uint16_t {
  None,
#define MOE_PTX_MODIFIER(enumerator, spelling, class) enumerator,
#include "moe/Target/PTX/Modifiers.def"
};

enum class ModifierClass : uint8_t {
  None,
  Rounding,
  Precision,
  Flag,
  Half,
  Compare,
  Operation,
  Property,
  Direction,
  Shift,
  Permute,
  Semantics,
  Scope,
  Cache,
  Level,
  Evict,
  Prefetch,
  CacheHint,
  Layout,
  Kind,
  BlockScale,
  ScaleVec,
  Sparse,
  Group,
  Collector,
  TensorShape,
  WarpMulticast,
  Pack,
  Completion,
  Multicast,
  LoadMode,
  TensorField,
  Proxy,
  SyncRestrict,
  Mbarrier,
  Read,
  Query,
  Mask,
  Geometry,
  Texture,
};

enum class SpecialRegister : uint8_t {
#define MOE_PTX_SREG(enumerator, spelling, type, components, isa, sm)          \
  enumerator,
#include "moe/Target/PTX/SpecialRegisters.def"
};

/// Spellings without the leading dot or "%".
std::string_view spelling(Type type);
std::string_view spelling(Space space);
std::string_view spelling(Opcode opcode);
std::string_view spelling(Modifier modifier);
std::string_view spelling(SpecialRegister sreg);
std::string_view spelling(Family family);

unsigned bitWidth(Type type);
/// The bytes that a value takes in memory; a predicate has none.
inline unsigned byteSize(Type type) { return bitWidth(type) / 8; }
TypeClass typeClass(Type type);
inline bool isSigned(Type type) { return typeClass(type) == TypeClass::Signed; }
inline bool isUnsigned(Type type) {
  return typeClass(type) == TypeClass::Unsigned;
}
inline bool isInteger(Type type) { return isSigned(type) || isUnsigned(type); }
inline bool isFloat(Type type) {
  TypeClass kind = typeClass(type);
  return kind == TypeClass::Float || kind == TypeClass::PackedFloat;
}

Family family(Opcode opcode);
ModifierClass modifierClass(Modifier modifier);

/// What the table says of a special register.
struct SpecialRegisterInfo {
  Type type;
  uint8_t components; ///< 4 where it has .x, .y, .z (and .w, which is 0).
  uint16_t isa;       ///< PTX ISA that brought it, major * 10 + minor.
  uint16_t sm;
};
const SpecialRegisterInfo &info(SpecialRegister sreg);

} // namespace moe::ptx

#endif // MOE_TARGET_PTX_TYPES_H
