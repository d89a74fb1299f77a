// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ExpertOfRows.h"

namespace mlir::moe::reference {

FailureOr<std::vector<int64_t>> getExpertOfRows(Operation *op,
                                                const RowExperts &experts,
                                                int64_t numExperts,
                                                int64_t rows, Frame &frame) {
  if (experts.ids) {
    std::vector<int64_t> expertOf = frame.tensor(experts.ids).integers().vec();
    if (failed(checkEqual(op, "number of ids", rows, expertOf.size())))
      return failure();
    int64_t last = experts.partial ? numExperts : numExperts - 1;
    for (auto [row, expert] : llvm::enumerate(expertOf))
      if (expert < 0 || expert > last) {
        op->emitOpError("expected expert ids 0 to ")
            << last << ", got " << expert << " for pair " << row;
        return failure();
      }
    return expertOf;
  }
  Tensor tensor = frame.tensor(experts.offsets);
  ArrayRef<int64_t> offsets = tensor.integers();
  bool isEndRight =
      experts.partial ? offsets.back() <= rows : offsets.back() == rows;
  if (!llvm::is_sorted(offsets) || offsets.front() != 0 || !isEndRight) {
    op->emitOpError("expected offsets rising from 0 to ")
        << (experts.partial ? "at most " : "") << rows << ", got "
        << ArrayRef(offsets);
    return failure();
  }
  std::vector<int64_t> expertOf;
  for (int64_t e = 0; e < numExperts; ++e)
    expertOf.insert(expertOf.end(), offsets[e + 1] - offsets[e], e);
  expertOf.resize(rows, numExperts);
  return expertOf;
}

} // namespace mlir::moe::reference
