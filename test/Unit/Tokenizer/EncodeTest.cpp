// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encoding beyond what the goldens compare: input that Python cannot make,
// threads, long words.
#include "TinyTokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

using namespace moe::rt;
using nlohmann::json;
using Ids = std::vector<int32_t>;

TEST(Encode, MergesLowestRankFirst) {
  auto tokenizer = parse(tinyTokenizer());
  EXPECT_EQ(tokenizer->encode("abcab"), (Ids{4, 3}));
  EXPECT_EQ(tokenizer->encode("abab<s>cba"), (Ids{3, 3, 6, 2, 1, 0}));
  EXPECT_EQ(tokenizer->encode(""), Ids());
}

TEST(Encode, Vocabulary) {
  auto tokenizer = parse(tinyTokenizer());
  EXPECT_EQ(tokenizer->vocabSize(), 7);
  EXPECT_EQ(tokenizer->tokenToId("<s>"), 6);
  EXPECT_EQ(tokenizer->tokenToId("ab"), 3);
  EXPECT_EQ(tokenizer->tokenToId("zz"), std::nullopt);
  EXPECT_EQ(tokenizer->idToToken(4), "abc");
  EXPECT_EQ(tokenizer->idToToken(7), std::nullopt);
  EXPECT_EQ(tokenizer->idToToken(-1), std::nullopt);
}

// Without an unknown token, what has no token is dropped.
TEST(Encode, DropsUnknown) {
  auto tokenizer = parse(tinyTokenizer());
  EXPECT_EQ(tokenizer->encode("aXb"), (Ids{3}));
  EXPECT_EQ(tokenizer->encode("XYZ"), Ids());
}

TEST(Encode, UnknownAndFused) {
  json document = tinyTokenizer();
  document["model"]["vocab"]["?"] = 6;
  document["model"]["unk_token"] = "?";
  document["added_tokens"][0]["id"] = 7;
  EXPECT_EQ(parse(document)->encode("aXYb"), (Ids{0, 6, 6, 1}));
  document["model"]["fuse_unk"] = true;
  EXPECT_EQ(parse(document)->encode("aXYb"), (Ids{0, 6, 1}));
}

TEST(Encode, TemplateAddsSpecialTokens) {
  json document = tinyTokenizer();
  document["post_processor"] = json::parse(R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "end", "type_id": 0}}],
    "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [6], "tokens": ["<s>"]},
                                   "end": {"id": "end", "ids": [5, 6], "tokens": ["▁", "<s>"]}}})");
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("c"), (Ids{6, 2, 5, 6}));
  EXPECT_EQ(tokenizer->encode("c", false), (Ids{2}));
}

// Bytes that are not UTF-8 count as U+FFFD, one for each ill-formed part.
TEST(Encode, IllFormedText) {
  auto tokenizer = Tokenizer::load(GOLDENS "/gpt2/tokenizer.json");
  for (const auto &[text, same] :
       {std::pair<std::string, std::string>{"a\xff z", "a\uFFFD z"},
        {"\xe2\x82", "\uFFFD"},
        {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
        {"\xf0\x9f\x98x\xc0\x80", "\uFFFDx\uFFFD\uFFFD"}})
    EXPECT_EQ(tokenizer->encode(text), tokenizer->encode(same));
  std::string zeros("a\0b\0", 4);
  Ids ids = tokenizer->encode(zeros);
  EXPECT_EQ(decode(*tokenizer, ids), zeros);
}

// A word of a million letters: quadratic merging would take hours.
TEST(Encode, LongWord) {
  auto tokenizer = parse(tinyTokenizer());
  std::string text;
  for (int i = 0; i < 333333; ++i)
    text += "abc";
  auto begin = std::chrono::steady_clock::now();
  Ids ids = tokenizer->encode(text);
  EXPECT_EQ(ids, Ids(333333, 4));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(Encode, ManyThreads) {
  auto tokenizer = Tokenizer::load(GOLDENS "/llama3/tokenizer.json");
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i)
    texts.push_back("word" + std::to_string(i * i) + " it's " +
                    std::string(static_cast<size_t>(i % 7), ' ') + "ünïcode");
  std::vector<std::thread> threads;
  std::vector<std::vector<Ids>> results(8);
  for (auto &result : results)
    threads.emplace_back([&] {
      for (const std::string &text : texts)
        result.push_back(tokenizer->encode(text));
    });
  for (std::thread &thread : threads)
    thread.join();
  auto fresh = Tokenizer::load(GOLDENS "/llama3/tokenizer.json");
  for (size_t i = 0; i < texts.size(); ++i)
    for (const auto &result : results)
      EXPECT_EQ(result[i], fresh->encode(texts[i]));
}
