// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SortByExpert.h"

namespace mlir::moe::reference {

FailureOr<Plan> sortByExpert(Operation *op, const Tensor &ids,
                             int64_t experts) {
  Plan plan;
  plan.experts = experts;
  plan.topK = ids.getDim(1);
  ArrayRef<int64_t> expertOf = ids.integers();
  for (auto [pair, expert] : llvm::enumerate(expertOf))
    if (expert < 0 || expert >= experts) {
      op->emitOpError("expected expert ids 0 to ")
          << experts - 1 << ", got " << expert << " for token "
          << pair / plan.topK << ", slot " << pair % plan.topK;
      return failure();
    }
  plan.order.resize(expertOf.size());
  plan.inverse.resize(expertOf.size());
  int64_t row = 0;
  for (int64_t expert = 0; expert < experts; ++expert) {
    plan.offsets.push_back(row);
    for (auto [pair, chosen] : llvm::enumerate(expertOf))
      if (chosen == expert) {
        plan.order[row] = pair;
        plan.inverse[pair] = row++;
      }
  }
  plan.offsets.push_back(row);
  return plan;
}

} // namespace mlir::moe::reference
