// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Linalg operations and copies at one point of their parallel loops.
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::moe;

SmallVector<Value> moe::getPoint(KernelBuilder &b, Value unit,
                                 ArrayRef<Value> extents) {
  SmallVector<Value> point(extents.size());
  for (int64_t i = extents.size() - 1; i > 0; --i) {
    point[i] = b.createOrFold<arith::RemUIOp>(unit, extents[i]);
    unit = b.createOrFold<arith::DivUIOp>(unit, extents[i]);
  }
  if (!point.empty())
    point[0] = unit;
  return point;
}

Value moe::loadF32(KernelBuilder &b, Value memref, ValueRange indices) {
  Value value = b.load(memref, indices);
  if (!value.getType().isBF16())
    return value;
  return arith::ExtFOp::create(b, b.getF32Type(), value);
}

/// The operation with its reductions inside of its parallel loops, so that
/// sums stay in registers.
static FailureOr<linalg::GenericOp> moveReductionsInside(linalg::LinalgOp op) {
  IRRewriter rewriter(op->getContext());
  rewriter.setInsertionPoint(op);
  // Operations of a kernel are erased by the pass that lowers them.
  auto clone = cast<linalg::LinalgOp>(rewriter.clone(*op));
  FailureOr<linalg::GenericOp> generic =
      linalg::generalizeNamedOp(rewriter, clone);
  if (failed(generic)) {
    auto same = dyn_cast<linalg::GenericOp>(clone.getOperation());
    if (!same)
      return op.emitOpError("has no lowering to a thread of a GPU");
    generic = same;
  }
  SmallVector<unsigned> order;
  auto iterators = generic->getIteratorTypesArray();
  for (auto kind :
       {utils::IteratorType::parallel, utils::IteratorType::reduction})
    for (auto [i, iterator] : llvm::enumerate(iterators))
      if (iterator == kind)
        order.push_back(i);
  if (llvm::is_sorted(order))
    return generic;
  rewriter.setInsertionPoint(*generic);
  return linalg::interchangeGenericOp(rewriter, *generic, order);
}

LogicalResult moe::lowerToThread(linalg::LinalgOp op,
                                 const KernelContext &kernel) {
  FailureOr<linalg::GenericOp> generic = moveReductionsInside(op);
  if (failed(generic))
    return failure();
  KernelBuilder b(*generic, kernel);
  auto loops = cast<linalg::LinalgOp>(generic->getOperation());
  SmallVector<Value> point =
      getPoint(b, kernel.begin, getPointExtents(b, loops));
  LogicalResult result = lowerToPoint(loops, kernel, point);
  generic->erase();
  return result;
}

LogicalResult moe::lowerToThread(memref::CopyOp op,
                                 const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  SmallVector<Value> point = getPoint(b, kernel.begin, getPointExtents(b, op));
  b.store(b.load(op.getSource(), point), op.getTarget(), point);
  return success();
}
