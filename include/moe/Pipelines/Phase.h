// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's way from a graph to code, in phases that can be stopped at,
// printed and read back.
#ifndef MOE_PIPELINES_PHASE_H
#define MOE_PIPELINES_PHASE_H

#include "mlir/Pass/PassManager.h"

#include <functional>
#include <vector>

namespace mlir::moe {

/// One level of the IR. `build` adds the passes that lead there from the phase
/// before it.
struct Phase {
  llvm::StringLiteral name;
  llvm::StringLiteral summary;
  std::function<void(OpPassManager &)> build;
};

using Phases = std::vector<Phase>;

/// What all targets let be chosen.
struct CommonOptions {
  bool fuse = true;
  bool checkConservation = false;
};

/// graph, sorted, fused, verified: where no operation knows its target yet.
Phases getCommonPhases(const CommonOptions &options);

/// Entries on memory, with every buffer placed. `device`: in the memory of a
/// device, which the host that runs them does not see.
void buildBuffers(OpPassManager &manager, bool device);

/// What every phase ends with.
void cleanUp(OpPassManager &manager);

} // namespace mlir::moe

#endif // MOE_PIPELINES_PHASE_H
