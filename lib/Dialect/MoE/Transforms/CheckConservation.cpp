// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counting rows in the running code. What is counted is a bad row or element; a
// check asserts that there is none.
#include "CheckBuilder.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CHECKCONSERVATIONPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Bits of a NaN that arithmetic does not make: what an element holds before it
/// is written.
static constexpr uint32_t unwrittenBits = 0x7fa55aa5;

/// Before sorting: ids that exist. After it: every row is the row of the pair
/// that it claims to be, in the range of the pair's expert. With as many rows
/// as pairs that makes the order a bijection.
static void checkSort(SortTokensOp op) {
  CheckBuilder b(op);
  Value ids = op.getIds(), experts = b.index(op.getExperts());
  Value tokens = b.extent(ids, 0), slots = b.extent(ids, 1);
  Value pairs = arith::MulIOp::create(b, tokens, slots);
  auto expertOf = [&](Value pair) {
    return b.loadIndex(ids, {arith::DivUIOp::create(b, pair, slots),
                             arith::RemUIOp::create(b, pair, slots)});
  };
  checkIds(b, ids, op.getExperts() - (op.getPartial() ? 0 : 1), "ids");

  b.setInsertionPointAfter(op);
  Value offsets = op->getResult(0), order = op->getResult(1),
        inverse = op->getResult(2);
  Value bad = b.countBad(pairs, [&](Value row) -> Value {
    Value pair = b.loadIndex(order, row);
    Value isPair = b.isBelow(pair, pairs);
    Value known = b.orZero(isPair, pair);
    Value back =
        b.loadIndex(inverse, {arith::DivUIOp::create(b, known, slots),
                              arith::RemUIOp::create(b, known, slots)});
    Value isInverse = b.compare(arith::CmpIPredicate::eq, back, row);
    Value expert = expertOf(known);
    // Skipped pairs come behind offsets[E] and have no end.
    Value isKept = b.isBelow(expert, experts);
    Value begin = b.loadIndex(offsets, expert);
    Value following =
        arith::AddIOp::create(b, b.orZero(isKept, expert), b.index(1));
    Value rowEnd = arith::SelectOp::create(
        b, isKept, b.loadIndex(offsets, following), pairs);
    Value isInRange = b.both(b.compare(arith::CmpIPredicate::ule, begin, row),
                             b.compare(arith::CmpIPredicate::ult, row, rowEnd));
    return b.both(b.both(isPair, isInverse), isInRange);
  });
  b.expectNone(bad, "no pair to be in no row, in two, or in a row of another "
                    "expert");
}

/// Fills what an operation writes with unwritten elements first, and looks for
/// them afterwards in the rows [0, end) that it must write.
static void checkWritten(Operation *op, OpOperand &out, Value result,
                         Value end) {
  CheckBuilder b(op);
  auto type = cast<RankedTensorType>(out.get().getType());
  if (!type.getElementType().isF32())
    return;
  Value unwritten = arith::BitcastOp::create(
      b, b.getF32Type(),
      arith::ConstantOp::create(b, b.getI32IntegerAttr(unwrittenBits)));
  out.set(linalg::FillOp::create(b, unwritten, out.get()).getResult(0));

  b.setInsertionPointAfter(op);
  Value rows =
      end ? b.loadIndex(
                end, b.index(cast<ShapedType>(end.getType()).getDimSize(0) - 1))
          : b.extent(result, 0);
  Value columns = b.extent(result, 1);
  Value bits = arith::ConstantOp::create(b, b.getI32IntegerAttr(unwrittenBits));
  Value bad = b.countBad(rows, [&](Value row) -> Value {
    Value missing = b.countBad(columns, [&](Value column) -> Value {
      Value element =
          tensor::ExtractOp::create(b, result, ValueRange{row, column});
      return b.compare(arith::CmpIPredicate::ne,
                       arith::BitcastOp::create(b, b.getI32Type(), element),
                       bits);
    });
    return b.compare(arith::CmpIPredicate::eq, missing, b.index(0));
  });
  b.expectNone(bad, "no row to stay unwritten");
}

namespace {
struct CheckConservationPass
    : moe::impl::CheckConservationPassBase<CheckConservationPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      // A check must be able to leave the function.
      bool isOutside = op->getParentOp() == getOperation();
      if (isOutside && op->getNumResults() > 0 &&
          isa<SortTokensOp, GatherRowsOp, GroupedMatmulOp, CombineRowsOp>(op))
        work.push_back(op);
    });
    for (Operation *op : work) {
      ++numChecked;
      if (auto sort = dyn_cast<SortTokensOp>(op)) {
        checkSort(sort);
        continue;
      }
      // Rows of skipped pairs are nobody's to write.
      auto product = dyn_cast<GroupedMatmulOp>(op);
      bool isPartial = product && product.getPartial() && !product.getCombine();
      if (isPartial && !product.getOffsets())
        continue;
      auto destination = cast<DestinationStyleOpInterface>(op);
      for (auto [out, result] :
           llvm::zip_equal(destination.getDpsInitsMutable(), op->getResults()))
        checkWritten(op, out, result,
                     isPartial ? product.getOffsets() : Value());
    }
  }
};
} // namespace
