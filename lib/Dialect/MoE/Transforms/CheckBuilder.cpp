// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CheckBuilder.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/DescribeLocation.h"

using namespace mlir;
using namespace mlir::moe;

Value CheckBuilder::extent(Value tensor, int64_t dim) {
  return createOrFold<tensor::DimOp>(tensor, dim);
}

Value CheckBuilder::load(Value tensor, ValueRange indices) {
  return tensor::ExtractOp::create(*this, tensor, indices);
}

Value CheckBuilder::loadIndex(Value tensor, ValueRange indices) {
  return arith::IndexCastOp::create(*this, getIndexType(),
                                    load(tensor, indices));
}

Value CheckBuilder::fold(Value count, Value start,
                         llvm::function_ref<Value(Value, Value)> body) {
  auto loop = scf::ForOp::create(
      *this, index(0), count, index(1), ValueRange{start},
      [&](OpBuilder &nested, Location, Value i, ValueRange carried) {
        InsertionGuard guard(*this);
        setInsertionPoint(nested.getInsertionBlock(),
                          nested.getInsertionPoint());
        Value next = body(i, carried[0]);
        scf::YieldOp::create(*this, next);
      });
  return loop.getResult(0);
}

Value CheckBuilder::countBad(Value count,
                             llvm::function_ref<Value(Value)> isGood) {
  return fold(count, index(0), [&](Value i, Value sum) -> Value {
    Value bad = arith::SelectOp::create(*this, isGood(i), index(0), index(1));
    return arith::AddIOp::create(*this, sum, bad);
  });
}

Value CheckBuilder::findWorst(Value count,
                              llvm::function_ref<Value(Value)> element) {
  // Unsigned, so that negative numbers are the largest ones.
  Value zero = arith::ConstantIntOp::create(*this, 0, 32);
  return fold(count, zero, [&](Value i, Value worst) -> Value {
    return arith::MaxUIOp::create(*this, worst, element(i));
  });
}

void CheckBuilder::expect(arith::CmpIPredicate predicate, Value a, Value b,
                          const Twine &what) {
  cf::AssertOp::create(*this, createOrFold<arith::CmpIOp>(predicate, a, b),
                       (op->getName().getStringRef() + " of " +
                        describeLocation(op->getLoc()) + ": expected " + what +
                        ", got")
                           .str());
}

/// The elements of rows [0, tokens) of `ids`, each row found by `rowOf`.
static void checkRows(CheckBuilder &b, Value ids, Value tokens,
                      llvm::function_ref<Value(Value)> rowOf, int64_t last,
                      const Twine &name) {
  Value slots = b.extent(ids, 1);
  Value worst = b.findWorst(
      arith::MulIOp::create(b, tokens, slots), [&](Value pair) -> Value {
        Value row = rowOf(arith::DivUIOp::create(b, pair, slots));
        return b.load(ids, {row, arith::RemUIOp::create(b, pair, slots)});
      });
  Value end = arith::ConstantIntOp::create(b, last + 1, 32);
  b.expect(arith::CmpIPredicate::ult, worst, end,
           name + " to be 0 to " + Twine(last));
}

void moe::checkIds(CheckBuilder &b, Value ids, int64_t last,
                   const Twine &name) {
  checkRows(
      b, ids, b.extent(ids, 0), [](Value token) { return token; }, last, name);
}

static void checkTable(CheckBuilder &b, RouteOp op) {
  Value tokens = op.getTokens(), count = b.extent(tokens, 0);
  Value worst = b.findWorst(count, [&](Value t) { return b.load(tokens, t); });
  Value rows =
      arith::IndexCastOp::create(b, b.getI32Type(), b.extent(op.getTable(), 0));
  b.expect(arith::CmpIPredicate::ult, worst, rows,
           "tokens to be rows of the table");
  checkRows(
      b, op.getTable(), count,
      [&](Value token) { return b.loadIndex(tokens, token); },
      op.getNumChoices() - 1, "ids of the table");
}

/// Whether ids are those that a moe.route chose.
static bool areRouted(Value ids) {
  while (auto cast = ids.getDefiningOp<tensor::CastOp>())
    ids = cast.getSource();
  return ids.getDefiningOp<RouteOp>();
}

void moe::checkGivenIds(Operation *op) {
  CheckBuilder b(op);
  if (auto route = dyn_cast<RouteOp>(op)) {
    if (route.getForced())
      checkIds(b, route.getForced(), route.getNumChoices() - 1, "forced ids");
    if (route.getTable())
      checkTable(b, route);
  }
  auto dispatch = dyn_cast<DispatchOp>(op);
  if (dispatch && !areRouted(dispatch.getIds()))
    checkIds(b, dispatch.getIds(),
             dispatch.getExperts() - (dispatch.getPartial() ? 0 : 1), "ids");
}
