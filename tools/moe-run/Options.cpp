// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Options.h"

#include "CommandLine.h"
#include "Terminal.h"
#include "moe/Runtime/Error.h"

#include <CLI/CLI.hpp>

using namespace moe::rt;
using namespace moe::run;
using namespace moe::tool;

namespace {

constexpr const char *description =
    "Generates text with a Mixture-of-Experts model: an artefact of "
    "moe-compile, or a model directory or .mlir file, which is compiled on "
    "first use.";

constexpr const char *example =
    "Example:\n"
    "  moe-run models/olmoe --dtype=bf16 --prompt=\"Once upon a time\" -n 64 "
    "\\\n"
    "      --temperature=0.7 --top-k=40\n"
    "\n"
    "Text goes to stdout, everything else to stderr. Exit codes: 0 done, 1 the "
    "input\nis wrong, 2 the command line is, 3 not supported, 4 out of memory, "
    "70 internal error.";

void declareGeneration(CLI::App &app, Options &options) {
  const char *prompt = "Prompt";
  app.add_option("--prompt", options.prompt, "Text to continue")
      ->type_name("TEXT")
      ->group(prompt);
  app.add_option("--prompt-ids", options.promptIds,
                 "Token ids to continue, as 1,2,3")
      ->type_name("IDS")
      ->group(prompt);
  app.add_option("--prompt-file", options.promptFile,
                 "File with text to continue; - reads stdin")
      ->type_name("FILE")
      ->group(prompt);
  app.add_flag("--bos", options.prependBos,
               "Put the model's beginning-of-sequence token first")
      ->group(prompt);

  const char *generation = "Generation";
  app.add_option("-n", options.generation.maxNewTokens,
                 "New tokens at most (default 128)")
      ->type_name("N")
      ->group(generation);
  app.add_option("--temperature", options.sampling.temperature,
                 "Divides the logits; 0, the default, is greedy")
      ->type_name("T")
      ->group(generation);
  app.add_option("--top-k", options.sampling.topK,
                 "Choose among the K most probable tokens; 0: all")
      ->type_name("K")
      ->group(generation);
  app.add_option("--top-p", options.sampling.topP,
                 "Choose among those that hold this much probability")
      ->type_name("P")
      ->group(generation);
  app.add_option("--min-p", options.sampling.minP,
                 "Choose among those of this fraction of the best probability")
      ->type_name("P")
      ->group(generation);
  app.add_option("--repetition-penalty", options.sampling.repetitionPenalty,
                 "Makes tokens seen before less likely if above 1")
      ->type_name("X")
      ->group(generation);
  app.add_option("--seed", options.sampling.seed,
                 "Same seed, same text (default 0)")
      ->type_name("S")
      ->group(generation);
  app.add_option("--stop", options.stops,
                 "Stop before this text; may be given many times")
      ->take_all()
      ->allow_extra_args(false)
      ->group(generation);
  app.add_flag("--ignore-eos", options.generation.ignoreEos,
               "Go on after end-of-sequence tokens")
      ->group(generation);
}

void declareRest(CLI::App &app, Options &options) {
  const char *running = "Running";
  app.add_option("--device", options.device,
                 "cpu; cuda: a GPU; sim: the simulated one; reference: the "
                 "slow evaluator that defines the results. The default is "
                 "what the model was compiled for")
      ->type_name("DEVICE")
      ->group(running);
  app.add_option("--threads", options.threads,
                 "At most one a CPU, which is the default")
      ->type_name("N")
      ->group(running);
  app.add_option("--prefill-chunk", options.prefillChunk,
                 "Prompt tokens computed together; the default is the most "
                 "that the artefact has memory for")
      ->type_name("N")
      ->group(running);
  app.add_option("--verify", options.verify,
                 "Hash the artefact: auto (weights up to 1 GiB), full, none")
      ->type_name("POLICY")
      ->group(running);
  app.add_option("--perplexity", options.perplexity,
                 "Measure how well the model predicts the text in a file")
      ->type_name("FILE")
      ->group(running);
  app.add_option("--window", options.window,
                 "Inputs a window of --perplexity (default 512)")
      ->type_name("N")
      ->group(running);

  const char *output = "Output";
  app.add_flag("--json", options.json, "Print one JSON object instead of text")
      ->group(output);
  app.add_option("--logits", options.logits,
                 "Write the logits after the prompt to this .npy file")
      ->type_name("FILE")
      ->group(output);
  app.add_flag("--plan", options.plan,
               "Print the memory plan and stop before loading anything")
      ->group(output);
  app.add_flag("--no-stats", options.noStatistics, "Leave out the statistics")
      ->group(output);
  app.add_flag("--no-progress", options.noProgress, "Leave out progress bars")
      ->group(output);

  const char *compiling = "Compiling (for a model directory or .mlir file)";
  app.add_option("--dtype", options.compile.dtype, "f32 or bf16")
      ->type_name("DTYPE")
      ->group(compiling);
  app.add_option("--kv", options.compile.kv,
                 "static, sliding:W, hybrid or auto")
      ->type_name("POLICY")
      ->group(compiling);
  app.add_option("--target", options.compile.target,
                 "cpu, or a GPU's: sm_80, sm_90a; the default is the "
                 "device's")
      ->type_name("TARGET")
      ->group(compiling);
  app.add_option("--max-len", options.compile.maxLength,
                 "Longest sequence, prompt and new tokens together")
      ->type_name("N")
      ->group(compiling);
  app.add_option("--batch", options.compile.batch, "Sequences side by side")
      ->type_name("N")
      ->group(compiling);
}

} // namespace

std::optional<Options> moe::run::parseOptions(int argc, char **argv) {
  Options options;
  CLI::App app(description, "moe-run");
  app.footer(example);
  // Scripts append to command lines: the last value counts.
  app.option_defaults()->take_last();
  app.set_version_flag("--version", "moe-run " MOE_VERSION);
  app.add_option("model", options.model,
                 "Artefact, model directory or .mlir file")
      ->type_name("PATH")
      ->required();
  declareGeneration(app, options);
  declareRest(app, options);

  std::vector<std::string> arguments = splitArguments(argc, argv);
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp &) {
    Output().write(app.help());
    return std::nullopt;
  } catch (const CLI::CallForVersion &version) {
    Output().write(std::string(version.what()) + "\n");
    return std::nullopt;
  } catch (const CLI::ParseError &error) {
    throw Error(ExitCode::commandLine,
                std::string(error.what()) +
                    " (moe-run --help lists the options)");
  }
  validate(options);
  return options;
}
