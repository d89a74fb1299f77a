// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowKernel.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSERESIDUALNORMPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-residual-norm"

using namespace mlir;
using namespace mlir::moe;
using linalg::LinalgOp;

static bool isElementwise(LinalgOp op) {
  return op.getNumLoops() > 0 && op.getNumParallelLoops() == op.getNumLoops();
}

/// The tensors whose sums over rows `value` is; none if it is no such sum.
static void collectSummed(Value value, SetVector<Value> &summed) {
  auto op = RowKernel::lookThroughViews(value).getDefiningOp<LinalgOp>();
  if (!op || op.getNumReductionLoops() == 0 ||
      linalg::isaContractionOpInterface(op))
    return;
  for (OpOperand *input : op.getDpsInputOperands()) {
    summed.insert(RowKernel::lookThroughViews(input->get()));
    collectSummed(input->get(), summed);
  }
}

/// What a norm is of: the tensor that `op` reads and of whose rows it also
/// reads sums. Null if it is no norm.
static Value getNormed(LinalgOp op) {
  if (!isElementwise(op))
    return nullptr;
  SetVector<Value> summed;
  for (OpOperand *input : op.getDpsInputOperands())
    collectSummed(input->get(), summed);
  for (OpOperand *input : op.getDpsInputOperands())
    if (Value base = RowKernel::lookThroughViews(input->get());
        summed.contains(base))
      return base;
  return nullptr;
}

/// The operation of the same block that all readers of the results are, or are
/// in; null if there are several.
static Operation *getOnlyUser(Operation *op) {
  SetVector<Operation *> users;
  for (Operation *user : op->getUsers())
    users.insert(op->getBlock()->findAncestorOpInBlock(*user));
  return users.size() == 1 ? users.front() : nullptr;
}

/// The last of the elementwise operations that work on nothing but the norm's
/// result, such as its rotation.
static LinalgOp getLast(LinalgOp norm) {
  LinalgOp last = norm;
  for (Operation *op = getOnlyUser(norm); op; op = getOnlyUser(op)) {
    auto next = dyn_cast<LinalgOp>(op);
    if (next ? !isElementwise(next) : !RowKernel::isView(op))
      break;
    if (next)
      last = next;
  }
  return last;
}

namespace {
struct FuseResidualNormPass
    : moe::impl::FuseResidualNormPassBase<FuseResidualNormPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<LinalgOp> norms;
    getOperation()->walk([&](LinalgOp op) {
      if (!op->getParentOfType<scf::ForallOp>() && getNormed(op))
        norms.push_back(op);
    });
    SmallPtrSet<Operation *, 16> taken;
    for (LinalgOp norm : norms)
      if (!taken.contains(norm))
        run(rewriter, norm, taken);
  }

private:
  void run(RewriterBase &rewriter, LinalgOp norm,
           SmallPtrSetImpl<Operation *> &taken);
};
} // namespace

/// The operations that make a norm; empty, with a reason, where they are not
/// one kernel.
static RowKernel collect(LinalgOp norm, std::string &reason) {
  for (LinalgOp root : {getLast(norm), norm}) {
    RowKernel kernel(root);
    reason = kernel.getReason();
    if (!reason.empty())
      continue;
    kernel.takeProducers();
    if (!kernel.contains(norm) || !kernel.hasReduction())
      reason = "something else reads its sums";
    else
      return kernel;
  }
  return RowKernel(norm);
}

void FuseResidualNormPass::run(RewriterBase &rewriter, LinalgOp norm,
                               SmallPtrSetImpl<Operation *> &taken) {
  auto opts = remark::RemarkOpts::name("norm").category(DEBUG_TYPE);
  std::string reason;
  RowKernel kernel = collect(norm, reason);
  if (!reason.empty()) {
    remark::missed(norm.getLoc(), opts)
        << remark::add("a norm stays several operations, since {0}", reason);
    return;
  }
  auto addition = getNormed(norm).getDefiningOp<LinalgOp>();
  bool withAddition = addition && isElementwise(addition);
  if (withAddition && !kernel.contains(addition)) {
    std::string why = kernel.takeShared(addition);
    withAddition = why.empty();
    if (withAddition)
      kernel.takeProducers();
    else
      remark::missed(addition.getLoc(), opts) << remark::add(
          "the addition before a norm stays on its own, since {0}", why);
  }
  remark::passed(norm.getLoc(), opts)
      << remark::add("a norm{0} is one pass over rows of {1} operations",
                     withAddition ? " and the addition before it" : "",
                     kernel.getNumWorking());
  ++numFused;
  for (Operation *op : kernel.getMembers())
    taken.insert(op);
  kernel.create(rewriter);
}
