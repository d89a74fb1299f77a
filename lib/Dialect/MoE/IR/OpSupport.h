// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verifiers and shape functions of several operations share.
#ifndef MOE_LIB_DIALECT_MOE_IR_OPSUPPORT_H
#define MOE_LIB_DIALECT_MOE_IR_OPSUPPORT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir {
class PatternRewriter;
} // namespace mlir

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

/// Checks the destinations of an operation: as many outs as `specs`, of these
/// ranks; operands all tensors or all memrefs.
struct DestinationSpec {
  StringRef name;
  int64_t rank;
};
LogicalResult checkDestinations(Operation *op, OperandRange outs,
                                ArrayRef<DestinationSpec> specs);

/// The result types of a destination-style operation: those of the tensors.
void inferDestinationTypes(ValueRange outs, SmallVectorImpl<Type> &types);

/// The result shapes of a destination-style operation: those of its outs.
LogicalResult reifyDestinationShapes(OpBuilder &b,
                                     DestinationStyleOpInterface op,
                                     ReifiedRankedShapedTypeDims &shapes);

/// Writes to memrefs of outs, which are not read, and reads of other memrefs.
void addDestinationEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects);

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

/// Replaces results without elements by the destinations.
LogicalResult forwardEmptyDestination(PatternRewriter &rewriter,
                                      DestinationStyleOpInterface op);

/// T·k, or dynamic where T is.
int64_t getNumPairs(int64_t tokens, int64_t topK);

/// Checks that a value for each (token, slot) pair, if there is one, is of
/// shape [tokens, topK].
LogicalResult checkPairs(Operation *op, StringRef what, Value pairs,
                         int64_t tokens, int64_t topK);

/// Checks input [.., J] x weights [N, J], packed where there is a panel.
/// `experts` is the leading extent of grouped weights, or 0.
LogicalResult checkWeights(Operation *op, ShapedType weights,
                           PanelLayoutAttr panel, int64_t inner, int64_t outer,
                           bool grouped);

/// What `moe.route` has in `normalize(..)`: `eps`, `eps, max`, `eps, p = 2.0`
/// or `eps, max, p = 2.0`.
ParseResult parseNormalize(OpAsmParser &parser, FloatAttr &epsilon,
                           DivisorAttr &divisor, FloatAttr &normOrder);
void printNormalize(OpAsmPrinter &printer, Operation *op, FloatAttr epsilon,
                    DivisorAttr divisor, FloatAttr normOrder);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_IR_OPSUPPORT_H
