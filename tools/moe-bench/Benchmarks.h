// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_BENCH_BENCHMARKS_H
#define MOE_TOOLS_MOE_BENCH_BENCHMARKS_H

#include "Measure.h"
#include "Options.h"
#include "moe/Runtime/Executable.h"

namespace moe::bench {

/// What one implementation of one layer does with so many tokens.
struct LayerRow {
  std::string
      name; ///< "moe", "unfused", "dense", or a peer's name and one of these.
  int64_t tokens = 0;
  double medianSeconds = 0, leastSeconds = 0;
  double weightBytes = 0; ///< Read by a call, on average over the inputs.
  double flops = 0;       ///< Multiplications and additions of products.
  /// How many times as long as our layer "moe" it takes with so many tokens.
  Estimate timeRatio;

  double bytesPerSecond() const { return weightBytes / medianSeconds; }
};

struct LayerResult {
  std::vector<LayerRow> rows;
  double bytesPerSecond = 0; ///< What the machine reads.
  int threads = 0;
};

struct ModelRow {
  std::string name; ///< "moe-run", or a peer's name.
  double prefillTokensPerSecond = 0, decodeTokensPerSecond = 0;
};

struct ModelResult {
  std::string model, dtype;
  rt::DeviceInfo device;
  std::vector<ModelRow> rows; ///< Ours first.
  int threads = 0;
  int64_t weightsBytes = 0, kvBytes = 0, arenaBytes = 0;
  uint64_t peakBytes = 0; ///< Resident, before any peer or probe.

  int64_t plannedBytes() const { return weightsBytes + kvBytes + arenaBytes; }
  double memoryRatio() const {
    return static_cast<double>(peakBytes) / static_cast<double>(plannedBytes());
  }
};

/// One kernel on the simulated GPU.
struct SimRow {
  std::string name;
  std::string tensorCores; ///< "exact", "fast", or empty: it uses none.
  bool checked = false;    ///< Under all checkers.
  double medianSeconds = 0, leastSeconds = 0;
  uint64_t threadInstructions = 0;
  double flops = 0; ///< Multiplications and additions of products.
};

struct SimResult {
  std::vector<SimRow> rows;

  /// Time over that of the same kernel without checkers.
  double ratio(const SimRow &row) const;
};

LayerResult runLayer(const LayerOptions &options);
ModelResult runModel(const ModelOptions &options);
SimResult runSim(const SimOptions &options);

std::string report(const LayerOptions &options, const LayerResult &result);
std::string report(const ModelOptions &options, const ModelResult &result);
std::string report(const SimOptions &options, const SimResult &result);

} // namespace moe::bench

#endif // MOE_TOOLS_MOE_BENCH_BENCHMARKS_H
