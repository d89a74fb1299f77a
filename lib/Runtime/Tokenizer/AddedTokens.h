// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The "added_tokens" of tokenizer.json: texts with an id of their own that are
// found before the model sees anything.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_ADDEDTOKENS_H
#define MOE_LIB_RUNTIME_TOKENIZER_ADDEDTOKENS_H

#include "BPE.h"
#include "JsonNode.h"
#include "Normalizer.h"
#include "PreTokenizer.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace moe::rt::tok {

/// Finds the leftmost, then longest of a set of texts.
class TextTrie {
public:
  void add(std::string_view text, int32_t id);
  /// The longest text that starts at `position`: its end and id.
  std::optional<std::pair<size_t, int32_t>> longestAt(std::string_view text,
                                                      size_t position) const;
  bool empty() const { return nodes.size() == 1; }

private:
  struct Node {
    std::map<char, size_t> next;
    int32_t id = -1;
  };
  std::vector<Node> nodes = std::vector<Node>(1);
};

class AddedTokens {
public:
  /// `normalizer` may be null.
  AddedTokens(const std::optional<JsonNode> &list, const BPE &model,
              const Normalizer *normalizer);

  /// Cuts `text` at added tokens and normalises the rest: first tokens are
  /// looked for in the text as it is, then others in what was normalised.
  Pieces extract(std::string_view text, const Normalizer *normalizer) const;

  std::optional<int32_t> tokenToId(const std::string &content) const;
  /// The token as decoders see it: normalised where that changes it.
  std::optional<std::string_view> idToToken(int32_t id) const;
  bool isSpecial(std::string_view token) const;
  int32_t idLimit() const;

private:
  struct Token {
    std::string content, spelling;
    bool singleWord, stripLeft, stripRight;
  };
  void addToken(const JsonNode &node, int32_t id, const Normalizer *normalizer);
  void cut(Piece piece, const TextTrie &trie, Pieces &result) const;

  std::map<int32_t, Token> tokens;
  std::unordered_map<std::string, int32_t> ids;
  std::unordered_set<std::string> specials;
  TextTrie plain, normalized;
};

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_ADDEDTOKENS_H
