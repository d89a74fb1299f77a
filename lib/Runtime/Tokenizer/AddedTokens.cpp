// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "AddedTokens.h"

#include "Regex.h"
#include "Unicode.h"
#include "Utf8.h"

#include <algorithm>

using namespace moe::rt::tok;

namespace {
// Bounds the search at each position of a text.
constexpr size_t kLongestToken = 4096;

bool isWord(std::string_view codePoint) {
  static const Regex word = Regex::fromClass(rustWordItems());
  return word.spans(codePoint).front().isMatch;
}

std::string_view lastCodePoint(std::string_view text) {
  size_t begin = text.size() - 1;
  while ((static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    --begin;
  return text.substr(begin);
}

bool endsWithWord(std::string_view text) {
  return !text.empty() && isWord(lastCodePoint(text));
}

bool startsWithWord(std::string_view text) {
  return !text.empty() && isWord(text.substr(0, nextUnit(text).size));
}

/// Where the spaces at the end of `text` begin.
size_t trailingSpaces(std::string_view text) {
  while (!text.empty()) {
    std::string_view last = lastCodePoint(text);
    if (!isSpace(nextUnit(last).codePoint))
      break;
    text.remove_suffix(last.size());
  }
  return text.size();
}

/// How many bytes of spaces `text` starts with.
size_t leadingSpaces(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    size_t here = position;
    if (!isSpace(takeCodePoint(text, position)))
      return here;
  }
  return position;
}
} // namespace

void TextTrie::add(std::string_view text, int32_t id) {
  size_t node = 0;
  for (char c : text) {
    auto [it, isNew] = nodes[node].next.try_emplace(c, nodes.size());
    node = it->second;
    if (isNew)
      nodes.emplace_back();
  }
  nodes[node].id = id;
}

std::optional<std::pair<size_t, int32_t>>
TextTrie::longestAt(std::string_view text, size_t position) const {
  std::optional<std::pair<size_t, int32_t>> best;
  size_t node = 0;
  while (position < text.size()) {
    auto it = nodes[node].next.find(text[position++]);
    if (it == nodes[node].next.end())
      break;
    node = it->second;
    if (nodes[node].id >= 0)
      best.emplace(position, nodes[node].id);
  }
  return best;
}

AddedTokens::AddedTokens(const std::optional<JsonNode> &list, const BPE &model,
                         const Normalizer *normalizer) {
  if (!list)
    return;
  // A token that the model lacks gets the next free id; the id in the file must
  // agree, or the model's embedding would be of another token.
  auto nextId = static_cast<int32_t>(model.size());
  for (const JsonNode &node : list->elements()) {
    node.allowOnly({"id", "content", "single_word", "lstrip", "rstrip",
                    "normalized", "special"});
    JsonNode contentNode = node.member("content"), idNode = node.member("id");
    std::string content = contentNode.string();
    if (content.empty() || content.size() > kLongestToken)
      throw contentNode.mismatch("a text of 1 to " +
                                 std::to_string(kLongestToken) + " bytes");
    if (ids.count(content))
      throw contentNode.mismatch("a token that is not in the list yet");
    auto known = model.tokenToId(content);
    int32_t id = known ? *known : nextId;
    if (idNode.integer(0, kLargestId) != id)
      throw idNode.mismatch(std::to_string(id) +
                            (known ? " (the vocabulary's id of " : " (for ") +
                            inQuotes(content) + ")");
    if (tokens.count(id) || (!known && model.idToToken(id)))
      throw idNode.mismatch("an id of its own");
    if (!known)
      ++nextId;
    ids.emplace(content, id);
    addToken(node, id, normalizer);
  }
}

void AddedTokens::addToken(const JsonNode &node, int32_t id,
                           const Normalizer *normalizer) {
  Token token;
  token.content = token.spelling = node.member("content").string();
  token.singleWord = node.member("single_word").boolean();
  token.stripLeft = node.member("lstrip").boolean();
  token.stripRight = node.member("rstrip").boolean();
  if (node.member("special").boolean())
    specials.insert(token.content);
  bool inNormalized = node.member("normalized").boolean();
  if (inNormalized && normalizer)
    normalizer->apply(token.spelling);
  if (token.spelling.empty())
    throw node.member("content").wrong("nothing is left of it when normalised");
  TextTrie &trie = inNormalized ? normalized : plain;
  if (auto other = trie.longestAt(token.spelling, 0))
    if (other->first == token.spelling.size())
      throw node.member("content").wrong(
          inQuotes(token.content) + " and " +
          inQuotes(tokens.at(other->second).content) + " normalise alike");
  trie.add(token.spelling, id);
  tokens.emplace(id, std::move(token));
}

Pieces AddedTokens::extract(std::string_view text,
                            const Normalizer *normalizer) const {
  Pieces parts, result;
  if (!text.empty())
    cut({std::string(text), -1, true}, plain, parts);
  for (Piece &part : parts) {
    if (part.id >= 0) {
      result.push_back(std::move(part));
      continue;
    }
    if (normalizer && normalizer->apply(part.text))
      part.atStart = false;
    if (!part.text.empty())
      cut(std::move(part), normalized, result);
  }
  return result;
}

/// Appends `piece`, cut at the tokens of `trie`.
void AddedTokens::cut(Piece piece, const TextTrie &trie, Pieces &result) const {
  if (trie.empty()) {
    result.push_back(std::move(piece));
    return;
  }
  std::string_view text = piece.text;
  auto append = [&](size_t begin, size_t end, int32_t id) {
    if (begin < end || id >= 0)
      result.push_back({std::string(text.substr(begin, end - begin)), id,
                        piece.atStart && begin == 0});
  };
  size_t done = 0; // up to here the text is in `result`
  for (size_t position = 0; position < text.size();) {
    auto match = trie.longestAt(text, position);
    if (!match) {
      takeCodePoint(text, position);
      continue;
    }
    const Token &token = tokens.at(match->second);
    size_t begin = position, end = match->first;
    position = end;
    if (token.singleWord && (endsWithWord(text.substr(0, begin)) ||
                             startsWithWord(text.substr(end))))
      continue;
    // Spaces that an earlier token took with it are not taken twice.
    if (token.stripLeft)
      begin = std::max(trailingSpaces(text.substr(0, begin)), done);
    if (token.stripRight)
      end += leadingSpaces(text.substr(end));
    if (done < begin)
      append(done, begin, -1);
    append(std::min(begin, end), end, match->second);
    done = end;
  }
  append(done, text.size(), -1);
}

std::optional<int32_t>
AddedTokens::tokenToId(const std::string &content) const {
  auto it = ids.find(content);
  if (it == ids.end())
    return std::nullopt;
  return it->second;
}

std::optional<std::string_view> AddedTokens::idToToken(int32_t id) const {
  auto it = tokens.find(id);
  if (it == tokens.end())
    return std::nullopt;
  return it->second.spelling;
}

bool AddedTokens::isSpecial(std::string_view token) const {
  return specials.count(std::string(token)) != 0;
}

int32_t AddedTokens::idLimit() const {
  return tokens.empty() ? 0 : tokens.rbegin()->first + 1;
}
