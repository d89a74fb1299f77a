// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the stages of a route share: rows of scratch memory that hold one number
// an expert (or a group), and integer keys that order like numbers.
#ifndef MOE_LIB_CONVERSION_MOETOVECTOR_ROUTEROW_H
#define MOE_LIB_CONVERSION_MOETOVECTOR_ROUTEROW_H

#include "moe/Conversion/MoEToVector/KernelBuilder.h"
#include "moe/Dialect/MoE/Utils/ScoreMathBuilder.h"

namespace mlir::moe {

/// Experts handled at a time, whatever the width of the target's registers:
/// the lanes are those of the partial sums.
constexpr int64_t routeBlock = sumLanes;

/// Vectors and scalars of f32 as keys (see ScoreMath), and back.
Value toKeys(KernelBuilder &b, Value numbers);
Value fromKeys(KernelBuilder &b, Value keys);

/// `size` numbers on the stack, padded to whole blocks.
class RouteRow {
public:
  using BlockBody = llvm::function_ref<SmallVector<Value>(Value, ValueRange)>;

  RouteRow(KernelBuilder &b, int64_t size, Type elementType);

  int64_t getSize() const { return size; }
  Value getMemory() const { return memory; }

  /// Body (first index of the block, carried values) -> carried values.
  SmallVector<Value> forEachBlock(ValueRange initial, BlockBody body) const;
  void forEachBlock(llvm::function_ref<void(Value)> body) const;

  Value loadBlock(Value i) const;
  void storeBlock(Value block, Value i) const;
  Value load(Value i) const { return b.load(memory, i); }
  void store(Value value, Value i) const { b.store(value, memory, i); }

  /// Every block becomes body(first index of the block, block).
  void map(llvm::function_ref<Value(Value, Value)> body) const;
  /// Puts a constant behind the last element.
  void pad(TypedAttr value) const;
  void fill(Value value) const;
  void copyFrom(const RouteRow &other) const;
  /// From `source[indices.., :]`; pads with `padding`.
  void copyFrom(Value source, ValueRange indices, TypedAttr padding) const;
  /// To `target[indices.., :]`.
  void copyTo(Value target, ValueRange indices) const;

  /// Of f32 and their padding: the sum as sumInLanes has it, and the largest.
  Value sum() const;
  Value maximum() const;

  /// Of keys: the lowest index of the largest key, an i32.
  Value indexOfLargest() const;

private:
  KernelBuilder &b;
  int64_t size, padded;
  Type elementType;
  Value memory;
};

/// Adds the lanes of a vector of partial sums in halves.
Value addLanes(KernelBuilder &b, Value sums);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOVECTOR_ROUTEROW_H
