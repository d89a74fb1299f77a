// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_PTXSIM_STACKOPS_H
#define MOE_LIB_PTXSIM_STACKOPS_H

#include "Decoder.h"

namespace moe::ptxsim {

/// alloca, stacksave, stackrestore.
void decodeStack(Decoder &, const ptx::Instruction &, Op &);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_STACKOPS_H
