// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Options.h"

#include "CommandLine.h"
#include "Terminal.h"
#include "moe/Runtime/Error.h"

#include <CLI/CLI.hpp>

using namespace moe::rt;
using namespace moe::bench;
using namespace moe::tool;

namespace {

constexpr const char *description =
    "Measures speed and memory against the machine's own limits, and against "
    "other implementations in turn with ours.";

constexpr const char *example =
    "Examples:\n"
    "  moe-bench layer --experts=64 --top-k=8 --dim=2048 --ffn=1024 "
    "--tokens=1,16 --dtype=bf16\n"
    "  moe-bench model models/olmoe --peer=transformers --json\n"
    "  moe-bench sim\n"
    "\n"
    "Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 "
    "the "
    "input\nis wrong, 2 the command line is, 3 not supported, 4 out of memory, "
    "70 internal error.";

/// Sizes whose products stay far from the limits of 64 bits.
constexpr int64_t largestSize = int64_t{1} << 20;

template <class SomeOptions>
void declareOutput(CLI::App &app, SomeOptions &options) {
  app.add_option("--repeat", options.repeat, "Measurements that medians are of")
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--json", options.json, "Print one JSON object");
}

void declareCommon(CLI::App &app, CommonOptions &options) {
  app.add_option("--python", options.python,
                 "Python of the peers (default: MOE_PYTHON, else python3)")
      ->type_name("PROGRAM");
  app.add_option("--threads", options.threads,
                 "At most one a CPU, which is the default")
      ->type_name("N");
  declareOutput(app, options);
}

CLI::Option *declarePeers(CLI::App &app, CommonOptions &options,
                          const char *text) {
  return app.add_option("--peer", options.peers, text)
      ->type_name("NAME")
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false);
}

CLI::App *declareLayer(CLI::App &app, LayerOptions &options) {
  CLI::App *layer =
      app.add_subcommand("layer", "One Mixture-of-Experts layer with random "
                                  "weights, compiled on first use");
  auto size = [&](const char *name, int64_t &value, const char *text) {
    return layer->add_option(name, value, text)->type_name("N");
  };
  size("--experts", options.experts, "Experts")->required();
  size("--top-k", options.topK, "Experts a token goes to")->required();
  size("--dim", options.dim, "Width of a token")->required();
  size("--ffn", options.ffn, "Width of an expert")->required();
  layer
      ->add_option("--tokens", options.tokens,
                   "Tokens a call, as 1,16,128 (default 1)")
      ->type_name("N,...")
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false);
  layer->add_option("--dtype", options.dtype, "f32 (default) or bf16")
      ->type_name("DTYPE");
  size("--dense", options.dense,
       "Also measure a dense layer of this width, and how much longer it "
       "takes");
  layer->add_flag("--unfused", options.unfused,
                  "Also measure the layer without fused operations, and how "
                  "much longer it takes");
  declarePeers(*layer, options, "torch: the same layer in eager PyTorch");
  options.repeat = 30;
  declareCommon(*layer, options);
  return layer;
}

CLI::App *declareModel(CLI::App &app, ModelOptions &options) {
  CLI::App *model = app.add_subcommand(
      "model", "Prefill and decode of a whole model, and its peak memory");
  model->add_option("model", options.model, "Artefact or model directory")
      ->type_name("PATH")
      ->required();
  model
      ->add_option("--prompt-tokens", options.promptTokens,
                   "Prompt (default 128)")
      ->type_name("N");
  model->add_option("-n", options.newTokens, "Decode steps (default 64)")
      ->type_name("N");
  model
      ->add_option("--dtype", options.dtype,
                   "f32 or bf16, for a model directory")
      ->type_name("DTYPE");
  model
      ->add_option("--max-len", options.maxLength,
                   "Longest sequence, for a model directory")
      ->type_name("N");
  model
      ->add_option("--device", options.device,
                   "cpu, cuda: a GPU, or sim: the simulated one, whose times "
                   "say nothing of a GPU's")
      ->type_name("DEVICE");
  declarePeers(*model, options,
               "transformers: generate() with a static cache, for a model "
               "directory");
  options.repeat = 5;
  declareCommon(*model, options);
  return model;
}

CLI::App *declareSim(CLI::App &app, SimOptions &options) {
  CLI::App *sim = app.add_subcommand(
      "sim", "The simulated GPU on one thread: instructions of a matmul, and "
             "products of its tensor cores");
  declareOutput(*sim, options);
  return sim;
}

void requireRange(const char *option, int64_t value, int64_t least,
                  int64_t most) {
  if (value < least || value > most)
    throw Error::mismatch(option, "",
                          "an integer from " + std::to_string(least) + " to " +
                              std::to_string(most),
                          std::to_string(value), ExitCode::commandLine);
}

void validateCommon(const CommonOptions &options, const char *peer) {
  for (const std::string &name : options.peers)
    requireOneOf("--peer", name, {peer});
  requireRange("--threads", options.threads, 0, 1024);
  requireRange("--repeat", options.repeat, 1, largestSize);
}

void validate(const LayerOptions &options) {
  validateCommon(options, "torch");
  requireRange("--experts", options.experts, 1, largestSize);
  requireRange("--top-k", options.topK, 1, options.experts);
  requireRange("--dim", options.dim, 1, largestSize);
  requireRange("--ffn", options.ffn, 1, largestSize);
  requireRange("--dense", options.dense, 0, largestSize);
  for (int64_t tokens : options.tokens)
    requireRange("--tokens", tokens, 1, largestSize);
  requireOneOf("--dtype", options.dtype, {"f32", "bf16"}, {"int8", "int4"});
}

void validate(const ModelOptions &options) {
  validateCommon(options, "transformers");
  requireRange("--prompt-tokens", options.promptTokens, 1, largestSize);
  requireRange("-n", options.newTokens, 1, largestSize);
  requireRange("--max-len", options.maxLength.value_or(1), 1, largestSize);
  if (!options.device.empty())
    requireOneOf("--device", options.device, {"cpu", "cuda", "sim"});
  if (options.dtype)
    requireOneOf("--dtype", *options.dtype, {"f32", "bf16"}, {"int8", "int4"});
}

} // namespace

Options moe::bench::parseOptions(int argc, char **argv) {
  LayerOptions layer;
  ModelOptions model;
  SimOptions sim;
  CLI::App app(description, "moe-bench");
  app.footer(example);
  // Scripts append to command lines: the last value counts.
  app.option_defaults()->take_last();
  app.set_version_flag("--version", "moe-bench " MOE_VERSION);
  app.require_subcommand(1);
  CLI::App *layerCommand = declareLayer(app, layer);
  CLI::App *modelCommand = declareModel(app, model);
  declareSim(app, sim);

  try {
    app.parse(splitArguments(argc, argv));
  } catch (const CLI::CallForHelp &) {
    Output().write(app.help());
    return {};
  } catch (const CLI::CallForVersion &version) {
    Output().write(std::string(version.what()) + "\n");
    return {};
  } catch (const CLI::ParseError &error) {
    throw Error(ExitCode::commandLine,
                std::string(error.what()) +
                    " (moe-bench --help lists the options)");
  }
  Options options;
  if (layerCommand->parsed()) {
    validate(layer);
    options.layer = layer;
  } else if (modelCommand->parsed()) {
    validate(model);
    options.model = model;
  } else {
    requireRange("--repeat", sim.repeat, 1, largestSize);
    options.sim = sim;
  }
  return options;
}
