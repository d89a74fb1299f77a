// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/PTX/Module.h"

#include <cstring>

using namespace moe::ptx;

uint64_t Variable::elementCount() const {
  uint64_t count = 1;
  for (uint64_t extent : extents)
    count *= extent;
  return count;
}

uint64_t Function::paramBytes() const {
  return params.empty() ? 0 : params.back().offset + params.back().size();
}

const Function *Module::findFunction(std::string_view name) const {
  const Function *found = nullptr;
  for (const Function &function : functions)
    if (function.name == name && (!found || function.hasBody))
      found = &function;
  return found;
}

const Variable *Module::findVariable(std::string_view name) const {
  for (const Variable &variable : variables)
    if (variable.name == name)
      return &variable;
  return nullptr;
}

const Function *Module::definition(const Function &function) const {
  std::string_view name = function.name;
  for (const Alias &alias : aliases)
    if (alias.alias->name == name)
      name = alias.aliasee->name;
  const Function *found = findFunction(name);
  return found && found->hasBody ? found : nullptr;
}

const File *Module::findFile(uint32_t index) const {
  for (const File &file : files)
    if (file.index == index)
      return &file;
  return nullptr;
}

uint64_t moe::ptx::immediateBits(const Operand &immediate, Type type) {
  bool isF32 = type == Type::F32, isF64 = type == Type::F64;
  uint64_t bits;
  if (immediate.is(Operand::Kind::Integer)) {
    if (isF32 || isF64) {
      double value = immediate.isUnsigned ? double(uint64_t(immediate.integer))
                                          : double(immediate.integer);
      float single = float(value);
      bits = 0;
      std::memcpy(&bits, isF32 ? (const void *)&single : &value,
                  isF32 ? sizeof single : sizeof value);
      return bits;
    }
    bits = uint64_t(immediate.integer);
  } else if (immediate.type == Type::F64 && isF32) {
    double value;
    std::memcpy(&value, &immediate.bits, sizeof value);
    float single = float(value);
    bits = 0;
    std::memcpy(&bits, &single, sizeof single);
  } else if (immediate.type == Type::F32 && isF64) {
    float single;
    uint32_t low = uint32_t(immediate.bits);
    std::memcpy(&single, &low, sizeof single);
    double value = single;
    std::memcpy(&bits, &value, sizeof value);
  } else {
    bits = immediate.bits;
  }
  unsigned width = bitWidth(type);
  return width < 64 ? bits & ((uint64_t(1) << width) - 1) : bits;
}
