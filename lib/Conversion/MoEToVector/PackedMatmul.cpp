// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatmulMicroKernel.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult moe::lowerToRange(PackedMatmulOp op,
                                const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  Value output = op.getOuts()[0];
  FailureOr<PanelProduct> product =
      PanelProduct::create(b, op, op.getWeights(), op.getInput(),
                           cast<MemRefType>(output.getType()).getDimSize(1),
                           op.getPanel(), kernel.lanes);
  if (failed(product))
    return failure();
  PanelProduct::Range range;
  range.panelBegin = kernel.begin;
  range.panelEnd = kernel.end;
  range.rowBegin = b.index(0);
  range.rowEnd = b.dim(op.getInput(), 0);
  range.rows = cast<MemRefType>(op.getInput().getType()).getDimSize(0);
  auto store = [&](Value row, const PanelProduct::Place &place,
                   ValueRange products) {
    b.storeVector(products[0], output, {row, place.column}, place.mask);
  };
  product->emit(range, {store});
  return success();
}
