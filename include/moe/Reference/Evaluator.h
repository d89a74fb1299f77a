// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The executable meaning of the dialect: runs functions at tensor level op by
// op, in the order and with the roundings that the op texts state. Slow, and
// meant to be obviously right; compiled code is judged by it.
//
// What compiled code leaves undefined is an error here: an index, expert id or
// position out of range, shapes that do not fit, integer division by zero, a
// read of a position that was never appended.
#ifndef MOE_REFERENCE_EVALUATOR_H
#define MOE_REFERENCE_EVALUATOR_H

#include "moe/Reference/Datum.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace mlir::moe::reference {

class WeightStore;

class Evaluator {
public:
  /// The module must outlive the evaluator and stay as it is: weights are read
  /// once. Relative checkpoint directories start at `baseDirectory`.
  explicit Evaluator(ModuleOp module, StringRef baseDirectory = ".");
  ~Evaluator();

  /// Calls the function `name` with arguments of its types. What goes wrong is
  /// a diagnostic at the operation that it happened in.
  FailureOr<SmallVector<Datum>> call(StringRef name, ArrayRef<Datum> arguments);

  /// Whether the last call failed at something that is not evaluated, rather
  /// than at wrong input.
  bool metUnsupported() const { return unsupported; }

private:
  friend class Frame;
  FailureOr<SmallVector<Datum>> call(Operation *caller, StringRef name,
                                     ArrayRef<Datum> arguments);

  ModuleOp module;
  std::unique_ptr<WeightStore> weights;
  unsigned depth = 0;
  bool unsupported = false;
};

} // namespace mlir::moe::reference

#endif // MOE_REFERENCE_EVALUATOR_H
