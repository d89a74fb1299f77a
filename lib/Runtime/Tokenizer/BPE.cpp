// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BPE.h"

#include "Utf8.h"

#include <cstdio>
#include <mutex>
#include <queue>
#include <tuple>

using namespace moe::rt::tok;

namespace {
constexpr size_t kCachedWords = 1 << 14;
constexpr size_t kLongestCachedWord = 128;

uint64_t pairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 |
         static_cast<uint32_t>(right);
}

std::string optionalString(const JsonNode &node, const char *key) {
  auto member = node.find(key);
  return member ? member->string() : "";
}
} // namespace

BPE::BPE(const JsonNode &node) {
  // Files older than the "type" key are byte-pair encodings too when they have
  // merges.
  if (node.find("type") && node.type() != "BPE")
    throw node.unsupportedType();
  node.allowOnly({"dropout", "unk_token", "continuing_subword_prefix",
                  "end_of_word_suffix", "fuse_unk", "byte_fallback",
                  "ignore_merges", "vocab", "merges"});
  if (auto dropout = node.find("dropout"))
    if (!dropout->raw().is_number() || dropout->raw().get<double>() != 0)
      throw dropout->unsupported("dropout");
  continuingPrefix = optionalString(node, "continuing_subword_prefix");
  wordSuffix = optionalString(node, "end_of_word_suffix");
  fuseUnknown = node.flag("fuse_unk", false);
  byteFallback = node.flag("byte_fallback", false);
  ignoreMerges = node.flag("ignore_merges", false);
  readVocabulary(node.member("vocab"));
  readMerges(node.member("merges"));

  if (auto unknown = node.find("unk_token")) {
    unknownId = tokenToId(unknown->string());
    if (!unknownId)
      throw unknown->mismatch("a token of the vocabulary");
  }
  for (int byte = 0; byte < 256; ++byte) {
    char spelling[8];
    std::snprintf(spelling, sizeof(spelling), "<0x%02X>", byte);
    byteIds[byte] = tokenToId(spelling).value_or(-1);
  }
}

void BPE::readVocabulary(const JsonNode &node) {
  const nlohmann::json &object = node.raw();
  if (!object.is_object())
    throw node.mismatch("an object of token: id");
  vocabulary.reserve(object.size());
  for (auto it = object.begin(); it != object.end(); ++it) {
    if (!it->is_number_unsigned() ||
        it->get<uint64_t>() > static_cast<uint64_t>(kLargestId))
      throw node.wrong(inQuotes(it.key()) + ": expected an id from 0 to " +
                       std::to_string(kLargestId) + ", got " + described(*it));
    auto id = it->get<int32_t>();
    if (static_cast<size_t>(id) >= tokens.size())
      tokens.resize(static_cast<size_t>(id) + 1);
    if (tokens[id])
      throw node.wrong(
          inQuotes(it.key()) + ": expected an id of its own, got " +
          std::to_string(id) + ", which is " + inQuotes(*tokens[id]) + "'s");
    tokens[id] = &vocabulary.emplace(it.key(), id).first->first;
  }
}

void BPE::readMerges(const JsonNode &node) {
  const nlohmann::json &list = node.raw();
  if (!list.is_array())
    throw node.mismatch("an array");
  merges.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const nlohmann::json &entry = list[i];
    if (entry.is_string()) {
      const auto &text = entry.get_ref<const std::string &>();
      // The first line of a merges.txt may have come along.
      if (text.compare(0, 8, "#version") == 0)
        continue;
      size_t space = text.find(' ');
      if (space == std::string::npos ||
          text.find(' ', space + 1) != std::string::npos)
        throw node.element(i).mismatch("two tokens with a space between");
      addMerge(node, i, text.substr(0, space), text.substr(space + 1));
      continue;
    }
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() ||
        !entry[1].is_string())
      throw node.element(i).mismatch("two tokens");
    addMerge(node, i, entry[0].get<std::string>(), entry[1].get<std::string>());
  }
}

void BPE::addMerge(const JsonNode &list, size_t index, const std::string &left,
                   const std::string &right) {
  auto idOf = [&](const std::string &token) {
    auto id = tokenToId(token);
    if (!id)
      throw list.element(index).wrong(
          "expected tokens of the vocabulary, got " + inQuotes(token));
    return *id;
  };
  int32_t leftId = idOf(left), rightId = idOf(right);
  if (right.compare(0, continuingPrefix.size(), continuingPrefix) != 0)
    throw list.element(index).wrong("expected a right token that starts with " +
                                    inQuotes(continuingPrefix) + ", got " +
                                    inQuotes(right));
  int32_t merged = idOf(left + right.substr(continuingPrefix.size()));
  // Of a pair listed twice the last rank counts.
  merges[pairKey(leftId, rightId)] = {static_cast<uint32_t>(index), merged};
}

std::optional<int32_t> BPE::tokenToId(const std::string &token) const {
  auto it = vocabulary.find(token);
  if (it == vocabulary.end())
    return std::nullopt;
  return it->second;
}

std::optional<std::string_view> BPE::idToToken(int32_t id) const {
  if (id < 0 || id >= idLimit() || !tokens[id])
    return std::nullopt;
  return *tokens[id];
}

const BPE::Merge *BPE::findMerge(int32_t left, int32_t right) const {
  auto it = merges.find(pairKey(left, right));
  return it == merges.end() ? nullptr : &it->second;
}

void BPE::encode(const std::string &word, std::vector<int32_t> &ids) const {
  if (word.size() > kLongestCachedWord)
    return encodeUncached(word, ids);
  {
    std::shared_lock lock(cacheMutex);
    auto hit = cache.find(word);
    if (hit != cache.end()) {
      ids.insert(ids.end(), hit->second.begin(), hit->second.end());
      return;
    }
  }
  std::vector<int32_t> fresh;
  encodeUncached(word, fresh);
  ids.insert(ids.end(), fresh.begin(), fresh.end());
  std::unique_lock lock(cacheMutex);
  if (cache.size() < kCachedWords)
    cache.emplace(word, std::move(fresh));
}

void BPE::encodeUncached(const std::string &word,
                         std::vector<int32_t> &ids) const {
  if (ignoreMerges) {
    if (auto id = tokenToId(word)) {
      ids.push_back(*id);
      return;
    }
  }
  std::vector<Symbol> symbols = splitIntoSymbols(word);
  if (symbols.empty())
    return;
  mergeAll(symbols);
  for (int32_t i = 0; i >= 0; i = symbols[i].next)
    ids.push_back(symbols[i].id);
}

/// One symbol a code point, or one a byte for code points without a token.
std::vector<BPE::Symbol> BPE::splitIntoSymbols(const std::string &word) const {
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  auto add = [&](int32_t id) {
    auto index = static_cast<int32_t>(symbols.size());
    if (index != 0)
      symbols.back().next = index;
    symbols.push_back({id, index - 1, -1});
  };
  // An unknown code point waits for its neighbours when unknowns are fused; as
  // in `tokenizers`, bytes of later code points overtake it.
  bool unknownWaits = false;
  std::string token;
  for (size_t position = 0; position < word.size();) {
    size_t begin = position;
    takeCodePoint(word, position);
    token = begin == 0 ? "" : continuingPrefix;
    token.append(word, begin, position - begin);
    if (position == word.size())
      token += wordSuffix;

    if (auto id = tokenToId(token)) {
      if (unknownWaits)
        add(*unknownId);
      unknownWaits = false;
      add(*id);
      continue;
    }
    bool asBytes = byteFallback;
    for (char byte : token)
      asBytes = asBytes && byteIds[static_cast<unsigned char>(byte)] >= 0;
    if (asBytes) {
      for (char byte : token)
        add(byteIds[static_cast<unsigned char>(byte)]);
      continue;
    }
    if (!unknownId) // nothing stands for it: it is dropped
      continue;
    if (unknownWaits && !fuseUnknown)
      add(*unknownId);
    unknownWaits = true;
  }
  if (unknownWaits)
    add(*unknownId);
  return symbols;
}

/// Merges neighbours, lowest rank first and leftmost first among equals, in
/// O(n log n): a heap of candidates, of which those whose neighbours have
/// changed in the meantime are dropped when they surface.
void BPE::mergeAll(std::vector<Symbol> &symbols) const {
  using Candidate = std::tuple<uint32_t, int32_t, int32_t>; // rank, left, id
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap;
  auto consider = [&](int32_t left) {
    if (left < 0 || symbols[left].next < 0)
      return;
    if (const Merge *merge =
            findMerge(symbols[left].id, symbols[symbols[left].next].id))
      heap.emplace(merge->rank, left, merge->id);
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i)
    consider(static_cast<int32_t>(i));

  while (!heap.empty()) {
    auto [rank, left, id] = heap.top();
    heap.pop();
    Symbol &symbol = symbols[left];
    if (symbol.id < 0 || symbol.next < 0)
      continue;
    Symbol &right = symbols[symbol.next];
    const Merge *merge = findMerge(symbol.id, right.id);
    if (!merge || merge->id != id)
      continue;
    symbol.id = id;
    symbol.next = right.next;
    right.id = -1; // no longer in the list
    if (symbol.next >= 0)
      symbols[symbol.next].previous = left;
    consider(symbol.previous);
    consider(left);
  }
}
