// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_RUN_COMPILEONUSE_H
#define MOE_TOOLS_MOE_RUN_COMPILEONUSE_H

#include "Options.h"

namespace moe::run {

/// Where `model` (a model directory or .mlir file) lies compiled in the cache,
/// `${XDG_CACHE_HOME:-~/.cache}/moe/<key>`, after compiling it there if need
/// be, or if `again`. The key covers the input's path and files (sizes and
/// times), the options, the compiler and the processor. Throws Error; one
/// without a message if moe-compile has said what is wrong.
std::string compiledPath(const std::string &model,
                         const CompileOptions &options, bool again = false);

/// The folder of this program's binary.
std::string programFolder();

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_COMPILEONUSE_H
