// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dot products as tensor cores form them. Silicon adds a block of products and
// the accumulator at once: every term is aligned to the largest exponent,
// truncated there to a few bits more than f32 has, summed exactly, and the sum
// is truncated to f32. Block and bits differ among architectures.
#ifndef MOE_PTXSIM_NUMERICS_TENSORCORE_H
#define MOE_PTXSIM_NUMERICS_TENSORCORE_H

#include "moe/PTXSim/Numerics/Formats.h"

#include <cstddef>

namespace moe::ptxsim {

enum class TensorArch : uint8_t { Volta, Ampere, Ada, Hopper, Blackwell };
enum class TensorFormat : uint8_t { F16, BF16, TF32, E4M3, E5M2 };

/// sm_70 is Volta's, sm_80 Ampere's, sm_89 Ada's, sm_90 Hopper's, sm_100
/// Blackwell's.
TensorArch tensorArch(uint32_t major, uint32_t minor);

struct TensorModel {
  unsigned block;      ///< products that are added at once
  int fractionBits;    ///< kept of each term below the largest exponent
  bool roundToNearest; ///< of the sum; else it is truncated
  bool shortResult;    ///< the sum keeps only fractionBits + 1 bits
};
TensorModel tensorModel(TensorArch arch, TensorFormat format);

enum class Accumulator : uint8_t { F32, F16 };

/// D = A x B + C on `rows` x 8 results. Operands are f32 numbers that their
/// formats hold exactly.
class TensorTile {
public:
  static constexpr unsigned columns = 8, maxRows = 16, maxDepth = 64;

  TensorTile(TensorModel model, TensorFormat a, TensorFormat b,
             Accumulator accumulator, bool exact)
      : model(model), formatA(a), formatB(b), accumulator(accumulator),
        exact(exact) {}

  /// At most maxRows and maxDepth.
  void resize(unsigned newRows, unsigned newDepth) {
    rows = newRows;
    depth = newDepth;
  }
  float *rowA(unsigned row) { return a + size_t(row) * depth; }
  float *rowB(unsigned k) { return b + size_t(k) * columns; }
  /// Accumulates into `c`, [rows][8]; an f16 accumulator is held as the f32 of
  /// its value.
  void multiply(float *c);

private:
  void multiplyExact(float *c);
  void multiplyFast(float *c) const;
  template <unsigned count>
  void multiplyRows(size_t row, float *c) const;
  bool multiplyInFloat(float *c);
  bool findPowers();
  template <unsigned products, bool halfResult>
  void addBlocksInFloat(float *c);
  template <unsigned products, bool halfResult>
  bool addBlockInFloat(size_t row, size_t first, float *c) const;
  void splitOperands();
  void addBlock(unsigned row, unsigned first, unsigned last, float *c) const;

  TensorModel model;
  TensorFormat formatA, formatB;
  Accumulator accumulator;
  bool exact;
  unsigned rows = 0, depth = 0;
  /// Whether a NaN or an infinity came in.
  bool special = false;
  static constexpr unsigned sizeA = maxRows * maxDepth;
  static constexpr unsigned sizeB = maxDepth * columns;
  alignas(64) float a[sizeA], b[sizeB];
  /// The power of two that each operand is aligned by; 0 of zeros.
  alignas(64) float powerA[sizeA], powerB[sizeB];
  alignas(64) int32_t significandA[sizeA], exponentA[sizeA];
  alignas(64) int32_t significandB[sizeB], exponentB[sizeB];
};

/// The value of an operand as TensorTile takes it.
float tensorOperand(TensorFormat format, uint32_t bits);

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_NUMERICS_TENSORCORE_H
