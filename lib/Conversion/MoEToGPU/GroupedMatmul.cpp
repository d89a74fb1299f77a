// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One column of one row of a grouped product, or of one token where rows are
// combined. The thread finds its row's expert from the offsets by itself, so
// the host never learns how tokens were routed.
#include "Lowering.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
/// A row and what it stands for; token and slot are null where not known.
struct Row {
  Value row, token, slot, expert;
};

class GroupedThread {
public:
  GroupedThread(KernelBuilder &b, GroupedMatmulOp op) : b(b), op(op) {}

  void emitRow(Value row, Value column);
  void emitToken(Value token, Value column);

private:
  Value findExpert(Value row);
  Value getNumKept();
  Row getRow(Value row);
  SmallVector<Value> emitValues(const Row &row, Value column);
  SmallVector<Value> finish(const Row &row, Value column, ValueRange products);
  Value addSlot(Value token, Value slot, Value column, Value sum);

  KernelBuilder &b;
  GroupedMatmulOp op;
};
} // namespace

/// The last expert whose rows begin at `row` or before, by halving.
Value GroupedThread::findExpert(Value row) {
  int64_t experts = op.getNumExperts();
  Value expert = b.index(0);
  if (experts == 1)
    return expert;
  unsigned steps = llvm::Log2_64_Ceil(experts);
  Value start = b.index(int64_t(1) << (steps - 1));
  return b.loop(b.index(0), b.index(steps), 1, ValueRange{expert, start},
                [&](Value, ValueRange carried) {
                  Value next = b.add(carried[0], carried[1]);
                  Value inside = b.min(next, b.index(experts - 1));
                  Value begins = b.isLess(b.loadIndex(op.getOffsets(), inside),
                                          b.add(row, 1));
                  Value exists = b.isLess(next, b.index(experts));
                  Value isTaken = arith::AndIOp::create(b, begins, exists);
                  Value taken =
                      arith::SelectOp::create(b, isTaken, next, carried[0]);
                  Value half = b.div(carried[1], 2);
                  return SmallVector<Value>{taken, half};
                })[0];
}

/// Rows from here on belong to nobody.
Value GroupedThread::getNumKept() {
  return b.loadIndex(op.getOffsets(), b.index(op.getNumExperts()));
}

Row GroupedThread::getRow(Value row) {
  Row result{row, nullptr, nullptr, nullptr};
  Value pair = op.getIds() ? row : Value();
  if (op.getOrder())
    pair = b.loadIndex(op.getOrder(), row);
  if (pair) {
    int64_t slots = *op.getNumSlots();
    result.token = b.div(pair, slots);
    result.slot = b.rem(pair, slots);
  }
  result.expert = op.getIds()
                      ? b.loadIndex(op.getIds(), {result.token, result.slot})
                      : findExpert(row);
  return result;
}

/// The epilogue's values, or the products themselves.
SmallVector<Value> GroupedThread::finish(const Row &row, Value column,
                                         ValueRange products) {
  if (op.getEpilogue().empty())
    return products;
  OpFoldResult dims[] = {row.row, column, row.expert, row.token, row.slot};
  // Dimensions that have no value do not occur in the maps.
  for (OpFoldResult &dim : dims)
    if (!dim)
      dim = b.getIndexAttr(0);
  SmallVector<Value> arguments(products);
  for (auto [extra, map] :
       llvm::zip_equal(op.getExtras(), op.getEpilogueMaps())) {
    SmallVector<Value> indices;
    for (unsigned i = 0, e = map.getNumResults(); i < e; ++i)
      indices.push_back(getValueOrCreateConstantIndexOp(
          b, b.getLoc(),
          affine::makeComposedFoldedAffineApply(b, b.getLoc(), map.getSubMap(i),
                                                dims)));
    arguments.push_back(b.load(extra, indices));
  }
  Block &body = op.getEpilogue().front();
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  for (Operation &inner : body.without_terminator())
    b.clone(inner, mapping);
  return llvm::map_to_vector(
      body.getTerminator()->getOperands(),
      [&](Value value) { return mapping.lookupOrDefault(value); });
}

/// What the row has in the column: a chain of multiply-adds for each weight.
SmallVector<Value> GroupedThread::emitValues(const Row &row, Value column) {
  Value source = op.getBroadcast() ? row.token : row.row;
  SmallVector<Value> zeros(op.getWeights().size(), b.f32(0.0f));
  SmallVector<Value> products = b.loop(
      b.index(0), b.dim(op.getInput(), 1), 1, zeros,
      [&](Value j, ValueRange sums) {
        Value element = b.load(op.getInput(), {source, j});
        SmallVector<Value> next;
        for (auto [weights, sum] : llvm::zip_equal(op.getWeights(), sums))
          next.push_back(b.fma(
              element, loadF32(b, weights, {row.expert, column, j}), sum));
        return next;
      });
  return finish(row, column, products);
}

void GroupedThread::emitRow(Value index, Value column) {
  auto emit = [&] {
    Row row = getRow(index);
    auto store = [&] {
      for (auto [value, out] :
           llvm::zip_equal(emitValues(row, column), op.getOuts()))
        b.store(value, out, {index, column});
    };
    if (op.getIds() && op.getPartial())
      b.when(b.isLess(row.expert, b.index(op.getNumExperts())), store);
    else
      store();
  };
  if (op.getOffsets())
    b.when(b.isLess(index, getNumKept()), emit);
  else
    emit();
}

/// The sum with that of one slot.
Value GroupedThread::addSlot(Value token, Value slot, Value column, Value sum) {
  Value weight = b.load(op.getCombine(), {token, slot});
  Row row{nullptr, token, slot, nullptr};
  Value isKept;
  if (op.getIds()) {
    row.row = b.add(b.mul(token, *op.getNumSlots()), slot);
    row.expert = b.loadIndex(op.getIds(), {token, slot});
    isKept = b.isLess(row.expert, b.index(op.getNumExperts()));
  } else {
    row.row = b.loadIndex(op.getInverse(), {token, slot});
    isKept = b.isLess(row.row, getNumKept());
  }
  auto addKept = [&]() -> SmallVector<Value> {
    if (!op.getIds())
      row.expert = findExpert(row.row);
    return {b.fma(weight, emitValues(row, column).front(), sum)};
  };
  if (!op.getPartial())
    return addKept()[0];
  return b.choose(isKept, addKept, [&]() -> SmallVector<Value> {
    if (!op.getSkipped())
      return {sum};
    return {b.fma(weight, b.load(op.getSkipped(), {token, column}), sum)};
  })[0];
}

void GroupedThread::emitToken(Value token, Value column) {
  Value start =
      op.getInit() ? b.load(op.getInit(), {token, column}) : b.f32(0.0f);
  Value sum = b.loop(b.index(0), b.index(*op.getNumSlots()), 1, start,
                     [&](Value slot, ValueRange carried) {
                       return SmallVector<Value>{
                           addSlot(token, slot, column, carried[0])};
                     })[0];
  b.store(sum, op.getOuts()[0], {token, column});
}

LogicalResult moe::lowerToThread(GroupedMatmulOp op,
                                 const KernelContext &kernel) {
  if (op.getPanel())
    return op.emitOpError("expected weights as they are, got packed ones");
  KernelBuilder b(op, kernel);
  Value row = b.div(kernel.begin, op.getWidth());
  Value column = b.rem(kernel.begin, op.getWidth());
  GroupedThread thread(b, op);
  if (op.getCombine())
    thread.emitToken(row, column);
  else
    thread.emitRow(row, column);
  return success();
}
