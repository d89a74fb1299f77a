// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.sort_tokens as three loops: histogram, scan, stable scatter.
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
  int64_t topK = cast<ShapedType>(ids.getType()).getDimSize(1);
  Value slots = b.index(topK);
  OpFoldResult tokens = tensor::getMixedSize(b, b.getLoc(), ids, 0);
  Value pairs = arith::MulIOp::create(
      b, getValueOrCreateConstantIndexOp(b, b.getLoc(), tokens), slots);
  auto expertOf = [&](SortBuilder &b, Value pair) -> Value {
    Value token = arith::DivUIOp::create(b, pair, slots);
    Value slot = arith::RemUIOp::create(b, pair, slots);
    return b.toIndex(b.load(ids, {token, slot}));
  };

  auto constant = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  auto fill = [&](int32_t value, Value tensor) {
    return linalg::FillOp::create(b, constant(value), tensor).getResult(0);
  };
  auto toI32 = [&](SortBuilder &b, Value index) -> Value {
    return arith::IndexCastOp::create(b, i32, index);
  };

  // One count for each expert and one for skipped pairs.
  int64_t columns = op.getExperts() + 1;
  Value unit = constant(1);
  Value counts = tensor::EmptyOp::create(b, ArrayRef<int64_t>{columns}, i32);
  counts = b.loop(pairs, fill(0, counts),
                  [&](SortBuilder &b, Value pair,
                      ValueRange carried) -> SmallVector<Value> {
                    Value expert = expertOf(b, pair);
                    Value count = b.load(carried[0], expert);
                    return {b.store(b.add(count, unit), carried[0], expert)};
                  })
               .front();
  // Counts become cursors, the next row of each.
  Value multiple = b.index(op.getRowMultiple());
  ValueRange scanned = b.loop(
      b.index(columns), {b.index(0), op.getOuts()[0], counts},
      [&](SortBuilder &b, Value expert,
          ValueRange carried) -> SmallVector<Value> {
        Value row = carried[0], rowNumber = toI32(b, row);
        Value next = b.add(row, b.toIndex(b.load(carried[2], expert)));
        if (op.getBlock())
          next = arith::MulIOp::create(
              b, arith::CeilDivUIOp::create(b, next, multiple), multiple);
        return {next, b.store(rowNumber, carried[1], expert),
                b.store(rowNumber, carried[2], expert)};
      });
  Value order = op.getOuts()[1];
  if (op.getBlock())
    order = fill(-1, order);
  ValueRange sorted =
      b.loop(pairs, {scanned[2], order, op.getOuts()[2]},
             [&](SortBuilder &b, Value pair,
                 ValueRange carried) -> SmallVector<Value> {
               Value expert = expertOf(b, pair);
               Value row = b.load(carried[0], expert);
               Value token = arith::DivUIOp::create(b, pair, slots);
               Value slot = arith::RemUIOp::create(b, pair, slots);
               return {b.store(b.add(row, unit), carried[0], expert),
                       b.store(toI32(b, pair), carried[1], b.toIndex(row)),
                       b.store(row, carried[2], {token, slot})};
             });
  rewriter.replaceOp(op, {scanned[1], sorted[1], sorted[2]});
  return success();
}

void moe::populateSortTokensToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<SortTokensToLoops>(patterns.getContext());
}
