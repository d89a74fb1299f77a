// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which form of a layer and of a sort is the cheapest by the cost model. Each
// choice is a remark with the costs of both sides.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_SORTFORM_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_SORTFORM_H

#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {

/// Whether to sort the rows of a layer: as `form` says, or where it says
/// `Auto` by the bytes of both forms for the largest number of tokens, sorting
/// where that is not known. `mustSort`: somebody sees the order.
bool chooseSorted(DispatchOp dispatch, ArrayRef<ExpertOp> experts,
                  TokenForm form, bool mustSort);

/// Gives a sort chunks, where several of them at a time beat one pass over the
/// largest number of pairs.
void chooseChunk(SortTokensOp sort);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_SORTFORM_H
