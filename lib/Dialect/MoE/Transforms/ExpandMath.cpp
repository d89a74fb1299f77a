// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ExpandAngles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/DescribeLocation.h"

namespace mlir::moe {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// What vectorises on a CPU.
static bool isExpandedForCPU(StringRef name) {
  return name == math::ExpOp::getOperationName() ||
         name == math::TanhOp::getOperationName() ||
         name == math::ErfOp::getOperationName() ||
         name == math::LogOp::getOperationName();
}

/// What a GPU has an instruction for, or a few.
static bool isBasic(Operation *op) {
  return isa<math::AbsFOp, math::CeilOp, math::CopySignOp, math::FloorOp,
             math::FmaOp, math::RoundEvenOp, math::SqrtOp, math::TruncOp>(op);
}

namespace {
struct ExpandMathPass : moe::impl::ExpandMathPassBase<ExpandMathPass> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    if (device) {
      auto isExpanded = [](StringRef name) {
        return name != math::SinOp::getOperationName() &&
               name != math::CosOp::getOperationName();
      };
      populateExpandAnglesPatterns(set);
      math::populateExpansionPatterns(
          set, {"exp2", "powf", "rsqrt", "sinh", "cosh"});
      populateMathF32ExpansionPatterns(set, isExpanded);
      populateMathPolynomialApproximationPatterns(set, isExpanded);
    } else {
      populateMathPolynomialApproximationPatterns(set, isExpandedForCPU);
    }
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      return signalPassFailure();
    if (!device)
      return;
    getOperation()->walk([&](Operation *op) {
      if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) || isBasic(op))
        return;
      op->emitOpError("of ") << describeLocation(op->getLoc())
                             << " has no expansion for a device, which has no "
                                "library of functions";
      signalPassFailure();
    });
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
