// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What of an entry on memory depends on what is in the memory. Work (see
// KernelUnits.h) is where data belong; all that is between pieces of work is
// looked at.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_DATADEPENDENCE_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_DATADEPENDENCE_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {

/// Whether the operation, with all in it, computes from scalars, views and
/// elements of memory, and does nothing else: it can be done anywhere, and more
/// than once.
bool isComputation(Operation *op);

/// Whether the operation, or one in it, reads an element of memory.
bool readsMemory(Operation *op);

/// What the operation and all in it use from outside.
SetVector<Value> getUses(Operation *op);

class DataDependence {
public:
  explicit DataDependence(FunctionOpInterface entry);

  /// Whether the value depends on what is in memory.
  bool contains(Value value) const { return values.contains(value); }
  bool isUsedBy(Operation *op) const;
  /// Whether what the computation has read is written after it.
  bool isUnstable(Operation *op) const { return unstable.contains(op); }

  /// Keeps up with rewriting. A value must be taken out before it is erased:
  /// another one may come to lie where it was.
  void insert(ValueRange made) { values.insert_range(made); }
  void erase(Value value) { values.erase(value); }

private:
  void findData();
  void markUser(OpOperand &use, function_ref<void(ValueRange)> mark);
  void findUnstable();
  /// The outermost computation that the operation is part of; null for a part
  /// of a piece of work.
  Operation *getOutermost(Operation *op);

  FunctionOpInterface entry;
  DenseSet<Value> values;
  DenseSet<Operation *> unstable;
};

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_DATADEPENDENCE_H
