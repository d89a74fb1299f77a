// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a router spreads tokens over experts, and what follows for the number of
// experts that a batch of tokens touches.
#ifndef MOE_ANALYSIS_ROUTINGPROFILE_H
#define MOE_ANALYSIS_ROUTINGPROFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace mlir::moe {

/// The share of the (token, slot) pairs that each expert gets. Tokens are taken
/// to choose independently of each other.
class RoutingProfile {
public:
  /// Every expert alike.
  RoutingProfile() = default;

  /// `uniform`, `zipf:S`, or a JSON file with one key: `shares`, a
  /// list of non-negative numbers, one an expert (counts will do), or `zipf`, a
  /// number S: expert e has a share proportional to 1 / (e + 1)^S. Errors name
  /// the file and the key.
  static llvm::Expected<RoutingProfile> parse(llvm::StringRef text);

  /// As it was given: `uniform`, `zipf:1.1` or the file's name.
  llvm::StringRef getName() const { return name; }

  /// The number of experts that the profile is of; 0 where it fits any.
  size_t getNumShares() const { return shares.size(); }

  /// The probability of each expert to be among the `topK` of a token: the
  /// share times topK, at most 1, what is cut off going to the others.
  /// They add up to topK.
  std::vector<double> getProbabilities(int64_t experts, int64_t topK) const;

  /// The expected number of experts that `tokens` tokens choose, sum over e of
  /// 1 - (1 - p_e)^T; for the uniform profile E * (1 - (1 - k/E)^T).
  double getActiveExperts(int64_t experts, int64_t topK, double tokens) const;

private:
  std::string name = "uniform";
  double zipf = 0.0;
  std::vector<double> shares;
};

} // namespace mlir::moe

#endif // MOE_ANALYSIS_ROUTINGPROFILE_H
