// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_SUPPORT_COMPILEONUSE_H
#define MOE_TOOLS_SUPPORT_COMPILEONUSE_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moe::tool {

/// What moe-compile is told, or what an artefact must agree with.
struct CompileOptions {
  std::optional<std::string> dtype, kv, target;
  std::optional<int64_t> maxLength, batch;
  bool fuse = true;

  /// As arguments of moe-compile.
  std::vector<std::string> arguments() const;
};

/// Where `model` (a model directory or .mlir file) lies compiled in the cache,
/// `${XDG_CACHE_HOME:-~/.cache}/moe/<key>`, after compiling it there if need
/// be, or if `again`. The key covers the input's path and files (sizes and
/// times), the options, the compiler and the processor. Throws Error; one
/// without a message if moe-compile has said what is wrong.
std::string compiledPath(const std::string &model,
                         const CompileOptions &options, bool again = false);

/// The folder of this program's binary.
std::string programFolder();

/// `${XDG_CACHE_HOME:-~/.cache}/moe`, made if need be. Throws Error.
std::string cacheFolder();

} // namespace moe::tool

#endif // MOE_TOOLS_SUPPORT_COMPILEONUSE_H
