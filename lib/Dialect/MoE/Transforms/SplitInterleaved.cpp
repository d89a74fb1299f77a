// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GroupedParts.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SPLITINTERLEAVEDPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-split-interleaved"

using namespace mlir;
using namespace mlir::moe;
using linalg::LinalgOp;

/// An elementwise operation of which every operand is as wide as its result, so
/// that some columns of it need those columns of its operands only.
static bool isColumnwise(Operation *op) {
  auto linalgOp = dyn_cast<LinalgOp>(op);
  return linalgOp && linalgOp.getNumLoops() == 2 &&
         linalgOp.getNumDpsInits() == 1 && linalg::isElementwise(linalgOp) &&
         llvm::all_of(linalgOp.getIndexingMapsArray(),
                      [](AffineMap map) {
                        return map.isIdentity() || map.getNumResults() == 0;
                      }) &&
         linalgOp.getMatchingBlockArgument(linalgOp.getDpsInitOperand(0))
             .use_empty() &&
         llvm::none_of(*linalgOp.getBlock(), [](Operation &inner) {
           return isa<linalg::IndexOp>(inner);
         });
}

/// The number of rows of a tensor; null where its destination does not say.
static OpFoldResult getNumRows(Value rows) {
  auto type = cast<RankedTensorType>(rows.getType());
  if (!type.isDynamicDim(0))
    return OpBuilder(rows.getContext()).getIndexAttr(type.getDimSize(0));
  while (auto op = rows.getDefiningOp<DestinationStyleOpInterface>())
    rows = op.getTiedOpOperand(cast<OpResult>(rows))->get();
  auto empty = rows.getDefiningOp<tensor::EmptyOp>();
  return empty ? empty.getMixedSizes().front() : OpFoldResult();
}

namespace {
/// Columns `first`, `first + step`, .. of a tensor of rows.
struct Columns {
  int64_t first, step, count;
};

/// A product whose columns are read in parts.
class Projection {
public:
  explicit Projection(GroupedMatmulOp product);

  bool isCandidate() const { return candidate; }
  const std::string &getReason() const { return reason; }
  ArrayRef<tensor::ExtractSliceOp> getParts() const { return parts; }
  Columns getColumns(tensor::ExtractSliceOp part) const {
    return {part.getStaticOffset(1), part.getStaticStride(1),
            part.getStaticSize(1)};
  }
  /// The value that is taken apart, at the end of the product's chain.
  Value getWhole() const { return whole; }

private:
  bool fail(const Twine &why);
  bool checkPart(tensor::ExtractSliceOp part);
  bool checkColumns(Value value);

  Value whole;
  SmallVector<tensor::ExtractSliceOp> parts;
  bool candidate = false;
  std::string reason;
};

struct SplitInterleavedPass
    : moe::impl::SplitInterleavedPassBase<SplitInterleavedPass> {
  using Base::Base;

  void runOnOperation() override;

private:
  Value sliceWeight(OpBuilder &b, GetWeightOp get, Columns columns);
  Value build(OpBuilder &b, Value value, tensor::ExtractSliceOp part,
              Columns columns);

  std::optional<SymbolTable> symbols;
  /// What several entries of a model use is sliced once.
  DenseMap<std::pair<Operation *, std::tuple<int64_t, int64_t, int64_t>>,
           WeightOp>
      slices;
  llvm::SetVector<WeightOp> replaced;
};
} // namespace

Projection::Projection(GroupedMatmulOp product) {
  if (!product.hasPureTensorSemantics() || product.getNumResults() != 1)
    return;
  whole = product.getResult(0);
  while (whole.hasOneUse() && isColumnwise(*whole.user_begin()))
    whole = whole.user_begin()->getResult(0);
  for (Operation *user : whole.getUsers())
    if (auto part = dyn_cast<tensor::ExtractSliceOp>(user))
      parts.push_back(part);
  candidate = !parts.empty();
  if (!candidate)
    return;
  if (parts.size() != static_cast<size_t>(llvm::range_size(whole.getUses()))) {
    fail("something else reads it");
    return;
  }
  // In program order, as a list of uses is not.
  llvm::sort(parts, [](Operation *a, Operation *b) {
    return a->getBlock() == b->getBlock() && a->isBeforeInBlock(b);
  });
  if (llvm::all_of(parts, [&](auto part) { return checkPart(part); }))
    checkColumns(whole);
}

bool Projection::fail(const Twine &why) {
  reason = why.str();
  return false;
}

bool Projection::checkPart(tensor::ExtractSliceOp part) {
  if (part.getType().getRank() != 2 || part.isDynamicOffset(1) ||
      part.isDynamicSize(1) || part.isDynamicStride(1))
    return fail("what is taken of it is not known");
  OpFoldResult rows = getNumRows(whole);
  if (!rows || !isConstantIntValue(part.getMixedOffsets()[0], 0) ||
      !isConstantIntValue(part.getMixedStrides()[0], 1) ||
      !isEqualConstantIntOrValue(part.getMixedSizes()[0], rows))
    return fail("some rows may not be taken");
  return true;
}

/// Whether columns of `value` can be made without the others.
bool Projection::checkColumns(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || (value != whole && !value.hasOneUse()))
    return fail("something else reads it");
  auto isWeight = [](Value weight) {
    return weight.getDefiningOp<GetWeightOp>() != nullptr;
  };
  if (auto product = dyn_cast<GroupedMatmulOp>(op)) {
    if (product.getCombine() || !product.getEpilogue().empty() ||
        product.getPanel())
      return fail("the product has more to it");
    return isWeight(product.getWeights().front()) ||
           fail("its weights are computed");
  }
  if (auto vectors = dyn_cast<ExpertRowsOp>(op))
    return isWeight(vectors.getVectors()) || fail("its biases are computed");
  if (!isColumnwise(op))
    return fail("'" + op->getName().getStringRef() + "' makes a part of it");
  for (OpOperand *input : cast<LinalgOp>(op).getDpsInputOperands())
    if (isa<TensorType>(input->get().getType()) && !checkColumns(input->get()))
      return false;
  return true;
}

/// The value of a weight of those columns' data: of dimension 1 of `[E, N,
/// ..]`.
Value SplitInterleavedPass::sliceWeight(OpBuilder &b, GetWeightOp get,
                                        Columns columns) {
  auto weight = symbols->lookup<WeightOp>(get.getWeight());
  WeightOp &slice =
      slices[{weight, {columns.first, columns.step, columns.count}}];
  if (!slice) {
    RankedTensorType type = weight.getTensorType();
    SmallVector<int64_t> shape(type.getShape());
    int64_t extent = shape[1];
    shape[1] = columns.count;
    int64_t rank = type.getRank(), dim = 1;
    if (weight.getTransposed())
      dim = rank == 2 ? 0 : 2;
    OpBuilder atWeight(weight);
    slice = WeightOp::create(
        atWeight, weight.getLoc(),
        (weight.getSymName() + ".from" + Twine(columns.first)).str(),
        RankedTensorType::get(shape, type.getElementType()),
        SliceAttr::get(b.getContext(), weight.getSource(), dim, extent,
                       columns.first, columns.step),
        weight.getTransposed(), PanelLayoutAttr(), IntegerAttr());
    symbols->insert(slice);
    replaced.insert(weight);
  }
  return GetWeightOp::create(b, get.getLoc(), slice.getTensorType(),
                             FlatSymbolRefAttr::get(slice.getSymNameAttr()));
}

/// Those columns of `value`, made anew.
Value SplitInterleavedPass::build(OpBuilder &b, Value value,
                                  tensor::ExtractSliceOp part,
                                  Columns columns) {
  Operation *op = value.getDefiningOp();
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  auto getWeight = [&](Value weight) {
    return sliceWeight(b, weight.getDefiningOp<GetWeightOp>(), columns);
  };
  if (auto linalgOp = dyn_cast<LinalgOp>(op)) {
    SmallVector<Value> operands;
    for (OpOperand *input : linalgOp.getDpsInputOperands())
      operands.push_back(isa<TensorType>(input->get().getType())
                             ? build(b, input->get(), part, columns)
                             : input->get());
    operands.push_back(tensor::EmptyOp::create(b, loc, part.getMixedSizes(),
                                               type.getElementType()));
    return mlir::clone(b, op, operands.back().getType(), operands)
        ->getResult(0);
  }
  Value empty = tensor::EmptyOp::create(b, loc, part.getMixedSizes(),
                                        type.getElementType());
  if (auto product = dyn_cast<GroupedMatmulOp>(op)) {
    GroupedParts parts(product);
    parts.weights = {getWeight(product.getWeights().front())};
    parts.outs = {empty};
    return parts.create(b, loc).getResult(0);
  }
  auto vectors = cast<ExpertRowsOp>(op);
  IRMapping mapping;
  mapping.map(vectors.getVectors(), getWeight(vectors.getVectors()));
  mapping.map(vectors.getOuts().front(), empty);
  Operation *made = b.clone(*op, mapping);
  made->getResult(0).setType(empty.getType());
  return made->getResult(0);
}

void SplitInterleavedPass::runOnOperation() {
  IRRewriter rewriter(&getContext());
  symbols.emplace(getOperation());
  SmallVector<GroupedMatmulOp> products;
  getOperation().walk([&](GroupedMatmulOp op) { products.push_back(op); });
  auto opts = remark::RemarkOpts::name("interleaved").category(DEBUG_TYPE);
  for (GroupedMatmulOp product : products) {
    Projection projection(product);
    if (!projection.isCandidate())
      continue;
    if (!projection.getReason().empty()) {
      remark::missed(product.getLoc(), opts) << remark::add(
          "a projection is taken apart after the product, since {0}",
          projection.getReason());
      continue;
    }
    remark::passed(product.getLoc(), opts) << remark::add(
        "a projection is {0} products", projection.getParts().size());
    ++numSplit;
    for (tensor::ExtractSliceOp part : projection.getParts()) {
      rewriter.setInsertionPoint(part);
      rewriter.replaceOp(part, build(rewriter, projection.getWhole(), part,
                                     projection.getColumns(part)));
    }
  }
  if (!replaced.empty())
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  for (WeightOp weight : replaced)
    if (SymbolTable::symbolKnownUseEmpty(weight, getOperation()))
      symbols->erase(weight);
  slices.clear();
  replaced.clear();
  symbols.reset();
}
