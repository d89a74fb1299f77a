// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "VectorRegion.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::moe;

SmallVector<Value> moe::emitRegionOnVectors(KernelBuilder &b, Region &region,
                                            ValueRange arguments,
                                            int64_t lanes) {
  Block &body = region.front();
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  auto toVector = [&](Value value) {
    Value known = mapping.lookupOrDefault(value);
    if (!isa<VectorType>(known.getType())) {
      known = b.splat(known, lanes);
      mapping.map(value, known);
    }
    return known;
  };
  for (Operation &op : body.without_terminator()) {
    if (op.hasTrait<OpTrait::ConstantLike>()) {
      b.clone(op, mapping);
      continue;
    }
    for (Value operand : op.getOperands())
      toVector(operand);
    for (Value result : b.clone(op, mapping)->getResults())
      result.setType(b.vectorOf(lanes, result.getType()));
  }
  return llvm::map_to_vector(body.getTerminator()->getOperands(), toVector);
}

static SmallVector<Value> applyMap(KernelBuilder &b, AffineMap map,
                                   ArrayRef<Value> dims) {
  SmallVector<OpFoldResult> operands(dims.begin(), dims.end());
  // Dimensions that have no value do not occur in the map.
  for (OpFoldResult &operand : operands)
    if (!operand)
      operand = b.getIndexAttr(0);
  SmallVector<Value> indices;
  for (unsigned i = 0, e = map.getNumResults(); i < e; ++i)
    indices.push_back(getValueOrCreateConstantIndexOp(
        b, b.getLoc(),
        affine::makeComposedFoldedAffineApply(b, b.getLoc(), map.getSubMap(i),
                                              operands)));
  return indices;
}

/// Whether the lanes lie side by side.
static bool isContiguous(MemRefType type, AffineMap map, unsigned lane) {
  int64_t offset;
  SmallVector<int64_t> strides;
  if (map.getNumResults() == 0 ||
      map.getResults().back() != getAffineDimExpr(lane, map.getContext()) ||
      llvm::any_of(
          map.getResults().drop_back(),
          [&](AffineExpr expr) { return expr.isFunctionOfDim(lane); }) ||
      failed(type.getStridesAndOffset(strides, offset)))
    return false;
  return strides.back() == 1;
}

Value moe::loadMapped(KernelBuilder &b, Value memref, AffineMap map,
                      ArrayRef<Value> dims, unsigned lane, Value mask,
                      int64_t lanes) {
  auto type = cast<MemRefType>(memref.getType());
  if (!map.isFunctionOfDim(lane))
    return b.splat(b.load(memref, applyMap(b, map, dims)), lanes);
  VectorType vector = b.vectorOf(lanes, type.getElementType());
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(vector));
  if (isContiguous(type, map, lane)) {
    SmallVector<Value> indices = applyMap(b, map, dims);
    if (mask)
      return vector::MaskedLoadOp::create(b, vector, memref, indices, mask,
                                          zeros);
    return vector::LoadOp::create(b, vector, memref, indices);
  }
  Value loaded = zeros;
  SmallVector<Value> at(dims);
  for (int64_t i = 0; i < lanes; ++i) {
    at[lane] = b.add(dims[lane], i);
    auto insert = [&]() -> SmallVector<Value> {
      Value element = b.load(memref, applyMap(b, map, at));
      return {vector::InsertOp::create(b, element, loaded, i)};
    };
    if (!mask) {
      loaded = insert().front();
      continue;
    }
    Value isUsed = vector::ExtractOp::create(b, mask, i);
    loaded = b.choose(isUsed, insert, [&] {
                return SmallVector<Value>{loaded};
              }).front();
  }
  return loaded;
}
