// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_REFERENCE_MATRICES_H
#define MOE_LIB_REFERENCE_MATRICES_H

#include "Frame.h"
#include "WeightStore.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

namespace mlir::moe::reference {

/// Matrices `[E, N, J]`, packed or not.
struct Matrices {
  Tensor tensor;
  PanelLayoutAttr panel;
  int64_t rows, columns, size;

  Matrices(Tensor weights, int64_t matrices, PanelLayoutAttr panel,
           int64_t rows, int64_t columns)
      : tensor(std::move(weights)), panel(panel), rows(rows), columns(columns),
        size(tensor.getNumElements() / matrices) {}

  float at(int64_t matrix, int64_t n, int64_t j) const {
    int64_t offset =
        panel ? getPanelOffset(panel, columns, n, j) : n * columns + j;
    return tensor.floats()[matrix * size + offset];
  }

  /// `sum over j of input[j] * matrix[n, j]`.
  float multiply(int64_t matrix, ArrayRef<float> input, int64_t n) const {
    float sum = 0.0f;
    for (int64_t j = 0; j < columns; ++j)
      sum = std::fma(input[j], at(matrix, n, j), sum);
    return sum;
  }
};

/// An error unless `columns` inputs fit the weights.
inline LogicalResult checkColumns(Operation *op, const Tensor &weights,
                                  PanelLayoutAttr panel, int64_t columns) {
  int64_t matrixDim = weights.getRank() - (!panel                ? 1
                                           : panel.getPair() > 1 ? 3
                                                                 : 2);
  int64_t pair = panel ? panel.getPair() : 1;
  return checkEqual(op, "columns of the weights",
                    llvm::divideCeil(columns, pair), weights.getDim(matrixDim));
}

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_MATRICES_H
