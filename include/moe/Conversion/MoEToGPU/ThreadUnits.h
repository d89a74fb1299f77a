// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the work of an operation divides into units for a device that has a
// thread for each. Where it is coarser on a CPU:
//
//   operation            unit                                units
//   linalg               one point of the parallel loops     their product
//   memref.copy          one element                         their number
//   grouped_matmul       one column of one row, or token     rows * N
//   attention            one query head of one row           T * query heads
//
// Others are divided as KernelUnits.h says.
#ifndef MOE_CONVERSION_MOETOGPU_THREADUNITS_H
#define MOE_CONVERSION_MOETOGPU_THREADUNITS_H

namespace mlir {
class OpBuilder;
class Operation;
class Value;
} // namespace mlir

namespace mlir::moe {

/// The number of units of `op`, an index, built at the builder's insertion
/// point, where the operands of `op` must be available.
Value getThreadUnits(OpBuilder &builder, Operation *op);

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOGPU_THREADUNITS_H
