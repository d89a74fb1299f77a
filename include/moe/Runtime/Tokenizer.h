// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text to token ids and back, as a Hugging Face tokenizer.json says: byte-pair
// encoding with bytes as letters (GPT-2, Llama 3, Qwen, OLMoE, DeepSeek) or
// with a fall-back to bytes (Llama 2, Mixtral). Ids and text equal those of the
// `tokenizers` package; what a file asks for and we lack is an error that names
// the key, never ignored.
#ifndef MOE_RUNTIME_TOKENIZER_H
#define MOE_RUNTIME_TOKENIZER_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moe::rt {

/// Immutable once loaded; const members may be called from many threads.
class Tokenizer {
public:
  struct Impl;

  /// Reads a tokenizer.json. Throws Error: exit code 1 when the file is wrong,
  /// 3 when it asks for something not supported.
  static std::unique_ptr<Tokenizer> load(const std::string &path);

  /// The same from the bytes of the file; `name` is what errors call it.
  static std::unique_ptr<Tokenizer> parse(std::string_view json,
                                          const std::string &name);

  ~Tokenizer();

  /// Token ids of `text`. Bytes that are not UTF-8 count as U+FFFD, one for
  /// each maximal ill-formed part. Special tokens of the post-processor (a BOS,
  /// say) are added on request; special tokens written in the text are always
  /// recognised. Throws Error when a split pattern exceeds its match limit.
  std::vector<int32_t> encode(std::string_view text,
                              bool addSpecialTokens = true) const;

  /// Text of `count` ids, always valid UTF-8 (U+FFFD where the bytes of the
  /// tokens are not). Ids without a token are left out.
  std::string decode(const int32_t *ids, size_t count, bool skipSpecial) const;

  /// One more than the largest id that has a token.
  int32_t vocabSize() const;

  std::optional<int32_t> tokenToId(std::string_view token) const;

  /// The token's spelling as decoders see it ("Ġthe"); none for an id without.
  std::optional<std::string_view> idToToken(int32_t id) const;

private:
  friend class StreamDecoder;
  explicit Tokenizer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl;
};

/// Decodes ids as they come. Each piece is complete UTF-8, and all pieces
/// together are what Tokenizer::decode gives for all ids; so a piece is held
/// back while later ids can still change it. The tokenizer must outlive it.
class StreamDecoder {
public:
  StreamDecoder(const Tokenizer &tokenizer, bool skipSpecial);
  ~StreamDecoder();

  std::string push(int32_t id);
  /// What is still held back; the decoder then starts anew.
  std::string flush();

private:
  struct State;

  const Tokenizer &tokenizer;
  bool skipSpecial;
  std::unique_ptr<State> state;
};

} // namespace moe::rt

#endif // MOE_RUNTIME_TOKENIZER_H
