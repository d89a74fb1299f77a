// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_TRANSFORMS_TILINGINTERFACEIMPL_H
#define MOE_DIALECT_MOE_TRANSFORMS_TILINGINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;

namespace moe {

/// Lets upstream's tiling and tile-and-fuse work on the matrix products of the
/// dialect. Sums are never split, so that every tile has the bits of the whole.
void registerTilingInterfaceExternalModels(DialectRegistry &registry);

} // namespace moe
} // namespace mlir

#endif // MOE_DIALECT_MOE_TRANSFORMS_TILINGINTERFACEIMPL_H
