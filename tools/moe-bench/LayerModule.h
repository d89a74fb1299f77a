// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graph-level IR of one layer, with weights from `#moe.random`.
#ifndef MOE_TOOLS_MOE_BENCH_LAYERMODULE_H
#define MOE_TOOLS_MOE_BENCH_LAYERMODULE_H

#include "Options.h"

namespace moe::bench {

/// A router (softmax, top-k, weights summing to 1) and SwiGLU experts; entry
/// `tokens_<T>` for each T of the options.
std::string moeLayer(const LayerOptions &options);

/// One SwiGLU of width `options.dense` with the same entries.
std::string denseLayer(const LayerOptions &options);

/// Whose weights are those of moeLayer: how many different experts one call
/// with these tokens [T, dim] reads.
class ExpertCounter {
public:
  explicit ExpertCounter(const LayerOptions &options);
  int64_t count(const std::vector<float> &tokens) const;

private:
  const LayerOptions &options;
  std::vector<float> router; ///< [experts, dim]
};

} // namespace moe::bench

#endif // MOE_TOOLS_MOE_BENCH_LAYERMODULE_H
