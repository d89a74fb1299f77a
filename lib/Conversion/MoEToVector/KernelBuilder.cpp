// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/MoEToVector/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value KernelBuilder::i32(int32_t value) {
  return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
}

Value KernelBuilder::f32(float value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

Value KernelBuilder::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}

Value KernelBuilder::sub(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}

Value KernelBuilder::mul(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}

Value KernelBuilder::div(Value a, int64_t b) {
  return b == 1 ? a : createOrFold<arith::DivUIOp>(a, index(b));
}

Value KernelBuilder::rem(Value a, int64_t b) {
  return b == 1 ? index(0) : createOrFold<arith::RemUIOp>(a, index(b));
}

Value KernelBuilder::min(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}

Value KernelBuilder::max(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}

Value KernelBuilder::isEqual(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b);
}

Value KernelBuilder::isLess(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b);
}

Value KernelBuilder::toIndex(Value integer) {
  return arith::IndexCastOp::create(*this, getIndexType(), integer);
}

Value KernelBuilder::toI32(Value index) {
  return arith::IndexCastOp::create(*this, getI32Type(), index);
}

Value KernelBuilder::dim(Value memref, int64_t i) {
  return createOrFold<memref::DimOp>(memref, i);
}

Value KernelBuilder::load(Value memref, ValueRange indices) {
  return memref::LoadOp::create(*this, memref, indices);
}

Value KernelBuilder::loadIndex(Value memref, ValueRange indices) {
  return toIndex(load(memref, indices));
}

void KernelBuilder::store(Value value, Value memref, ValueRange indices) {
  memref::StoreOp::create(*this, value, memref, indices);
}

Value KernelBuilder::scratch(ArrayRef<int64_t> shape, Type elementType) {
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&function.getBody().front());
  return memref::AllocaOp::create(*this, MemRefType::get(shape, elementType),
                                  getI64IntegerAttr(64));
}

VectorType KernelBuilder::vectorOf(int64_t lanes, Type elementType) {
  return VectorType::get({lanes}, elementType);
}

Value KernelBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(*this, vectorOf(lanes, scalar.getType()),
                                     scalar);
}

Value KernelBuilder::splatF32(float value, int64_t lanes) {
  return arith::ConstantOp::create(
      *this,
      DenseElementsAttr::get(vectorOf(lanes, getF32Type()), APFloat(value)));
}

Value KernelBuilder::splatI32(int32_t value, int64_t lanes) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(vectorOf(lanes, getI32Type()),
                                    getI32IntegerAttr(value).getValue()));
}

Value KernelBuilder::iota(int64_t lanes) {
  auto values = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(vectorOf(lanes, getI32Type()),
                                    ArrayRef<int32_t>(values)));
}

Value KernelBuilder::loadVector(Value memref, ValueRange indices,
                                int64_t lanes) {
  return loadVector(memref, indices, lanes, /*mask=*/nullptr);
}

Value KernelBuilder::loadVector(Value memref, ValueRange indices, int64_t lanes,
                                Value mask) {
  Type elementType = cast<MemRefType>(memref.getType()).getElementType();
  VectorType type = vectorOf(lanes, elementType);
  Value loaded;
  if (mask) {
    Value zero = arith::ConstantOp::create(*this, getZeroAttr(type));
    loaded =
        vector::MaskedLoadOp::create(*this, type, memref, indices, mask, zero);
  } else {
    loaded = vector::LoadOp::create(*this, type, memref, indices);
  }
  if (!elementType.isBF16())
    return loaded;
  return arith::ExtFOp::create(*this, vectorOf(lanes, getF32Type()), loaded);
}

void KernelBuilder::storeVector(Value vector, Value memref, ValueRange indices,
                                Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(*this, memref, indices, mask, vector);
  else
    vector::StoreOp::create(*this, vector, memref, indices);
}

void KernelBuilder::storeVector(Value vector, Value memref, ValueRange indices,
                                int64_t count) {
  int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0);
  Value mask;
  if (count < lanes)
    mask = vector::ConstantMaskOp::create(*this, vectorOf(lanes, getI1Type()),
                                          ArrayRef<int64_t>{count});
  storeVector(vector, memref, indices, mask);
}

Value KernelBuilder::fma(Value a, Value b, Value c) {
  if (!isa<VectorType>(a.getType()))
    return math::FmaOp::create(*this, a, b, c);
  return vector::FMAOp::create(*this, a, b, c);
}

Value KernelBuilder::maxF32(Value a, Value b) {
  Value isLarger =
      arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(*this, isLarger, a, b);
}

Value KernelBuilder::reduceMaxF32(Value vector) {
  // Halves against each other: a vector reduction that minds NaN becomes a
  // chain of scalar steps.
  for (int64_t half = cast<VectorType>(vector.getType()).getDimSize(0) / 2;
       half > 0; half /= 2) {
    auto low = llvm::to_vector(llvm::seq<int64_t>(0, half));
    auto high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
    vector = maxF32(vector::ShuffleOp::create(*this, vector, vector, low),
                    vector::ShuffleOp::create(*this, vector, vector, high));
  }
  return vector::ExtractOp::create(*this, vector, int64_t(0));
}

Value KernelBuilder::reduceSumF32(Value vector) {
  return vector::ReductionOp::create(*this, vector::CombiningKind::ADD, vector);
}

void KernelBuilder::prefetch(Value memref, ValueRange indices) {
  memref::PrefetchOp::create(*this, memref, indices, /*isWrite=*/false,
                             /*localityHint=*/3, /*isDataCache=*/true);
}

void KernelBuilder::loop(Value from, Value to, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  loop(from, to, step, {}, [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

SmallVector<Value> KernelBuilder::loop(
    Value from, Value to, int64_t step, ValueRange initial,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto forOp = scf::ForOp::create(*this, from, to, index(step), initial);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(forOp.getBody());
  SmallVector<Value> next =
      body(forOp.getInductionVar(), forOp.getRegionIterArgs());
  if (!initial.empty())
    scf::YieldOp::create(*this, next);
  return llvm::to_vector_of<Value>(forOp.getResults());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> then,
                         llvm::function_ref<void()> otherwise) {
  auto ifOp = scf::IfOp::create(*this, condition,
                                /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(ifOp.thenBlock());
  then();
  if (!otherwise)
    return;
  setInsertionPointToStart(ifOp.elseBlock());
  otherwise();
}

SmallVector<Value>
KernelBuilder::choose(Value condition,
                      llvm::function_ref<SmallVector<Value>()> then,
                      llvm::function_ref<SmallVector<Value>()> otherwise) {
  // The builder of a region stands where this one is put.
  auto yield = [this](llvm::function_ref<SmallVector<Value>()> values) {
    return [this, values](OpBuilder &b, Location loc) {
      OpBuilder::InsertionGuard guard(*this);
      restoreInsertionPoint(b.saveInsertionPoint());
      scf::YieldOp::create(*this, values());
    };
  };
  return llvm::to_vector_of<Value>(
      scf::IfOp::create(*this, condition, yield(then), yield(otherwise))
          .getResults());
}
