// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tree of a PTX module: typed, every name resolved, in the order of the
// text, so that it prints as it was read. Registers, labels and variables of
// nested scopes are flattened into their function and told apart by index.
//
// A Module owns all of it; pointers into it stay valid when it is moved.
#ifndef MOE_TARGET_PTX_MODULE_H
#define MOE_TARGET_PTX_MODULE_H

#include "moe/Target/PTX/Instruction.h"

#include <array>
#include <deque>
#include <iosfwd>

namespace moe::ptx {

enum class Linkage : uint8_t { None, Visible, Extern, Weak, Common };

/// One value of an initialiser: a number, or the address of something.
struct Initializer {
  enum class Kind : uint8_t { Integer, Float, Symbol };
  Kind kind = Kind::Integer;
  /// Place in the flattened array; a vector is as many places. What has no
  /// value of its own is zero.
  uint64_t position = 0;
  int64_t integer = 0;
  uint64_t bits = 0; ///< of a float, in the format of `floatType`
  Type floatType = Type::None;
  const Variable *variable = nullptr;
  const Function *function = nullptr;
  int64_t addend = 0;
  bool generic = false; ///< "generic(symbol)"
  uint64_t mask = 0;    ///< "0xff00(symbol)"; 0 without
};

struct Variable {
  std::string name;
  Space space = Space::Global;
  Type type = Type::None;
  uint8_t vector = 1;
  uint32_t alignment = 0; ///< as written; 0: natural
  Linkage linkage = Linkage::None;
  /// Extents of an array; none: not an array. A first extent of 0 is "[]".
  std::vector<uint64_t> extents;
  bool hasInitializer = false;
  std::vector<Initializer> initializer; ///< ascending by position
  /// Parameters: ".ptr .global .align 16".
  bool isPointer = false;
  Space pointee = Space::Generic;
  uint32_t pointeeAlignment = 0;
  /// Parameters: the offset in the block of parameters.
  uint64_t offset = 0;
  std::string attributes; ///< ".attribute(…)" as written
  Location location;

  uint64_t elementSize() const { return uint64_t(byteSize(type)) * vector; }
  uint64_t elementCount() const;
  /// The extents, and that of the vector.
  std::vector<uint64_t> dimensions() const {
    std::vector<uint64_t> all = extents;
    if (vector > 1)
      all.push_back(vector);
    return all;
  }
  /// Bytes; 0 of an unsized array.
  uint64_t size() const { return elementSize() * elementCount(); }
  uint32_t effectiveAlignment() const {
    return alignment ? alignment : uint32_t(elementSize());
  }
  bool isUnsized() const { return !extents.empty() && extents[0] == 0; }
};

/// A register that the function uses, or that is declared by its own name.
struct Register {
  std::string name;
  Type type = Type::None;
  uint8_t vector = 1;
  uint32_t declaration = 0; ///< index into Function::registerDeclarations
};

/// ".reg .b32 %r<107>;" or ".reg .b32 %a;"
struct RegisterDeclaration {
  std::string name;
  Type type = Type::None;
  uint8_t vector = 1;
  bool ranged = false;
  uint32_t count = 1;
  uint32_t scope = 0;
  Location location;
};

struct Label {
  std::string name;
  /// The instruction it stands before; instructions.size() at the end.
  uint32_t instruction = 0;
  uint32_t scope = 0;
  Location location;
};

/// ".loc 1 79 43, function_name $L__info_string0, inlined_at 1 80 22"
struct Loc {
  uint32_t file = 0, line = 0, column = 0;
  std::string functionName; ///< empty: not inlined
  uint64_t functionNameOffset = 0;
  uint32_t inlinedFile = 0, inlinedLine = 0, inlinedColumn = 0;
};

/// ".callprototype": what an indirect call calls.
struct Prototype {
  std::string name;
  std::deque<Variable> returns, params;
  bool noreturn = false;
  std::string directives; ///< what else was written behind it
  uint32_t scope = 0;
  Location location;
};

/// ".branchtargets" (labels) or ".calltargets" (functions).
struct TargetList {
  std::string name;
  bool isCall = false;
  std::vector<uint32_t> labels;
  std::vector<const Function *> functions;
  uint32_t scope = 0;
  Location location;
};

/// The body in the order of the text; `index` is into the list of the kind.
struct Statement {
  enum class Kind : uint8_t {
    Instruction,
    Label,
    Registers,
    Variable,
    Loc,
    ScopeBegin,
    ScopeEnd,
    Prototype,
    TargetList,
    Pragma,
  };
  Kind kind;
  uint32_t index;
};

/// Performance and launch directives of a function; 0: not written.
struct Directives {
  std::array<uint32_t, 3> maxntid{}, reqntid{}, reqnctapercluster{};
  uint32_t minnctapersm = 0, maxnctapersm = 0, maxnreg = 0, maxclusterrank = 0;
  uint32_t abiPreserve = 0, abiPreserveControl = 0;
  bool noreturn = false, explicitcluster = false, blocksareclusters = false;
  bool unified = false;
  std::vector<std::string> pragmas;
};

struct Function {
  std::string name;
  bool isEntry = false;
  bool hasBody = false;
  Linkage linkage = Linkage::None;
  std::deque<Variable> returns;
  std::deque<Variable> params;
  Directives directives;
  std::string attributes;
  Location location;
  Location endLocation; ///< the closing brace

  std::vector<Register> registers;
  std::vector<RegisterDeclaration> registerDeclarations;
  std::deque<Variable> variables;
  std::vector<Label> labels;
  std::vector<Loc> locs;
  std::vector<Prototype> prototypes;
  std::vector<TargetList> targetLists;
  std::vector<std::string> pragmas;
  /// The parent of each scope; scope 0 is the body itself.
  std::vector<uint32_t> scopes;
  std::vector<Instruction> instructions;
  std::vector<Statement> statements;

  /// Bytes of the block of parameters.
  uint64_t paramBytes() const;
};

struct Target {
  uint32_t sm = 0;                  ///< 80 of sm_80
  char suffix = 0;                  ///< 'a', 'f' or 0
  std::vector<std::string> options; ///< texmode_…, debug, map_f64_to_f32
};

struct File {
  uint32_t index = 0;
  std::string name;
  bool hasStamp = false;
  uint64_t timestamp = 0, size = 0;
};

/// ".section": debug data, kept as its lines of text.
struct Section {
  std::string name;
  std::vector<std::string> lines;
};

struct Alias {
  const Function *alias = nullptr, *aliasee = nullptr;
  Location location;
};

/// The module in the order of the text.
struct Item {
  enum class Kind : uint8_t {
    Variable,
    Function, ///< a definition, or a declaration of its own
    File,
    Section,
    Alias,
    Pragma,
  };
  Kind kind;
  uint32_t index;
};

class Module {
public:
  Module() = default;
  Module(Module &&) = default;
  Module &operator=(Module &&) = default;
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  std::string fileName;
  uint32_t isa = 0; ///< major * 10 + minor
  Target target;
  uint32_t addressSize = 64;
  bool addressSizeWritten = false;
  std::deque<Variable> variables;
  /// A function that is declared and then defined stands here once for each;
  /// calls refer to the definition if there is one: see definition().
  std::deque<Function> functions;
  std::vector<File> files;
  std::vector<Section> sections;
  std::vector<Alias> aliases;
  std::vector<std::string> pragmas;
  std::vector<Item> items;

  const Function *findFunction(std::string_view name) const;
  const Variable *findVariable(std::string_view name) const;
  /// The definition of a declared function (through .alias), or null.
  const Function *definition(const Function &function) const;
  const File *findFile(uint32_t index) const;

  /// As PTX that parses to the same module.
  void print(std::ostream &os) const;
  std::string str() const;
};

} // namespace moe::ptx

#endif // MOE_TARGET_PTX_MODULE_H
