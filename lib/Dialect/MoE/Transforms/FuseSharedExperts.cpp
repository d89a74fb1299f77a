// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SharedExpert.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSESHAREDEXPERTSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-shared-experts"

using namespace mlir;
using namespace mlir::moe;

/// `type` with another extent of a dimension, unless that is dynamic.
static RankedTensorType withExtent(Type type, int64_t dim, int64_t extent) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  if (!tensor.isDynamicDim(dim))
    shape[dim] = extent;
  return RankedTensorType::get(shape, tensor.getElementType());
}

/// Both weights' data, the second as one more matrix.
static Attribute stackSources(WeightOp routed, WeightOp shared) {
  Builder b(routed.getContext());
  int64_t experts = routed.getTensorType().getDimSize(0);
  Attribute last = shared.getSource();
  if (auto dense = dyn_cast<DenseElementsAttr>(last)) {
    SmallVector<int64_t> shape = {1};
    llvm::append_range(shape, dense.getType().getShape());
    last = dense.reshape(
        RankedTensorType::get(shape, dense.getType().getElementType()));
  }
  return StackAttr::get(b.getContext(), {experts, 1},
                        b.getArrayAttr({routed.getSource(), last}));
}

namespace {
struct FuseSharedExpertsPass
    : moe::impl::FuseSharedExpertsPassBase<FuseSharedExpertsPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    symbols.emplace(getOperation());
    SmallVector<CombineOp> combines;
    getOperation().walk([&](CombineOp op) { combines.push_back(op); });
    auto opts = remark::RemarkOpts::name("shared-expert").category(DEBUG_TYPE);
    for (CombineOp combine : combines) {
      SharedExpert expert(combine);
      if (!expert.isCandidate())
        continue;
      std::string reason = expert.getReason();
      SmallVector<WeightOp> stacked;
      if (reason.empty() && !stackWeights(expert, stacked))
        reason = "a weight of it cannot be stacked with the experts'";
      if (!reason.empty()) {
        remark::missed(combine.getLoc(), opts) << remark::add(
            "a shared expert stays on its own, since {0}", reason);
        continue;
      }
      remark::passed(combine.getLoc(), opts)
          << remark::add("a shared expert is expert {0} of every token",
                         expert.getDispatch().getExperts());
      ++numFused;
      fuse(rewriter, expert, stacked);
    }
    // Weights that only the shared experts' own operations used go with them.
    if (!replaced.empty())
      (void)runRegionDCE(rewriter, getOperation()->getRegions());
    for (WeightOp weight : replaced)
      if (SymbolTable::symbolKnownUseEmpty(weight, getOperation()))
        symbols->erase(weight);
    stacks.clear();
    replaced.clear();
    symbols.reset();
  }

private:
  bool stackWeights(SharedExpert &expert, SmallVectorImpl<WeightOp> &stacked);
  WeightOp stack(WeightOp routed, WeightOp shared);
  void fuse(RewriterBase &rewriter, SharedExpert &expert,
            ArrayRef<WeightOp> stacked);

  std::optional<SymbolTable> symbols;
  /// What both entries of a model use is stacked once.
  DenseMap<std::pair<Operation *, Operation *>, WeightOp> stacks;
  llvm::SetVector<WeightOp> replaced;
};
} // namespace

WeightOp FuseSharedExpertsPass::stack(WeightOp routed, WeightOp shared) {
  WeightOp &known = stacks[{routed, shared}];
  if (known)
    return known;
  RankedTensorType type = routed.getTensorType(), one = shared.getTensorType();
  if (routed.getLayout() || shared.getLayout() ||
      routed.getTransposed() != shared.getTransposed() ||
      type.getElementType() != one.getElementType() ||
      type.getShape().drop_front() != one.getShape())
    return nullptr;
  RankedTensorType all = withExtent(type, 0, type.getDimSize(0) + 1);
  OpBuilder b(routed);
  auto fusedLoc = b.getFusedLoc({routed.getLoc(), shared.getLoc()});
  known = WeightOp::create(b, fusedLoc,
                           (routed.getSymName() + ".with_shared").str(), all,
                           stackSources(routed, shared), routed.getTransposed(),
                           PanelLayoutAttr(), IntegerAttr());
  symbols->insert(known);
  return known;
}

bool FuseSharedExpertsPass::stackWeights(SharedExpert &expert,
                                         SmallVectorImpl<WeightOp> &stacked) {
  for (auto [routed, shared] :
       llvm::zip_equal(expert.getExpert().getWeights(), expert.getWeights())) {
    auto get = routed.getDefiningOp<GetWeightOp>();
    auto sharedGet = shared ? shared.getDefiningOp<GetWeightOp>() : nullptr;
    if (!get || !sharedGet)
      return false;
    auto from = symbols->lookup<WeightOp>(get.getWeight());
    auto with = symbols->lookup<WeightOp>(sharedGet.getWeight());
    WeightOp both = stack(from, with);
    if (!both)
      return false;
    stacked.push_back(both);
    replaced.insert(from);
    replaced.insert(with);
  }
  return true;
}

void FuseSharedExpertsPass::fuse(RewriterBase &rewriter, SharedExpert &shared,
                                 ArrayRef<WeightOp> stacked) {
  RouteOp route = shared.getRoute();
  DispatchOp dispatch = shared.getDispatch();
  ExpertOp expert = shared.getExpert();
  CombineOp combine = shared.getCombine();
  int64_t slots = route.getNumSlots() + 1,
          experts = static_cast<int64_t>(dispatch.getExperts()) + 1;

  rewriter.modifyOpInPlace(route, [&] {
    route.setSharedExpertsAttr(
        SharedExpertsAttr::get(&getContext(), 1, SharedWeight::One));
    for (unsigned i : {0, 1})
      route->getResult(i).setType(
          withExtent(route->getResult(i).getType(), 1, slots));
  });
  auto ids = cast<RankedTensorType>(dispatch.getIds().getType());
  RankedTensorType rows =
      withExtent(dispatch.getRows().getType(), 0, ids.getDimSize(0) * slots);
  rewriter.modifyOpInPlace(dispatch, [&] {
    dispatch.setExperts(experts);
    dispatch.getRows().setType(rows);
    dispatch.getPlan().setType(PlanType::get(&getContext(), experts, slots));
  });
  rewriter.setInsertionPoint(expert);
  SmallVector<Value> weights;
  for (WeightOp weight : stacked)
    weights.push_back(
        GetWeightOp::create(rewriter, expert.getLoc(), weight.getTensorType(),
                            FlatSymbolRefAttr::get(weight.getSymNameAttr())));
  rewriter.modifyOpInPlace(expert, [&] {
    expert.getWeightsMutable().assign(weights);
    expert.getResult().setType(
        withExtent(expert.getResult().getType(), 0, ids.getDimSize(0) * slots));
  });
  rewriter.replaceOp(shared.getSum(), combine.getResult());
}
