// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The "normalizer" of tokenizer.json: text to text, before anything is split.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_NORMALIZER_H
#define MOE_LIB_RUNTIME_TOKENIZER_NORMALIZER_H

#include "JsonNode.h"
#include "Regex.h"

#include <memory>
#include <string>

namespace moe::rt::tok {

/// Sequences of tokenizer.json may contain sequences, up to this depth.
inline constexpr int kDeepestSequence = 16;

class Normalizer {
public:
  virtual ~Normalizer() = default;
  /// Changes valid UTF-8 `text` in place. True when text was cut off at its
  /// start, so that what stands there now did not stand there before.
  virtual bool apply(std::string &text) const = 0;

  static std::unique_ptr<Normalizer> create(const JsonNode &node,
                                            int depth = 0);
};

/// The "pattern" of Replace and Split: {"String": …} or {"Regex": …}.
Regex readPattern(const JsonNode &node);

/// `text` with each match replaced; `lostStart` as Normalizer::apply's result.
std::string replaceMatches(const Regex &regex, std::string_view text,
                           const std::string &content, bool &lostStart);

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_NORMALIZER_H
