// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A linalg body as straight-line code on scalars, so that IR is looked at once
// and not for every element.
#ifndef MOE_LIB_REFERENCE_SCALARPROGRAM_H
#define MOE_LIB_REFERENCE_SCALARPROGRAM_H

#include "Frame.h"
#include "ScalarOp.h"

namespace mlir::moe::reference {

class ScalarProgram {
public:
  /// Nothing when the body holds more than scalar arithmetic, constants,
  /// `linalg.index` and `tensor.extract`; values from outside are read here.
  static std::optional<ScalarProgram> compile(Block &body, Frame &frame);

  /// Runs the body at a position of the domain, on the arguments that were set
  /// and with an error at the operation that has no defined result.
  LogicalResult run(ArrayRef<int64_t> position);
  Scalar &argument(unsigned i) { return slots[i]; }
  Scalar yielded(unsigned i) const { return slots[yields[i]]; }

private:
  struct Instruction {
    enum Kind { Compute, Index, Extract } kind;
    Operation *op;
    ScalarOp scalarOp; ///< Compute.
    Tensor table;      ///< Extract.
    int64_t dim = 0;   ///< Index.
    SmallVector<unsigned, 3> operands;
    unsigned result = 0;
  };

  bool add(Operation &op, Frame &frame);
  /// The slot of a value of the body or, captured, of the frame.
  unsigned slotOf(Value value, Frame &frame);

  std::vector<Scalar> slots;
  DenseMap<Value, unsigned> slotOfValue;
  std::vector<Instruction> instructions;
  SmallVector<unsigned> yields;
};

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_SCALARPROGRAM_H
