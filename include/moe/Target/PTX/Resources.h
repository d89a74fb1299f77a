// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a kernel takes: known from the tree, before anything runs.
#ifndef MOE_TARGET_PTX_RESOURCES_H
#define MOE_TARGET_PTX_RESOURCES_H

#include "moe/Target/PTX/Module.h"

#include <array>
#include <map>

namespace moe::ptx {

/// A variable of .shared and its place in the block's memory.
struct SharedVariable {
  const Variable *variable = nullptr;
  uint64_t offset = 0;
};

/// Registers that a function declares, by width.
struct RegisterCounts {
  uint64_t predicates = 0, bits8 = 0, bits16 = 0, bits32 = 0, bits64 = 0,
           bits128 = 0;
};

/// What an entry needs, with everything that it calls. Calls through pointers
/// are taken to reach every function whose address is taken.
struct Resources {
  /// The entry itself first.
  std::vector<const Function *> functions;
  /// Those of fixed size, laid out in order of the text.
  std::vector<SharedVariable> shared;
  uint64_t sharedBytes = 0;
  /// ".extern .shared x[]": begins where the fixed ones end, aligned.
  std::vector<const Variable *> dynamicShared;
  uint64_t dynamicSharedOffset = 0;
  uint64_t localBytes = 0; ///< of one thread, all functions together
  uint64_t constBytes = 0; ///< of the whole module
  RegisterCounts registers;
  std::map<Family, uint64_t> instructions;
  uint64_t instructionCount = 0;
};

Resources resourcesOf(const Module &module, const Function &entry);

} // namespace moe::ptx

#endif // MOE_TARGET_PTX_RESOURCES_H
