// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Experts run backwards, each on its rows.
#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
/// The loop over experts that runs each one backwards on its rows.
class ExpertGradient {
public:
  ExpertGradient(OpBuilder &b, ExpertOp op, DispatchOp dispatch,
                 Adjoints &adjoints)
      : b(b), op(op), dispatch(dispatch), adjoints(adjoints), loc(op.getLoc()) {
    for (Value operand : op->getOperands())
      if (adjoints.isActive(operand))
        active.push_back(operand);
  }

  LogicalResult run();

private:
  LogicalResult check();
  void buildIteration(OpBuilder &b, Value expert, Value counts,
                      ValueRange carried);

  OpBuilder &b;
  ExpertOp op;
  DispatchOp dispatch;
  Adjoints &adjoints;
  Location loc;
  SmallVector<Value> active;
  bool failedInside = false;
};
} // namespace

LogicalResult ExpertGradient::check() {
  WalkResult walk = op.getBody().walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (adjoints.isActive(operand)) {
        refuse(inner) << "it reads a tensor from outside its expert";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

/// A block's rows begin..begin+size-1, or one expert's slice of a weight.
static Value extract(OpBuilder &b, Location loc, Value tensor,
                     OpFoldResult begin, OpFoldResult size, bool dropFirst) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets.front() = begin;
  sizes.front() = size;
  SmallVector<int64_t> shape(type.getShape());
  if (dropFirst)
    shape.erase(shape.begin());
  else
    shape.front() = ShapedType::kDynamic;
  return tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), tensor,
      offsets, sizes, strides);
}

static Value insert(OpBuilder &b, Location loc, Value slice, Value tensor,
                    OpFoldResult begin, OpFoldResult size) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets.front() = begin;
  sizes.front() = size;
  return tensor::InsertSliceOp::create(b, loc, slice, tensor, offsets, sizes,
                                       strides);
}

/// Iteration `expert`: carried are the expert's first row, then the adjoints of
/// the active operands.
void ExpertGradient::buildIteration(OpBuilder &b, Value expert, Value counts,
                                    ValueRange carried) {
  Value begin = carried.front();
  Value count = arith::IndexCastOp::create(
      b, loc, b.getIndexType(),
      tensor::ExtractOp::create(b, loc, counts, expert));
  // Never binds, but bounds the size for whoever plans the block's memory.
  OpFoldResult numRows = tensor::getMixedSize(b, loc, op.getRows(), 0);
  Value size = arith::MinSIOp::create(
      b, loc, count, getValueOrCreateConstantIndexOp(b, loc, numRows));
  auto isRows = [&](Value operand) { return operand == op.getRows(); };
  auto sliceOf = [&](Value operand) {
    OpFoldResult one = b.getIndexAttr(1);
    return isRows(operand) ? extract(b, loc, operand, begin, size, false)
                           : extract(b, loc, operand, expert, one, true);
  };

  Block &body = op.getBody().front();
  IRMapping mapping;
  Adjoints inner;
  SmallVector<Value> slices;
  SmallVector<Value> operands = {op.getRows()};
  llvm::append_range(operands, op.getWeights());
  for (auto [argument, operand] :
       llvm::zip_equal(body.getArguments(), operands)) {
    Value slice = castTo(b, loc, sliceOf(operand), argument.getType());
    mapping.map(argument, slice);
    if (!adjoints.isActive(operand))
      continue;
    inner.activate(slice);
    slices.push_back(slice);
  }
  SmallVector<Operation *> operations;
  for (Operation &nested : body.without_terminator())
    operations.push_back(b.clone(nested, mapping));
  inner.activateResults(operations);
  Value yielded = mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
  Value seed = extract(b, loc, adjoints.lookup(op.getResult()), begin, size,
                       /*dropFirst=*/false);
  inner.add(b, loc, yielded, castTo(b, loc, seed, yielded.getType()));
  failedInside = failed(pullBack(b, operations, inner));

  SmallVector<Value> next = {arith::AddIOp::create(b, loc, begin, size)};
  for (auto [slice, operand, whole] :
       llvm::zip_equal(slices, active, carried.drop_front())) {
    OpFoldResult one = b.getIndexAttr(1);
    Value gradient = inner.lookupOrZeros(b, loc, slice);
    next.push_back(isRows(operand)
                       ? insert(b, loc, gradient, whole, begin, size)
                       : insert(b, loc, gradient, whole, expert, one));
  }
  scf::YieldOp::create(b, loc, next);
}

LogicalResult ExpertGradient::run() {
  if (failed(check()))
    return failure();
  int64_t experts = dispatch.getExperts();
  Value counts = CountExpertsOp::create(
      b, loc, RankedTensorType::get({experts}, b.getI32Type()),
      dispatch.getIds(), Value(), b.getI64IntegerAttr(experts));
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value end = arith::ConstantIndexOp::create(b, loc, experts);
  SmallVector<Value> inits = {zero};
  for (Value operand : active)
    inits.push_back(createZerosLike(b, loc, operand));
  auto loop = scf::ForOp::create(
      b, loc, zero, end, one, inits,
      [&](OpBuilder &b, Location, Value expert, ValueRange carried) {
        buildIteration(b, expert, counts, carried);
      });
  if (failedInside)
    return failure();
  for (auto [operand, gradient] :
       llvm::zip_equal(active, loop.getResults().drop_front()))
    adjoints.add(b, loc, operand, gradient);
  return success();
}

LogicalResult moe::pullBack(OpBuilder &b, ExpertOp op, Adjoints &adjoints) {
  FailureOr<DispatchOp> dispatch = getDispatch(op, op.getPlan());
  if (failed(dispatch))
    return failure();
  return ExpertGradient(b, op, *dispatch, adjoints).run();
}
