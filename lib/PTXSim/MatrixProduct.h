// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// D = A x B + C of any shape and type, element by element, and the fragments of
// mma.sync that its operands come in. f64 holds every element of every type,
// and every sum of integers.
#ifndef MOE_LIB_PTXSIM_MATRIXPRODUCT_H
#define MOE_LIB_PTXSIM_MATRIXPRODUCT_H

#include "Core.h"
#include "moe/PTXSim/Numerics/TensorCore.h"

#include <cstring>

namespace moe::ptxsim {

/// Of operands that tensor cores multiply as floats.
TensorFormat tensorFormatOf(ptx::Type type);

class MatrixProduct {
public:
  struct Types {
    ptx::Type d, a, b, c;
  };
  /// `kept` elements of each row of A are there, fewer than `k` if it is
  /// sparse: then `place` says which.
  MatrixProduct(ptx::Shape shape, unsigned kept, Types types);

  void setA(unsigned row, unsigned i, uint64_t bits) {
    a[row * kept + i] = value(types.a, bits);
  }
  void setB(unsigned k, unsigned column, uint64_t bits) {
    b[k * shape.n + column] = value(types.b, bits);
  }
  void setC(unsigned row, unsigned column, uint64_t bits) {
    c[row * shape.n + column] = value(types.c, bits);
  }
  /// Of what C became.
  uint64_t d(unsigned row, unsigned column) const {
    return bitsOf(types.d, c[row * shape.n + column]);
  }
  /// The row of B that element `i` of a row of A meets.
  uint16_t &place(unsigned row, unsigned i) { return places[row * kept + i]; }

  bool saturates = false, xors = false;
  void multiply(const Device &device);

private:
  static double value(ptx::Type type, uint64_t bits);
  static uint64_t bitsOf(ptx::Type type, double value);
  void multiplyFloats(const Device &device);
  void multiplyDoubles();
  void multiplyIntegers();

  const ptx::Shape shape;
  const unsigned kept;
  const Types types;
  std::vector<double> a, b, c;
  std::vector<uint16_t> places; ///< empty: A is dense
};

/// With lane 4 g + t and e elements a register, register r of A has row
/// g + 8 (r mod height / 8) and the columns t e … of the chunk of 4 e columns
/// r / (height / 8); of B the rows t e … of the chunk r and the column g. C has
/// row g + 8 (r / 2), column 2 t + r mod 2.
///
/// Calls set(row, column, bits) for each element of A, `width` bits wide.
template <class F>
void eachOfA(const Warp &warp, const uint32_t *rows, unsigned registers,
             unsigned height, unsigned width, F set) {
  unsigned each = width < 32 ? 32 / width : 1, tall = height / 8;
  uint64_t part = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  for (unsigned r = 0; r < registers; ++r)
    for (unsigned i = 0; i < lanes; ++i) {
      uint64_t bits = 0;
      unsigned bytes = width == 64 ? 8 : 4;
      std::memcpy(&bits, warp.r + rows[r] + i * bytes, bytes);
      for (unsigned j = 0; j < each; ++j)
        set(i / 4 + 8 * (r % tall), i % 4 * each + r / tall * 4 * each + j,
            bits >> (j * width % 64) & part);
    }
}

/// Calls set(k, column, bits) for each element of B.
template <class F>
void eachOfB(const Warp &warp, const uint32_t *rows, unsigned registers,
             unsigned width, F set) {
  eachOfA(warp, rows, registers, 8, width,
          [&](unsigned column, unsigned k, uint64_t bits) {
            set(k, column, bits);
          });
}

/// Where the elements of sparse rows belong. A chunk of four has two, told by
/// two bits each: of numbers; of pairs of 4-bit numbers; of halves of tf32.
/// Rows g and g + 8 share words that lanes of the group g hold, `selector` says
/// which: the one in the low half and the other in the high half, or each in
/// a word of its own if elements have no more than 8 bits.
void findPlaces(MatrixProduct &product, const uint32_t *metadata,
                ptx::Type type, unsigned kept, unsigned selector);

/// mma.sync of other than 16 x 8 floats, and mma.sp. extras: rows of D, A, B,
/// C, of the metadata; o[0]: the sparsity selector.
void anyMma(const Op &op, Warp &warp, uint32_t mask);
/// m8n8k4 of f16, which each eight lanes do for themselves.
void quadMma(const Op &op, Warp &warp, uint32_t mask);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_MATRIXPRODUCT_H
