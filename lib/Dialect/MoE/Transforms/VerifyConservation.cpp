// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Analysis/RowSets.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_VERIFYCONSERVATIONPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-verify-conservation"

using namespace mlir;
using namespace mlir::moe;

namespace {
struct VerifyConservationPass
    : moe::impl::VerifyConservationPassBase<VerifyConservationPass> {
  using Base::Base;

  void runOnOperation() override {
    FunctionOpInterface function = getOperation();
    if (function.isExternal())
      return markAllAnalysesPreserved();
    auto opts = remark::RemarkOpts::name("conservation").category(DEBUG_TYPE);
    RowSetAnalysis analysis(
        function,
        [&](Operation *op, const Twine &message) {
          op->emitOpError(message);
          signalPassFailure();
        },
        [&](Operation *op, const Twine &message) {
          remark::missed(op->getLoc(), opts)
              << remark::add("not followed further: '{0}' {1}",
                             op->getName().getStringRef(), message.str());
        },
        [](Operation *op, const Twine &message) {
          op->emitWarning() << "'" << op->getName() << "' op " << message;
        });
    numProven += analysis.getNumProven();
    remark::analysis(function.getLoc(), opts)
        << remark::add("{0} orders of rows are followed from the tokens to "
                       "their sums",
                       analysis.getNumProven());
    markAllAnalysesPreserved();
  }
};
} // namespace
