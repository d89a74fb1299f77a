// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's .npy files, version 1.0.
#ifndef MOE_RUNTIME_NPY_H
#define MOE_RUNTIME_NPY_H

#include "moe/Runtime/Span.h"

#include <cstdint>
#include <string>

namespace moe::rt {

/// Writes little-endian float32 `values` of `shape`, under a temporary name and
/// then renamed, so that a file of that name is always whole. Throws Error
/// (inputWrong) naming the path.
void writeNpy(const std::string &path, Span<const float> values,
              Span<const int64_t> shape);

} // namespace moe::rt

#endif // MOE_RUNTIME_NPY_H
