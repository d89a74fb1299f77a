// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lowering.h"
#include "MatmulMicroKernel.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult moe::lowerToRange(GroupedMatmulOp op,
                                const KernelContext &kernel) {
  if (!op.getPanel())
    return op.emitOpError("expected packed weights in a kernel");
  KernelBuilder b(op, kernel);
  FailureOr<PanelProduct> product =
      PanelProduct::create(b, op, op.getWeights(), op.getInput(),
                           op.getOuts()[0], *op.getPanel(), kernel.lanes);
  if (failed(product))
    return failure();

  // Units count panels within groups; a group is an expert, or a pair.
  int64_t panels = product->getPanels();
  Value firstGroup = b.div(kernel.begin, panels);
  Value endGroup = b.div(b.add(kernel.end, panels - 1), panels);
  b.loop(firstGroup, endGroup, 1, [&](Value group) {
    PanelProduct::Range range;
    Value firstUnit = b.mul(group, panels);
    range.panelBegin = b.max(b.sub(kernel.begin, firstUnit), b.index(0));
    range.panelEnd = b.min(b.sub(kernel.end, firstUnit), b.index(panels));
    if (op.getOffsets()) {
      range.matrix = group;
      range.rowBegin = b.loadIndex(op.getOffsets(), group);
      range.rowEnd = b.loadIndex(op.getOffsets(), b.add(group, 1));
      range.rows = ShapedType::kDynamic;
    } else {
      int64_t topK = cast<MemRefType>(op.getIds().getType()).getDimSize(1);
      Value token = b.div(group, topK);
      range.matrix = b.loadIndex(op.getIds(), {token, b.rem(group, topK)});
      range.rowBegin = group;
      range.rowEnd = b.add(group, 1);
      if (op.getBroadcast())
        range.inputBegin = token;
      range.rows = 1;
    }
    product->emit(range);
  });
  return success();
}
