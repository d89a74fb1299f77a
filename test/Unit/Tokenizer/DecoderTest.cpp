// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When the stream decoder hands out text, and the decoders that the
// `tokenizers` package cannot run on every input.
#include "TinyTokenizer.h"

#include <gtest/gtest.h>

using namespace moe::rt;
using nlohmann::json;

/// A tokenizer with the given tokens as ids 0, 1, … and `decoder`.
static std::unique_ptr<Tokenizer>
withTokens(const std::vector<std::string> &tokens, const char *decoder) {
  json document = tinyTokenizer();
  document["added_tokens"] = nullptr;
  document["model"]["merges"] = json::array();
  document["model"]["vocab"] = json::object();
  for (size_t i = 0; i < tokens.size(); ++i)
    document["model"]["vocab"][tokens[i]] = i;
  document["decoder"] = json::parse(decoder);
  return parse(document);
}

static std::vector<std::string> stream(const Tokenizer &tokenizer,
                                       const std::vector<int32_t> &ids) {
  StreamDecoder decoder(tokenizer, false);
  std::vector<std::string> parts;
  for (int32_t id : ids)
    parts.push_back(decoder.push(id));
  parts.push_back(decoder.flush());
  return parts;
}
using Parts = std::vector<std::string>;

TEST(StreamDecoder, ByteLevelWaitsForCompleteCharacters) {
  // é is C3 A9, spelled "Ã©".
  auto tokenizer = withTokens(
      {"Ã", "©", "a", "Ġa", "Ãa"},
      R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true})");
  EXPECT_EQ(stream(*tokenizer, {2, 0, 1, 3}), (Parts{"a", "", "é", " a", ""}));
  EXPECT_EQ(stream(*tokenizer, {0}), (Parts{"", "\uFFFD"}));
  EXPECT_EQ(stream(*tokenizer, {0, 2, 1, 4}),
            (Parts{"", "\uFFFDa", "\uFFFD", "\uFFFDa", ""}));
}

TEST(StreamDecoder, ByteFallbackWaitsForTheEndOfTheRun) {
  auto tokenizer = withTokens({"<0xC3>", "<0xA9>", "x", "<0xG0>", "<0x+A>"},
                              R"({"type": "ByteFallback"})");
  EXPECT_EQ(stream(*tokenizer, {0, 1, 2}), (Parts{"", "", "éx", ""}));
  EXPECT_EQ(stream(*tokenizer, {0, 1, 1}),
            (Parts{"", "", "", "\uFFFD\uFFFD\uFFFD"}));
  EXPECT_EQ(stream(*tokenizer, {3, 4}), (Parts{"<0xG0>", "", "\n"}));
}

TEST(StreamDecoder, StripsTheWholeTextWhenFused) {
  auto tokenizer =
      withTokens({"_", "a", "_b_", "__"},
                 R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
          {"type": "Strip", "content": "_", "start": 2, "stop": 1}]})");
  EXPECT_EQ(stream(*tokenizer, {0, 2, 1, 3}), (Parts{"", "b", "_a", "_", ""}));
  EXPECT_EQ(stream(*tokenizer, {3, 3}), (Parts{"", "_", ""}));
  EXPECT_EQ(stream(*tokenizer, {}), (Parts{""}));
}

TEST(StreamDecoder, StripsEachTokenOtherwise) {
  auto tokenizer =
      withTokens({"_", "a", "_b_", "__c__"},
                 R"({"type": "Strip", "content": "_", "start": 1, "stop": 2})");
  EXPECT_EQ(stream(*tokenizer, {0, 1, 2, 3}), (Parts{"", "a", "b", "_c", ""}));
}

TEST(StreamDecoder, GathersWhatMustBeSeenWhole) {
  auto tokenizer =
      withTokens({"a", "b"},
                 R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
          {"type": "Replace", "pattern": {"String": "ab"}, "content": "X"}]})");
  EXPECT_EQ(stream(*tokenizer, {0, 0, 1, 1}), (Parts{"", "", "", "", "aXb"}));
}

TEST(StreamDecoder, FlushStartsAnew) {
  auto tokenizer =
      withTokens({"▁a"}, R"({"type": "Metaspace", "replacement": "▁"})");
  StreamDecoder decoder(*tokenizer, false);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(decoder.push(0), "a");
    EXPECT_EQ(decoder.push(0), " a");
    EXPECT_EQ(decoder.flush(), "");
  }
}

TEST(Decode, SkipsSpecialAndMissingIds) {
  auto tokenizer = parse(tinyTokenizer());
  EXPECT_EQ(decode(*tokenizer, {6, 3, 99, -5, 6}), "<s>ab<s>");
  EXPECT_EQ(decode(*tokenizer, {6, 3, 99, -5, 6}, true), "ab");
}

TEST(Decode, NoDecoderJoinsWithSpaces) {
  json document = tinyTokenizer();
  document["decoder"] = nullptr;
  EXPECT_EQ(decode(*parse(document), {0, 3, 4}), "a ab abc");
}
