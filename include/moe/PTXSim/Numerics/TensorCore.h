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
#include <vector>

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
  static constexpr unsigned columns = 8;

  TensorTile(TensorModel model, TensorFormat a, TensorFormat b,
             Accumulator accumulator, bool exact)
      : model(model), formatA(a), formatB(b), accumulator(accumulator),
        exact(exact) {}

  /// Makes room for `rows` x `depth` and `depth` x 8 operands.
  void resize(unsigned rows, unsigned depth);
  float *rowA(unsigned row) { return a.data() + size_t(row) * depth; }
  float *rowB(unsigned k) { return b.data() + size_t(k) * columns; }
  /// Accumulates into `c`, [rows][8]; an f16 accumulator is held as the f32 of
  /// its value.
  void multiply(float *c);

private:
  void multiplyExact(float *c);
  void multiplyFast(float *c) const;
  void addBlock(unsigned row, unsigned first, unsigned last, float *c) const;

  TensorModel model;
  TensorFormat formatA, formatB;
  Accumulator accumulator;
  bool exact;
  unsigned rows = 0, depth = 0;
  /// Whether a NaN or an infinity came in.
  bool special = false;
  std::vector<float> a, b;
  std::vector<int32_t> significandA, exponentA, significandB, exponentB;
};

/// The value of an operand as TensorTile takes it.
float tensorOperand(TensorFormat format, uint32_t bits);

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_NUMERICS_TENSORCORE_H
