// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_BENCH_OPTIONS_H
#define MOE_TOOLS_MOE_BENCH_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moe::bench {

struct CommonOptions {
  std::vector<std::string> peers;
  std::string python; ///< Empty: MOE_PYTHON, else python3.
  int threads = 0;
  int64_t repeat = 0;
  bool json = false;
};

struct LayerOptions : CommonOptions {
  int64_t experts = 0, topK = 0, dim = 0, ffn = 0;
  std::vector<int64_t> tokens = {1};
  std::string dtype = "f32";
  int64_t dense = 0; ///< Width of a dense layer beside it; 0: none.
  bool unfused = false;
};

struct ModelOptions : CommonOptions {
  std::string model;
  int64_t promptTokens = 128, newTokens = 64;
  std::optional<std::string> dtype;
  std::optional<int64_t> maxLength;
  std::string device; ///< Empty: what the model was compiled for.
};

struct SimOptions {
  int64_t repeat = 9;
  bool json = false;
};

/// One of the subcommands, or none after --help and --version.
struct Options {
  std::optional<LayerOptions> layer;
  std::optional<ModelOptions> model;
  std::optional<SimOptions> sim;
};

/// Reads and validates the command line. Throws Error (commandLine) naming the
/// option that is out of range, or (unsupported) for a value that belongs to a
/// later version.
Options parseOptions(int argc, char **argv);

} // namespace moe::bench

#endif // MOE_TOOLS_MOE_BENCH_OPTIONS_H
