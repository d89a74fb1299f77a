// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowKernel.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEROPEAPPENDPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-rope-append"

using namespace mlir;
using namespace mlir::moe;

/// Why nothing that makes the keys can run where they are appended.
static std::string whyNot(KVAppendOp append) {
  Value keys = RowKernel::lookThroughViews(append.getKeys());
  Operation *producer = keys.getDefiningOp();
  if (!producer)
    return "they are an argument";
  std::string reason = RowKernel(producer).getReason();
  if (!reason.empty())
    return ("of '" + producer->getName().getStringRef() +
            "', which makes them: " + reason)
        .str();
  return "something else reads them";
}

namespace {
struct FuseRopeAppendPass
    : moe::impl::FuseRopeAppendPassBase<FuseRopeAppendPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<KVAppendOp> appends;
    getOperation()->walk([&](KVAppendOp op) {
      if (!op->getParentOfType<scf::ForallOp>() &&
          isa<TensorType>(op.getKeys().getType()))
        appends.push_back(op);
    });
    auto opts = remark::RemarkOpts::name("append").category(DEBUG_TYPE);
    for (KVAppendOp append : appends) {
      RowKernel kernel(append);
      if (kernel.getReason().empty())
        kernel.takeProducers();
      Operation *last =
          RowKernel::lookThroughViews(append.getKeys()).getDefiningOp();
      if (!last || !kernel.contains(last)) {
        std::string reason = kernel.getReason();
        remark::missed(append.getLoc(), opts) << remark::add(
            "keys are in memory before they are appended, since {0}",
            reason.empty() ? whyNot(append) : reason);
        continue;
      }
      remark::passed(append.getLoc(), opts) << remark::add(
          "keys are computed while they are appended, by {0} operations",
          kernel.getNumWorking() - 1);
      ++numFused;
      kernel.create(rewriter);
    }
  }
};
} // namespace
