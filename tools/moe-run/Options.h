// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_RUN_OPTIONS_H
#define MOE_TOOLS_MOE_RUN_OPTIONS_H

#include "CompileOnUse.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Generate.h"

#include <optional>
#include <string>
#include <vector>

namespace moe::run {

struct Options {
  std::string model;
  std::optional<std::string> prompt, promptIds, promptFile;
  bool prependBos = false;
  rt::GenerationOptions generation;
  rt::SamplingOptions sampling;
  std::vector<std::string> stops;
  std::string device; ///< Empty: what the model was compiled for.
  int threads = 0;
  int64_t prefillChunk = 0;
  std::string verify = "auto";
  bool json = false;
  bool plan = false;
  bool noStatistics = false;
  bool noProgress = false;
  std::optional<std::string> logits;
  std::optional<std::string> perplexity;
  int64_t window = 512;
  tool::CompileOptions compile;

  rt::Verify verifyPolicy() const;
  bool isReference() const { return device == "reference"; }
};

/// Throws Error (commandLine) naming the option that is out of range, or
/// (unsupported) for a value that belongs to a later version.
void validate(const Options &options);

/// Reads and validates the command line. Empty if it asked for help or the
/// version, which are then printed. Throws as validate() does.
std::optional<Options> parseOptions(int argc, char **argv);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_OPTIONS_H
