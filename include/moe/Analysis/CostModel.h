// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an operation on tensors costs: bytes that it must move, arithmetic, and
// the experts that it touches. Every operation is taken to read each of its
// operands once from memory and to write each of its results once.
#ifndef MOE_ANALYSIS_COSTMODEL_H
#define MOE_ANALYSIS_COSTMODEL_H

#include "mlir/IR/Operation.h"
#include "moe/Analysis/RoutingProfile.h"

#include <optional>

namespace mlir::moe {

/// The cost of running an operation once. Numbers are expectations over the
/// routing, hence fractions.
struct OpCost {
  /// Weights read: elements and bytes. Of the weights of experts those of the
  /// active experts; where each pair reads its expert's weights by itself
  /// (`ids` form), those of all pairs.
  double parameters = 0.0;
  double weightBytes = 0.0;
  /// All else that is read or written, KV caches included.
  double activationBytes = 0.0;
  /// Operations on floats; a fused multiply-add is two, a function (exp) one;
  /// comparisons, selections and conversions are none.
  double flops = 0.0;
  /// Experts with at least one row, where the operation works by expert.
  std::optional<double> activeExperts;
  /// Whether the matrix operands are bf16.
  bool isBF16 = false;

  double getBytes() const { return weightBytes + activationBytes; }
  OpCost &operator+=(const OpCost &other);
};

/// Costs of operations of all levels that work on tensors. Dynamic extents
/// count with their upper bound (see UpperBound.h).
class CostModel {
public:
  /// `context`: positions that a row of attention sees; all that the cache
  /// keeps if not given.
  explicit CostModel(RoutingProfile profile = {},
                     std::optional<int64_t> context = std::nullopt)
      : profile(std::move(profile)), context(context) {}

  /// Whether the operation does work: operations of `moe` and `linalg`, except
  /// what only names values, and zeros that a sum starts from.
  static bool isCosted(Operation *op);

  /// The cost of an operation that `isCosted`; for a `moe.expert` that of the
  /// operations of its region, over all active experts. Nothing where an extent
  /// has no bound. An error where the profile is of another number of experts.
  FailureOr<std::optional<OpCost>> getCost(Operation *op) const;

private:
  RoutingProfile profile;
  std::optional<int64_t> context;
};

/// A layer of experts, to compare ways to run it.
struct ExpertLayer {
  int64_t tokens = 0;
  int64_t topK = 1;
  int64_t experts = 1;
  /// Bytes of all weights of one expert.
  int64_t expertBytes = 0;
};

/// Bytes that one form of a layer moves and the other does not.
struct LayerFormCosts {
  /// The weights of the active experts, and the sort.
  double sorted = 0.0;
  /// The weights of an expert for each of its pairs.
  double unsorted = 0.0;
};

/// Expected bytes of both forms, the routing being uniform.
LayerFormCosts getLayerFormCosts(const ExpertLayer &layer);

/// Steps of a sort on the longest path, a step being one visit of a pair or a
/// count.
struct SortCosts {
  int64_t onePass = 0;
  int64_t chunked = 0;
  /// Pairs of a chunk.
  int64_t chunk = 0;
};

/// The steps of both forms of `moe.sort_tokens`. The chunks follow from the
/// numbers only, never from a machine, as a compiled model runs on any.
SortCosts getSortCosts(int64_t pairs, int64_t experts);

} // namespace mlir::moe

#endif // MOE_ANALYSIS_COSTMODEL_H
