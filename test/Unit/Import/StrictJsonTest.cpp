// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/StrictJson.h"

#include "TestFiles.h"

#include <gtest/gtest.h>

using namespace mlir::moe;
using namespace mlir::moe::test;

namespace {

std::string parseError(llvm::StringRef text) {
  return messageOf(parseStrictJson(text, "f.json"));
}

TEST(StrictJson, AcceptsJson) {
  EXPECT_EQ(parseError(R"({"a": [1, {"b": "a"}], "b": {"a": "x,\"a\":"}})"),
            "");
}

TEST(StrictJson, RejectsWhatIsNotJson) {
  EXPECT_TRUE(llvm::StringRef(parseError("{\"a\": }"))
                  .starts_with("f.json: expected JSON, got [1:"));
  EXPECT_NE(parseError(""), "");
  EXPECT_NE(parseError("{\"a"), "");
  EXPECT_NE(parseError("{\"a\\"), "");
  EXPECT_NE(parseError("{} trailing"), "");
  EXPECT_NE(parseError("{\"a\": NaN}"), "");
}

TEST(StrictJson, RejectsInvalidUTF8) {
  EXPECT_NE(parseError("{\"\xff\": 1}"), "");
}

TEST(StrictJson, RejectsDuplicateKeys) {
  EXPECT_EQ(parseError(R"({"a": 1, "a": 2})"),
            "f.json: a: expected each key once, got a second one at byte 9");
  // The same key in another spelling.
  EXPECT_EQ(parseError(R"({"a": 1, "\u0061": 2})"),
            "f.json: a: expected each key once, got a second one at byte 9");
  EXPECT_NE(parseError(R"([{"x": {"k": 1, "k": 1}}])"), "");
  EXPECT_EQ(parseError(R"([{"k": 1}, {"k": 1}])"), "");
}

TEST(StrictJson, BoundsNesting) {
  EXPECT_EQ(parseError(std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_EQ(
      parseError(std::string(100000, '[')),
      "f.json: expected JSON nested at most 64 deep, got more at byte 64");
}

TEST(StrictJson, ErrorsAreOneLine) {
  std::string message = parseError("{\"a\\nb\": 1, \"a\\nb\": 2}");
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_NE(message, "");
}

TEST(StrictJson, ReadsObjectsOnly) {
  TemporaryDirectory dir;
  dir.write("list.json", "[]");
  EXPECT_EQ(messageOf(readStrictJsonObject(dir.file("list.json"))),
            dir.file("list.json") + ": expected a JSON object, got []");
  EXPECT_EQ(messageOf(readStrictJsonObject(dir.file("none.json"))),
            dir.file("none.json") +
                ": cannot be read: No such file or directory");
}

} // namespace
