// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Report.h"
#include "Terminal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

using namespace moe::rt;
using namespace moe::run;
using moe::tool::format;
using Json = nlohmann::ordered_json;

namespace {

std::string megabytes(int64_t bytes) {
  return format("%.1f MB", static_cast<double>(bytes) / 1e6);
}

double quantile(std::vector<double> values, double fraction) {
  if (values.empty())
    return 0;
  size_t rank = static_cast<size_t>(
      std::ceil(fraction * static_cast<double>(values.size())));
  auto nth = values.begin() + (rank > 0 ? rank - 1 : 0);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

/// One JSON object on one line; text is UTF-8, but a damaged vocabulary must
/// not turn a result into an exception.
std::string line(const Json &json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

int64_t total(const MemorySpec &memory) {
  return memory.weightsBytes + memory.kvBytes + memory.arenaBytes;
}

} // namespace

std::string moe::run::jsonReport(const RunReport &report) {
  const Generation &generation = report.generation;
  const MemorySpec &memory = report.model.executable->description().memory;
  return line({{"tokens", generation.tokens},
               {"text", report.text},
               {"prompt_tokens", report.promptTokens},
               {"prefill_s", generation.prefillSeconds},
               {"decode_s", generation.decodeSeconds()},
               {"tokens_per_s", generation.tokensPerSecond()},
               {"kv_bytes", memory.kvBytes},
               {"weight_bytes", memory.weightsBytes},
               {"peak_rss", peakResidentBytes()},
               {"finish_reason", name(generation.reason)},
               {"device", report.model.executable->device().name},
               {"simulated", report.model.executable->device().simulated},
               {"load_s", report.model.loadSeconds}});
}

std::string moe::run::statisticsBlock(const RunReport &report) {
  const Generation &generation = report.generation;
  const Description &description = report.model.executable->description();
  const MemorySpec &memory = description.memory;
  double prefill = generation.prefillSeconds;
  std::string text;
  text += format("  load         %.3f s\n", report.model.loadSeconds);
  if (!generation.tokens.empty())
    text += format("  first token  %.3f s\n", generation.firstTokenSeconds);
  text +=
      format("  prefill      %zu tokens, %.1f tokens/s\n", report.promptTokens,
             static_cast<double>(report.promptTokens) / prefill);
  text += format("  decode       %zu tokens, %.1f tokens/s, p50 %.2f ms, p99 "
                 "%.2f ms a token\n",
                 generation.stepSeconds.size(), generation.tokensPerSecond(),
                 quantile(generation.stepSeconds, 0.5) * 1e3,
                 quantile(generation.stepSeconds, 0.99) * 1e3);
  text += "  weights      " + megabytes(memory.weightsBytes) + ", " +
          name(description.dtype) + "\n";
  text += "  KV caches    " + megabytes(memory.kvBytes) +
          (description.kv ? ", " + description.kv->policy : "") + "\n";
  text += "  arena        " + megabytes(memory.arenaBytes) + "\n";
  text += "  peak memory  " + megabytes(peakResidentBytes()) + " resident\n";
  DeviceInfo device = report.model.executable->device();
  text += "  device       " + device.name +
          (device.simulated ? ": simulated, times are this host's" : "") + "\n";
  text += format("  threads      %d\n", report.model.executable->threads());
  text += std::string("  finished     ") + name(generation.reason);
  if (generation.reason == FinishReason::maxLength)
    text += format(": the sequence has all of its %lld tokens",
                   static_cast<long long>(description.model->maxLength));
  text += "\n";
  return text;
}

std::string moe::run::planReport(const Description &description, bool json) {
  const MemorySpec &memory = description.memory;
  if (json) {
    Json layers = Json::array();
    if (description.kv)
      for (const KvLayerSpec &layer : description.kv->layers)
        layers.push_back({{"policy", layer.policy},
                          {"length", layer.length},
                          {"capacity", layer.capacity},
                          {"bytes", layer.bytes}});
    return line({{"weight_bytes", memory.weightsBytes},
                 {"kv_bytes", memory.kvBytes},
                 {"arena_bytes", memory.arenaBytes},
                 {"total_bytes", total(memory)},
                 {"kv_layers", layers}});
  }
  auto row = [](const char *what, int64_t bytes, const std::string &note) {
    return format("%-10s %15lld bytes  %s\n", what,
                  static_cast<long long>(bytes), note.c_str());
  };
  std::string text;
  if (const auto &model = description.model)
    text += format("%s, %s: %lld sequences of up to %lld tokens, prompts in "
                   "chunks of %lld\n",
                   model->family.c_str(), name(description.dtype),
                   static_cast<long long>(model->batch),
                   static_cast<long long>(model->maxLength),
                   static_cast<long long>(model->prefillChunk));
  text += row("weights", memory.weightsBytes, "from weights.bin");
  text += row("KV caches", memory.kvBytes,
              description.kv ? description.kv->policy : "");
  if (description.kv)
    for (size_t i = 0; i < description.kv->layers.size(); ++i) {
      const KvLayerSpec &layer = description.kv->layers[i];
      text += row("", layer.bytes,
                  format("layer %zu: %s, %lld slots x %lld heads x (%lld + "
                         "%lld) %s",
                         i, layer.policy.c_str(),
                         static_cast<long long>(layer.capacity),
                         static_cast<long long>(layer.heads),
                         static_cast<long long>(layer.keyDim),
                         static_cast<long long>(layer.valueDim),
                         name(layer.dtype)));
    }
  text += row("arena", memory.arenaBytes, "");
  return text + row("total", total(memory), "");
}

std::string moe::run::perplexityReport(const Perplexity &result,
                                       size_t textBytes, bool json) {
  double bits = result.negativeLogLikelihood / std::log(2.0) /
                static_cast<double>(textBytes);
  if (json)
    return line({{"perplexity", result.value()},
                 {"tokens", result.tokens},
                 {"bits_per_byte", bits}});
  return format("perplexity %.4f over %lld tokens, %.4f bits per byte\n",
                result.value(), static_cast<long long>(result.tokens), bits);
}
