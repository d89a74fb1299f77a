// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

ParseResult moe::parseNormalize(OpAsmParser &parser, FloatAttr &epsilon,
                                DivisorAttr &divisor, FloatAttr &normOrder) {
  Type f32 = parser.getBuilder().getF32Type();
  if (parser.parseAttribute(epsilon, f32))
    return failure();
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("max")))
      divisor = DivisorAttr::get(parser.getContext(), Divisor::Max);
    else if (parser.parseKeyword("p", " or max") || parser.parseEqual() ||
             parser.parseAttribute(normOrder, f32))
      return failure();
  }
  return success();
}

void moe::printNormalize(OpAsmPrinter &printer, Operation *, FloatAttr epsilon,
                         DivisorAttr divisor, FloatAttr normOrder) {
  printer.printAttributeWithoutType(epsilon);
  if (divisor && divisor.getValue() == Divisor::Max)
    printer << ", max";
  if (normOrder) {
    printer << ", p = ";
    printer.printAttributeWithoutType(normOrder);
  }
}

void RouteOp::build(OpBuilder &b, OperationState &state, TypeRange types,
                    Value logits, int64_t topK, ScoreFunction score,
                    FloatAttr normalize) {
  state.addOperands(logits);
  state.addTypes(types);
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  properties.topK = b.getI64IntegerAttr(topK);
  properties.score = ScoreFunctionAttr::get(b.getContext(), score);
  properties.normalize = normalize;
  properties.divisor = DivisorAttr::get(b.getContext(), Divisor::Add);
  properties.scale = b.getF32FloatAttr(1.0f);
}

void RouteOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  SmallVector<StringRef, 4> names = {"weights", "ids"};
  if (getWithScores())
    names.push_back("scores");
  if (getWithCounts())
    names.push_back("counts");
  if (getNumResults() == names.size())
    for (auto [result, name] : llvm::zip_equal(getResults(), names))
      setName(result, name);
}

int64_t RouteOp::getNumColumns() {
  if (getGate())
    return getColumns().value_or(0);
  return cast<ShapedType>(getLogits().getType()).getDimSize(1);
}

int64_t RouteOp::getNumRouted() {
  return getNumColumns() - getNumNull() -
         (hasScoredShared() ? getNumShared() : 0);
}

bool RouteOp::isChosenOnLogits() {
  switch (getScore()) {
  case ScoreFunction::Softmax:
    return getOnLogits() || (!getBias() && !getGroups() && !getExpertChoice());
  case ScoreFunction::Sigmoid:
  case ScoreFunction::SqrtSoftplus:
    return getOnLogits();
  case ScoreFunction::SoftmaxTopK:
  case ScoreFunction::SparseMixer:
  case ScoreFunction::None:
    return true;
  }
  llvm_unreachable("unknown score function");
}

bool RouteOp::isPlain() {
  bool knownScore = getScore() == ScoreFunction::Softmax ||
                    getScore() == ScoreFunction::Sigmoid ||
                    getScore() == ScoreFunction::SoftmaxTopK;
  return knownScore && !getGate() && !getExpertScale() && !hasGivenIds() &&
         !getSharedExperts() && !getNoise() && !getSoftcap() &&
         !getOnLogits() && !getGroups() && getDivisor() == Divisor::Add &&
         !getNormOrder() && !isPartial() && !getWithScores() &&
         !getWithCounts();
}

LogicalResult RouteOp::reifyResultShapes(OpBuilder &b,
                                         ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult tokens = extentOf(b, getLoc(), getLogits(), 0);
  SmallVector<OpFoldResult> slots = {tokens, b.getIndexAttr(getNumSlots())};
  shapes.assign(2, slots);
  if (getWithScores())
    shapes.push_back({tokens, b.getIndexAttr(getNumColumns())});
  if (getWithCounts())
    shapes.push_back({b.getIndexAttr(getNumExperts())});
  return success();
}

void RouteOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addComputeEffects(*this, getOuts(), effects);
}
