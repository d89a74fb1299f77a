// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The "model" of tokenizer.json: byte-pair encoding.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_BPE_H
#define MOE_LIB_RUNTIME_TOKENIZER_BPE_H

#include "JsonNode.h"

#include <array>
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moe::rt::tok {

/// Largest id a file may use; the largest real vocabularies are below 2^18.
inline constexpr int64_t kLargestId = (1 << 21) - 1;

class BPE {
public:
  explicit BPE(const JsonNode &node);

  /// Appends the ids of `word`, which is not empty.
  void encode(const std::string &word, std::vector<int32_t> &ids) const;

  std::optional<int32_t> tokenToId(const std::string &token) const;
  std::optional<std::string_view> idToToken(int32_t id) const;
  size_t size() const { return vocabulary.size(); }
  /// One more than the largest id.
  int32_t idLimit() const { return static_cast<int32_t>(tokens.size()); }

private:
  /// What a pair of neighbours becomes; lower ranks merge first.
  struct Merge {
    uint32_t rank;
    int32_t id;
  };
  /// A token of the word being merged, in a doubly linked list by index.
  struct Symbol {
    int32_t id, previous, next;
  };
  struct PairHash {
    size_t operator()(uint64_t pair) const {
      pair *= 0x9E3779B97F4A7C15u; // Fibonacci hashing
      return static_cast<size_t>(pair ^ (pair >> 32));
    }
  };

  void readVocabulary(const JsonNode &node);
  void readMerges(const JsonNode &node);
  void addMerge(const JsonNode &merges, size_t index, const std::string &left,
                const std::string &right);
  void encodeUncached(const std::string &word, std::vector<int32_t> &ids) const;
  std::vector<Symbol> splitIntoSymbols(const std::string &word) const;
  void mergeAll(std::vector<Symbol> &symbols) const;
  const Merge *findMerge(int32_t left, int32_t right) const;

  std::unordered_map<std::string, int32_t> vocabulary;
  std::vector<const std::string *> tokens; // by id; null where there is none
  std::unordered_map<uint64_t, Merge, PairHash> merges;
  std::array<int32_t, 256> byteIds; // of "<0x00>" to "<0xFF>", -1 where missing
  std::string continuingPrefix, wordSuffix;
  std::optional<int32_t> unknownId;
  bool fuseUnknown = false, byteFallback = false, ignoreMerges = false;

  // Text repeats its words; most are looked up, not merged.
  mutable std::shared_mutex cacheMutex;
  mutable std::unordered_map<std::string, std::vector<int32_t>> cache;
};

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_BPE_H
