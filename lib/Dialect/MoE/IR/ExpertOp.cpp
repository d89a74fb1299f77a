// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace mlir::moe;

void ExpertOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setName) {
  if (region.empty() || region.getNumArguments() == 0)
    return;
  setName(region.getArgument(0), "block");
  for (BlockArgument weight : region.getArguments().drop_front())
    setName(weight, "w" + std::to_string(weight.getArgNumber()));
}

LogicalResult ExpertOp::verify() {
  auto rows = cast<ShapedType>(getRows().getType());
  auto result = cast<ShapedType>(getResult().getType());
  for (Value weight : getWeights()) {
    auto type = cast<ShapedType>(weight.getType());
    if (type.getRank() < 1)
      return emitOpError("expected weights of rank 1 or more, got ") << type;
    if (failed(checkExtent(*this, "leading extent of weights",
                           getPlan().getType().getExperts(),
                           type.getDimSize(0))))
      return failure();
  }
  return checkExtent(*this, "rows of the result", rows.getDimSize(0),
                     result.getDimSize(0));
}

LogicalResult ExpertOp::verifyRegions() {
  Block &body = *getBody().begin();
  if (body.getNumArguments() != getWeights().size() + 1)
    return emitOpError("expected ")
           << getWeights().size() + 1
           << " block arguments (rows and one for each weight), got "
           << body.getNumArguments();
  auto checkType = [&](const Twine &what, Type expected,
                       Type actual) -> LogicalResult {
    if (expected == actual)
      return success();
    return emitOpError("expected ")
           << what << " of type " << expected << ", got " << actual;
  };
  auto blockType = [](Type type) {
    auto rows = cast<RankedTensorType>(type);
    return RankedTensorType::get({ShapedType::kDynamic, rows.getDimSize(1)},
                                 rows.getElementType());
  };
  if (failed(checkType("block argument 0", blockType(getRows().getType()),
                       body.getArgument(0).getType())))
    return failure();
  for (auto [i, weight] : llvm::enumerate(getWeights())) {
    auto type = cast<RankedTensorType>(weight.getType());
    auto slice = RankedTensorType::get(type.getShape().drop_front(),
                                       type.getElementType());
    if (failed(checkType("block argument " + Twine(i + 1), slice,
                         body.getArgument(i + 1).getType())))
      return failure();
  }
  auto yield = cast<YieldOp>(body.getTerminator());
  if (yield.getValues().size() != 1)
    return yield.emitOpError("expected one value, got ")
           << yield.getValues().size();
  return checkType("yielded block", blockType(getResult().getType()),
                   yield.getValues().front().getType());
}

LogicalResult ExpertOp::reifyResultShapes(OpBuilder &b,
                                          ReifiedRankedShapedTypeDims &shapes) {
  int64_t width = cast<ShapedType>(getResult().getType()).getDimSize(1);
  // Only the region, which may not even run, knows a dynamic width.
  if (ShapedType::isDynamic(width))
    return failure();
  shapes.push_back(
      {extentOf(b, getLoc(), getRows(), 0), b.getIndexAttr(width)});
  return success();
}

LogicalResult ExpertOp::canonicalize(ExpertOp op, PatternRewriter &rewriter) {
  Block &body = op.getBody().front();
  llvm::BitVector unused(body.getNumArguments());
  for (BlockArgument argument : body.getArguments().drop_front())
    if (argument.use_empty())
      unused.set(argument.getArgNumber());
  if (unused.none())
    return rewriter.notifyMatchFailure(op, "all weights are used");
  rewriter.modifyOpInPlace(op, [&] {
    unsigned firstWeight = op.getWeights().getBeginOperandIndex();
    llvm::BitVector operands(op->getNumOperands());
    for (unsigned argument : unused.set_bits())
      operands.set(firstWeight + argument - 1);
    op->eraseOperands(operands);
    body.eraseArguments(unused);
  });
  return success();
}
