// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows moved and summed up. A unit is a block of columns of one result row, so
// that threads share the work of few tokens too.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

using namespace mlir;
using namespace mlir::moe;

/// Columns of a unit: enough that finding the row costs little beside it.
static constexpr int64_t blockColumns = 512;

/// Vectors handled at once: for each of them a sum is under way.
static constexpr int64_t unroll = 4;

int64_t moe::getColumnBlocks(ShapedType rows) {
  int64_t width = rows.getDimSize(1);
  if (ShapedType::isDynamic(width))
    return 1;
  return std::max<int64_t>(1, llvm::divideCeil(width, blockColumns));
}

namespace {
/// Vectors of one row: where each starts and, for the last columns of a row
/// that do not fill one, which lanes there are.
struct Columns {
  SmallVector<Value> starts;
  Value mask;
};

/// Walks over the units of a result `[R, D]`.
class RowWalk : public KernelBuilder {
public:
  RowWalk(Operation *op, const KernelContext &kernel, Value out)
      : KernelBuilder(op, kernel), lanes(kernel.lanes), out(out),
        width(dim(out, 1)),
        blocks(getColumnBlocks(cast<ShapedType>(out.getType()))) {}

  /// The first unit of a row.
  Value unitOf(Value row) { return mul(row, blocks); }

  void forEachUnit(Value begin, Value end,
                   llvm::function_ref<void(Value row, Value block)> body) {
    loop(begin, end, 1,
         [&](Value unit) { body(div(unit, blocks), rem(unit, blocks)); });
  }

  void forEachColumns(Value block,
                      llvm::function_ref<void(const Columns &)> body);

  VectorType vectorType(Value memref) {
    return vectorOf(lanes, cast<MemRefType>(memref.getType()).getElementType());
  }
  Value loadColumns(Value memref, Value row, const Columns &columns,
                    unsigned i);
  void storeColumns(Value vector, Value row, const Columns &columns,
                    unsigned i);
  /// Copies a row's columns to the result.
  void copy(Value source, Value sourceRow, Value row, Value block) {
    forEachColumns(block, [&](const Columns &columns) {
      for (unsigned i = 0, e = columns.starts.size(); i < e; ++i)
        storeColumns(loadColumns(source, sourceRow, columns, i), row, columns,
                     i);
    });
  }

private:
  int64_t lanes;
  Value out, width;
  int64_t blocks;
};
} // namespace

void RowWalk::forEachColumns(Value block,
                             llvm::function_ref<void(const Columns &)> body) {
  int64_t step = unroll * lanes;
  Value from = mul(block, blockColumns);
  Value to = blocks == 1 ? width : min(add(from, blockColumns), width);
  std::optional<int64_t> known = getConstantIntValue(width);
  bool isWhole = known && *known % step == 0;
  Value whole = isWhole ? to : sub(to, rem(sub(to, from), step));
  loop(from, whole, step, [&](Value start) {
    Columns columns;
    for (int64_t i = 0; i < unroll; ++i)
      columns.starts.push_back(add(start, i * lanes));
    body(columns);
  });
  if (isWhole)
    return;
  loop(whole, to, lanes, [&](Value start) {
    Value mask = vector::CreateMaskOp::create(
        *this, vectorOf(lanes, getI1Type()), sub(to, start));
    body({{start}, mask});
  });
}

Value RowWalk::loadColumns(Value memref, Value row, const Columns &columns,
                           unsigned i) {
  VectorType type = vectorType(memref);
  Value indices[] = {row, columns.starts[i]};
  if (!columns.mask)
    return vector::LoadOp::create(*this, type, memref, indices);
  Value zeros = arith::ConstantOp::create(*this, getZeroAttr(type));
  return vector::MaskedLoadOp::create(*this, type, memref, indices,
                                      columns.mask, zeros);
}

void RowWalk::storeColumns(Value vector, Value row, const Columns &columns,
                           unsigned i) {
  Value indices[] = {row, columns.starts[i]};
  if (columns.mask)
    vector::MaskedStoreOp::create(*this, out, indices, columns.mask, vector);
  else
    vector::StoreOp::create(*this, vector, out, indices);
}

LogicalResult moe::lowerToRange(GatherRowsOp op, const KernelContext &kernel) {
  RowWalk b(op, kernel, op.getOuts()[0]);
  int64_t topK = op.getTopK();
  b.forEachUnit(kernel.begin, kernel.end, [&](Value row, Value block) {
    Value pair = op.getOrder() ? b.loadIndex(op.getOrder(), row) : row;
    Value token = b.div(pair, topK);
    if (!op.getScale()) {
      b.copy(op.getInput(), token, row, block);
      return;
    }
    Value factor = b.splat(b.load(op.getScale(), {token, b.rem(pair, topK)}),
                           kernel.lanes);
    b.forEachColumns(block, [&](const Columns &columns) {
      for (unsigned i = 0, e = columns.starts.size(); i < e; ++i) {
        Value value = b.loadColumns(op.getInput(), token, columns, i);
        value = arith::MulFOp::create(b, value, factor);
        b.storeColumns(value, row, columns, i);
      }
    });
  });
  return success();
}

LogicalResult moe::lowerToRange(ExpertRowsOp op, const KernelContext &kernel) {
  RowWalk b(op, kernel, op.getOuts()[0]);
  Value vectors = op.getVectors();
  Value experts = b.index(cast<ShapedType>(vectors.getType()).getDimSize(0));
  if (op.getOffsets()) {
    b.loop(b.index(0), experts, 1, [&](Value expert) {
      Value first = b.loadIndex(op.getOffsets(), expert);
      Value end = b.loadIndex(op.getOffsets(), b.add(expert, 1));
      b.forEachUnit(
          b.max(kernel.begin, b.unitOf(first)),
          b.min(kernel.end, b.unitOf(end)),
          [&](Value row, Value block) { b.copy(vectors, expert, row, block); });
    });
    return success();
  }
  int64_t topK = cast<ShapedType>(op.getIds().getType()).getDimSize(1);
  b.forEachUnit(kernel.begin, kernel.end, [&](Value row, Value block) {
    Value expert =
        b.loadIndex(op.getIds(), {b.div(row, topK), b.rem(row, topK)});
    auto copy = [&] { b.copy(vectors, expert, row, block); };
    if (op.getPartial())
      b.when(b.isLess(expert, experts), copy);
    else
      copy();
  });
  return success();
}

namespace {
/// The sum of one token.
class TokenSum {
public:
  TokenSum(RowWalk &b, CombineRowsOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes),
        topK(cast<ShapedType>(op.getWeights().getType()).getDimSize(1)) {
    // Places from here on (rows, or ids) belong to skipped pairs.
    if (Value offsets = op.getOffsets())
      limit = b.loadIndex(offsets, b.sub(b.dim(offsets, 0), b.index(1)));
    else if (op.getExperts())
      limit = b.index(*op.getExperts());
  }

  void emit(Value token, const Columns &columns);

private:
  SmallVector<Value> addSlot(Value token, Value slot, const Columns &columns,
                             ValueRange sums);
  SmallVector<Value> addRow(Value source, Value row, Value weight,
                            const Columns &columns, ValueRange sums);

  RowWalk &b;
  CombineRowsOp op;
  int64_t lanes, topK;
  Value limit;
};
} // namespace

SmallVector<Value> TokenSum::addRow(Value source, Value row, Value weight,
                                    const Columns &columns, ValueRange sums) {
  SmallVector<Value> next;
  for (auto [i, sum] : llvm::enumerate(sums))
    next.push_back(b.fma(weight, b.loadColumns(source, row, columns, i), sum));
  return next;
}

SmallVector<Value> TokenSum::addSlot(Value token, Value slot,
                                     const Columns &columns, ValueRange sums) {
  Value weight = b.splat(b.load(op.getWeights(), {token, slot}), lanes);
  Value row = op.getInverse() ? b.loadIndex(op.getInverse(), {token, slot})
                              : b.add(b.mul(token, topK), slot);
  if (!limit)
    return addRow(op.getRows(), row, weight, columns, sums);
  Value place = op.getIds() ? b.loadIndex(op.getIds(), {token, slot}) : row;
  auto choice = scf::IfOp::create(b, sums.getTypes(), b.isLess(place, limit),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, addRow(op.getRows(), row, weight, columns, sums));
  b.setInsertionPointToStart(choice.elseBlock());
  SmallVector<Value> others(sums);
  if (op.getSkipped())
    others = addRow(op.getSkipped(), token, weight, columns, sums);
  scf::YieldOp::create(b, others);
  return llvm::to_vector_of<Value>(choice.getResults());
}

void TokenSum::emit(Value token, const Columns &columns) {
  SmallVector<Value> sums;
  for (unsigned i = 0, e = columns.starts.size(); i < e; ++i)
    sums.push_back(op.getInit() ? b.loadColumns(op.getInit(), token, columns, i)
                                : b.splatF32(0.0f, lanes));
  sums = b.loop(b.index(0), b.index(topK), 1, sums,
                [&](Value slot, ValueRange carried) {
                  return addSlot(token, slot, columns, carried);
                });
  for (auto [i, sum] : llvm::enumerate(sums))
    b.storeColumns(sum, token, columns, i);
}

LogicalResult moe::lowerToRange(CombineRowsOp op, const KernelContext &kernel) {
  RowWalk b(op, kernel, op.getOuts()[0]);
  TokenSum sum(b, op, kernel.lanes);
  b.forEachUnit(kernel.begin, kernel.end, [&](Value token, Value block) {
    b.forEachColumns(block,
                     [&](const Columns &columns) { sum.emit(token, columns); });
  });
  return success();
}
