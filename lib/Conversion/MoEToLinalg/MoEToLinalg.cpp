// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOETOLINALGPASS
#include "moe/Conversion/MoEToLinalg/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {
struct ConvertMoEToLinalgPass
    : moe::impl::ConvertMoEToLinalgPassBase<ConvertMoEToLinalgPass> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    const llvm::StringMap<void (*)(RewritePatternSet &)> conversions = {
        {"route", populateRouteToLinalgPatterns},
        {"sort_tokens", populateSortTokensToLinalgPatterns},
        {"grouped_matmul", populateGroupedMatmulToLinalgPatterns},
        {"gather_rows", populateGatherRowsToLinalgPatterns},
        {"expert_rows", populateExpertRowsToLinalgPatterns},
        {"combine_rows", populateCombineRowsToLinalgPatterns},
        {"training", populateTrainingToLinalgPatterns}};
    RewritePatternSet set(context);
    if (ops.empty())
      for (auto &conversion : conversions)
        conversion.second(set);
    for (const std::string &name : ops) {
      if (name == "products") {
        populateProductsToLinalgPatterns(set);
        continue;
      }
      auto it = conversions.find(name);
      if (it == conversions.end())
        return emitError(UnknownLoc::get(context))
               << "convert-moe-to-linalg: expected ops to be of route, "
                  "sort_tokens, grouped_matmul, gather_rows, expert_rows, "
                  "combine_rows, training, products, got "
               << name;
      it->second(set);
    }
    patterns = FrozenRewritePatternSet(std::move(set));
    RewritePatternSet unfuse(context);
    if (ops.empty() || llvm::is_contained(ops, "grouped_matmul"))
      populateUnfuseGroupedMatmulPatterns(unfuse);
    unfusePatterns = FrozenRewritePatternSet(std::move(unfuse));
    return success();
  }

  void runOnOperation() override {
    // A walk does not come to operations that it makes.
    walkAndApplyPatterns(getOperation(), unfusePatterns);
    walkAndApplyPatterns(getOperation(), patterns);
  }

private:
  FrozenRewritePatternSet unfusePatterns, patterns;
};
} // namespace
