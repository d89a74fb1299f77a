// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult moe::checkExtent(Operation *op, const Twine &what,
                               int64_t expected, int64_t actual) {
  if (ShapedType::isDynamic(expected) || ShapedType::isDynamic(actual) ||
      expected == actual)
    return success();
  return op->emitOpError("expected ")
         << what << " to be " << expected << ", got " << actual;
}

LogicalResult moe::checkRank(Operation *op, StringRef what, Type type,
                             int64_t rank) {
  auto shaped = cast<ShapedType>(type);
  if (shaped.getRank() == rank)
    return success();
  return op->emitOpError("expected ")
         << what << " of rank " << rank << ", got " << type;
}

LogicalResult moe::checkForm(Operation *op, OperandRange outs,
                             ArrayRef<OutputSpec> specs) {
  bool valueForm = outs.empty();
  if (valueForm ? op->getNumResults() != specs.size()
                : op->getNumResults() != 0 || outs.size() != specs.size())
    return op->emitOpError("expected ")
           << specs.size() << " results and no outs, or " << specs.size()
           << " outs and no results; got " << op->getNumResults()
           << " results and " << outs.size() << " outs";
  for (Value operand : op->getOperands()) {
    if (valueForm ? isa<MemRefType>(operand.getType())
                  : isa<RankedTensorType>(operand.getType()))
      return op->emitOpError("expected ")
             << (valueForm ? "tensor operands with tensor results"
                           : "memref operands with outs")
             << ", got " << operand.getType();
  }
  for (auto [i, spec] : llvm::enumerate(specs)) {
    ShapedType type = outputType(op, outs, i);
    if (failed(checkRank(op, spec.name, type, spec.rank)))
      return failure();
    if (type.getElementType() != spec.elementType)
      return op->emitOpError("expected ")
             << spec.name << " of element type " << spec.elementType << ", got "
             << type;
  }
  return success();
}

LogicalResult moe::checkDestinations(Operation *op, OperandRange outs,
                                     ArrayRef<DestinationSpec> specs) {
  if (outs.size() != specs.size())
    return op->emitOpError("expected ")
           << specs.size() << " outs, got " << outs.size();
  bool valueForm = isa<RankedTensorType>(outs.front().getType());
  for (Value operand : op->getOperands())
    if (valueForm ? isa<MemRefType>(operand.getType())
                  : isa<RankedTensorType>(operand.getType()))
      return op->emitOpError("expected operands that are all ")
             << (valueForm ? "tensors" : "memrefs") << " like outs, got "
             << operand.getType();
  for (auto [out, spec] : llvm::zip_equal(outs, specs))
    if (failed(checkRank(op, spec.name, out.getType(), spec.rank)))
      return failure();
  return success();
}

void moe::inferDestinationTypes(ValueRange outs, SmallVectorImpl<Type> &types) {
  for (Type type : outs.getTypes())
    if (isa<RankedTensorType>(type))
      types.push_back(type);
}

LogicalResult moe::reifyDestinationShapes(OpBuilder &b,
                                          DestinationStyleOpInterface op,
                                          ReifiedRankedShapedTypeDims &shapes) {
  for (OpResult result : op->getResults())
    shapes.push_back(tensor::getMixedSizes(b, op.getLoc(),
                                           op.getTiedOpOperand(result)->get()));
  return success();
}

void moe::addDestinationEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

ShapedType moe::outputType(Operation *op, OperandRange outs, unsigned i) {
  return cast<ShapedType>(outs.empty() ? op->getResult(i).getType()
                                       : outs[i].getType());
}

OpFoldResult moe::extentOf(OpBuilder &builder, Location loc, Value shaped,
                           int64_t dim) {
  auto type = cast<ShapedType>(shaped.getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  if (isa<MemRefType>(type))
    return memref::DimOp::create(builder, loc, shaped, dim).getResult();
  return tensor::DimOp::create(builder, loc, shaped, dim).getResult();
}

void moe::addComputeEffects(
    Operation *op, OperandRange outs,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  if (outs.empty())
    return;
  unsigned firstOut = outs.getBeginOperandIndex();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    unsigned i = operand.getOperandNumber();
    if (i >= firstOut && i < firstOut + outs.size())
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

LogicalResult moe::checkSequences(Operation *op, Value sequences,
                                  int64_t tokens) {
  if (!sequences)
    return success();
  auto type = cast<ShapedType>(sequences.getType());
  if (failed(checkRank(op, "sequences", type, 1)))
    return failure();
  return checkExtent(op, "number of sequences", tokens, type.getDimSize(0));
}

LogicalResult moe::forwardEmptyDestination(PatternRewriter &rewriter,
                                           DestinationStyleOpInterface op) {
  auto isEmpty = [](Type type) {
    return llvm::is_contained(cast<ShapedType>(type).getShape(), 0);
  };
  if (op->getNumResults() == 0 || !llvm::all_of(op->getResultTypes(), isEmpty))
    return rewriter.notifyMatchFailure(op, "there are elements to compute");
  rewriter.replaceOp(op, op.getDpsInits());
  return success();
}

int64_t moe::getNumPairs(int64_t tokens, int64_t topK) {
  return ShapedType::isDynamic(tokens) ? tokens : tokens * topK;
}

LogicalResult moe::checkPairs(Operation *op, StringRef what, Value pairs,
                              int64_t tokens, int64_t topK) {
  if (!pairs)
    return success();
  auto type = cast<ShapedType>(pairs.getType());
  if (failed(checkRank(op, what, type, 2)) ||
      failed(checkExtent(op, "tokens of " + what, tokens, type.getDimSize(0))))
    return failure();
  return checkExtent(op, "slots of " + what, topK, type.getDimSize(1));
}

LogicalResult moe::checkWeights(Operation *op, ShapedType weights,
                                PanelLayoutAttr panel, int64_t inner,
                                int64_t outer, bool grouped) {
  unsigned lead = grouped ? 1 : 0;
  if (!panel) {
    if (failed(checkRank(op, "weights", weights, lead + 2)) ||
        failed(checkExtent(op, "rows of a weight matrix", outer,
                           weights.getDimSize(lead))))
      return failure();
    return checkExtent(op, "columns of a weight matrix", inner,
                       weights.getDimSize(lead + 1));
  }
  if (ShapedType::isDynamic(inner) || ShapedType::isDynamic(outer) ||
      !weights.hasStaticShape())
    return op->emitOpError(
        "expected static inner and outer extents with packed weights");
  SmallVector<int64_t> shape(grouped ? weights.getShape().take_front(1)
                                     : ArrayRef<int64_t>());
  shape.append({outer, inner});
  auto expected = panel.getPackedType(
      RankedTensorType::get(shape, weights.getElementType()));
  if (expected.getShape() != weights.getShape())
    return op->emitOpError("expected packed weights ")
           << expected << ", got " << weights;
  return success();
}
