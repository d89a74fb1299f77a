// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Transforms/SortTokens.h"

#include "RowwiseRegion.h"
#include "SortForm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SORTTOKENSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-sort-tokens"

using namespace mlir;
using namespace mlir::moe;

namespace {
/// A dispatch and what uses its plan.
struct Layer {
  explicit Layer(DispatchOp dispatch) : dispatch(dispatch) {
    for (Operation *user : dispatch.getPlan().getUsers()) {
      if (auto expert = dyn_cast<ExpertOp>(user))
        experts.push_back(expert);
      else if (auto combine = dyn_cast<CombineOp>(user))
        combines.push_back(combine);
      else
        otherUsers.push_back(user);
    }
  }

  DispatchOp dispatch;
  SmallVector<ExpertOp> experts;
  SmallVector<CombineOp> combines;
  SmallVector<Operation *> otherUsers;
};
} // namespace

static LogicalResult check(const Layer &layer) {
  for (Operation *user : layer.otherUsers) {
    InFlightDiagnostic diagnostic =
        DispatchOp(layer.dispatch)
            .emitOpError("expected the plan to be used by moe.expert and "
                         "moe.combine only");
    diagnostic.attachNote(user->getLoc()) << "used here";
    return diagnostic;
  }
  for (ExpertOp expert : layer.experts)
    if (cast<ShapedType>(expert.getResult().getType()).isDynamicDim(1))
      return expert.emitOpError("expected a static width of the result, got ")
             << expert.getResult().getType();
  return success();
}

/// Whether only the layer itself reads its sorted rows, so that their order
/// cannot be seen.
static bool isOrderHidden(const Layer &layer) {
  Value plan = DispatchOp(layer.dispatch).getPlan();
  Value dispatched = DispatchOp(layer.dispatch).getRows();
  auto planOfReader = [](OpOperand &use) -> Value {
    auto expert = dyn_cast<ExpertOp>(use.getOwner());
    if (expert && &use == &expert.getRowsMutable())
      return expert.getPlan();
    auto combine = dyn_cast<CombineOp>(use.getOwner());
    if (combine && &use == &combine.getRowsMutable())
      return combine.getPlan();
    return nullptr;
  };
  auto readByLayer = [&](Value rows) {
    return llvm::all_of(rows.getUses(), [&](OpOperand &use) {
      return planOfReader(use) == plan;
    });
  };
  auto madeByLayer = [&](Value rows) {
    auto expert = rows.getDefiningOp<ExpertOp>();
    return rows == dispatched || (expert && expert.getPlan() == plan);
  };
  return readByLayer(dispatched) &&
         llvm::all_of(layer.experts,
                      [&](ExpertOp op) {
                        return madeByLayer(op.getRows()) &&
                               readByLayer(op.getResult());
                      }) &&
         llvm::all_of(layer.combines,
                      [&](CombineOp op) { return madeByLayer(op.getRows()); });
}

/// Moves the region of `op` into a loop over experts, or over pairs. Null
/// `rows` stands for the dispatched token rows.
static Value loopOver(RewriterBase &rewriter, ExpertOp op,
                      const RowOrder &order, Value rows) {
  Block &body = op.getBody().front();
  auto moveBody = [&](OpBuilder &b, Location loc, Value block,
                      ValueRange weights) -> Value {
    SmallVector<Value> arguments = {
        castTo(b, loc, block, body.getArgument(0).getType())};
    llvm::append_range(arguments, weights);
    auto yield = cast<YieldOp>(body.getTerminator());
    rewriter.inlineBlockBefore(&body, b.getInsertionBlock(),
                               b.getInsertionPoint(), arguments);
    Value yielded = yield.getValues().front();
    rewriter.eraseOp(yield);
    return yielded;
  };
  int64_t width = cast<ShapedType>(op.getResult().getType()).getDimSize(1);
  Value init =
      order.createEmpty(rewriter, op.getLoc(), rewriter.getIndexAttr(width));
  return buildExpertLoop(rewriter, op.getLoc(), order,
                         rows ? rows : order.tokens, /*broadcast=*/!rows,
                         op.getWeights(), init, moveBody);
}

FailureOr<SortedLayer> moe::sortTokens(RewriterBase &rewriter,
                                       DispatchOp dispatch, TokenForm form) {
  Layer layer(dispatch);
  if (failed(check(layer)))
    return failure();
  SortedLayer summary;
  summary.sorted =
      chooseSorted(dispatch, layer.experts, form, !isOrderHidden(layer));

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(dispatch);
  RowOrder order = RowOrder::create(rewriter, dispatch, summary.sorted);
  if (summary.sorted)
    chooseChunk(order.offsets.getDefiningOp<SortTokensOp>());
  auto replaceRows = [&](Value from, Value to) {
    rewriter.replaceAllUsesWith(
        from, castTo(rewriter, from.getLoc(), to, from.getType()));
  };
  // Unsorted rows are copied where they are needed.
  if (!order.hasTokenRows() && !dispatch.getRows().use_empty())
    replaceRows(dispatch.getRows(), order.gather(rewriter, dispatch.getLoc()));

  for (ExpertOp expert : layer.experts) {
    // Rows of tokens are read where they are.
    Value rows = expert.getRows();
    if (rows == dispatch.getRows())
      rows = nullptr;
    rewriter.setInsertionPoint(expert);
    RowwiseRegion region(expert);
    Value result;
    if (Operation *mismatch = region.getMismatch()) {
      remark::missed(mismatch->getLoc(),
                     remark::RemarkOpts::name("loop").category(DEBUG_TYPE))
          << remark::add("loop over experts, since '{0}' does not fit: {1}",
                         mismatch->getName().getStringRef(),
                         region.getReason());
      ++summary.numLoops;
      result = loopOver(rewriter, expert, order, rows);
    } else {
      result = inlineRegion(rewriter, expert, region, order, rows);
    }
    replaceRows(expert.getResult(), result);
    rewriter.eraseOp(expert);
  }

  for (CombineOp combine : layer.combines) {
    Location loc = combine.getLoc();
    rewriter.setInsertionPoint(combine);
    Value rows = combine.getRows();
    if (rows == dispatch.getRows())
      rows = order.gather(rewriter, loc);
    replaceRows(combine.getResult(),
                order.combine(rewriter, loc, rows, combine.getWeights(),
                              combine.getResidual(), combine.getSkipped()));
    rewriter.eraseOp(combine);
  }
  rewriter.eraseOp(dispatch);
  return summary;
}

namespace {
struct SortTokensPass : moe::impl::SortTokensPassBase<SortTokensPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Lowering a layer may copy or move the layers of its experts' regions.
    while (DispatchOp dispatch = findDispatch()) {
      FailureOr<SortedLayer> layer = sortTokens(rewriter, dispatch, form);
      if (failed(layer))
        return signalPassFailure();
      ++(layer->sorted ? numSorted : numUnsorted);
      numLooped += layer->numLoops;
    }
    WalkResult foreign = getOperation()->walk([](Operation *op) {
      if (!isa<ExpertOp, CombineOp>(op))
        return WalkResult::advance();
      op->emitOpError("expected the plan of a moe.dispatch in this function");
      return WalkResult::interrupt();
    });
    if (foreign.wasInterrupted())
      signalPassFailure();
  }

private:
  DispatchOp findDispatch() {
    DispatchOp found;
    getOperation()->walk([&](DispatchOp dispatch) {
      found = dispatch;
      return WalkResult::interrupt();
    });
    return found;
  }
};
} // namespace
