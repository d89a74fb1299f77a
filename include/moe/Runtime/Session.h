// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sequences in the KV caches of one language model.
#ifndef MOE_RUNTIME_SESSION_H
#define MOE_RUNTIME_SESSION_H

#include "moe/Runtime/Executable.h"
#include "moe/Runtime/Span.h"

#include <functional>

namespace moe::rt {

/// Runs prefill and decode, and knows how far each sequence has come. A session
/// has `batch` sequences, each with a slot in the KV caches. Its decode steps
/// allocate nothing. Not for use from two threads at once.
class Session {
public:
  /// Called after each chunk with the tokens done so far.
  using Progress = std::function<void(size_t done)>;
  /// Called with the logits of tokens [first, first + logits.size() / V).
  using RowVisitor =
      std::function<void(size_t first, Span<const float> logits)>;

  /// `prefillChunk` tokens at most go through prefill at once; 0 takes what the
  /// executable was made for, and more is an error. `executable` outlives the
  /// session, which starts by emptying its caches.
  explicit Session(Executable &executable, int64_t prefillChunk = 0);

  const ModelSpec &model() const { return spec; }
  int64_t prefillChunk() const { return chunk; }
  /// Tokens in the cache of a sequence; its next token gets this position.
  int64_t position(int64_t sequence) const { return lengths[sequence]; }

  /// Appends `tokens` to a sequence and returns the logits [V] after the last
  /// of them, valid until the next call. Throws Error (inputWrong) when there
  /// is no token, one is not in the vocabulary, or they exceed max_len; the
  /// sequence is then unchanged.
  Span<const float> prefill(int64_t sequence, Span<const int32_t> tokens,
                            const Progress &progress = nullptr);

  /// The same, with the logits after every token. Allocates prefillChunk rows
  /// of logits the first time.
  void prefillAll(int64_t sequence, Span<const int32_t> tokens,
                  const RowVisitor &visit);

  /// One step: appends `tokens[s]` to sequence s for each s in [0, batch) where
  /// it is not `idle`, and returns the logits [batch, V], valid until the next
  /// call. The rows of idle sequences mean nothing.
  Span<const float> decode(Span<const int32_t> tokens);
  static constexpr int32_t idle = -1;

  /// Forgets one sequence, or all of them (and empties the caches).
  void reset(int64_t sequence) { lengths[sequence] = 0; }
  void reset();

private:
  void check(int64_t sequence, Span<const int32_t> tokens) const;
  void checkToken(int32_t token, size_t index) const;
  /// Runs one chunk, with logits for its rows [firstRow, tokens.size()).
  Span<const float> runChunk(int64_t sequence, Span<const int32_t> tokens,
                             size_t firstRow);

  Executable &executable;
  ModelSpec spec;
  int64_t chunk;
  size_t prefillEntry, decodeEntry;
  std::vector<int64_t> lengths;
  /// Arguments and results, sized once.
  std::vector<int32_t> tokenBuffer, positionBuffer, sequenceBuffer, rowBuffer;
  std::vector<float> logits;
};

} // namespace moe::rt

#endif // MOE_RUNTIME_SESSION_H
