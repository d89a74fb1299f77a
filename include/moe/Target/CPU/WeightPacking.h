// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights converted and laid out as the CPU kernels read them.
#ifndef MOE_TARGET_CPU_WEIGHTPACKING_H
#define MOE_TARGET_CPU_WEIGHTPACKING_H

#include "moe/Import/Safetensors.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>

namespace mlir::moe {

/// How the matrices of one weight are stored.
struct WeightFormat {
  enum class Element { F32, BF16 };
  Element element = Element::F32;
  /// Rows side by side in a panel; 0 stores the matrix row-major (pair is 1
  /// then).
  int64_t width = 0;
  /// Consecutive columns beside each other inside a panel: 1 or 2.
  int64_t pair = 1;

  unsigned getElementBytes() const { return element == Element::F32 ? 4 : 2; }
};

/// Shape of a weight: `count` matrices (experts; 1 for an ordinary weight) of
/// `rows` × `columns`.
struct WeightShape {
  int64_t count = 1, rows = 0, columns = 0;
};

/// Fills `values` with row `row` (0 to count × rows - 1) of a weight. Called
/// from several threads at once.
using RowReader =
    llvm::function_ref<void(int64_t row, llvm::MutableArrayRef<float> values)>;

/// Bytes of a weight as stored: row-major [count, rows, columns], or in panels
/// [count, ceil(rows / width), ceil(columns / pair), width, pair], padding
/// included.
uint64_t getStoredBytes(const WeightFormat &format, const WeightShape &shape);

/// Writes a weight as `format` says, padding with zeros. Holds a few megabytes
/// at a time, whatever the size of the weight, and uses all threads; the bytes
/// do not depend on how many there are.
void writeWeight(llvm::raw_ostream &os, const WeightFormat &format,
                 const WeightShape &shape, RowReader readRow);

/// Nearest bfloat16, ties to even; a NaN stays a (quiet) NaN, and overflow
/// becomes infinity.
uint16_t roundToBF16(float value);

/// Row reader over tensors of a weight type, stacked in order: each has
/// `rowsPerTensor` rows.
class TensorRows {
public:
  TensorRows(llvm::ArrayRef<TensorView> tensors, int64_t rowsPerTensor)
      : tensors(tensors), rowsPerTensor(rowsPerTensor) {}
  void operator()(int64_t row, llvm::MutableArrayRef<float> values) const;

private:
  llvm::ArrayRef<TensorView> tensors;
  int64_t rowsPerTensor;
};

/// Converts elements of a weight type (F32, F16, BF16) to f32, exactly. `bytes`
/// need not be aligned.
void convertToF32(DType dtype, const char *bytes,
                  llvm::MutableArrayRef<float> values);

} // namespace mlir::moe

#endif // MOE_TARGET_CPU_WEIGHTPACKING_H
