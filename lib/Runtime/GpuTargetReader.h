// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_RUNTIME_GPUTARGETREADER_H
#define MOE_LIB_RUNTIME_GPUTARGETREADER_H

#include "JsonReader.h"
#include "moe/Runtime/Manifest.h"

namespace moe::rt {

/// Reads the keys of a manifest whose target is of kind "cuda": target.arch,
/// target.ptx and kernels.
GpuTarget readGpuTarget(const JsonReader &root);

} // namespace moe::rt

#endif // MOE_LIB_RUNTIME_GPUTARGETREADER_H
