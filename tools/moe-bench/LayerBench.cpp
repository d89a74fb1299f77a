// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Bandwidth.h"
#include "Benchmarks.h"
#include "CompileOnUse.h"
#include "LayerModule.h"
#include "Measure.h"
#include "Peer.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Executable.h"
#include "moe/Runtime/Random.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

using namespace moe::rt;
using namespace moe::bench;
using namespace moe::tool;
namespace fs = std::filesystem;

namespace {

/// Different inputs in turn choose different experts, whose weights are then
/// not in the caches.
constexpr size_t inputsInTurn = 32;

/// Where IR with this text lies. The name follows from the text and a file that
/// is there is left alone, so that it is compiled on first use only.
std::string fileOf(const std::string &ir) {
  fs::path folder = fs::path(cacheFolder()) /
                    ("layer-" + formatHash(hashBytes(ir.data(), ir.size())));
  fs::path path = folder / "layer.mlir";
  std::error_code error;
  if (fs::exists(path, error) && fs::file_size(path, error) == ir.size())
    return path;
  fs::create_directories(folder, error);
  std::ofstream file(path, std::ios::binary);
  file << ir;
  file.close();
  if (!file)
    throw Error(ExitCode::inputWrong, path.string() + ": cannot write");
  return path;
}

std::unique_ptr<Executable> compileAndLoad(const std::string &ir,
                                           const LayerOptions &options,
                                           bool fuse = true) {
  CompileOptions compile;
  compile.fuse = fuse;
  compile.dtype = options.dtype;
  return makeCompiledModel(Artefact::open(compiledPath(fileOf(ir), compile)),
                           options.threads);
}

/// Inputs of variance 1 (sums of uniform draws), the same in every run.
std::vector<std::vector<float>> makeInputs(int64_t tokens, int64_t dim) {
  std::vector<std::vector<float>> inputs(inputsInTurn);
  uint64_t draw = 0;
  for (std::vector<float> &input : inputs) {
    input.resize(static_cast<size_t>(tokens * dim));
    for (float &value : input)
      value = static_cast<float>(std::sqrt(3.0) *
                                 (2 * uniform(/*seed=*/5, draw++) - 1));
  }
  return inputs;
}

/// One row in the making.
struct Contender {
  LayerRow row;
  /// Seconds of call number i.
  std::function<double(size_t i)> call;
  bool isPeer = false;
  std::vector<double> seconds;
};

using Inputs = std::vector<std::vector<float>>;

std::function<double(size_t)> caller(Executable &executable, int64_t tokens,
                                     int64_t dim, const Inputs &inputs) {
  size_t entry = executable.entryIndex("tokens_" + std::to_string(tokens));
  auto output =
      std::make_shared<std::vector<float>>(static_cast<size_t>(tokens * dim));
  return [&executable, &inputs, entry, output, tokens, dim](size_t i) {
    const std::vector<float> &input = inputs[i % inputs.size()];
    moe_tensor tensors[2] = {{const_cast<float *>(input.data()), {tokens, dim}},
                             {output->data(), {tokens, dim}}};
    double seconds = timeOf([&] { executable.run(entry, tensors); });
    if (!std::isfinite((*output)[0]))
      throw Error(ExitCode::checkFailed, "tokens_" + std::to_string(tokens) +
                                             ": the result is not finite");
    return seconds;
  };
}

double meanExpertsHit(const ExpertCounter &counter, const Inputs &inputs) {
  int64_t sum = 0;
  for (const std::vector<float> &input : inputs)
    sum += counter.count(input);
  return static_cast<double>(sum) / static_cast<double>(inputs.size());
}

/// Everything that is measured, and what it needs.
class LayerBench {
public:
  explicit LayerBench(const LayerOptions &options)
      : options(options), moe(compileAndLoad(moeLayer(options), options)),
        elementBytes(options.dtype == "bf16" ? 2 : 4) {
    if (options.unfused)
      unfused = compileAndLoad(moeLayer(options), options, /*fuse=*/false);
    if (options.dense > 0)
      dense = compileAndLoad(denseLayer(options), options);
    for (const std::string &name : options.peers)
      if (auto peer = Peer::start(options.python, peerSetup(name)))
        peers.push_back(std::move(peer));
    ExpertCounter counter(options);
    for (int64_t tokens : options.tokens)
      inputs.push_back(makeInputs(tokens, options.dim));
    for (size_t i = 0; i < inputs.size(); ++i)
      addContenders(options.tokens[i], inputs[i], counter);
  }

  LayerResult run() {
    BandwidthProbe probe(moe->threads());
    for (size_t i = 0; i < inputsInTurn; ++i)
      for (Contender &contender : contenders)
        if (!contender.isPeer || i == 0)
          (void)contender.call(i);
    size_t count = contenders.size(), rounds = size_t(options.repeat);
    for (size_t round = 0; round < rounds; ++round)
      for (size_t i = 0; i < count; ++i) {
        // Who ran last runs first in the next round.
        Contender &contender = contenders[round % 2 ? count - 1 - i : i];
        letOthersSleep();
        probe.sample();
        contender.seconds.push_back(contender.call(round));
      }
    LayerResult result;
    result.bytesPerSecond = probe.bytesPerSecond();
    result.threads = moe->threads();
    for (Contender &contender : contenders) {
      contender.row.medianSeconds = median(contender.seconds);
      contender.row.leastSeconds = smallest(contender.seconds);
      contender.row.timeRatio =
          medianRatio(contender.seconds, ours(contender.row.tokens).seconds);
      result.rows.push_back(contender.row);
    }
    return result;
  }

private:
  /// Our Mixture-of-Experts layer with so many tokens.
  const Contender &ours(int64_t tokens) const {
    return *std::find_if(
        contenders.begin(), contenders.end(), [&](const Contender &contender) {
          return contender.row.name == "moe" && contender.row.tokens == tokens;
        });
  }

  nlohmann::json peerSetup(const std::string &name) const {
    return {{"peer", name},           {"threads", moe->threads()},
            {"dtype", options.dtype}, {"experts", options.experts},
            {"top_k", options.topK},  {"dim", options.dim},
            {"ffn", options.ffn},     {"dense", options.dense}};
  }

  void addContenders(int64_t tokens, const Inputs &input,
                     const ExpertCounter &counter) {
    double perWidth = 3.0 * static_cast<double>(options.dim);
    double hit = meanExpertsHit(counter, input);
    double router = static_cast<double>(options.experts * options.dim);
    LayerRow row;
    row.name = "moe";
    row.tokens = tokens;
    row.weightBytes =
        elementBytes *
        (hit * perWidth * static_cast<double>(options.ffn) + router);
    row.flops =
        2.0 * static_cast<double>(tokens) *
        (perWidth * static_cast<double>(options.topK * options.ffn) + router);
    add(row, caller(*moe, tokens, options.dim, input));
    if (unfused) {
      LayerRow same = row;
      same.name = "unfused";
      contenders.push_back(
          {same, caller(*unfused, tokens, options.dim, input), false, {}});
    }
    if (!dense)
      return;
    row.name = "dense";
    row.weightBytes =
        elementBytes * perWidth * static_cast<double>(options.dense);
    row.flops = 2.0 * static_cast<double>(tokens) * perWidth *
                static_cast<double>(options.dense);
    add(row, caller(*dense, tokens, options.dim, input));
  }

  /// Ours, and each peer's same thing.
  void add(const LayerRow &row, std::function<double(size_t)> call) {
    contenders.push_back({row, std::move(call), false, {}});
    for (std::unique_ptr<Peer> &peer : peers) {
      nlohmann::json request = {{"what", row.name}, {"tokens", row.tokens}};
      LayerRow theirs = row;
      theirs.name = peer->name() + " " + row.name;
      contenders.push_back(
          {theirs,
           [&peer = *peer, request](size_t) {
             return peer.measure(request).at("seconds").get<double>();
           },
           true,
           {}});
    }
  }

  const LayerOptions &options;
  std::unique_ptr<Executable> moe, unfused, dense;
  double elementBytes;
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<Inputs> inputs;
  std::vector<Contender> contenders;
};

} // namespace

LayerResult moe::bench::runLayer(const LayerOptions &options) {
  return LayerBench(options).run();
}
