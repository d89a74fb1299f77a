// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verifiers of losses share.
#ifndef MOE_LIB_DIALECT_MOE_IR_TRAININGSUPPORT_H
#define MOE_LIB_DIALECT_MOE_IR_TRAININGSUPPORT_H

#include "OpSupport.h"

namespace mlir::moe {

/// Emits an error unless the last extent, the number of experts, is static.
LogicalResult checkStaticExperts(Operation *op, Value perExpert);

/// Emits an error unless k is 1 to the last extent of `perExpert`.
LogicalResult checkTopK(Operation *op, Value perExpert, int64_t topK);

/// Emits an error unless the mask, if any, has one element for each row of
/// `rows`: its shape without the last extent.
LogicalResult checkMask(Operation *op, Value rows, Value mask);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_IR_TRAININGSUPPORT_H
