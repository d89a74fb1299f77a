// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_REFERENCE_EXPERTOFROWS_H
#define MOE_LIB_REFERENCE_EXPERTOFROWS_H

#include "Frame.h"

namespace mlir::moe::reference {

/// What tells the expert of each row: one of `offsets` and `ids`.
struct RowExperts {
  Value offsets; ///< [E+1]
  Value ids;     ///< [T, k]
  /// Whether there may be rows of no expert.
  bool partial;
};

/// The expert of each of `rows` rows, E for a skipped one; an error at `op` for
/// offsets that do not rise from 0 to `rows` (to at most that many if partial),
/// and for an id outside 0..E-1 (0..E if partial).
FailureOr<std::vector<int64_t>> getExpertOfRows(Operation *op,
                                                const RowExperts &experts,
                                                int64_t numExperts,
                                                int64_t rows, Frame &frame);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_EXPERTOFROWS_H
