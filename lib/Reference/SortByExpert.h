// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_REFERENCE_SORTBYEXPERT_H
#define MOE_LIB_REFERENCE_SORTBYEXPERT_H

#include "Frame.h"

namespace mlir::moe::reference {

/// The plan of expert ids `[T, k]`; an error at `op` for an id outside
/// 0..experts-1.
FailureOr<Plan> sortByExpert(Operation *op, const Tensor &ids, int64_t experts);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_SORTBYEXPERT_H
