// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_SHAREDEXPERT_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_SHAREDEXPERT_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

/// A layer's combination to which the output of something is added that may be
/// a shared expert: the experts' own computation on every token, with weights
/// of its own.
class SharedExpert {
public:
  explicit SharedExpert(CombineOp combine);

  /// Whether something is added that ends like an expert.
  bool isCandidate() const { return static_cast<bool>(output); }
  /// Why it cannot be an expert of every token; empty if it can.
  const std::string &getReason() const { return reason; }

  RouteOp getRoute() const { return route; }
  DispatchOp getDispatch() const { return dispatch; }
  ExpertOp getExpert() const { return expert; }
  CombineOp getCombine() const { return combine; }
  /// The addition.
  Operation *getSum() const { return sum; }
  /// In the order of the expert's weights; null for one that has no part.
  ArrayRef<Value> getWeights() const { return weights; }

private:
  bool fail(const Twine &why);
  void findSum();
  bool checkLayer();
  bool match(Value inExpert, Value outside);
  bool matchSlices(tensor::ExtractSliceOp inExpert,
                   tensor::ExtractSliceOp outside);
  bool matchOperations(Operation *inExpert, Operation *outside);

  CombineOp combine;
  ExpertOp expert;
  DispatchOp dispatch;
  RouteOp route;
  Operation *sum = nullptr;
  Value output;
  SmallVector<Value> weights;
  DenseMap<Value, Value> matched;
  std::string reason;
};

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_SHAREDEXPERT_H
