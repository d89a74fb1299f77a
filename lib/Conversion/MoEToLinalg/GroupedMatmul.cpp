// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.grouped_matmul as a loop over experts, or over pairs, of dense products.
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

/// rows [M, J] x weights [N, J] -> [M, N]. Not a linalg.matmul, whose multiply
/// and add round twice: the operation's text asks for fused steps.
static Value buildProduct(OpBuilder &b, Location loc, Value rows,
                          Value weights) {
  OpFoldResult sizes[] = {tensor::getMixedSize(b, loc, rows, 0),
                          tensor::getMixedSize(b, loc, weights, 0)};
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  AffineExpr m, n, j;
  bindDims(b.getContext(), m, n, j);
  SmallVector<AffineMap> maps = AffineMap::inferFromExprList(
      {ArrayRef<AffineExpr>{m, j}, {n, j}, {m, n}}, b.getContext());
  IteratorType iterators[] = {IteratorType::parallel, IteratorType::parallel,
                              IteratorType::reduction};
  auto body = [](OpBuilder &b, Location loc, ValueRange args) {
    Value weight = args[1];
    if (!weight.getType().isF32())
      weight = arith::ExtFOp::create(b, loc, b.getF32Type(), weight);
    Value sum = math::FmaOp::create(b, loc, args[0], weight, args[2]);
    linalg::YieldOp::create(b, loc, sum);
  };
  return linalg::GenericOp::create(b, loc, init.getType(),
                                   ValueRange{rows, weights}, init, maps,
                                   iterators, body)
      .getResult(0);
}

namespace {
struct GroupedMatmulToLinalg : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "buffer form");
    if (op.getPanel())
      return rewriter.notifyMatchFailure(op, "packed weights");
    if (!op.isPlain())
      return rewriter.notifyMatchFailure(op, "fused");
    Location loc = op.getLoc();
    RowGroups groups;
    groups.offsets = op.getOffsets();
    groups.ids = op.getIds();
    groups.experts = op.getNumExperts();
    groups.partial = op.getPartial();
    groups.numRows = tensor::getMixedSize(rewriter, loc, op.getOuts()[0], 0);
    auto body = [](OpBuilder &b, Location loc, Value block,
                   ValueRange weights) {
      return buildProduct(b, loc, block, weights.front());
    };
    rewriter.replaceOp(op, buildExpertLoop(rewriter, loc, groups, op.getInput(),
                                           op.getBroadcast(), op.getWeights(),
                                           op.getOuts()[0], body));
    return success();
  }
};
} // namespace

void moe::populateGroupedMatmulToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<GroupedMatmulToLinalg>(patterns.getContext());
}
