// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.sort_tokens as three loops: histogram, inclusive scan over counts that
// stand one place to the right, stable scatter.
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
struct SortTokensToLoops : OpRewritePattern<SortTokensOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SortTokensOp op,
                                PatternRewriter &rewriter) const override;
};

/// Builds scalar code of the sort at one place.
struct SortBuilder : ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  Value load(Value tensor, ValueRange indices) {
    return tensor::ExtractOp::create(*this, tensor, indices);
  }
  Value store(Value value, Value tensor, ValueRange indices) {
    return tensor::InsertOp::create(*this, value, tensor, indices);
  }
  Value toIndex(Value value) {
    return arith::IndexCastOp::create(*this, getIndexType(), value);
  }
  Value add(Value lhs, Value rhs) {
    return arith::AddIOp::create(*this, lhs, rhs);
  }
  /// The tensors carried through `body(i, tensors)` for i in [0, end).
  ValueRange loop(
      Value end, ValueRange carried,
      function_ref<SmallVector<Value>(SortBuilder &, Value, ValueRange)> body) {
    return scf::ForOp::create(
               *this, index(0), end, index(1), carried,
               [&](OpBuilder &b, Location loc, Value i, ValueRange values) {
                 SortBuilder inner(loc, b);
                 scf::YieldOp::create(b, loc, body(inner, i, values));
               })
        .getResults();
  }
};
} // namespace

LogicalResult
SortTokensToLoops::matchAndRewrite(SortTokensOp op,
                                   PatternRewriter &rewriter) const {
  if (op.getNumResults() == 0)
    return rewriter.notifyMatchFailure(op, "buffer form");
  SortBuilder b(op.getLoc(), rewriter);
  Value ids = op.getIds();
  Type i32 = b.getI32Type();
  int64_t experts = op.getExperts();
  int64_t topK = cast<ShapedType>(ids.getType()).getDimSize(1);
  Value slots = b.index(topK);
  OpFoldResult tokens = tensor::getMixedSize(b, b.getLoc(), ids, 0);
  Value pairs = arith::MulIOp::create(
      b, getValueOrCreateConstantIndexOp(b, b.getLoc(), tokens), slots);
  auto empty = [&](unsigned result, ValueRange sizes) -> Value {
    auto type = cast<RankedTensorType>(op.getResult(result).getType());
    SmallVector<Value> dynamic;
    for (auto [i, size] : llvm::enumerate(sizes))
      if (type.isDynamicDim(i))
        dynamic.push_back(size);
    return tensor::EmptyOp::create(b, type, dynamic);
  };
  auto expertOf = [&](SortBuilder &b, Value pair) -> Value {
    Value token = arith::DivUIOp::create(b, pair, slots);
    Value slot = arith::RemUIOp::create(b, pair, slots);
    return b.toIndex(b.load(ids, {token, slot}));
  };

  Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  Value unit = arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
  Value one = b.index(1);
  Value offsets =
      linalg::FillOp::create(b, zero, empty(0, b.index(experts + 1)))
          .getResult(0);
  offsets = b.loop(pairs, offsets,
                   [&](SortBuilder &b, Value pair,
                       ValueRange carried) -> SmallVector<Value> {
                     Value place = b.add(expertOf(b, pair), one);
                     Value count = b.load(carried[0], place);
                     return {b.store(b.add(count, unit), carried[0], place)};
                   })
                .front();
  offsets = b.loop(b.index(experts), offsets,
                   [&](SortBuilder &b, Value expert,
                       ValueRange carried) -> SmallVector<Value> {
                     Value next = b.add(expert, one);
                     Value sum = b.add(b.load(carried[0], expert),
                                       b.load(carried[0], next));
                     return {b.store(sum, carried[0], next)};
                   })
                .front();

  // The cursors of the experts start at their offsets.
  Value tokensValue = getValueOrCreateConstantIndexOp(b, b.getLoc(), tokens);
  Value order = empty(1, pairs), inverse = empty(2, {tokensValue, slots});
  ValueRange sorted =
      b.loop(pairs, {offsets, order, inverse},
             [&](SortBuilder &b, Value pair,
                 ValueRange carried) -> SmallVector<Value> {
               Value expert = expertOf(b, pair);
               Value row = b.load(carried[0], expert);
               Value token = arith::DivUIOp::create(b, pair, slots);
               Value slot = arith::RemUIOp::create(b, pair, slots);
               Value number = arith::IndexCastOp::create(b, i32, pair);
               return {b.store(b.add(row, unit), carried[0], expert),
                       b.store(number, carried[1], b.toIndex(row)),
                       b.store(row, carried[2], {token, slot})};
             });
  rewriter.replaceOp(op, {offsets, sorted[1], sorted[2]});
  return success();
}

void moe::populateSortTokensToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<SortTokensToLoops>(patterns.getContext());
}
