// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a wrong tokenizer.json says: file, key, what was expected.
#include "moe/Runtime/Error.h"
#include "TinyTokenizer.h"

#include <gtest/gtest.h>

using namespace moe::rt;
using nlohmann::json;

namespace {
struct Broken {
  const char *pointer; // JSON pointer into the tiny tokenizer
  const char *value;   // JSON put there
  ExitCode code;
  const char *message;
};

constexpr ExitCode wrong = ExitCode::inputWrong;
constexpr ExitCode unsupported = ExitCode::unsupported;

const Broken kBroken[] = {
    {"/version", "\"2.0\"", unsupported, "version: \"2.0\" is not supported"},
    {"/version", "1", wrong, "version: expected a string, got 1"},
    {"/padding", "{}", unsupported,
     "padding: a value other than null is not supported"},
    {"/truncation", "{\"max_length\": 3}", unsupported,
     "truncation: a value other than null is not supported"},
    {"/extra", "1", unsupported, "the key \"extra\" is not supported"},
    {"/normalizer", "\"NFC\"", wrong,
     "normalizer: expected an object, got \"NFC\""},
    {"/normalizer", "{\"type\": \"Nmt\"}", unsupported,
     "normalizer.type: \"Nmt\" is not supported"},
    {"/normalizer", "{\"type\": \"NFC\", \"x\": 1}", unsupported,
     "normalizer: the key \"x\" is not supported"},
    {"/normalizer",
     R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Foo"}]})",
     unsupported, "normalizer.normalizers[1].type: \"Foo\" is not supported"},
    {"/normalizer",
     R"({"type": "Replace", "pattern": {"Regex": "(a"}, "content": ""})", wrong,
     "normalizer.pattern.Regex: expected a regular expression, got \"(a\": "
     "missing closing parenthesis"},
    {"/normalizer", R"({"type": "Replace", "pattern": {}, "content": ""})",
     wrong,
     "normalizer.pattern: expected either \"String\" or \"Regex\", got an "
     "object"},
    {"/pre_tokenizer", "{}", wrong,
     "pre_tokenizer: expected a member \"type\", got none"},
    {"/pre_tokenizer", R"({"type": "Foo"})", unsupported,
     "pre_tokenizer.type: \"Foo\" is not supported"},
    {"/pre_tokenizer",
     R"({"type": "Split", "pattern": {"Regex": "[[:alpha:]]"}, "behavior": "Isolated", "invert": false})",
     unsupported,
     "pre_tokenizer.pattern.Regex: a POSIX bracket such as [:alpha:] is not "
     "supported"},
    {"/pre_tokenizer",
     R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Gone", "invert": false})",
     unsupported, "pre_tokenizer.behavior: \"Gone\" is not supported"},
    {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "__"})", wrong,
     "pre_tokenizer.replacement: expected one character, got \"__\""},
    {"/pre_tokenizer",
     R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"})",
     unsupported, "pre_tokenizer.prepend_scheme: \"last\" is not supported"},
    {"/pre_tokenizer",
     R"({"type": "Metaspace", "replacement": "_", "add_prefix_space": false})",
     wrong,
     "pre_tokenizer.add_prefix_space: expected true unless prepend_scheme is "
     "\"never\", "
     "got false"},
    {"/pre_tokenizer", R"({"type": "Digits", "individual_digits": 1})", wrong,
     "pre_tokenizer.individual_digits: expected true or false, got 1"},
    {"/post_processor", R"({"type": "BertProcessing"})", unsupported,
     "post_processor.type: \"BertProcessing\" is not supported"},
    {"/post_processor",
     R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[X]", "type_id": 0}}],
         "special_tokens": {}})",
     wrong,
     "post_processor.single[0].SpecialToken.id: expected a key of "
     "special_tokens, got "
     "\"[X]\""},
    {"/post_processor",
     R"({"type": "TemplateProcessing", "single": [], "special_tokens": {}})",
     wrong,
     "post_processor.single: expected a place for the text \"A\", got an array "
     "of 0"},
    {"/decoder", R"({"type": "CTC"})", unsupported,
     "decoder.type: \"CTC\" is not supported"},
    {"/decoder", R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})",
     wrong, "decoder.start: expected an integer from 0 to 1048576, got -1"},
    {"/model", "null", wrong, "model: expected an object, got null"},
    {"/model/type", "\"Unigram\"", unsupported,
     "model.type: \"Unigram\" is not supported"},
    {"/model/dropout", "0.1", unsupported,
     "model.dropout: dropout is not supported"},
    {"/model/unk_token", "\"?\"", wrong,
     "model.unk_token: expected a token of the vocabulary, got \"?\""},
    {"/model/vocab", "[]", wrong,
     "model.vocab: expected an object of token: id, got an array of 0"},
    {"/model/vocab/c", "1", wrong,
     "model.vocab: \"c\": expected an id of its own, got 1, which is \"b\"'s"},
    {"/model/vocab/c", "-1", wrong,
     "model.vocab: \"c\": expected an id from 0 to 2097151, got -1"},
    {"/model/vocab/c", "4e30", wrong,
     "model.vocab: \"c\": expected an id from 0 to 2097151, got 4e+30"},
    {"/model/vocab/c", "18446744073709551615", wrong,
     "model.vocab: \"c\": expected an id from 0 to 2097151, got "
     "18446744073709551615"},
    {"/model/merges/0", "\"a x\"", wrong,
     "model.merges[0]: expected tokens of the vocabulary, got \"x\""},
    {"/model/merges/0", "\"b a\"", wrong,
     "model.merges[0]: expected tokens of the vocabulary, got \"ba\""},
    {"/model/merges/0", "\"ab\"", wrong,
     "model.merges[0]: expected two tokens with a space between, got \"ab\""},
    {"/model/merges/1", "[\"a\"]", wrong,
     "model.merges[1]: expected two tokens, got an array of 1"},
    {"/model/merges", "null", wrong,
     "model.merges: expected an array, got null"},
    {"/model/continuing_subword_prefix", "\"##\"", wrong,
     "model.merges[0]: expected a right token that starts with \"##\", got "
     "\"b\""},
    {"/model/byte_fallback", "\"yes\"", wrong,
     "model.byte_fallback: expected true or false, got \"yes\""},
    {"/added_tokens/0/id", "7", wrong,
     "added_tokens[0].id: expected 6 (for \"<s>\"), got 7"},
    {"/added_tokens/0/id", "99999999999999999999", wrong,
     "added_tokens[0].id: expected an integer from 0 to 2097151, got 1e+20"},
    {"/added_tokens/0/content", "\"a\"", wrong,
     "added_tokens[0].id: expected 0 (the vocabulary's id of \"a\"), got 6"},
    {"/added_tokens/0/content", "\"\"", wrong,
     "added_tokens[0].content: expected a text of 1 to 4096 bytes, got \"\""},
    {"/added_tokens/0/special", "null", wrong,
     "added_tokens[0].special: expected true or false, got null"},
};

std::string errorOf(const std::string &text, ExitCode &code) {
  try {
    Tokenizer::parse(text, "tokenizer.json");
  } catch (const Error &error) {
    code = error.exitCode();
    return error.what();
  }
  return "no error";
}
} // namespace

TEST(TokenizerError, NamesFileAndKey) {
  for (const Broken &broken : kBroken) {
    json document = tinyTokenizer();
    document[json::json_pointer(broken.pointer)] = json::parse(broken.value);
    ExitCode code{};
    std::string message = errorOf(document.dump(), code);
    std::string expected = std::string("tokenizer.json: ") + broken.message;
    EXPECT_EQ(message.substr(0, expected.size()), expected);
    EXPECT_EQ(code, broken.code) << message;
  }
}

TEST(TokenizerError, MissingModel) {
  json document = tinyTokenizer();
  document.erase("model");
  ExitCode code{};
  EXPECT_EQ(errorOf(document.dump(), code),
            "tokenizer.json: expected a member \"model\", got none");
}

TEST(TokenizerError, DuplicateAddedTokens) {
  json document = tinyTokenizer();
  auto &list = document["added_tokens"];
  list.push_back(list[0]);
  ExitCode code{};
  EXPECT_EQ(errorOf(document.dump(), code),
            "tokenizer.json: added_tokens[1].content: expected a token that is "
            "not in the list yet, got \"<s>\"");

  // Two texts that the normaliser makes one.
  document["normalizer"] = {{"type", "Lowercase"}};
  list[0]["normalized"] = list[1]["normalized"] = true;
  list[1]["content"] = "<S>";
  list[1]["id"] = 7;
  EXPECT_EQ(errorOf(document.dump(), code),
            "tokenizer.json: added_tokens[1].content: \"<S>\" and \"<s>\" "
            "normalise alike");
}

TEST(TokenizerError, NotJson) {
  for (const char *text :
       {"", "{", "{\"version\": \"1.0\"", "nul", "[1,]", "{\"a\": \"\xff\"}",
        "{\"a\": \"\\ud800\"}", "{} {}"}) {
    ExitCode code{};
    std::string message = errorOf(text, code);
    EXPECT_EQ(message.rfind("tokenizer.json: expected JSON: ", 0), 0u)
        << message;
    EXPECT_EQ(code, wrong);
  }
}

TEST(TokenizerError, DeepNesting) {
  std::string deep(200000, '[');
  ExitCode code{};
  EXPECT_NE(errorOf(deep, code), "no error");
  EXPECT_NE(errorOf(deep + std::string(200000, ']'), code), "no error");

  json normalizer = {{"type", "NFC"}};
  for (int i = 0; i < 40; ++i)
    normalizer = {{"type", "Sequence"}, {"normalizers", {normalizer}}};
  json document = tinyTokenizer();
  document["normalizer"] = normalizer;
  EXPECT_NE(errorOf(document.dump(), code).find("sequences nested too deeply"),
            std::string::npos);
}

TEST(TokenizerError, NoFile) {
  try {
    Tokenizer::load("/nonexistent/tokenizer.json");
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "/nonexistent/tokenizer.json: expected a "
                               "readable file, got No such file or directory");
  }
}

// A pattern with nested repeats gives an error in bounded time, not a hang.
TEST(TokenizerError, MatchLimit) {
  json document = tinyTokenizer();
  document["pre_tokenizer"] = json::parse(
      R"({"type": "Split", "pattern": {"Regex": "(?:a|b|ab)*[^abd]"},
          "behavior": "Isolated", "invert": false})");
  auto tokenizer = parse(document);
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "ab";
  try {
    tokenizer->encode(text + "d");
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(),
                 "the tokenizer's pattern cannot split this text: "
                 "match limit exceeded");
  }
}
