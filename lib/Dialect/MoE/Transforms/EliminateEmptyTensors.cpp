// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SubsetOpInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_ELIMINATEEMPTYTENSORSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;

/// Whether a use cannot lead to a write to the tensor's memory.
static bool onlyReads(OpOperand &use) {
  if (auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner()))
    return op.isDpsInput(&use);
  return isa<tensor::DimOp, tensor::ExtractOp>(use.getOwner());
}

/// The value whose memory is that of `use` after its owner has written; null
/// where that is not one result.
static Value getWritten(OpOperand &use) {
  if (auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner()))
    return op->getNumResults() == 0 ? Value() : op.getTiedOpResult(&use);
  if (auto loop = dyn_cast<scf::ForOp>(use.getOwner()))
    return loop.getTiedLoopResult(&use);
  return use.getOwner()->getNumResults() == 1 ? use.getOwner()->getResult(0)
                                              : Value();
}

/// Whether a use makes the tensor a result, which is copied at the end if it
/// was not made where it goes.
static bool isResult(OpOperand &use) {
  return isa<bufferization::MaterializeInDestinationOp>(use.getOwner()) &&
         use.getOwner()->getNumResults() == 0;
}

/// Upstream's replacement of an empty tensor by the memory it ends up in,
/// unless a value on the way there is changed in two ways, or is a result that
/// is changed too: one of the two may be made in that memory and the other one,
/// ready later, overwrite it. The analysis does not see that the memory is the
/// same.
static Value buildUnlessShared(RewriterBase &rewriter,
                               SubsetInsertionOpInterface op,
                               tensor::EmptyOp empty, Operation *user) {
  if (user->getNumResults() != 1)
    return bufferization::buildSubsetExtraction(rewriter, op, empty, user);
  for (Value value = user->getResult(0); value;) {
    OpOperand *write = nullptr;
    bool isKept = false;
    for (OpOperand &use : value.getUses()) {
      isKept |= isResult(use);
      if (isResult(use) || onlyReads(use))
        continue;
      if (write)
        return nullptr;
      write = &use;
    }
    if (write && isKept)
      return nullptr;
    value = write ? getWritten(*write) : Value();
  }
  return bufferization::buildSubsetExtraction(rewriter, op, empty, user);
}

/// The tensor that `value` is written into, step by step.
static Value getOrigin(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    auto result = cast<OpResult>(value);
    OpOperand *before = nullptr;
    if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
      before = destination.getTiedOpOperand(result);
    else if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
      before = loop.getTiedLoopInit(result);
    if (!before)
      break;
    value = before->get();
  }
  return value;
}

static bool haveSameShape(Value a, Value b) {
  int64_t rank = cast<RankedTensorType>(a.getType()).getRank();
  return llvm::all_of(llvm::seq(rank), [&](int64_t dim) {
    FailureOr<bool> same =
        ValueBoundsConstraintSet::areEqual({a, dim}, {b, dim});
    return succeeded(same) && *same;
  });
}

/// Lets what a loop carries end in the memory that it came in, where the next
/// iteration finds it: no buffer of one iteration outlives it.
static void carryInPlace(RewriterBase &rewriter, scf::ForOp loop) {
  Operation *yield = loop.getBody()->getTerminator();
  rewriter.setInsertionPoint(yield);
  for (auto [init, carried, made] :
       llvm::zip_equal(loop.getInitArgs(), loop.getRegionIterArgs(),
                       yield->getOpOperands())) {
    Value value = made.get();
    Value origin = getOrigin(value);
    // Of an scf.while nobody says where its results begin.
    if (!isa<RankedTensorType>(value.getType()) || origin == carried ||
        origin.getDefiningOp<scf::WhileOp>() || !haveSameShape(value, init))
      continue;
    Value moved = bufferization::MaterializeInDestinationOp::create(
                      rewriter, value.getLoc(), value.getType(), value, carried)
                      .getResult();
    rewriter.modifyOpInPlace(yield,
                             [&operand = made, moved] { operand.set(moved); });
  }
}

namespace {
struct EliminateEmptyTensorsPass
    : moe::impl::EliminateEmptyTensorsPassBase<EliminateEmptyTensorsPass> {
  using Base::Base;

  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.allowReturnAllocsFromLoops = true;
    IRRewriter rewriter(&getContext());
    getOperation()->walk(
        [&](scf::ForOp loop) { carryInPlace(rewriter, loop); });
    bufferization::OneShotAnalysisState state(getOperation(), options);
    if (failed(bufferization::analyzeOp(getOperation(), state)) ||
        failed(bufferization::eliminateEmptyTensors(rewriter, getOperation(),
                                                    state, buildUnlessShared)))
      signalPassFailure();
  }
};
} // namespace
