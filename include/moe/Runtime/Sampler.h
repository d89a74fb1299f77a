// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a row of logits to the next token.
#ifndef MOE_RUNTIME_SAMPLER_H
#define MOE_RUNTIME_SAMPLER_H

#include "moe/Runtime/Span.h"

#include <cstdint>
#include <vector>

namespace moe::rt {

/// The filters apply in the order of the members, as in transformers'
/// `generate`; each default leaves its filter out.
struct SamplingOptions {
  /// Logits of tokens seen before are divided by this if positive, else
  /// multiplied. Applies to greedy choice as well.
  float repetitionPenalty = 1.0f;
  /// 0 takes the highest logit (ties: the lowest id), and no filter below.
  float temperature = 0.0f;
  /// Keeps the k highest and what ties with the last of them; 0 keeps all.
  int64_t topK = 0;
  /// Keeps the most probable tokens until they hold this much probability.
  float topP = 1.0f;
  /// Keeps tokens of at least this fraction of the highest probability.
  float minP = 0.0f;
  uint64_t seed = 0;

  /// Throws Error (commandLine) naming the option that is out of range.
  void validate() const;
};

/// A token that the filters kept.
struct Candidate {
  int32_t token;
  /// Its logit after penalty and temperature.
  float score;
  double probability;
};

/// Allocates when constructed, not when sampling. One sequence of tokens each.
class Sampler {
public:
  Sampler(int64_t vocabSize, const SamplingOptions &options);

  /// Counts `token` as seen (the prompt's tokens; sampled ones are counted by
  /// sample()).
  void observe(int32_t token);

  /// Picks the next token. Draw n after a reset uses number n of the seed's
  /// sequence: the candidates are laid out one after another on [0, 1) in their
  /// order in filter(), and the one that covers the number is taken.
  int32_t sample(Span<const float> logits);

  /// What sample() would choose from, probabilities summing to 1: from the
  /// highest score to the lowest if top-k or top-p apply, else by token. Valid
  /// until the next call.
  Span<const Candidate> filter(Span<const float> logits);

  /// Forgets the tokens seen and starts the seed's sequence again.
  void reset();

private:
  float penalised(Span<const float> logits, size_t token) const;
  int32_t argmax(Span<const float> logits) const;
  void keepTopK();
  void keepTopP();
  void keepMinP();
  void normalise();
  /// Sorts candidates [from, from + count) to be the next in order.
  void sortNext(size_t from, size_t count);

  SamplingOptions options;
  uint64_t draws = 0;
  std::vector<uint8_t> seen;
  std::vector<Candidate> candidates;
  size_t kept = 0;
};

} // namespace moe::rt

#endif // MOE_RUNTIME_SAMPLER_H
