// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lowerings of convert-moe-to-vector: each puts code for the units
// [begin, end) before its operation; the pass then erases the operation.
#ifndef MOE_CONVERSION_MOETOVECTOR_LOWERING_H
#define MOE_CONVERSION_MOETOVECTOR_LOWERING_H

#include "moe/Conversion/MoEToVector/KernelBuilder.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::linalg {
class LinalgOp;
} // namespace mlir::linalg

namespace mlir::memref {
class CopyOp;
} // namespace mlir::memref

namespace mlir::moe {

LogicalResult lowerToRange(PackedMatmulOp op, const KernelContext &kernel);
LogicalResult lowerToRange(GroupedMatmulOp op, const KernelContext &kernel);
LogicalResult lowerToRange(AttentionOp op, const KernelContext &kernel);
LogicalResult lowerToRange(KVAppendOp op, const KernelContext &kernel);
LogicalResult lowerToRange(RouteOp op, const KernelContext &kernel);
LogicalResult lowerToRange(SortTokensOp op, const KernelContext &kernel);
LogicalResult lowerToRange(GatherRowsOp op, const KernelContext &kernel);
LogicalResult lowerToRange(ExpertRowsOp op, const KernelContext &kernel);
LogicalResult lowerToRange(CombineRowsOp op, const KernelContext &kernel);
LogicalResult lowerToRange(CountPairsOp op, const KernelContext &kernel);
LogicalResult lowerToRange(ScanCountsOp op, const KernelContext &kernel);
LogicalResult lowerToRange(PlacePairsOp op, const KernelContext &kernel);
LogicalResult lowerToRange(linalg::LinalgOp op, const KernelContext &kernel);
LogicalResult lowerToRange(memref::CopyOp op, const KernelContext &kernel);

/// The one step of a linalg operation at `point` of its parallel loops, which
/// are its outer ones; sums stay in registers.
LogicalResult lowerToPoint(linalg::LinalgOp op, const KernelContext &kernel,
                           ValueRange point);

/// The loop of a linalg operation whose steps are its units: the first parallel
/// one that is not statically 1, or none.
std::optional<unsigned> getUnitLoop(linalg::LinalgOp op);

/// The dimension of a copy whose steps are its units, or none.
std::optional<unsigned> getUnitDimension(memref::CopyOp op);

/// The units of each row `[R, D]` that a row operation makes.
int64_t getColumnBlocks(ShapedType rows);

/// Slots of a KV cache that lie side by side, and are handled together.
constexpr int64_t slotBlock = 16;

/// The two buffers of a cache.
struct CacheBuffers {
  Value keys, values;
};

/// Views of the bytes behind `cache`, which must come from a moe.kv_view;
/// otherwise emits an error at `op`.
FailureOr<CacheBuffers> viewCache(KernelBuilder &b, Operation *op,
                                  TypedValue<KVCacheType> cache);

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOVECTOR_LOWERING_H
