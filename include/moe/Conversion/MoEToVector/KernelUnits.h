// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the work of an operation divides into units, which is what a launch
// splits between threads and what a lowered kernel takes a range of.
//
//   operation            unit                                units
//   packed_matmul        one panel of outputs                ceil(N / width)
//   grouped_matmul ids   one panel for one pair              T*k * panels
//   grouped_matmul offs. one panel of one expert             E * panels
//     combined, ids      one panel for one token             T * panels
//     combined, offsets  one panel of all experts            panels
//   attention            one key/value head for one row      heads * T
//   kv_append, route     one row                             T
//   sort_tokens          all                                 1
//   gather_, expert_ and one block of columns of one row    R * blocks
//     combine_rows
//   scan_counts          all                                 1
//   count_, place_pairs   one chunk of pairs                  chunks
//   scf.forall over rows one row                             T
//   linalg, memref.copy  one step of the first parallel      its extent
//                        loop that is not statically 1       (1 if none)
#ifndef MOE_CONVERSION_MOETOVECTOR_KERNELUNITS_H
#define MOE_CONVERSION_MOETOVECTOR_KERNELUNITS_H

#include <cstdint>

namespace mlir {
class OpBuilder;
class Operation;
class Value;
} // namespace mlir

namespace mlir::moe {

/// Whether `op` is a buffer-form operation that `convert-moe-to-vector` can
/// lower to a kernel over a range of units.
bool isKernelOp(Operation *op);

/// Whether `op` is a loop that `#moe.rows` makes one kernel.
bool isRowLoop(Operation *op);

/// Whether `op` is work to be launched, not the wiring between pieces of work.
bool isWorkOp(Operation *op);

/// The number of units of `op`, an index, built at the builder's insertion
/// point, where the operands of `op` must be available.
Value getKernelUnits(OpBuilder &builder, Operation *op);

/// The least number of units worth handing to a thread: about 20,000 scalar
/// operations, at least 1. Depends on static extents only.
int64_t getKernelGrain(Operation *op);

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOVECTOR_KERNELUNITS_H
