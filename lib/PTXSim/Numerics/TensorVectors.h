// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors over the eight columns of a tile.
#ifndef MOE_LIB_PTXSIM_NUMERICS_TENSORVECTORS_H
#define MOE_LIB_PTXSIM_NUMERICS_TENSORVECTORS_H

#include "moe/PTXSim/Numerics/TensorCore.h"

namespace moe::ptxsim {

typedef int32_t Ints __attribute__((vector_size(32)));
typedef uint32_t Words __attribute__((vector_size(32)));
typedef float Floats __attribute__((vector_size(32)));
typedef _Float16 Halves __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(64)));
typedef int64_t Longs __attribute__((vector_size(64)));

template <class Vector, class Element>
Vector load(const Element *from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline Ints larger(Ints x, Ints y) { return x > y ? x : y; }
inline Ints smaller(Ints x, Ints y) { return x < y ? x : y; }

const Format &formatOf(TensorFormat format);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_NUMERICS_TENSORVECTORS_H
