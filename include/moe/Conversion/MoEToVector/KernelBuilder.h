// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The builder that all kernels are written with: index arithmetic, structured
// loops with the body as a callback, loads of packed data.
#ifndef MOE_CONVERSION_MOETOVECTOR_KERNELBUILDER_H
#define MOE_CONVERSION_MOETOVECTOR_KERNELBUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::moe {

constexpr int64_t cacheLineBytes = 64;

/// What a kernel works on and with.
struct KernelContext {
  func::FuncOp function;
  /// The units [begin, end), both of type index.
  Value begin, end;
  /// f32 lanes of a vector register: 16 or 8.
  int64_t lanes;
};

class KernelBuilder : public ImplicitLocOpBuilder {
public:
  KernelBuilder(Operation *op, const KernelContext &kernel)
      : ImplicitLocOpBuilder(op->getLoc(), op), function(kernel.function) {}

  //===--- Scalars
  //---------------------------------------------------------===//

  Value index(int64_t value);
  Value i32(int32_t value);
  Value f32(float value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return b == 0 ? a : add(a, index(b)); }
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return b == 1 ? a : mul(a, index(b)); }
  /// Quotient and remainder of indices that are not negative.
  Value div(Value a, int64_t b);
  Value rem(Value a, int64_t b);
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value isEqual(Value a, Value b);
  Value isLess(Value a, Value b);
  Value toIndex(Value integer);
  Value toI32(Value index);

  //===--- Memory
  //----------------------------------------------------------===//

  Value dim(Value memref, int64_t i);
  Value load(Value memref, ValueRange indices);
  /// An i32 element as an index.
  Value loadIndex(Value memref, ValueRange indices);
  void store(Value value, Value memref, ValueRange indices);
  /// Static scratch memory on the stack, allocated once where the kernel
  /// starts.
  Value scratch(ArrayRef<int64_t> shape, Type elementType);

  //===--- Vectors
  //---------------------------------------------------------===//

  VectorType vectorOf(int64_t lanes, Type elementType);
  Value splat(Value scalar, int64_t lanes);
  Value splatF32(float value, int64_t lanes);
  Value splatI32(int32_t value, int64_t lanes);
  /// The vector 0, 1, .. of i32.
  Value iota(int64_t lanes);
  /// `lanes` consecutive elements, from bf16 extended to f32.
  Value loadVector(Value memref, ValueRange indices, int64_t lanes);
  /// The same of the lanes of `mask`, and 0 in the others; all lanes if null.
  Value loadVector(Value memref, ValueRange indices, int64_t lanes, Value mask);
  /// Stores the lanes of `mask`, or all if it is null.
  void storeVector(Value vector, Value memref, ValueRange indices, Value mask);
  /// Stores the first `count` lanes of an f32 vector.
  void storeVector(Value vector, Value memref, ValueRange indices,
                   int64_t count);
  /// a * b + c, rounded once.
  Value fma(Value a, Value b, Value c);
  /// The larger one as the processor's maximum has it, `a > b ? a : b`: either
  /// may come out where one is NaN.
  Value maxF32(Value a, Value b);
  /// The largest lane of an f32 vector, in the sense of `maxF32`.
  Value reduceMaxF32(Value vector);
  Value reduceSumF32(Value vector);
  /// Brings the cache line of an element closer; the element may lie past the
  /// end of the memref.
  void prefetch(Value memref, ValueRange indices);

  //===--- Control flow
  //----------------------------------------------------===//

  void loop(Value from, Value to, int64_t step,
            llvm::function_ref<void(Value)> body);
  SmallVector<Value>
  loop(Value from, Value to, int64_t step, ValueRange initial,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise = nullptr);
  /// The values that one of two pieces of code gives.
  SmallVector<Value> choose(Value condition,
                            llvm::function_ref<SmallVector<Value>()> then,
                            llvm::function_ref<SmallVector<Value>()> otherwise);

private:
  func::FuncOp function;
};

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOVECTOR_KERNELBUILDER_H
