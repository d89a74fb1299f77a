// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a name means at a place: the innermost declaration that encloses it.
#ifndef MOE_LIB_TARGET_PTX_SYMBOLTABLE_H
#define MOE_LIB_TARGET_PTX_SYMBOLTABLE_H

#include "moe/Target/PTX/Module.h"

#include <string>
#include <unordered_map>

namespace moe::ptx {

struct Symbol {
  enum class Kind : uint8_t { Register, Range, Variable, Function };
  Kind kind;
  uint32_t index = 0; ///< of a register, or of the declaration of a range
  Variable *variable = nullptr;
  Function *function = nullptr;
};

class SymbolTable {
public:
  SymbolTable() : scopes(1) {}

  void push() { scopes.emplace_back(); }
  void pop() { scopes.pop_back(); }
  size_t depth() const { return scopes.size(); }

  /// False if the innermost scope has the name already.
  bool declare(const std::string &name, Symbol symbol) {
    return scopes.back().names.insert({name, symbol}).second;
  }
  bool declareRange(const std::string &prefix, Symbol symbol) {
    return scopes.back().ranges.insert({prefix, symbol}).second;
  }
  Symbol *findInnermost(const std::string &name);

  /// The declaration of `name`; for one of a range ("%r17" of "%r<20>"), which
  /// is `function`'s, a register of that name is made on first use.
  Symbol *find(const std::string &name, Function *function);

private:
  struct Scope {
    std::unordered_map<std::string, Symbol> names;
    std::unordered_map<std::string, Symbol> ranges;
  };
  std::vector<Scope> scopes;
};

} // namespace moe::ptx

#endif // MOE_LIB_TARGET_PTX_SYMBOLTABLE_H
