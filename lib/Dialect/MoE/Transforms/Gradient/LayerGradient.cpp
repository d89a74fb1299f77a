// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dispatch and combine. Dispatch is the linear map that copies token t's row to
// the row of each of its pairs; its transpose adds the rows of a token's pairs,
// which is a combine with weights 1. The transpose of that combine, in turn, is
// the dispatch.
#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

using namespace mlir;
using namespace mlir::moe;

/// Weights 1 for each of the ids.
static Value createOnes(OpBuilder &b, Location loc, Value ids) {
  return createFilled(b, loc, tensor::getMixedSizes(b, loc, ids),
                      b.getF32FloatAttr(1.0f));
}

LogicalResult moe::pullBack(OpBuilder &b, DispatchOp op, Adjoints &adjoints) {
  if (op.getScale())
    return refuse(op) << "its rows are scaled";
  Value input = op.getInput();
  Value sum = CombineOp::create(b, op.getLoc(), input.getType(),
                                adjoints.lookup(op.getRows()), op.getPlan(),
                                createOnes(b, op.getLoc(), op.getIds()),
                                adjoints.lookup(input));
  adjoints.set(input, sum);
  return success();
}

namespace {
/// The pairs of a combine as T·k tokens of one slot each. They sort to the rows
/// of the plan itself, since both orders are by expert, then by pair.
struct Pairs {
  /// The pairs' ids, [T·k, 1], from the dispatch that made the plan.
  Pairs(OpBuilder &b, Location loc, DispatchOp dispatch);

  /// weights[t, s] * x[t, :] of each pair, in the rows of the plan.
  DispatchOp dispatch(Value x, Value weights);
  /// <x[t, :], rows of the pair> for each pair, [T, k].
  Value dot(Value x, Value rows, Value plan, Type weightsType);

private:
  OpBuilder &b;
  Location loc;
  int64_t experts, topK, count;
  bool partial;
  Value ids;
  OpFoldResult tokens;
};
} // namespace

static const SmallVector<ReassociationIndices> pairsAndWidth = {{0, 1}, {2}};

Pairs::Pairs(OpBuilder &b, Location loc, DispatchOp dispatch)
    : b(b), loc(loc), experts(dispatch.getExperts()),
      topK(dispatch.getPlan().getType().getTopK()),
      partial(dispatch.getPartial()) {
  Value idsOfTokens = dispatch.getIds();
  tokens = tensor::getMixedSize(b, loc, idsOfTokens, 0);
  Value flat = tensor::CollapseShapeOp::create(
      b, loc, idsOfTokens, ArrayRef<ReassociationIndices>{{0, 1}});
  auto flatType = cast<RankedTensorType>(flat.getType());
  count = flatType.getDimSize(0);
  ids = tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get({count, 1}, flatType.getElementType()),
      flat, ArrayRef<ReassociationIndices>{{0, 1}},
      SmallVector<OpFoldResult>{tensor::getMixedSize(b, loc, flat, 0),
                                b.getIndexAttr(1)});
}

DispatchOp Pairs::dispatch(Value x, Value weights) {
  OpFoldResult width = tensor::getMixedSize(b, loc, x, 1);
  Value empty = createEmpty(b, loc, {tokens, b.getIndexAttr(topK), width},
                            b.getF32Type());
  Value scaled = buildGeneric(
      b, loc,
      {{x, selectLoops(b, 3, {0, 2})}, {weights, selectLoops(b, 3, {0, 1})}},
      {empty, b.getMultiDimIdentityMap(3)},
      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
        return arith::MulFOp::create(b, loc, args[0], args[1]);
      });
  Value flat = tensor::CollapseShapeOp::create(b, loc, scaled, pairsAndWidth);
  int64_t columns = cast<ShapedType>(x.getType()).getDimSize(1);
  auto type = RankedTensorType::get({count, columns}, b.getF32Type());
  auto sorted = DispatchOp::create(
      b, loc, type, PlanType::get(b.getContext(), experts, 1),
      castTo(b, loc, flat, type), ids, uint64_t(experts));
  sorted.setPartial(partial);
  return sorted;
}

Value Pairs::dot(Value x, Value rows, Value plan, Type weightsType) {
  int64_t columns = cast<ShapedType>(rows.getType()).getDimSize(1);
  auto type = RankedTensorType::get({count, columns}, b.getF32Type());
  // Each pair is a token of one slot, so this combine is a permutation.
  Value ofPairs = CombineOp::create(b, loc, type, rows, plan,
                                    createOnes(b, loc, ids), Value());
  int64_t numTokens = cast<ShapedType>(weightsType).getDimSize(0);
  Value ofTokens = tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get({numTokens, topK, columns}, b.getF32Type()),
      ofPairs, pairsAndWidth,
      SmallVector<OpFoldResult>{tokens, b.getIndexAttr(topK),
                                tensor::getMixedSize(b, loc, rows, 1)});
  Value zeros = createFilled(b, loc, {tokens, b.getIndexAttr(topK)},
                             b.getF32FloatAttr(0.0f));
  Value dots = buildGeneric(
      b, loc,
      {{x, selectLoops(b, 3, {0, 2})}, {ofTokens, b.getMultiDimIdentityMap(3)}},
      {zeros, selectLoops(b, 3, {0, 1})},
      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
        return math::FmaOp::create(b, loc, args[0], args[1], args[2]);
      });
  return castTo(b, loc, dots, weightsType);
}

FailureOr<DispatchOp> moe::getDispatch(Operation *op, Value plan) {
  auto dispatch = plan.getDefiningOp<DispatchOp>();
  if (dispatch)
    return dispatch;
  refuse(op) << "expected a plan of a moe.dispatch";
  return failure();
}

LogicalResult moe::pullBack(OpBuilder &b, CombineOp op, Adjoints &adjoints) {
  if (op.getSkipped())
    return refuse(op) << "skipped pairs add to the sum";
  FailureOr<DispatchOp> dispatch = getDispatch(op, op.getPlan());
  if (failed(dispatch))
    return failure();
  Location loc = op.getLoc();
  Value adjoint = adjoints.lookup(op.getResult());
  if (op.getResidual() && adjoints.isActive(op.getResidual()))
    adjoints.add(b, loc, op.getResidual(), adjoint);
  bool ofRows = adjoints.isActive(op.getRows());
  bool ofWeights = adjoints.isActive(op.getWeights());
  if (!ofRows && !ofWeights)
    return success();
  Pairs pairs(b, loc, *dispatch);
  DispatchOp sorted = pairs.dispatch(adjoint, op.getWeights());
  if (ofWeights)
    adjoints.add(b, loc, op.getWeights(),
                 pairs.dot(adjoint, op.getRows(), sorted.getPlan(),
                           op.getWeights().getType()));
  if (ofRows)
    adjoints.add(b, loc, op.getRows(),
                 castTo(b, loc, sorted.getRows(), op.getRows().getType()));
  return success();
}
