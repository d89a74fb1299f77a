// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verifiers and shape functions of several operations share.
#ifndef MOE_LIB_DIALECT_MOE_IR_OPSUPPORT_H
#define MOE_LIB_DIALECT_MOE_IR_OPSUPPORT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

/// Emits "expected <what> <a>, got <b>" unless both extents may be equal; a
/// dynamic extent may be anything.
LogicalResult checkExtent(Operation *op, const Twine &what, int64_t expected,
                          int64_t actual);

/// Emits an error unless the rank is as given.
LogicalResult checkRank(Operation *op, StringRef what, Type type, int64_t rank);

/// Checks the two forms of a compute operation: `count` tensor results and no
/// outs, or no results and `count` outs, all of these ranks and element types.
/// Operands are tensors in the value form and memrefs in the buffer form.
struct OutputSpec {
  StringRef name;
  Type elementType;
  int64_t rank;
};
LogicalResult checkForm(Operation *op, OperandRange outs,
                        ArrayRef<OutputSpec> specs);

/// The type of output i in either form.
ShapedType outputType(Operation *op, OperandRange outs, unsigned i);

/// Extent `dim` of a tensor or memref, constant where static.
OpFoldResult extentOf(OpBuilder &builder, Location loc, Value shaped,
                      int64_t dim);

/// In buffer form: reads of the shaped inputs, writes to outs. In value form:
/// none.
void addComputeEffects(Operation *op, OperandRange outs,
                       SmallVectorImpl<MemoryEffects::EffectInstance> &effects);

/// Checks the optional cache slot of each of `tokens` rows.
LogicalResult checkSequences(Operation *op, Value sequences, int64_t tokens);

/// Checks input [.., J] x weights [N, J], packed where there is a panel.
/// `experts` is the leading extent of grouped weights, or 0.
LogicalResult checkWeights(Operation *op, ShapedType weights,
                           PanelLayoutAttr panel, int64_t inner, int64_t outer,
                           bool grouped);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_IR_OPSUPPORT_H
