// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What instructions do to an mbarrier. A phase is complete when no arrivals
// and no bytes are missing; the next one begins with it.
#ifndef MOE_LIB_PTXSIM_MBARRIER_H
#define MOE_LIB_PTXSIM_MBARRIER_H

#include "Cluster.h"

namespace moe::ptxsim {

constexpr uint32_t mbarrierBytes = 8;

/// The mbarrier at a place, or a fault: there is none, or it was overwritten.
Mbarrier &mbarrierAt(const Op &op, unsigned lane, const SharedPlace &place);

enum class Arrival : uint8_t { Plain, Drop, NoComplete, DropNoComplete };

/// Returns the state before it, as the ISA's opaque 64 bits.
uint64_t arriveAtMbarrier(const Op &op, unsigned lane, const SharedPlace &place,
                          uint32_t count, Arrival how);
/// Makes the phase miss `bytes` more (or, if negative, fewer) bytes.
void expectBytes(const Op &op, unsigned lane, const SharedPlace &place,
                 int64_t bytes);
/// Makes the phase miss one more arrival (cp.async.mbarrier.arrive).
void expectArrival(const Op &op, unsigned lane, const SharedPlace &place);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_MBARRIER_H
