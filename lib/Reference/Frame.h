// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One running function, and the table of what evaluates each operation.
#ifndef MOE_LIB_REFERENCE_FRAME_H
#define MOE_LIB_REFERENCE_FRAME_H

#include "moe/Reference/Evaluator.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe::reference {

class Frame {
public:
  explicit Frame(Evaluator &evaluator) : evaluator(evaluator) {}

  Datum lookup(Value value) const { return values.at(value); }
  Tensor tensor(Value value) const {
    return std::get<Tensor>(values.at(value));
  }
  Scalar scalar(Value value) const {
    return std::get<Scalar>(values.at(value));
  }
  int64_t integer(Value value) const { return scalar(value).i; }
  SmallVector<int64_t> integers(ValueRange list) const;
  /// Static and dynamic sizes, offsets or strides in order.
  SmallVector<int64_t> integers(ArrayRef<OpFoldResult> mixed) const;

  void bind(Value value, Datum datum) { values[value] = std::move(datum); }

  /// Binds the block's arguments, evaluates its operations, and gives the
  /// operands of its terminator.
  FailureOr<SmallVector<Datum>> run(Block &block, ArrayRef<Datum> arguments);

  FailureOr<SmallVector<Datum>> call(Operation *caller, StringRef name,
                                     ArrayRef<Datum> arguments) {
    return evaluator.call(caller, name, arguments);
  }
  FailureOr<Tensor> weight(Operation *user, StringRef name);

  /// An error for something that is right but not evaluated.
  InFlightDiagnostic unsupported(Operation *op, const Twine &message);

  /// Where the enclosing linalg operations are in their domains, innermost
  /// last; what `linalg.index` reads.
  SmallVector<ArrayRef<int64_t>> domainPositions;

private:
  LogicalResult evaluate(Operation *op);

  Evaluator &evaluator;
  DenseMap<Value, Datum> values;
};

/// Evaluates one operation: reads its operands from the frame, binds its
/// results.
using Handler = LogicalResult (*)(Operation *, Frame &);
using HandlerTable = llvm::StringMap<Handler>;

template <typename OpT, LogicalResult (*evaluate)(OpT, Frame &)>
void addHandler(HandlerTable &table) {
  table[OpT::getOperationName()] = [](Operation *op, Frame &frame) {
    return evaluate(cast<OpT>(op), frame);
  };
}

void addConstantHandlers(HandlerTable &table);
void addControlHandlers(HandlerTable &table);
void addTensorHandlers(HandlerTable &table);
void addSliceHandlers(HandlerTable &table);
void addLinalgHandlers(HandlerTable &table);
void addRouteHandlers(HandlerTable &table);
void addRoutingHandlers(HandlerTable &table);
void addSortedHandlers(HandlerTable &table);
void addGroupedMatmulHandlers(HandlerTable &table);
void addRowHandlers(HandlerTable &table);
void addSortStepHandlers(HandlerTable &table);
void addCacheHandlers(HandlerTable &table);
void addTrainingHandlers(HandlerTable &table);

/// linalg operations are found by their interface, not by name.
LogicalResult evaluateLinalg(Operation *op, Frame &frame);

/// An error unless the datum is one of a value of this type: kind, rank and
/// static extents.
LogicalResult checkType(Operation *op, const Twine &what, Type type,
                        const Datum &datum);

/// "op expected <what> <expected>, got <got>" unless the two are equal.
LogicalResult checkEqual(Operation *op, const Twine &what, int64_t expected,
                         int64_t got);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_FRAME_H
