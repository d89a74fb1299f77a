// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions that kernels call and that the system provides.
#ifndef MOE_LIB_PTXSIM_BUILTINS_H
#define MOE_LIB_PTXSIM_BUILTINS_H

#include "Core.h"

namespace moe::ptxsim {

/// vprintf or __assertfail for the lanes of `mask`.
void callBuiltin(const CallSite &site, Warp &warp, uint32_t mask);

/// The bytes of a generic or space-less address as one lane sees them; null if
/// they are not all in one allocation.
std::byte *resolveGeneric(Warp &warp, unsigned lane, Address address,
                          uint64_t bytes);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_BUILTINS_H
