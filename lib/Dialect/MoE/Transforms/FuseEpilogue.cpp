// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GroupedParts.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEEPILOGUEPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-epilogue"

using namespace mlir;
using namespace mlir::moe;
using linalg::LinalgOp;

namespace {
/// What an operand of the elementwise operation becomes: a result of the
/// product, a scalar, or an operand of the epilogue. Maps go from
/// (r, n, e, t, s).
struct Source {
  std::optional<unsigned> product;
  Value value;
  AffineMap map;
};

/// An elementwise operation beside the product whose rows it works on.
class Fusion {
public:
  Fusion(GroupedMatmulOp product, LinalgOp op);

  /// Why they cannot be fused; empty if they can.
  const std::string &getReason() const { return reason; }
  GroupedMatmulOp fuse(RewriterBase &rewriter);

private:
  bool fail(const Twine &why);
  bool checkOperation();
  bool checkUses();
  bool findSource(OpOperand &operand);
  Source lookThrough(Value value, AffineMap map);
  bool knowsPairs(Value order, int64_t topK);

  GroupedMatmulOp product;
  LinalgOp op;
  /// The order of the rows, where an operand of the epilogue needs it.
  Value order;
  int64_t topK = 0;
  /// By operand number; unused destinations have none.
  DenseMap<unsigned, Source> sources;
  std::string reason;
};
} // namespace

Fusion::Fusion(GroupedMatmulOp product, LinalgOp op)
    : product(product), op(op) {
  if (!checkOperation() || !checkUses())
    return;
  for (OpOperand *operand : op.getOpOperandsMatchingBBargs())
    if (!op.getMatchingBlockArgument(operand).use_empty() &&
        !findSource(*operand))
      return;
}

bool Fusion::fail(const Twine &why) {
  reason = why.str();
  return false;
}

bool Fusion::checkOperation() {
  if (product.getCombine())
    return fail("its rows are combined already");
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2)
    return fail("it is not elementwise");
  for (OpOperand &init : op.getDpsInitsMutable())
    if (!op.getMatchingIndexingMap(&init).isIdentity() ||
        !getElementTypeOrSelf(init.get().getType()).isF32())
      return fail("its result is not one f32 for each element");
  for (Operation &inner : op.getBlock()->without_terminator())
    if (!inner.hasTrait<OpTrait::ConstantLike>() &&
        !OpTrait::hasElementwiseMappableTraits(&inner))
      return fail("'" + inner.getName().getStringRef() +
                  "' in it is not scalar arithmetic");
  return true;
}

/// Results of the product that the operation reads must have no other reader,
/// and the others none before it.
bool Fusion::checkUses() {
  for (Value result : product.getResults()) {
    bool isRead = llvm::is_contained(op->getOperands(), result);
    for (Operation *user : result.getUsers()) {
      if (user == op)
        continue;
      if (isRead)
        return fail("the product has more than one use");
      Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*user);
      if (!ancestor || ancestor->isBeforeInBlock(op))
        return fail("another product made at once is used before it");
    }
  }
  return true;
}

/// Whether the pairs of the product's rows are known, or can be: those of
/// `order`, or of the row's number where it is null.
bool Fusion::knowsPairs(Value rowOrder, int64_t slots) {
  if (product.getIds() || product.getOrder())
    return product.getOrder() == rowOrder && *product.getNumSlots() == slots;
  if (!areRowsOrderedBy(product, rowOrder, slots))
    return false;
  order = rowOrder;
  topK = slots;
  return true;
}

/// The values behind rows that were only brought into the product's order.
Source Fusion::lookThrough(Value value, AffineMap map) {
  MLIRContext *context = value.getContext();
  auto dim = [&](unsigned d) { return getAffineDimExpr(d, context); };
  auto inPlaceOfRow = [&](GroupedMatmulOp::MapDim with) {
    return AffineMap::get(GroupedMatmulOp::NumMapDims, 0,
                          {dim(with), map.getResult(1)}, context);
  };
  while (Operation *producer = value.getDefiningOp()) {
    bool byRow = map.getNumResults() == 2 &&
                 map.getResult(0) == dim(GroupedMatmulOp::Row);
    if (auto fill = dyn_cast<linalg::FillOp>(producer))
      return {std::nullopt, fill.value(), AffineMap()};
    if (auto cast = dyn_cast<tensor::CastOp>(producer)) {
      value = cast.getSource();
      continue;
    }
    if (auto vectors = dyn_cast<ExpertRowsOp>(producer);
        vectors && byRow &&
        areRowsGroupedBy(product, vectors.getOffsets(), vectors.getIds()))
      return {std::nullopt, vectors.getVectors(),
              inPlaceOfRow(GroupedMatmulOp::Expert)};
    if (auto gather = dyn_cast<GatherRowsOp>(producer);
        gather && byRow && !gather.getScale() &&
        knowsPairs(gather.getOrder(), gather.getTopK()))
      return {std::nullopt, gather.getInput(),
              inPlaceOfRow(GroupedMatmulOp::Token)};
    break;
  }
  return {std::nullopt, value, map};
}

bool Fusion::findSource(OpOperand &operand) {
  Value value = operand.get();
  if (!isa<RankedTensorType>(value.getType())) {
    sources[operand.getOperandNumber()] = {std::nullopt, value, AffineMap()};
    return true;
  }
  // Loops (r, n) are the first two dimensions of epilogue maps.
  AffineMap map = op.getMatchingIndexingMap(&operand);
  map = AffineMap::get(GroupedMatmulOp::NumMapDims, 0, map.getResults(),
                       op.getContext());
  auto result = dyn_cast<OpResult>(value);
  if (result && result.getOwner() == product) {
    if (!op.getMatchingIndexingMap(&operand).isIdentity())
      return fail("it reads the product in another order");
    sources[operand.getOperandNumber()] = {result.getResultNumber(), nullptr,
                                           AffineMap()};
    return true;
  }
  Source source = lookThrough(value, map);
  Type type = getElementTypeOrSelf(source.value.getType());
  if (source.map && !type.isF32() && !type.isBF16())
    return fail("it reads elements that are neither f32 nor bf16");
  sources[operand.getOperandNumber()] = source;
  return true;
}

GroupedMatmulOp Fusion::fuse(RewriterBase &rewriter) {
  rewriter.setInsertionPoint(op);
  GroupedParts parts(product);
  if (order) {
    parts.order = order;
    parts.topK = topK;
  }
  unsigned products = parts.weights.size();
  DenseMap<unsigned, unsigned> extraOf;
  for (OpOperand &operand : op->getOpOperands()) {
    auto it = sources.find(operand.getOperandNumber());
    if (it != sources.end() && it->second.map)
      extraOf[operand.getOperandNumber()] =
          parts.addExtra(it->second.value, it->second.map);
  }
  // Results that the operation does not read stay, then come its own.
  parts.outs.clear();
  SmallVector<OpResult> kept;
  for (OpResult result : product->getResults())
    if (!llvm::is_contained(op->getOperands(), result)) {
      kept.push_back(result);
      parts.outs.push_back(product.getOuts()[result.getResultNumber()]);
    }
  for (Value init : op.getDpsInits()) {
    // A destination that is only overwritten may be a product's own.
    auto result = dyn_cast<OpResult>(init);
    parts.outs.push_back(result && result.getOwner() == product
                             ? product.getOuts()[result.getResultNumber()]
                             : init);
  }
  GroupedMatmulOp fused = parts.create(
      rewriter, rewriter.getFusedLoc({product.getLoc(), op.getLoc()}));

  SmallVector<Type> types(products, rewriter.getF32Type());
  for (Value extra : parts.extras)
    types.push_back(getElementTypeOrSelf(extra.getType()));
  SmallVector<Location> locations(types.size(), op.getLoc());
  Block *body =
      rewriter.createBlock(&fused.getEpilogue(), {}, types, locations);
  IRMapping mapping;
  SmallVector<Value> values(body->getArguments().take_front(products));
  if (!product.getEpilogue().empty()) {
    Block &before = product.getEpilogue().front();
    mapping.map(before.getArguments(),
                body->getArguments().take_front(before.getNumArguments()));
    for (Operation &inner : before.without_terminator())
      rewriter.clone(inner, mapping);
    values = llvm::map_to_vector(
        before.getTerminator()->getOperands(),
        [&](Value value) { return mapping.lookupOrDefault(value); });
  }
  for (auto &[number, source] : sources) {
    BlockArgument argument =
        op.getMatchingBlockArgument(&op->getOpOperand(number));
    mapping.map(argument, source.product ? values[*source.product]
                          : source.map
                              ? body->getArgument(products + extraOf[number])
                              : source.value);
  }
  for (Operation &inner : op.getBlock()->without_terminator())
    rewriter.clone(inner, mapping);
  SmallVector<Value> yielded;
  for (OpResult result : kept)
    yielded.push_back(values[result.getResultNumber()]);
  for (Value value : op.getBlock()->getTerminator()->getOperands())
    yielded.push_back(mapping.lookupOrDefault(value));
  YieldOp::create(rewriter, op.getLoc(), yielded);

  for (auto [from, to] : llvm::zip_first(kept, fused.getResults()))
    rewriter.replaceAllUsesWith(from, to);
  rewriter.replaceOp(op, fused.getResults().drop_front(kept.size()));
  rewriter.eraseOp(product);
  return fused;
}

namespace {
struct FuseEpiloguePass : moe::impl::FuseEpiloguePassBase<FuseEpiloguePass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<GroupedMatmulOp> products;
    getOperation()->walk([&](GroupedMatmulOp op) {
      if (op.hasPureTensorSemantics())
        products.push_back(op);
    });
    for (GroupedMatmulOp product : products)
      while (GroupedMatmulOp fused = fuseOne(rewriter, product))
        product = fused;
  }

private:
  /// Null where nothing is left to fuse into the product.
  GroupedMatmulOp fuseOne(RewriterBase &rewriter, GroupedMatmulOp product) {
    auto opts = remark::RemarkOpts::name("epilogue").category(DEBUG_TYPE);
    SetVector<Operation *> users(product->user_begin(), product->user_end());
    SmallVector<std::pair<Operation *, std::string>> missed;
    for (Operation *user : users) {
      // Interleaved projections: the product's columns belong to two operands.
      if (isa<tensor::ExtractSliceOp>(user))
        missed.emplace_back(user, "it takes a part of the product");
      auto op = dyn_cast<LinalgOp>(user);
      if (!op)
        continue;
      Fusion fusion(product, op);
      StringRef name = user->getName().getStringRef();
      if (fusion.getReason().empty()) {
        remark::passed(op.getLoc(), opts)
            << remark::add("'{0}' is part of the product", name);
        ++numFused;
        return fusion.fuse(rewriter);
      }
      missed.emplace_back(user, fusion.getReason());
    }
    for (auto &[user, reason] : missed)
      remark::missed(user->getLoc(), opts)
          << remark::add("'{0}' runs after the product, since {1}",
                         user->getName().getStringRef(), reason);
    return nullptr;
  }
};
} // namespace
