// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The "decoder" of tokenizer.json: tokens to text. Decoders run as a pipeline
// of stages that hand on what can no longer change, so that decoding all ids at
// once and one by one is the same code.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_DECODER_H
#define MOE_LIB_RUNTIME_TOKENIZER_DECODER_H

#include "JsonNode.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moe::rt::tok {

/// One running decoder. Its input is a list of tokens, or, behind a decoder
/// that makes one token of them all, the parts of that one token; parts end
/// between code points.
class DecoderStage {
public:
  /// Takes the next token (or part) of the output.
  using Sink = std::function<void(std::string)>;

  virtual ~DecoderStage() = default;
  virtual void push(std::string token, const Sink &sink) = 0;
  /// After the last token.
  virtual void finish(const Sink &sink) {}
};

/// The decoder of a file, immutable.
class Decoder {
public:
  explicit Decoder(const std::optional<JsonNode> &node);

  std::vector<std::unique_ptr<DecoderStage>> start() const;

private:
  using Factory = std::function<std::unique_ptr<DecoderStage>()>;
  void add(const JsonNode &node, bool &isFused, int depth);

  std::vector<Factory> stages;
};

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_DECODER_H
