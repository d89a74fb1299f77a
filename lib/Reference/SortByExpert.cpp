// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SortByExpert.h"

#include "llvm/Support/MathExtras.h"

namespace mlir::moe::reference {

FailureOr<Plan> sortByExpert(Operation *op, const Tensor &ids, int64_t experts,
                             SortOptions options) {
  Plan plan;
  plan.experts = experts;
  plan.topK = ids.getDim(1);
  int64_t last = options.partial ? experts : experts - 1;
  ArrayRef<int64_t> expertOf = ids.integers();
  for (auto [pair, expert] : llvm::enumerate(expertOf))
    if (expert < 0 || expert > last) {
      op->emitOpError("expected expert ids 0 to ")
          << last << ", got " << expert << " for token " << pair / plan.topK
          << ", slot " << pair % plan.topK;
      return failure();
    }
  int64_t pairs = expertOf.size();
  plan.order.assign(
      llvm::alignTo(pairs + experts * (options.block - 1), options.block), -1);
  plan.inverse.resize(pairs);
  int64_t row = 0;
  // The skipped pairs follow the last expert.
  for (int64_t expert = 0; expert <= experts; ++expert) {
    row = llvm::alignTo(row, options.block);
    plan.offsets.push_back(row);
    for (auto [pair, chosen] : llvm::enumerate(expertOf))
      if (chosen == expert) {
        plan.order[row] = pair;
        plan.inverse[pair] = row++;
      }
  }
  return plan;
}

} // namespace mlir::moe::reference
