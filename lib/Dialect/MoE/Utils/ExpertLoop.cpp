// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
/// What one iteration works on: an expert and `size` rows, read from row
/// `source` on, written from row `target` on.
struct Step {
  Value expert;
  Value source;
  Value target;
  OpFoldResult size;
};
} // namespace

Value moe::castTo(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(b, loc, type, value);
}

static Value loadIndex(OpBuilder &b, Location loc, Value tensor,
                       ValueRange indices) {
  Value element = tensor::ExtractOp::create(b, loc, tensor, indices);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), element);
}

/// Iteration e: rows offsets[e]..offsets[e+1] of expert e.
static Step stepOfExpert(OpBuilder &b, Location loc, const RowGroups &groups,
                         Value expert) {
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value next = arith::AddIOp::create(b, loc, expert, one);
  Value begin = loadIndex(b, loc, groups.offsets, expert);
  Value end = loadIndex(b, loc, groups.offsets, next);
  Value size = arith::SubIOp::create(b, loc, end, begin);
  // Never binds, but bounds the size for whoever plans the block's memory.
  Value bound = getValueOrCreateConstantIndexOp(b, loc, groups.numRows);
  size = arith::MinSIOp::create(b, loc, size, bound);
  return {expert, begin, begin, size};
}

/// Iteration q: row q and its expert.
static Step stepOfRow(OpBuilder &b, Location loc, const RowGroups &groups,
                      Value row, bool broadcast) {
  int64_t topK = cast<ShapedType>(groups.ids.getType()).getDimSize(1);
  Value slots = arith::ConstantIndexOp::create(b, loc, topK);
  Value token = arith::DivUIOp::create(b, loc, row, slots);
  Value slot = arith::RemUIOp::create(b, loc, row, slots);
  Value expert = loadIndex(b, loc, groups.ids, {token, slot});
  if (groups.partial) {
    Value last = arith::ConstantIndexOp::create(b, loc, groups.experts - 1);
    expert = arith::MinUIOp::create(b, loc, expert, last);
  }
  return {expert, broadcast ? token : row, row, b.getIndexAttr(1)};
}

static Value sliceRows(OpBuilder &b, Location loc, Value rows,
                       const Step &step) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, rows);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets.front() = step.source;
  sizes.front() = step.size;
  return tensor::ExtractSliceOp::create(b, loc, rows, offsets, sizes, strides);
}

/// weights[expert], its leading dimension dropped.
static Value sliceWeight(OpBuilder &b, Location loc, Value weights,
                         Value expert) {
  auto type = cast<RankedTensorType>(weights.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, weights);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets.front() = expert;
  sizes.front() = b.getIndexAttr(1);
  auto slice = RankedTensorType::get(type.getShape().drop_front(),
                                     type.getElementType());
  return tensor::ExtractSliceOp::create(b, loc, slice, weights, offsets, sizes,
                                        strides);
}

Value moe::buildExpertLoop(OpBuilder &b, Location loc, const RowGroups &groups,
                           Value rows, bool broadcast, ValueRange weights,
                           Value init, ExpertBody body) {
  OpFoldResult width = tensor::getMixedSize(b, loc, init, 1);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  OpFoldResult count = groups.offsets
                           ? OpFoldResult(b.getIndexAttr(groups.experts))
                           : groups.numRows;
  Value end = getValueOrCreateConstantIndexOp(b, loc, count);

  auto iteration = [&](OpBuilder &b, Location loc, Value i,
                       ValueRange carried) {
    Step step = groups.offsets ? stepOfExpert(b, loc, groups, i)
                               : stepOfRow(b, loc, groups, i, broadcast);
    SmallVector<Value> slices;
    for (Value weight : weights)
      slices.push_back(sliceWeight(b, loc, weight, step.expert));
    Value block = body(b, loc, sliceRows(b, loc, rows, step), slices);
    SmallVector<OpFoldResult> sizes = {step.size, width};
    SmallVector<int64_t> shape = {
        getConstantIntValue(step.size).value_or(ShapedType::kDynamic),
        getConstantIntValue(width).value_or(ShapedType::kDynamic)};
    block = castTo(b, loc, block, RankedTensorType::get(shape, b.getF32Type()));
    SmallVector<OpFoldResult> offsets = {step.target, b.getIndexAttr(0)};
    SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
    Value next = tensor::InsertSliceOp::create(b, loc, block, carried.front(),
                                               offsets, sizes, strides);
    scf::YieldOp::create(b, loc, next);
  };
  return scf::ForOp::create(b, loc, zero, end, one, init, iteration)
      .getResult(0);
}
