// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products with plain weights as linalg.generic whose body is one fused
// multiply-add, so that each element is the chain that moe.packed_matmul has.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

using namespace mlir;
using namespace mlir::moe;

static Value extend(OpBuilder &b, Location loc, Value value) {
  if (value.getType().isF32())
    return value;
  return arith::ExtFOp::create(b, loc, b.getF32Type(), value);
}

/// out + lhs times rhs, by these maps.
static Value buildProduct(OpBuilder &b, Location loc, LinalgOperand lhs,
                          LinalgOperand rhs, LinalgOperand out) {
  return buildGeneric(b, loc, {lhs, rhs}, out,
                      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
                        return math::FmaOp::create(
                            b, loc, extend(b, loc, args[0]),
                            extend(b, loc, args[1]), args[2]);
                      });
}

namespace {
struct MatmulToGeneric : OpRewritePattern<linalg::MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::MatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "buffer form");
    auto isFloat = [](Value value) {
      Type type = cast<ShapedType>(value.getType()).getElementType();
      return type.isF32() || type.isBF16();
    };
    Value out = op.getOutputs()[0];
    if (!llvm::all_of(op.getInputs(), isFloat) ||
        !cast<ShapedType>(out.getType()).getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "not f32, or bf16 to f32");
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    rewriter.replaceOp(
        op, buildProduct(rewriter, op.getLoc(), {op.getInputs()[0], maps[0]},
                         {op.getInputs()[1], maps[1]}, {out, maps[2]}));
    return success();
  }
};

/// The projection of a route by itself.
struct SplitGate : OpRewritePattern<RouteOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouteOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getGate() || op.getPanel() || op.getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "no plain gate on tensors");
    Location loc = op.getLoc();
    OpFoldResult shape[] = {
        tensor::getMixedSize(rewriter, loc, op.getLogits(), 0),
        rewriter.getIndexAttr(op.getNumColumns())};
    Value zeros =
        createFilled(rewriter, loc, shape, rewriter.getF32FloatAttr(0.0f));
    Value logits = buildProduct(
        rewriter, loc, {op.getLogits(), selectLoops(rewriter, 3, {0, 2})},
        {op.getGate(), selectLoops(rewriter, 3, {1, 2})},
        {zeros, selectLoops(rewriter, 3, {0, 1})});
    rewriter.modifyOpInPlace(op, [&] {
      op.getLogitsMutable().assign(logits);
      op.getGateMutable().clear();
      op.removeColumnsAttr();
    });
    return success();
  }
};
} // namespace

void moe::populateProductsToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<MatmulToGeneric, SplitGate>(patterns.getContext());
}
