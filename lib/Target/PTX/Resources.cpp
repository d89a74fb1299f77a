// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/PTX/Resources.h"

#include <algorithm>
#include <unordered_set>

using namespace moe::ptx;

namespace {

uint64_t alignTo(uint64_t offset, uint64_t alignment) {
  alignment = std::max<uint64_t>(alignment, 1);
  return (offset + alignment - 1) / alignment * alignment;
}

/// Follows calls and mentions of variables from an entry.
class Collector {
public:
  Collector(const Module &module, Resources &resources)
      : module(module), resources(resources) {}

  void collect(const Function &entry) {
    reach(&entry);
    for (size_t i = 0; i < resources.functions.size(); ++i)
      visit(*resources.functions[i]);
  }

  bool uses(const Variable &variable) const {
    return variables.count(&variable) != 0;
  }

private:
  void reach(const Function *function) {
    const Function *definition = module.definition(*function);
    if (!definition)
      definition = function;
    if (functions.insert(definition).second)
      resources.functions.push_back(definition);
  }

  /// The variables and functions that are stored in a variable count as used.
  void use(const Variable *variable) {
    std::vector<const Variable *> work{variable};
    while (!work.empty()) {
      const Variable *one = work.back();
      work.pop_back();
      if (!variables.insert(one).second)
        continue;
      for (const Initializer &value : one->initializer) {
        if (value.function)
          reach(value.function);
        if (value.variable)
          work.push_back(value.variable);
      }
    }
  }

  void visit(const Operand &operand) {
    if (operand.variable)
      use(operand.variable);
    if (operand.function)
      reach(operand.function);
    for (const Operand &element : operand.elements)
      visit(element);
  }

  void visit(const Function &function) {
    for (const Instruction &instruction : function.instructions) {
      ++resources.instructions[family(instruction.opcode)];
      ++resources.instructionCount;
      for (const Operand &operand : instruction.operands)
        visit(operand);
    }
    for (const TargetList &list : function.targetLists)
      for (const Function *target : list.functions)
        reach(target);
  }

  const Module &module;
  Resources &resources;
  std::unordered_set<const Function *> functions;
  std::unordered_set<const Variable *> variables;
};

void count(const RegisterDeclaration &r, RegisterCounts &counts) {
  uint64_t number = uint64_t(r.count) * r.vector;
  switch (bitWidth(r.type)) {
  case 1:
    counts.predicates += number;
    break;
  case 8:
    counts.bits8 += number;
    break;
  case 16:
    counts.bits16 += number;
    break;
  case 32:
    counts.bits32 += number;
    break;
  case 64:
    counts.bits64 += number;
    break;
  default:
    counts.bits128 += number;
    break;
  }
}

} // namespace

Resources moe::ptx::resourcesOf(const Module &module, const Function &entry) {
  Resources resources;
  Collector collector(module, resources);
  collector.collect(entry);

  uint64_t dynamicAlignment = 1;
  auto place = [&](const Variable &variable) {
    if (variable.space == Space::Local) {
      resources.localBytes =
          alignTo(resources.localBytes, variable.effectiveAlignment()) +
          variable.size();
    } else if (variable.space == Space::Shared && variable.isUnsized()) {
      resources.dynamicShared.push_back(&variable);
      dynamicAlignment =
          std::max<uint64_t>(dynamicAlignment, variable.effectiveAlignment());
    } else if (variable.space == Space::Shared) {
      uint64_t offset =
          alignTo(resources.sharedBytes, variable.effectiveAlignment());
      resources.shared.push_back({&variable, offset});
      resources.sharedBytes = offset + variable.size();
    }
  };
  for (const Variable &variable : module.variables) {
    if (variable.space == Space::Const)
      resources.constBytes =
          alignTo(resources.constBytes, variable.effectiveAlignment()) +
          variable.size();
    else if (collector.uses(variable))
      place(variable);
  }
  for (const Function *function : resources.functions) {
    for (const Variable &variable : function->variables)
      place(variable);
    for (const RegisterDeclaration &r : function->registerDeclarations)
      count(r, resources.registers);
  }
  resources.dynamicSharedOffset =
      alignTo(resources.sharedBytes, dynamicAlignment);
  return resources;
}
