// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SPLITSORTPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// T·k / P rounded down, plus 1.
static OpFoldResult countChunks(OpBuilder &b, SortTokensOp op) {
  Location loc = op.getLoc();
  auto ids = cast<ShapedType>(op.getIds().getType());
  int64_t topK = ids.getDimSize(1), chunk = *op.getChunk();
  if (ids.hasStaticShape())
    return b.getIndexAttr(ids.getNumElements() / chunk + 1);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  Value tokens = tensor::DimOp::create(b, loc, op.getIds(), 0);
  Value pairs = arith::MulIOp::create(b, loc, tokens, index(topK));
  Value whole = arith::DivUIOp::create(b, loc, pairs, index(chunk));
  return arith::AddIOp::create(b, loc, whole, index(1)).getResult();
}

static void split(RewriterBase &rewriter, SortTokensOp op) {
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  OpFoldResult shape[] = {countChunks(rewriter, op),
                          rewriter.getIndexAttr(op.getExperts() + 1)};
  auto createMatrix = [&]() -> Value {
    return tensor::EmptyOp::create(rewriter, loc, shape, rewriter.getI32Type());
  };
  auto count = CountPairsOp::create(rewriter, loc, op.getIds(), createMatrix(),
                                    *op.getChunk());
  auto scan = ScanCountsOp::create(rewriter, loc, count.getResult(0),
                                   ValueRange{op.getOuts()[0], createMatrix()},
                                   op.getBlockAttr());
  auto place = PlacePairsOp::create(
      rewriter, loc, op.getIds(), scan.getResult(1), scan.getResult(0),
      ValueRange{op.getOuts()[1], op.getOuts()[2]}, *op.getChunk());
  rewriter.replaceOp(
      op, {scan.getResult(0), place.getResult(0), place.getResult(1)});
}

namespace {
struct SplitSortPass : moe::impl::SplitSortPassBase<SplitSortPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<SortTokensOp> sorts;
    getOperation()->walk([&](SortTokensOp op) {
      if (op.getChunk() && op.getNumResults() != 0)
        sorts.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (SortTokensOp op : sorts)
      split(rewriter, op);
    numSplit += sorts.size();
  }
};
} // namespace
