// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Regex.h"

#include <gtest/gtest.h>

using namespace moe::rt::tok;

/// The matches in brackets: "a[bc]d".
static std::string marked(const char *pattern, const std::string &text) {
  std::string result;
  for (const Span &span : Regex::fromPattern(pattern).spans(text)) {
    std::string part = text.substr(span.begin, span.end - span.begin);
    result += span.isMatch ? "[" + part + "]" : part;
  }
  return result;
}

// Where Oniguruma reads a pattern otherwise than PCRE2.
TEST(Regex, OnigurumaSyntax) {
  EXPECT_EQ(marked("^b", "a\nb"), "a\n[b]");
  EXPECT_EQ(marked("a$", "a\nb"), "[a]\nb");
  EXPECT_EQ(marked(".+", "ab\nc"), "[ab]\n[c]");
  EXPECT_EQ(marked("\\h+", "xAf0\t"), "x[Af0]\t");
  EXPECT_EQ(marked("a{2}+", "aaaaa"), "[aaaa]a");
  EXPECT_EQ(marked("ba{2}?", "baab"), "[baa][b]");
  EXPECT_EQ(marked("a{,2}b", "aaab"), "a[aab]");
  EXPECT_EQ(marked("a{x}", "a{x}"), "[a{x}]");
  EXPECT_EQ(marked("\\v", "a\v\n"), "a[\v]\n");
  EXPECT_EQ(marked("[a-c&&[^b]]+", "abcd"), "[a]b[c]d");
  EXPECT_EQ(marked("[^\\W\\d]+", "a1_b"), "[a]1[_b]");
  EXPECT_EQ(marked("[[a-b]x]+", "axbc"), "[axb]c");
  EXPECT_EQ(marked("[]a]+", "a]b"), "[a]]b");
  EXPECT_EQ(marked("(?i:k)+", "kK\u212A"), "[kK\u212A]");
}

// U+31350 is a letter since Unicode 15, U+180E no space since Unicode 6.3.
TEST(Regex, UnicodeOfTokenizers) {
  EXPECT_EQ(marked("\\p{L}", "\U00031350"), "[\U00031350]");
  EXPECT_EQ(marked("\\P{L}", "\U00031350"), "\U00031350");
  EXPECT_EQ(marked("[\\P{L}]", "\U00031350"), "\U00031350");
  EXPECT_EQ(marked("\\p{Cn}", "\U00031350"), "\U00031350");
  EXPECT_EQ(marked("\\p{^han}", "\U00031350"), "\U00031350");
  EXPECT_EQ(marked("\\s", "\u180E"), "\u180E");
  EXPECT_EQ(marked("\\S", "\u180E"), "[\u180E]");
}

TEST(Regex, EmptyMatches) {
  EXPECT_EQ(marked("x*", "axb"), "[]a[x]b[]");
  EXPECT_EQ(marked("", "ä"), "[]ä[]");
  EXPECT_EQ(marked("x*", ""), "");
}

TEST(Regex, Refusals) {
  auto refusal = [](const char *pattern) {
    try {
      Regex::fromPattern(pattern);
    } catch (const RegexError &error) {
      return (error.unsupported ? "unsupported: " : "wrong: ") +
             std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(refusal("\\p{Klingon}"),
            "unsupported: \\p{Klingon} is not supported");
  EXPECT_EQ(refusal("(?m:a)"), "unsupported: (?m here is not supported");
  EXPECT_EQ(refusal("a\\G"), "unsupported: \\G is not supported");
  EXPECT_EQ(refusal("[a-\\d]"),
            "unsupported: a range up to a set is not supported");
  EXPECT_EQ(refusal("[z-a]"), "wrong: a range in a set runs backwards");
  EXPECT_EQ(refusal("[a"), "wrong: a set needs a closing ]");
  EXPECT_EQ(refusal("a)"), "wrong: unmatched )");
  EXPECT_EQ(refusal("\\"), "wrong: the pattern ends with a backslash");
  EXPECT_EQ(refusal("\\x{110000}"), "wrong: \\x and \\u need the hexadecimal "
                                    "digits of a code point");
  EXPECT_EQ(refusal("*a"),
            "wrong: quantifier does not follow a repeatable item");
  EXPECT_EQ(refusal(std::string(70000, 'a').c_str()),
            "wrong: pattern longer than 65536 bytes");
}

// The JIT's stack does not limit the length of a match.
TEST(Regex, LongMatch) {
  std::string text(200000, 'a');
  EXPECT_EQ(Regex::fromPattern("(?:a|b)+").spans(text).size(), 1u);
}
