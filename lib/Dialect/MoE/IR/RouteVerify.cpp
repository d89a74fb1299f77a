// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The constraints of moe.route, in the order of its operands and clauses.
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
struct Dim {
  StringRef name;
  int64_t extent;
};
} // namespace

/// Checks rank and extents of an operand or output.
static LogicalResult checkShape(RouteOp op, StringRef name, ShapedType type,
                                ArrayRef<Dim> dims) {
  if (failed(checkRank(op, name, type, dims.size())))
    return failure();
  for (auto [i, dim] : llvm::enumerate(dims))
    if (failed(checkExtent(op, dim.name + " of " + name, dim.extent,
                           type.getDimSize(i))))
      return failure();
  return success();
}

/// The same of an optional operand.
static LogicalResult checkOperand(RouteOp op, StringRef name, Value operand,
                                  ArrayRef<Dim> dims) {
  if (!operand)
    return success();
  return checkShape(op, name, cast<ShapedType>(operand.getType()), dims);
}

static LogicalResult verifyExtents(RouteOp op) {
  int64_t columns = op.getNumColumns(), routed = op.getNumRouted();
  if (ShapedType::isDynamic(columns))
    return op.emitOpError("expected a static number of experts, got ")
           << op.getLogits().getType();
  if (routed < 1)
    return op.emitOpError("expected logits of at least one expert beside ")
           << columns - routed << " null or shared ones, got " << columns
           << " columns";
  int64_t choices = op.getNumChoices(), topK = op.getTopK();
  if (topK > choices)
    return op.emitOpError("expected top_k to be 1 to ")
           << choices << ", got " << topK;
  return success();
}

static LogicalResult verifyGate(RouteOp op) {
  if (!op.getGate()) {
    if (op.getColumnsAttr() || op.getPanelAttr())
      return op.emitOpError("expected a gate with columns or panel, got none");
    return success();
  }
  if (!op.getColumns())
    return op.emitOpError("expected columns with a gate, got none");
  int64_t inner = cast<ShapedType>(op.getLogits().getType()).getDimSize(1);
  return checkWeights(op, cast<ShapedType>(op.getGate().getType()),
                      op.getPanelAttr(), inner, *op.getColumns(),
                      /*grouped=*/false);
}

static LogicalResult verifyOperands(RouteOp op) {
  int64_t tokens = cast<ShapedType>(op.getLogits().getType()).getDimSize(0);
  Dim rows = {"tokens", tokens}, slots = {"slots", int64_t(op.getTopK())};
  Dim perChoice = {"length", op.getNumChoices()},
      perColumn = {"length", op.getNumColumns()};
  if (failed(checkOperand(op, "bias", op.getBias(), perChoice)) ||
      failed(
          checkOperand(op, "expert_scale", op.getExpertScale(), perColumn)) ||
      failed(checkOperand(op, "forced ids", op.getForced(), {rows, slots})) ||
      failed(checkOperand(op, "table", op.getTable(),
                          {{"rows", ShapedType::kDynamic}, slots})) ||
      failed(
          checkOperand(op, "tokens", op.getTokens(), Dim{"length", tokens})) ||
      failed(checkOperand(op, "shared_weights", op.getSharedWeights(),
                          {rows, {"slots", op.getNumShared()}})) ||
      failed(
          checkOperand(op, "noise_step", op.getNoiseStep(), Dim{"length", 1})))
    return failure();
  if (op.getForced() && op.getTable())
    return op.emitOpError("expected forced ids or a table, got both");
  if (!op.getTable() != !op.getTokens())
    return op.emitOpError("expected tokens with a table, got ")
           << (op.getTable() ? "a table" : "tokens") << " alone";
  if (op.getNoiseStep() && !op.getNoise())
    return op.emitOpError("expected noise with noise_step, got none");
  bool given = op.getSharedExperts() &&
               op.getSharedExperts()->getWeight() == SharedWeight::Given;
  if (given != !!op.getSharedWeights())
    return op.emitOpError("expected shared_weights where shared_experts have "
                          "given weights, got ")
           << (given ? "none" : "shared_weights without");
  return success();
}

static LogicalResult verifyScore(RouteOp op) {
  if (std::optional<APFloat> cap = op.getSoftcap())
    if (!cap->isFinite() || cap->isNegative() || cap->isZero())
      return op.emitOpError("expected a softcap above 0, got ")
             << cap->convertToFloat();
  bool sparseMixer = op.getScore() == ScoreFunction::SparseMixer;
  if (sparseMixer != !!op.getJitterAttr())
    return op.emitOpError("expected jitter with score sparsemixer and no "
                          "other, got score ")
           << stringifyScoreFunction(op.getScore())
           << (sparseMixer ? " without" : " with");
  if (sparseMixer && op.hasScoredShared())
    return op.emitOpError(
        "expected another score than sparsemixer with scored shared experts");
  return success();
}

static LogicalResult verifyGroups(RouteOp op) {
  std::optional<RouteGroupsAttr> groups = op.getGroups();
  if (!groups)
    return success();
  int64_t choices = op.getNumChoices(), count = groups->getCount();
  if (choices % count != 0)
    return op.emitOpError("expected a number of groups that divides ")
           << choices << " experts, got " << count;
  int64_t size = choices / count;
  if (groups->getBy() == GroupScore::Top2 && size < 2)
    return op.emitOpError("expected groups of 2 experts or more, got ") << size;
  int64_t kept = groups->getKeep() * size, topK = op.getTopK();
  if (topK > kept)
    return op.emitOpError("expected top_k to be at most the ")
           << kept << " experts of the groups that are kept, got " << topK;
  if (groups->getMask() == GroupMask::ZeroScore &&
      (op.getScore() == ScoreFunction::SoftmaxTopK ||
       op.getScore() == ScoreFunction::SparseMixer || op.getOnLogits()))
    return op.emitOpError("expected a choice on scores with mask zero_score, "
                          "got score ")
           << stringifyScoreFunction(op.getScore())
           << (op.getOnLogits() ? " on logits" : "");
  return success();
}

static LogicalResult verifyNormalize(RouteOp op) {
  std::optional<APFloat> order = op.getNormOrder();
  if (!op.getNormalizeAttr()) {
    if (order || op.getDivisor() != Divisor::Add)
      return op.emitOpError("expected normalize with a divisor or a norm");
    return success();
  }
  if (order && (!order->isFinite() || order->isNegative() || order->isZero()))
    return op.emitOpError("expected a norm of order above 0, got ")
           << order->convertToFloat();
  return success();
}

static LogicalResult verifyExpertChoice(RouteOp op) {
  if (!op.getExpertChoice())
    return success();
  int64_t routed = op.getNumRouted(), topK = op.getTopK();
  if (topK != routed)
    return op.emitOpError("expected top_k to be ")
           << routed << ", the number of experts, with expert_choice, got "
           << topK;
  std::optional<RouteCapacityAttr> capacity = op.getCapacity();
  if (!capacity)
    return op.emitOpError("expected a capacity with expert_choice");
  if (capacity->getOverflow() != Overflow::Drop ||
      capacity->getFirst() != Precedence::Token || capacity->getRenormalize())
    return op.emitOpError("expected a capacity with overflow = drop and no "
                          "other clause with expert_choice, got ")
           << *capacity;
  if (op.getScore() == ScoreFunction::SoftmaxTopK ||
      op.getScore() == ScoreFunction::SparseMixer)
    return op.emitOpError("expected a score that does not depend on the "
                          "choice with expert_choice, got ")
           << stringifyScoreFunction(op.getScore());
  StringRef clause = op.getGroups()          ? "groups"
                     : op.getNullExperts()   ? "null_experts"
                     : op.getForced()        ? "forced"
                     : op.getTable()         ? "table"
                     : op.getNormalizeAttr() ? "normalize"
                                             : "";
  if (!clause.empty())
    return op.emitOpError("expected no ") << clause << " with expert_choice";
  return success();
}

static LogicalResult verifyOutputs(RouteOp op) {
  int64_t tokens = cast<ShapedType>(op.getLogits().getType()).getDimSize(0);
  auto output = [&](int i) { return outputType(op, op.getOuts(), i); };
  Dim rows = {"tokens", tokens}, slots = {"slots", op.getNumSlots()};
  if (failed(checkShape(op, "weights", output(0), {rows, slots})) ||
      failed(checkShape(op, "ids", output(1), {rows, slots})))
    return failure();
  if (op.getWithScores() &&
      failed(checkShape(op, "scores", output(op.getScoresIndex()),
                        {rows, {"experts", op.getNumColumns()}})))
    return failure();
  if (op.getWithCounts())
    return checkShape(op, "counts", output(op.getCountsIndex()),
                      Dim{"length", op.getNumExperts()});
  return success();
}

LogicalResult RouteOp::verify() {
  Builder b(getContext());
  SmallVector<OutputSpec, 4> outputs = {{"weights", b.getF32Type(), 2},
                                        {"ids", b.getI32Type(), 2}};
  if (getWithScores())
    outputs.push_back({"scores", b.getF32Type(), 2});
  if (getWithCounts())
    outputs.push_back({"counts", b.getI32Type(), 1});
  if (failed(checkForm(*this, getOuts(), outputs)) ||
      failed(checkRank(*this, "logits", getLogits().getType(), 2)) ||
      failed(verifyGate(*this)) || failed(verifyExtents(*this)) ||
      failed(verifyOperands(*this)) || failed(verifyScore(*this)) ||
      failed(verifyGroups(*this)) || failed(verifyNormalize(*this)) ||
      failed(verifyExpertChoice(*this)))
    return failure();
  return verifyOutputs(*this);
}
