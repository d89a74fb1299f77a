// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace mlir::moe;

static ShapedType shapedTypeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

void GroupedMatmulOp::build(OpBuilder &b, OperationState &state, Value input,
                            ValueRange weights, Value offsets, Value ids,
                            ValueRange outs, PanelLayoutAttr panel,
                            bool broadcast) {
  build(b, state, input, weights, offsets, ids, /*order=*/Value(),
        /*extras=*/ValueRange(), /*combine=*/Value(), /*inverse=*/Value(),
        /*skipped=*/Value(), /*init=*/Value(), /*scratch=*/Value(), outs,
        /*topK=*/IntegerAttr(), /*maps=*/ArrayAttr(), panel, broadcast,
        /*partial=*/false);
}

void GroupedMatmulOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  for (Value result : getResults())
    setName(result, getCombine() ? "combined" : "grouped");
}

void GroupedMatmulOp::getAsmBlockArgumentNames(Region &region,
                                               OpAsmSetValueNameFn setName) {
  if (region.empty())
    return;
  unsigned products = getWeights().size();
  for (BlockArgument argument : region.getArguments()) {
    unsigned i = argument.getArgNumber();
    setName(argument, i < products ? "p" + std::to_string(i)
                                   : "extra" + std::to_string(i - products));
  }
}

std::optional<int64_t> GroupedMatmulOp::getNumSlots() {
  if (getIds())
    return shapedTypeOf(getIds()).getDimSize(1);
  if (getTopK())
    return *getTopK();
  if (getCombine())
    return shapedTypeOf(getCombine()).getDimSize(1);
  return std::nullopt;
}

SmallVector<AffineMap> GroupedMatmulOp::getEpilogueMaps() {
  if (!getMaps())
    return {};
  return llvm::to_vector(getMapsAttr().getAsValueRange<AffineMapAttr>());
}

void GroupedMatmulOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addDestinationEffects(*this, effects);
  if (getScratch())
    effects.emplace_back(MemoryEffects::Write::get(), &getScratchMutable()[0]);
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

namespace {
/// The extents of an operation, dynamic where unknown.
struct Extents {
  explicit Extents(GroupedMatmulOp op);

  /// Of a dimension of the epilogue's maps.
  int64_t of(unsigned mapDim) const {
    return ArrayRef<int64_t>({rows, width, experts, tokens, slots})[mapDim];
  }

  int64_t rows = ShapedType::kDynamic, width, experts,
          tokens = ShapedType::kDynamic, slots;
};
} // namespace

Extents::Extents(GroupedMatmulOp op)
    : width(op.getWidth()), experts(op.getNumExperts()),
      slots(op.getNumSlots().value_or(ShapedType::kDynamic)) {
  if (op.getIds())
    tokens = shapedTypeOf(op.getIds()).getDimSize(0);
  else if (op.getCombine())
    tokens = shapedTypeOf(op.getCombine()).getDimSize(0);
  else if (op.getBroadcast())
    tokens = shapedTypeOf(op.getInput()).getDimSize(0);
  if (!ShapedType::isDynamic(tokens) && !ShapedType::isDynamic(slots))
    rows = tokens * slots;
  else if (op.getOrder())
    rows = shapedTypeOf(op.getOrder()).getDimSize(0);
  else if (op.getOffsets() && !op.getBroadcast())
    rows = shapedTypeOf(op.getInput()).getDimSize(0);
}

/// `operand`, if there is one, of this shape.
static LogicalResult checkShape(GroupedMatmulOp op, StringRef name,
                                Value operand, ArrayRef<StringRef> dims,
                                ArrayRef<int64_t> shape) {
  if (!operand)
    return success();
  ShapedType type = shapedTypeOf(operand);
  if (failed(checkRank(op, name, type, shape.size())))
    return failure();
  for (auto [dim, expected, actual] :
       llvm::zip_equal(dims, shape, type.getShape()))
    if (failed(checkExtent(op, dim + Twine(" of ") + name, expected, actual)))
      return failure();
  return success();
}

/// Which operands and attributes go together.
static LogicalResult checkPresence(GroupedMatmulOp op) {
  if (!op.getOffsets() == !op.getIds())
    return op.emitOpError("expected either offsets or ids");
  if (op.getWeights().empty())
    return op.emitOpError("expected at least one weight");
  if (op.getOrder() && !op.getOffsets())
    return op.emitOpError("expected offsets with order");
  if (!op.getOrder() != !op.getTopK())
    return op.emitOpError("expected order and top_k together");
  if (op.getBroadcast() && !op.getIds() && !op.getOrder())
    return op.emitOpError("expected ids or order with broadcast");
  if (!op.getInverse() != !(op.getCombine() && op.getOffsets()))
    return op.emitOpError("expected inverse exactly with combine and offsets");
  if (op.getInit() && !op.getCombine())
    return op.emitOpError("expected combine with init");
  if (op.getSkipped() && !(op.getCombine() && op.getPartial()))
    return op.emitOpError("expected combine and partial with skipped");
  bool buffers = isa<MemRefType>(op.getOuts().front().getType());
  if (!op.getScratch() != !(op.needsScratch() && buffers))
    return op.emitOpError(
        "expected scratch exactly with combine, offsets and panel on buffers");
  if (op.getEpilogue().empty() && (!op.getExtras().empty() || op.getMaps()))
    return op.emitOpError("expected a region with an epilogue's operands");
  return success();
}

static LogicalResult checkMaps(GroupedMatmulOp op, const Extents &extents) {
  SmallVector<AffineMap> maps = op.getEpilogueMaps();
  if (maps.size() != op.getExtras().size())
    return op.emitOpError("expected a map for each of ")
           << op.getExtras().size() << " epilogue operands, got "
           << maps.size();
  for (auto [i, map, extra] : llvm::enumerate(maps, op.getExtras())) {
    ShapedType type = shapedTypeOf(extra);
    if (map.getNumDims() != GroupedMatmulOp::NumMapDims ||
        map.getNumSymbols() != 0 || map.getNumResults() != type.getRank())
      return op.emitOpError("expected a map (r, n, e, t, s) to ")
             << type.getRank() << " indices of epilogue operand " << i
             << ", got " << AffineMapAttr::get(map);
    if (!op.getIds() && !op.getOrder() &&
        (map.isFunctionOfDim(GroupedMatmulOp::Token) ||
         map.isFunctionOfDim(GroupedMatmulOp::Slot)))
      return op.emitOpError("expected ids or order with a map in tokens or "
                            "slots, got ")
             << AffineMapAttr::get(map);
    for (auto [d, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (failed(checkExtent(
                op, "extent " + Twine(d) + " of epilogue operand " + Twine(i),
                extents.of(dim.getPosition()), type.getDimSize(d))))
          return failure();
  }
  return success();
}

LogicalResult GroupedMatmulOp::verify() {
  if (getOuts().empty())
    return emitOpError("expected at least one of outs");
  if (failed(checkPresence(*this)))
    return failure();
  size_t values = getEpilogue().empty()
                      ? getWeights().size()
                      : getEpilogue().front().getTerminator()->getNumOperands();
  if (getCombine() && values != 1)
    return emitOpError("expected one value to combine, got ") << values;
  if (failed(checkDestinations(
          *this, getOuts(),
          SmallVector<DestinationSpec>(values, {"result", 2}))))
    return failure();

  ShapedType input = shapedTypeOf(getInput());
  if (failed(checkRank(*this, "input", input, 2)))
    return failure();
  for (Value other : getWeights())
    if (other.getType() != getWeights().front().getType())
      return emitOpError("expected weights of one type, got ")
             << getWeights().front().getType() << " and " << other.getType();
  ShapedType weights = shapedTypeOf(getWeights().front());
  if (weights.getRank() < 3 || ShapedType::isDynamic(weights.getDimSize(0)))
    return emitOpError("expected weights with a static number of experts, got ")
           << weights;
  if (failed(checkWeights(*this, weights, getPanelAttr(), input.getDimSize(1),
                          getWidth(), /*grouped=*/true)))
    return failure();
  for (Value operand : {getIds(), getCombine()})
    if (operand) {
      if (failed(checkRank(*this, operand == getIds() ? "ids" : "combine",
                           operand.getType(), 2)))
        return failure();
      if (ShapedType::isDynamic(shapedTypeOf(operand).getDimSize(1)))
        return emitOpError("expected a static number of slots, got ")
               << operand.getType();
    }

  Extents extents(*this);
  StringRef pairs[] = {"tokens", "slots"}, block[] = {"tokens", "width"};
  int64_t tokens = extents.tokens, slots = extents.slots, width = extents.width;
  if (failed(checkShape(*this, "offsets", getOffsets(), {"number"},
                        {extents.experts + 1})) ||
      failed(
          checkShape(*this, "order", getOrder(), {"length"}, {extents.rows})) ||
      failed(
          checkShape(*this, "combine", getCombine(), pairs, {tokens, slots})) ||
      failed(
          checkShape(*this, "inverse", getInverse(), pairs, {tokens, slots})) ||
      failed(checkShape(*this, "init", getInit(), block, {tokens, width})) ||
      failed(
          checkShape(*this, "skipped", getSkipped(), block, {tokens, width})) ||
      failed(checkExtent(*this, "rows of the input",
                         getBroadcast() ? tokens : extents.rows,
                         input.getDimSize(0))))
    return failure();
  for (Value out : getOuts())
    if (failed(checkShape(*this, "the result", out, {"rows", "width"},
                          {getCombine() ? tokens : extents.rows, width})))
      return failure();
  if (getScratch()) {
    int64_t panel = getPanel()->getWidth();
    int64_t panels = llvm::divideCeil(width, panel);
    if (failed(checkShape(*this, "scratch", getScratch(),
                          {"panels", "rows", "width"},
                          {panels, extents.rows, panel})))
      return failure();
  }
  return checkMaps(*this, extents);
}

LogicalResult GroupedMatmulOp::verifyRegions() {
  if (getEpilogue().empty())
    return success();
  Block &body = getEpilogue().front();
  SmallVector<Type> expected(getWeights().size(),
                             Float32Type::get(getContext()));
  for (Value extra : getExtras())
    expected.push_back(shapedTypeOf(extra).getElementType());
  if (body.getArgumentTypes() != TypeRange(expected))
    return emitOpError("expected an epilogue of arguments (")
           << TypeRange(expected) << "), got (" << body.getArgumentTypes()
           << ")";
  for (Operation &op : body.without_terminator())
    if (!op.hasTrait<OpTrait::ConstantLike>() &&
        !OpTrait::hasElementwiseMappableTraits(&op))
      return op.emitOpError("expected scalar arithmetic in the epilogue of a "
                            "moe.grouped_matmul");
  for (Value value : body.getTerminator()->getOperands())
    if (!value.getType().isF32())
      return body.getTerminator()->emitOpError(
                 "expected values of 'f32' from an epilogue, got ")
             << value.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Canonical form
//===----------------------------------------------------------------------===//

/// Operands of the epilogue whose block argument has no use.
static llvm::BitVector getUnusedExtras(GroupedMatmulOp op) {
  llvm::BitVector unused(op.getExtras().size());
  for (unsigned i = 0, e = unused.size(); i < e; ++i)
    if (op.getEpilogue().getArgument(op.getWeights().size() + i).use_empty())
      unused.set(i);
  return unused;
}

static void dropExtras(GroupedMatmulOp op, const llvm::BitVector &unused) {
  SmallVector<AffineMap> maps;
  for (auto [i, map] : llvm::enumerate(op.getEpilogueMaps()))
    if (!unused[i])
      maps.push_back(map);
  for (unsigned i = unused.size(); i-- > 0;)
    if (unused[i]) {
      op.getExtrasMutable().erase(i);
      op.getEpilogue().eraseArgument(op.getWeights().size() + i);
    }
  if (maps.empty())
    op.removeMapsAttr();
  else
    op.setMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(maps));
}

/// What upstream does for every operation in destination style, but not for one
/// with an empty region, on which its cloning crashes.
static LogicalResult foldCasts(GroupedMatmulOp op, PatternRewriter &rewriter) {
  if (op.getNumResults() == 0 || !tensor::hasFoldableTensorCastOperand(op))
    return rewriter.notifyMatchFailure(op, "no operand is a cast to fold");
  SmallVector<Type> types(op->getResultTypes());
  SmallVector<Value> operands =
      tensor::getUpdatedOperandsAfterCastOpFolding(op, types);
  auto folded =
      cast<GroupedMatmulOp>(cloneWithoutRegions(rewriter, op, types, operands));
  folded.getEpilogue().takeBody(op.getEpilogue());
  SmallVector<Value> results;
  for (auto [from, to] : llvm::zip_equal(op.getResults(), folded.getResults()))
    results.push_back(
        from.getType() == to.getType()
            ? Value(to)
            : tensor::CastOp::create(rewriter, op.getLoc(), from.getType(), to)
                  .getResult());
  rewriter.replaceOp(op, results);
  return success();
}

static LogicalResult dropUnneeded(GroupedMatmulOp op,
                                  PatternRewriter &rewriter) {
  if (op.getBroadcast() && op.getIds() && *op.getNumSlots() == 1) {
    rewriter.modifyOpInPlace(op, [&] { op.setBroadcast(false); });
    return success();
  }
  if (op.getEpilogue().empty())
    return rewriter.notifyMatchFailure(op, "nothing to drop");
  llvm::BitVector unused = getUnusedExtras(op);
  if (unused.any()) {
    rewriter.modifyOpInPlace(op, [&] { dropExtras(op, unused); });
    return success();
  }
  Block &body = op.getEpilogue().front();
  if (body.getTerminator()->getOperands() != body.getArguments())
    return rewriter.notifyMatchFailure(op, "the epilogue computes");
  rewriter.modifyOpInPlace(op, [&] { rewriter.eraseBlock(&body); });
  return success();
}

void GroupedMatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                  MLIRContext *) {
  // Casts come before upstream's pattern for them is tried.
  patterns.add(foldCasts, /*benefit=*/2).add(dropUnneeded);
}
