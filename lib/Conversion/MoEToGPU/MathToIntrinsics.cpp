// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "moe/Conversion/MoEToGPU/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOEMATHTOINTRINSICSPASS
#include "moe/Conversion/MoEToGPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {
template <typename OpTy>
struct MathToIntrinsic : OpRewritePattern<OpTy> {
  MathToIntrinsic(MLIRContext *context, StringRef intrinsic)
      : OpRewritePattern<OpTy>(context),
        intrinsic(StringAttr::get(context, intrinsic)) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), intrinsic, op->getOperands());
    return success();
  }

  StringAttr intrinsic;
};

struct ConvertMoEMathToIntrinsicsPass
    : moe::impl::ConvertMoEMathToIntrinsicsPassBase<
          ConvertMoEMathToIntrinsicsPass> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<MathToIntrinsic<math::AbsFOp>>(context, "llvm.fabs");
    set.add<MathToIntrinsic<math::CeilOp>>(context, "llvm.ceil");
    set.add<MathToIntrinsic<math::CopySignOp>>(context, "llvm.copysign");
    set.add<MathToIntrinsic<math::FloorOp>>(context, "llvm.floor");
    set.add<MathToIntrinsic<math::FmaOp>>(context, "llvm.fma");
    set.add<MathToIntrinsic<math::RoundEvenOp>>(context, "llvm.roundeven");
    set.add<MathToIntrinsic<math::SqrtOp>>(context, "llvm.sqrt");
    set.add<MathToIntrinsic<math::TruncOp>>(context, "llvm.trunc");
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    walkAndApplyPatterns(getOperation(), patterns);
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
