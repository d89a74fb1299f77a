// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The "pre_tokenizer" of tokenizer.json: cuts text into the words that the
// model may not merge across.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_PRETOKENIZER_H
#define MOE_LIB_RUNTIME_TOKENIZER_PRETOKENIZER_H

#include "JsonNode.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace moe::rt::tok {

/// Part of the text on its way to ids; never empty.
struct Piece {
  std::string text;
  /// The added token that this is, or -1: still to be cut and encoded.
  int32_t id = -1;
  /// Whether this is the start of the whole text.
  bool atStart = false;
};
using Pieces = std::vector<Piece>;

class PreTokenizer {
public:
  virtual ~PreTokenizer() = default;
  /// Cuts the pieces that have no id yet.
  void apply(Pieces &pieces) const;

  static std::unique_ptr<PreTokenizer> create(const JsonNode &node,
                                              int depth = 0);

protected:
  /// Appends what `piece` becomes.
  virtual void cut(Piece piece, Pieces &result) const = 0;
};

/// Members of a ByteLevel object, whichever section it stands in. The flags are
/// meaningful to the pre-tokenizer only.
struct ByteLevelFlags {
  bool addPrefixSpace, useRegex;
};
ByteLevelFlags readByteLevel(const JsonNode &node);

/// Members of a Metaspace object, pre-tokenizer or decoder.
struct MetaspaceOptions {
  enum Scheme { always, first, never };
  std::string replacement;
  Scheme scheme;
  bool split;
};
MetaspaceOptions readMetaspace(const JsonNode &node);

/// GPT-2's letters for bytes: printable ones are themselves, the others follow
/// from U+0100 on.
const std::array<char32_t, 256> &byteLetters();

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_PRETOKENIZER_H
