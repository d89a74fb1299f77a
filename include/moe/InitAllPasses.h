// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_INITALLPASSES_H
#define MOE_INITALLPASSES_H

#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {

/// Registers every pass and pipeline of the project.
inline void registerMoEPasses() { registerMoETransformsPasses(); }

} // namespace mlir::moe

#endif // MOE_INITALLPASSES_H
