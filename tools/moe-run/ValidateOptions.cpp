// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Options.h"

#include "CommandLine.h"
#include "Device.h"
#include "moe/Runtime/Error.h"

#include <algorithm>
#include <cctype>

using namespace moe::rt;
using namespace moe::run;
using namespace moe::tool;

namespace {

bool isSlidingPolicy(const std::string &kv) {
  constexpr const char *prefix = "sliding:";
  constexpr size_t size = 8;
  return kv.rfind(prefix, 0) == 0 && kv.size() > size &&
         kv.size() < size + 10 &&
         std::all_of(
             kv.begin() + size, kv.end(),
             [](unsigned char c) { return std::isdigit(c); }) &&
         kv.find_first_not_of('0', size) != std::string::npos;
}

} // namespace

void moe::run::validate(const Options &options) {
  const CompileOptions &compile = options.compile;
  if (!options.device.empty())
    requireOneOf("--device", options.device,
                 {"cpu", "cuda", "sim", "reference"});
  if (compile.dtype)
    requireOneOf("--dtype", *compile.dtype, {"f32", "bf16"}, {"int8", "int4"});
  if (compile.target)
    requireOneOf("--target", *compile.target, {"cpu", "sm_80", "sm_90a"},
                 {"sm_100a"});
  if (compile.target && !options.device.empty() && !options.isReference() &&
      isGpu(options.device) == (*compile.target == "cpu"))
    throw Error::mismatch("--target", "",
                          (isGpu(options.device) ? "a GPU's, for --device="
                                                 : "cpu, for --device=") +
                              options.device,
                          *compile.target, ExitCode::commandLine);
  if (compile.kv && !isSlidingPolicy(*compile.kv))
    requireOneOf("--kv", *compile.kv, {"static", "sliding:W", "hybrid", "auto"},
                 {"none", "int8", "int4", "offload"});
  requireOneOf("--verify", options.verify, {"auto", "full", "none"}, {});
  options.sampling.validate();

  auto require = [](bool holds, const char *option, const char *expected,
                    int64_t got) {
    if (!holds)
      throw Error::mismatch(option, "", expected, std::to_string(got),
                            ExitCode::commandLine);
  };
  constexpr const char *positive = "an integer of at least 1";
  constexpr const char *natural = "an integer of at least 0";
  require(compile.maxLength.value_or(1) >= 1, "--max-len", positive,
          compile.maxLength.value_or(1));
  require(compile.batch.value_or(1) >= 1, "--batch", positive,
          compile.batch.value_or(1));
  require(options.generation.maxNewTokens >= 0, "-n", natural,
          options.generation.maxNewTokens);
  require(options.threads >= 0, "--threads", natural, options.threads);
  require(options.prefillChunk >= 0, "--prefill-chunk", natural,
          options.prefillChunk);
  require(options.window >= 1, "--window", positive, options.window);

  int prompts = options.prompt.has_value() + options.promptIds.has_value() +
                options.promptFile.has_value();
  if (options.plan || options.perplexity ? prompts > 0 : prompts != 1)
    throw Error(ExitCode::commandLine,
                "expected one of --prompt, --prompt-ids, --prompt-file, "
                "--perplexity and --plan");
}

Verify Options::verifyPolicy() const {
  return verify == "full"   ? Verify::full
         : verify == "none" ? Verify::none
                            : Verify::automatic;
}
