// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Utf8.h"

#include <gtest/gtest.h>

using namespace moe::rt::tok;

TEST(Utf8, EveryCodePoint) {
  std::string text;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF)
      continue;
    text.clear();
    appendUtf8(text, c);
    size_t position = 0;
    ASSERT_EQ(takeCodePoint(text, position), c);
    ASSERT_EQ(position, text.size());
    ASSERT_TRUE(isValidUtf8(text));
  }
}

TEST(Utf8, IllFormed) {
  // Unicode 15, section 3.9: one replacement for each maximal subpart.
  EXPECT_EQ(toValidUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(toValidUtf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(toValidUtf8("\xED\xA0\x80\xF4\x91\xF5"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Utf8, MoveCompleteKeepsTheTail) {
  std::string bytes = "a\xFF\xE2\x82", text;
  moveComplete(bytes, text);
  EXPECT_EQ(text, "a\uFFFD");
  EXPECT_EQ(bytes, "\xE2\x82");
  bytes += "\xAC";
  moveComplete(bytes, text);
  EXPECT_EQ(text, "a\uFFFD€");
  EXPECT_EQ(bytes, "");
}
