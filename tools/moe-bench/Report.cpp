// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Benchmarks.h"
#include "Terminal.h"

#include <cstdio>
#include <nlohmann/json.hpp>

using namespace moe::bench;
using moe::tool::format;
using Json = nlohmann::ordered_json;

namespace {

Json json(const LayerOptions &options, const LayerResult &result) {
  Json rows = Json::array();
  for (const LayerRow &row : result.rows)
    rows.push_back(
        {{"name", row.name},
         {"tokens", row.tokens},
         {"median_s", row.medianSeconds},
         {"least_s", row.leastSeconds},
         {"weight_bytes", row.weightBytes},
         {"bytes_per_s", row.bytesPerSecond()},
         {"flops_per_s", row.flops / row.medianSeconds},
         {"bandwidth_ratio", row.bytesPerSecond() / result.bytesPerSecond},
         {"time_ratio", row.timeRatio.median},
         {"time_ratio_interval", {row.timeRatio.low, row.timeRatio.high}}});
  return {{"benchmark", "layer"},
          {"experts", options.experts},
          {"top_k", options.topK},
          {"dim", options.dim},
          {"ffn", options.ffn},
          {"dense", options.dense},
          {"dtype", options.dtype},
          {"threads", result.threads},
          {"repeat", options.repeat},
          {"bandwidth_bytes_per_s", result.bytesPerSecond},
          {"rows", rows}};
}

Json json(const ModelOptions &options, const ModelResult &result) {
  Json rows = Json::array();
  for (const ModelRow &row : result.rows)
    rows.push_back({{"name", row.name},
                    {"prefill_tokens_per_s", row.prefillTokensPerSecond},
                    {"decode_tokens_per_s", row.decodeTokensPerSecond}});
  return {{"benchmark", "model"},
          {"model", result.model},
          {"dtype", result.dtype},
          {"prompt_tokens", options.promptTokens},
          {"new_tokens", options.newTokens},
          {"device", result.device.name},
          {"simulated", result.device.simulated},
          {"threads", result.threads},
          {"repeat", options.repeat},
          {"rows", rows},
          {"memory",
           {{"weights_bytes", result.weightsBytes},
            {"kv_bytes", result.kvBytes},
            {"arena_bytes", result.arenaBytes},
            {"planned_bytes", result.plannedBytes()},
            {"peak_rss", result.peakBytes},
            {"ratio", result.memoryRatio()}}}};
}

Json json(const SimOptions &options, const SimResult &result) {
  Json rows = Json::array();
  for (const SimRow &row : result.rows)
    rows.push_back({{"name", row.name},
                    {"tensor_cores", row.tensorCores},
                    {"checked", row.checked},
                    {"median_s", row.medianSeconds},
                    {"least_s", row.leastSeconds},
                    {"thread_instructions", row.threadInstructions},
                    {"thread_instructions_per_s",
                     double(row.threadInstructions) / row.medianSeconds},
                    {"flops_per_s", row.flops / row.medianSeconds},
                    {"time_ratio", result.ratio(row)}});
  return {{"benchmark", "sim"}, {"repeat", options.repeat}, {"rows", rows}};
}

} // namespace

std::string moe::bench::report(const LayerOptions &options,
                               const LayerResult &result) {
  if (options.json)
    return json(options, result).dump() + "\n";
  std::string text = format(
      "%lld experts of width %lld, %lld a token, dim %lld, %s, %d threads; "
      "this machine reads %.1f GB/s\n%-24s %7s %10s %8s %9s %10s %8s %12s\n",
      static_cast<long long>(options.experts),
      static_cast<long long>(options.ffn), static_cast<long long>(options.topK),
      static_cast<long long>(options.dim), options.dtype.c_str(),
      result.threads, result.bytesPerSecond / 1e9, "layer", "tokens",
      "median ms", "GB/s", "of limit", "GFLOP/s", "time", "95 %");
  for (const LayerRow &row : result.rows)
    text +=
        format("%-24s %7lld %10.3f %8.1f %7.0f %% %10.1f %7.2fx %6.2f-%.2f\n",
               row.name.c_str(), static_cast<long long>(row.tokens),
               row.medianSeconds * 1e3, row.bytesPerSecond() / 1e9,
               100 * row.bytesPerSecond() / result.bytesPerSecond,
               row.flops / row.medianSeconds / 1e9, row.timeRatio.median,
               row.timeRatio.low, row.timeRatio.high);
  return text;
}

std::string moe::bench::report(const ModelOptions &options,
                               const ModelResult &result) {
  if (options.json)
    return json(options, result).dump() + "\n";
  std::string text = format(
      "%s, %s, on %s%s, %d threads, tokens/s\n%-24s %10s %10s %10s\n",
      result.model.c_str(), result.dtype.c_str(), result.device.name.c_str(),
      result.device.simulated ? " (times are this host's)" : "", result.threads,
      "", ("pp" + std::to_string(options.promptTokens)).c_str(),
      ("tg" + std::to_string(options.newTokens)).c_str(), "tg ratio");
  for (const ModelRow &row : result.rows)
    text += format("%-24s %10.1f %10.1f %9.2fx\n", row.name.c_str(),
                   row.prefillTokensPerSecond, row.decodeTokensPerSecond,
                   result.rows[0].decodeTokensPerSecond /
                       row.decodeTokensPerSecond);
  return text + format("peak memory %.1f MB, planned %.1f MB (weights %.1f, KV "
                       "caches %.1f, arena %.1f): %.3f\n",
                       static_cast<double>(result.peakBytes) / 1e6,
                       static_cast<double>(result.plannedBytes()) / 1e6,
                       static_cast<double>(result.weightsBytes) / 1e6,
                       static_cast<double>(result.kvBytes) / 1e6,
                       static_cast<double>(result.arenaBytes) / 1e6,
                       result.memoryRatio());
}

std::string moe::bench::report(const SimOptions &options,
                               const SimResult &result) {
  if (options.json)
    return json(options, result).dump() + "\n";
  std::string text =
      format("simulated A100 on one thread of this host\n%-16s %7s %8s %10s "
             "%16s %10s %8s\n",
             "kernel", "tensor", "checkers", "median ms", "M instructions/s",
             "GFLOP/s", "time");
  for (const SimRow &row : result.rows)
    text += format("%-16s %7s %8s %10.3f %16.0f %10.2f %7.2fx\n",
                   row.name.c_str(), row.tensorCores.c_str(),
                   row.checked ? "all" : "none", row.medianSeconds * 1e3,
                   double(row.threadInstructions) / row.medianSeconds / 1e6,
                   row.flops / row.medianSeconds / 1e9, result.ratio(row));
  return text;
}
