// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loop from a prompt to new tokens, and the perplexity of given ones.
#ifndef MOE_RUNTIME_GENERATE_H
#define MOE_RUNTIME_GENERATE_H

#include "moe/Runtime/Sampler.h"
#include "moe/Runtime/Session.h"

#include <functional>
#include <string>

namespace moe::rt {

enum class FinishReason {
  length,    ///< As many new tokens as asked for.
  maxLength, ///< The sequence is as long as the model was compiled for.
  stop,      ///< An end-of-sequence token, or the visitor said so.
};

/// "length", "max_len", "stop".
const char *name(FinishReason reason);

struct GenerationOptions {
  int64_t maxNewTokens = 128;
  /// Goes on after the model's end-of-sequence tokens.
  bool ignoreEos = false;
};

struct Generation {
  std::vector<int32_t> tokens; ///< With the end-of-sequence token, if any.
  FinishReason reason = FinishReason::length;
  double prefillSeconds = 0;
  double firstTokenSeconds = 0; ///< Prefill and the choice of the first token.
  std::vector<double> stepSeconds; ///< Decode and choice of the others.

  double decodeSeconds() const;
  /// New tokens a second of decode steps; 0 without one.
  double tokensPerSecond() const;
};

struct GenerationVisitor {
  /// Sees the logits after the prompt.
  std::function<void(Span<const float>)> prompt;
  /// Sees each new token; false ends the generation.
  std::function<bool(int32_t)> token;
  Session::Progress progress;
};

/// Generates after `prompt` in sequence 0 of a session, from its start.
Generation generate(Session &session, Sampler &sampler,
                    Span<const int32_t> prompt,
                    const GenerationOptions &options,
                    const GenerationVisitor &visitor);

struct Perplexity {
  double negativeLogLikelihood = 0; ///< Sum over tokens, in nats.
  int64_t tokens = 0;               ///< Predicted ones.

  double value() const;
};

/// How well the model predicts each of `tokens` but the first. They are cut
/// into windows of `window` inputs, each of which starts with empty caches.
/// `progress` is called with the tokens predicted so far.
Perplexity perplexity(Session &session, Span<const int32_t> tokens,
                      int64_t window,
                      const Session::Progress &progress = nullptr);

/// Lets text through until one of the stop strings appears, holding back what
/// may be the beginning of one.
class StopMatcher {
public:
  /// Empty stop strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  /// The text that can be shown after `piece` has arrived: all before the
  /// earliest stop string. Nothing comes after stopped().
  std::string push(const std::string &piece);
  /// What was held back, when no more is to come.
  std::string flush();
  bool stopped() const { return found; }

private:
  std::vector<std::string> stops;
  std::string held;
  bool found = false;
};

} // namespace moe::rt

#endif // MOE_RUNTIME_GENERATE_H
