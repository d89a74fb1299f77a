// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_REFERENCE_SORTBYEXPERT_H
#define MOE_LIB_REFERENCE_SORTBYEXPERT_H

#include "Frame.h"

namespace mlir::moe::reference {

/// How to sort; see `moe.sort_tokens`.
struct SortOptions {
  bool partial = false;
  int64_t block = 1;
};

/// The plan of expert ids `[T, k]`; an error at `op` for an id outside
/// 0..experts-1, or 0..experts where it may be partial.
FailureOr<Plan> sortByExpert(Operation *op, const Tensor &ids, int64_t experts,
                             SortOptions options = {});

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_SORTBYEXPERT_H
