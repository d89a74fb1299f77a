// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PlainProduct.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEROUTERPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-router"

using namespace mlir;
using namespace mlir::moe;

/// Tokens of a block, columns of a panel, and multiply-adds that outweigh a
/// launch of their own: the projection is a launch over panels, the route one
/// over tokens.
static constexpr int64_t blockTokens = 8, panelColumns = 32,
                         launchOperations = 40000;

namespace {
/// What makes the logits of a route.
struct Projection {
  Value input, weights;
  PanelLayoutAttr panel;
};
} // namespace

/// Whether few tokens would leave the threads idle over which a product of its
/// own splits the columns.
static bool wantsThreads(Value input, int64_t columns) {
  auto type = cast<ShapedType>(input.getType());
  int64_t tokens = type.getDimSize(0);
  return !type.isDynamicDim(0) && tokens < blockTokens &&
         columns > panelColumns &&
         tokens * columns * type.getDimSize(1) > launchOperations;
}

/// The projection that the route can compute itself, or a remark why not.
static std::optional<Projection> findProjection(RouteOp route) {
  auto opts = remark::RemarkOpts::name("router").category(DEBUG_TYPE);
  auto missed = [&](const Twine &reason) {
    remark::missed(route.getLoc(), opts)
        << remark::add("logits are computed apart, since {0}", reason.str());
    return std::nullopt;
  };
  Operation *producer = route.getLogits().getDefiningOp();
  if (!producer)
    return missed("they are an argument");
  Projection projection;
  if (auto packed = dyn_cast<PackedMatmulOp>(producer)) {
    projection = {packed.getInput(), packed.getWeights(), packed.getPanel()};
  } else if (auto matmul = dyn_cast<linalg::MatmulOp>(producer)) {
    if (const char *reason = whyNotPlainProduct(matmul))
      return missed("of the product " + Twine(reason));
    projection = {matmul.getInputs()[0], matmul.getInputs()[1], {}};
    if (!projection.weights.getDefiningOp<GetWeightOp>())
      return missed("its weights are computed");
  } else {
    return missed("'" + producer->getName().getStringRef() + "' makes them");
  }
  if (!producer->hasOneUse())
    return missed("something else reads them");
  if (wantsThreads(projection.input, route.getNumColumns()))
    return missed("few tokens leave their columns to the threads");
  return projection;
}

static void fuse(RewriterBase &rewriter, RouteOp route,
                 const Projection &projection) {
  Operation *producer = route.getLogits().getDefiningOp();
  int64_t columns = route.getNumColumns();
  rewriter.modifyOpInPlace(route, [&] {
    route.getLogitsMutable().assign(projection.input);
    route.getGateMutable().assign(projection.weights);
    route.setColumns(columns);
    if (projection.panel)
      route.setPanelAttr(projection.panel);
  });
  rewriter.eraseOp(producer);
}

namespace {
struct FuseRouterPass : moe::impl::FuseRouterPassBase<FuseRouterPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<RouteOp> routes;
    getOperation()->walk([&](RouteOp op) { routes.push_back(op); });
    for (RouteOp route : routes) {
      if (route.getGate() || route->getNumResults() == 0)
        continue;
      std::optional<Projection> projection = findProjection(route);
      if (!projection)
        continue;
      remark::passed(route.getLoc(),
                     remark::RemarkOpts::name("router").category(DEBUG_TYPE))
          << remark::add("the route computes its {0} logits itself",
                         route.getNumColumns());
      ++numFused;
      fuse(rewriter, route, *projection);
    }
  }
};
} // namespace
