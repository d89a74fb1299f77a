// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Benchmarks.h"
#include "CompileOnUse.h"
#include "Device.h"
#include "Measure.h"
#include "Peer.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Generate.h"
#include "moe/Runtime/Random.h"

using namespace moe::rt;
using namespace moe::bench;
using namespace moe::tool;

namespace {

std::string findArtefact(const ModelOptions &options) {
  if (!isArtefact(options.model)) {
    CompileOptions compile;
    compile.dtype = options.dtype;
    compile.maxLength = options.maxLength;
    if (isGpu(options.device))
      compile.target = gpuTarget;
    return compiledPath(options.model, compile);
  }
  auto refuse = [&](const char *option, bool given) {
    if (given)
      throw Error::mismatch(option, "", "a model directory", "an artefact",
                            ExitCode::commandLine);
  };
  refuse("--dtype", options.dtype.has_value());
  refuse("--max-len", options.maxLength.has_value());
  refuse("--peer", !options.peers.empty());
  return options.model;
}

std::vector<int32_t> makePrompt(int64_t tokens, int64_t vocabSize) {
  std::vector<int32_t> prompt(static_cast<size_t>(tokens));
  for (size_t i = 0; i < prompt.size(); ++i)
    prompt[i] = static_cast<int32_t>(uniform(/*seed=*/3, i) *
                                     static_cast<double>(vocabSize));
  return prompt;
}

/// Times of one implementation, run by run.
struct Times {
  std::string name;
  std::vector<double> prefill, decode;

  ModelRow row(const ModelOptions &options) const {
    return {name, static_cast<double>(options.promptTokens) / median(prefill),
            static_cast<double>(options.newTokens) / median(decode)};
  }
};

std::vector<std::unique_ptr<Peer>>
startPeers(const ModelOptions &options, const Executable &executable,
           const std::vector<int32_t> &prompt) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (const std::string &name : options.peers)
    if (auto peer = Peer::start(options.python,
                                {{"peer", name},
                                 {"threads", executable.threads()},
                                 {"dtype", options.dtype.value_or("f32")},
                                 {"model", options.model},
                                 {"prompt", prompt},
                                 {"new_tokens", options.newTokens}}))
      peers.push_back(std::move(peer));
  return peers;
}

} // namespace

ModelResult moe::bench::runModel(const ModelOptions &options) {
  std::string path = findArtefact(options);
  std::unique_ptr<Executable> executable =
      openOn(options.device, Artefact::open(path), options.threads);
  Session session(*executable);
  Sampler sampler(session.model().vocabSize, {});
  if (options.promptTokens + options.newTokens > session.model().maxLength)
    throw Error::mismatch(
        "--prompt-tokens, -n", "",
        "at most " + std::to_string(session.model().maxLength) +
            " together, the model's max_len",
        std::to_string(options.promptTokens + options.newTokens),
        ExitCode::commandLine);
  std::vector<int32_t> prompt =
      makePrompt(options.promptTokens, session.model().vocabSize);

  std::vector<Times> times{{"moe-run", {}, {}}};
  GenerationOptions generation;
  // The first token comes from the prefill.
  generation.maxNewTokens = options.newTokens + 1;
  generation.ignoreEos = true;
  auto runOurs = [&] {
    return generate(session, sampler, prompt, generation, {});
  };
  (void)runOurs();

  ModelResult result;
  result.peakBytes = peakResidentBytes();
  result.model = options.model;
  const Description &description = executable->description();
  result.dtype = name(description.dtype);
  result.weightsBytes = description.memory.weightsBytes;
  result.kvBytes = description.memory.kvBytes;
  result.arenaBytes = description.memory.arenaBytes;
  result.device = executable->device();
  result.threads = executable->threads();

  auto peers = startPeers(options, *executable, prompt);
  for (std::unique_ptr<Peer> &peer : peers) {
    times.push_back({peer->name(), {}, {}});
    (void)peer->measure({});
  }
  for (int64_t i = 0; i < options.repeat; ++i) {
    letOthersSleep();
    Generation ours = runOurs();
    times[0].prefill.push_back(ours.prefillSeconds);
    times[0].decode.push_back(ours.decodeSeconds());
    for (size_t p = 0; p < peers.size(); ++p) {
      letOthersSleep();
      nlohmann::json theirs = peers[p]->measure({});
      times[p + 1].prefill.push_back(theirs.at("prefill_s"));
      times[p + 1].decode.push_back(theirs.at("decode_s"));
    }
  }
  for (const Times &one : times)
    result.rows.push_back(one.row(options));
  return result;
}
