// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops over the lanes of a warp. A full mask takes a loop without a test in
// it, which compilers turn into vector code.
#ifndef MOE_LIB_PTXSIM_LANES_H
#define MOE_LIB_PTXSIM_LANES_H

#include "Core.h"
#include "moe/PTXSim/Numerics/Formats.h"

namespace moe::ptxsim {

template <class T, class F>
inline void put(T *to, uint32_t mask, F value) {
  if (mask == allLanes)
    for (unsigned i = 0; i < lanes; ++i)
      to[i] = T(value(i));
  else
    for (unsigned i = 0; i < lanes; ++i)
      if (mask >> i & 1)
        to[i] = T(value(i));
}

/// Operations are classes with a static call(): `Unary<R, T, F>::run` is a
/// Handler that computes R = F(T) lane by lane.
template <class R, class T, class F>
struct Unary {
  static void run(const Op &op, Warp &warp, uint32_t mask) {
    const T *a = warp.row<T>(op.o[1]);
    put(warp.row<R>(op.o[0]), mask, [&](unsigned i) { return F::call(a[i]); });
  }
};

template <class R, class T, class F>
struct Binary {
  static void run(const Op &op, Warp &warp, uint32_t mask) {
    const T *a = warp.row<T>(op.o[1]), *b = warp.row<T>(op.o[2]);
    put(warp.row<R>(op.o[0]), mask,
        [&](unsigned i) { return F::call(a[i], b[i]); });
  }
};

template <class R, class T, class C, class F>
struct Ternary {
  static void run(const Op &op, Warp &warp, uint32_t mask) {
    const T *a = warp.row<T>(op.o[1]), *b = warp.row<T>(op.o[2]);
    const C *c = warp.row<C>(op.o[3]);
    put(warp.row<R>(op.o[0]), mask,
        [&](unsigned i) { return F::call(a[i], b[i], c[i]); });
  }
};

/// A bit of `value(i)` for each lane.
template <class F>
inline uint32_t ballot(F value) {
  uint32_t bits = 0;
  for (unsigned i = 0; i < lanes; ++i)
    bits |= uint32_t(bool(value(i))) << i;
  return bits;
}

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_LANES_H
