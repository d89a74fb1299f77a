// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// linalg.generic on tensors, said by maps and a scalar body.
#ifndef MOE_DIALECT_MOE_UTILS_LINALGBUILDER_H
#define MOE_DIALECT_MOE_UTILS_LINALGBUILDER_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// An element of the result from those of the inputs and, last, of the result
/// so far.
using ElementBody = function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// A tensor and the loops that its dimensions run with.
struct LinalgOperand {
  Value value;
  AffineMap map;
};

/// (d0, .., dn-1) -> the loops given.
AffineMap selectLoops(OpBuilder &b, unsigned numLoops,
                      ArrayRef<unsigned> loops);

/// A linalg.generic with one result. Loops that the output's map names are
/// parallel, the others reductions, which run in rising order.
Value buildGeneric(OpBuilder &b, Location loc, ArrayRef<LinalgOperand> inputs,
                   LinalgOperand output, ElementBody body);

/// Uninitialised, or filled with a number.
Value createEmpty(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> shape,
                  Type elementType);
Value createFilled(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> shape,
                   TypedAttr value);

/// f32 zeros of the shape of `like`.
Value createZerosLike(OpBuilder &b, Location loc, Value like);

Value createF32(OpBuilder &b, Location loc, float value);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_UTILS_LINALGBUILDER_H
