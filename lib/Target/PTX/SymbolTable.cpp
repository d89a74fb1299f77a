// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SymbolTable.h"

using namespace moe::ptx;

Symbol *SymbolTable::findInnermost(const std::string &name) {
  auto found = scopes.back().names.find(name);
  return found == scopes.back().names.end() ? nullptr : &found->second;
}

Symbol *SymbolTable::find(const std::string &name, Function *function) {
  for (size_t depth = scopes.size(); depth-- > 0;) {
    Scope &scope = scopes[depth];
    if (auto found = scope.names.find(name); found != scope.names.end())
      return &found->second;
    if (!function || scope.ranges.empty())
      continue;
    // Every way to split the name in a prefix and a number without leading
    // zeros: "%r1<5>" declares %r10 … %r14.
    uint64_t number = 0, power = 1;
    for (size_t at = name.size(); at-- > 1 && name.size() - at <= 10;) {
      char digit = name[at];
      if (digit < '0' || digit > '9')
        break;
      number += uint64_t(digit - '0') * power;
      power *= 10;
      if (digit == '0' && at + 1 != name.size())
        continue;
      auto found = scope.ranges.find(name.substr(0, at));
      if (found == scope.ranges.end())
        continue;
      const RegisterDeclaration &declaration =
          function->registerDeclarations[found->second.index];
      if (number >= declaration.count)
        continue;
      uint32_t index = uint32_t(function->registers.size());
      function->registers.push_back(
          {name, declaration.type, declaration.vector, found->second.index});
      Symbol symbol{Symbol::Kind::Register, index, nullptr, nullptr};
      return &scope.names.insert({name, symbol}).first->second;
    }
  }
  return nullptr;
}
