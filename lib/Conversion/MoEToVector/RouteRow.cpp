// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RouteRow.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

/// For scalars, or vectors of a whole block.
static BuilderOps opsFor(KernelBuilder &b, Value value) {
  if (isa<VectorType>(value.getType()))
    return BuilderOps(b, routeBlock);
  return BuilderOps(b);
}

Value moe::toKeys(KernelBuilder &b, Value numbers) {
  BuilderOps ops = opsFor(b, numbers);
  return ScoreMath(ops).key(numbers);
}

Value moe::fromKeys(KernelBuilder &b, Value keys) {
  BuilderOps ops = opsFor(b, keys);
  return ScoreMath(ops).fromKey(keys);
}

RouteRow::RouteRow(KernelBuilder &b, int64_t size, Type elementType)
    : b(b), size(size), padded(llvm::alignTo(size, routeBlock)),
      elementType(elementType), memory(b.scratch({padded}, elementType)) {}

SmallVector<Value> RouteRow::forEachBlock(ValueRange initial,
                                          BlockBody body) const {
  if (padded == routeBlock)
    return body(b.index(0), initial);
  return b.loop(b.index(0), b.index(padded), routeBlock, initial, body);
}

void RouteRow::forEachBlock(llvm::function_ref<void(Value)> body) const {
  forEachBlock({}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

Value RouteRow::loadBlock(Value i) const {
  return vector::LoadOp::create(b, b.vectorOf(routeBlock, elementType), memory,
                                ValueRange{i});
}

void RouteRow::storeBlock(Value block, Value i) const {
  vector::StoreOp::create(b, block, memory, ValueRange{i});
}

void RouteRow::map(llvm::function_ref<Value(Value, Value)> body) const {
  forEachBlock([&](Value i) { storeBlock(body(i, loadBlock(i)), i); });
}

void RouteRow::pad(TypedAttr value) const {
  if (size == padded)
    return;
  Value padding = arith::ConstantOp::create(b, value);
  for (int64_t i = size; i < padded; ++i)
    store(padding, b.index(i));
}

void RouteRow::fill(Value value) const {
  b.loop(b.index(0), b.index(size), 1, [&](Value i) { store(value, i); });
}

void RouteRow::copyFrom(const RouteRow &other) const {
  forEachBlock([&](Value i) { storeBlock(other.loadBlock(i), i); });
}

void RouteRow::copyTo(Value target, ValueRange indices) const {
  auto at = [&](Value i) {
    SmallVector<Value> all(indices);
    all.push_back(i);
    return all;
  };
  int64_t whole = size / routeBlock * routeBlock;
  b.loop(b.index(0), b.index(whole), routeBlock, [&](Value i) {
    b.storeVector(loadBlock(i), target, at(i), routeBlock);
  });
  if (whole < size)
    b.storeVector(loadBlock(b.index(whole)), target, at(b.index(whole)),
                  size - whole);
}

void RouteRow::copyFrom(Value source, ValueRange indices,
                        TypedAttr padding) const {
  auto type = cast<MemRefType>(source.getType());
  auto at = [&](Value i) {
    SmallVector<Value> all(indices);
    all.push_back(i);
    return all;
  };
  // What fills no block, or has a stride along the row, goes one by one.
  int64_t blocks = type.isLastDimUnitStride() ? size / routeBlock : 0;
  if (blocks > 0)
    b.loop(b.index(0), b.index(blocks * routeBlock), routeBlock, [&](Value i) {
      Value block = vector::LoadOp::create(
          b, b.vectorOf(routeBlock, elementType), source, at(i));
      storeBlock(block, i);
    });
  b.loop(b.index(blocks * routeBlock), b.index(size), 1,
         [&](Value i) { store(b.load(source, at(i)), i); });
  pad(padding);
}

Value moe::addLanes(KernelBuilder &b, Value sums) {
  for (int64_t half = routeBlock / 2; half > 0; half /= 2) {
    auto low = llvm::to_vector(llvm::seq<int64_t>(0, half));
    auto high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
    sums =
        arith::AddFOp::create(b, vector::ShuffleOp::create(b, sums, sums, low),
                              vector::ShuffleOp::create(b, sums, sums, high));
  }
  return vector::ExtractOp::create(b, sums, int64_t(0));
}

Value RouteRow::sum() const {
  Value sums = forEachBlock(
      b.splatF32(0.0f, routeBlock), [&](Value i, ValueRange carried) {
        return SmallVector<Value>{
            arith::AddFOp::create(b, carried[0], loadBlock(i)).getResult()};
      })[0];
  return addLanes(b, sums);
}

Value RouteRow::maximum() const {
  Value lowest =
      b.splatF32(-std::numeric_limits<float>::infinity(), routeBlock);
  Value maxima = forEachBlock(lowest, [&](Value i, ValueRange carried) {
    return SmallVector<Value>{b.maxF32(carried[0], loadBlock(i))};
  })[0];
  return b.reduceMaxF32(maxima);
}

Value RouteRow::indexOfLargest() const {
  // Each lane keeps its first largest key; then the lanes are compared.
  Value none = b.splatI32(keyOfNone, routeBlock);
  Value iota = b.iota(routeBlock);
  SmallVector<Value> lanes =
      forEachBlock(ValueRange{none, iota}, [&](Value i, ValueRange carried) {
        Value keys = loadBlock(i);
        Value isLarger = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt,
                                               keys, carried[0]);
        Value own = b.add(b.splat(b.toI32(i), routeBlock), iota);
        return SmallVector<Value>{
            b.max(keys, carried[0]),
            arith::SelectOp::create(b, isLarger, own, carried[1]).getResult()};
      });
  Value best =
      vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, lanes[0]);
  Value isBest = b.isEqual(lanes[0], b.splat(best, routeBlock));
  Value ids = arith::SelectOp::create(
      b, isBest, lanes[1],
      b.splatI32(std::numeric_limits<int32_t>::max(), routeBlock));
  return vector::ReductionOp::create(b, vector::CombiningKind::MINSI, ids);
}
