// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Safetensors.h"

#include "TestFiles.h"

#include <gtest/gtest.h>

using namespace mlir::moe;
using namespace mlir::moe::test;

namespace {

std::string parseImage(llvm::StringRef image) {
  return messageOf(SafetensorsFile::parse(
      llvm::MemoryBuffer::getMemBufferCopy(image), "m.safetensors"));
}

/// The error for a header over `dataBytes` of data.
std::string parseHeader(llvm::StringRef header, size_t dataBytes) {
  return parseImage(makeSafetensors(header, dataBytes));
}

TEST(Safetensors, ReadsTensors) {
  std::string image = makeSafetensors(R"({"__metadata__": {"format": "pt"},
    "b": {"dtype": "F32", "shape": [2, 1], "data_offsets": [4, 12]},
    "a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
    "empty": {"dtype": "F16", "shape": [0, 7], "data_offsets": [4, 4]},
    "scalar": {"dtype": "U8", "shape": [], "data_offsets": [12, 13]}})",
                                      13);
  auto file =
      SafetensorsFile::parse(llvm::MemoryBuffer::getMemBufferCopy(image), "m");
  ASSERT_TRUE(static_cast<bool>(file)) << llvm::toString(file.takeError());
  EXPECT_EQ(file->getKeys(),
            (llvm::ArrayRef<std::string>{"a", "empty", "b", "scalar"}));
  const TensorView *b = file->lookup("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->dtype, DType::F32);
  EXPECT_EQ(formatShape(b->shape), "[2, 1]");
  EXPECT_EQ(b->bytes.size(), 8u);
  EXPECT_EQ(b->bytes[0], 4);
  EXPECT_EQ(file->lookup("c"), nullptr);
}

TEST(Safetensors, ReadsNoTensors) { EXPECT_EQ(parseHeader("{}", 0), ""); }

TEST(Safetensors, RejectsTruncation) {
  EXPECT_EQ(
      parseImage("1234567"),
      "m.safetensors: header length: expected at least 8 bytes, got 7 bytes");
  std::string image = makeSafetensors("{}", 0);
  EXPECT_EQ(parseImage(llvm::StringRef(image).drop_back()),
            "m.safetensors: header length: expected at most the 1 bytes that "
            "follow it, got 2");
  std::string tensor =
      R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})";
  EXPECT_EQ(parseHeader(tensor, 7), "m.safetensors: a: expected data_offsets "
                                    "within the 7 bytes of data, got [0, 8]");
}

TEST(Safetensors, RejectsHugeHeader) {
  std::string image = makeSafetensors("{}", 0);
  llvm::support::endian::write64le(image.data(), 100'000'001);
  EXPECT_EQ(parseImage(image), "m.safetensors: header length: expected at most "
                               "100000000, got 100000001");
  llvm::support::endian::write64le(image.data(), ~0ull);
  EXPECT_NE(parseImage(image), "");
}

TEST(Safetensors, RejectsHeaderThatIsNoObject) {
  EXPECT_NE(parseHeader("{", 0), "");
  EXPECT_NE(parseHeader("", 0), "");
  EXPECT_EQ(parseHeader("[1]", 0),
            "m.safetensors: header: expected a JSON object, got [1]");
}

TEST(Safetensors, RejectsDuplicateKeys) {
  EXPECT_EQ(
      parseHeader(
          R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},)"
          R"("a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})",
          1),
      "m.safetensors: a: expected each key once, got a second one at byte 60");
}

TEST(Safetensors, RejectsMalformedEntries) {
  EXPECT_EQ(parseHeader(R"({"a": 1})", 0),
            "m.safetensors: a: expected an object with dtype, shape and "
            "data_offsets, got 1");
  EXPECT_EQ(
      parseHeader(
          R"({"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4], "x": 1}})",
          4),
      "m.safetensors: a: expected only dtype, shape and data_offsets, got 'x'");
  EXPECT_EQ(parseHeader(R"({"a": {"shape": [], "data_offsets": [0, 4]}})", 4),
            "m.safetensors: a: expected a dtype, got none");
  EXPECT_EQ(
      parseHeader(
          R"({"a": {"dtype": "F31", "shape": [], "data_offsets": [0, 4]}})", 4),
      "m.safetensors: a: expected a dtype of the safetensors format, got "
      "'F31'");
  EXPECT_EQ(
      parseHeader(R"({"a": {"dtype": "F32", "data_offsets": [0, 4]}})", 4),
      "m.safetensors: a: expected a shape, got none");
  EXPECT_EQ(parseHeader(R"({"a": {"dtype": "F32", "shape": [1]}})", 4),
            "m.safetensors: a: expected data_offsets [begin, end] with 0 <= "
            "begin <= end, got none");
  EXPECT_EQ(parseHeader(R"({"__metadata__": {"a": 1}})", 0),
            "m.safetensors: __metadata__.a: expected a string, got 1");
  EXPECT_EQ(
      parseHeader(R"({"__metadata__": []})", 0),
      "m.safetensors: __metadata__: expected an object of strings, got []");
}

TEST(Safetensors, RejectsBadShapes) {
  EXPECT_EQ(
      parseHeader(
          R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})",
          4),
      "m.safetensors: a: expected a shape of non-negative integers, got [-1]");
  EXPECT_NE(
      parseHeader(
          R"({"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}})",
          4),
      "");
  // 2^62 × 4 bytes wraps to 0.
  EXPECT_EQ(
      parseHeader(
          R"({"a": {"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 0]}})",
          0),
      "m.safetensors: a: expected a size that fits 64 bits, got shape "
      "[4611686018427387904]");
  EXPECT_EQ(
      parseHeader(
          R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})",
          8),
      "m.safetensors: a: expected 12 bytes for F32[3], got 8 from data_offsets "
      "[0, 8]");
}

TEST(Safetensors, RejectsBadOffsets) {
  EXPECT_NE(
      parseHeader(
          R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 0]}})", 1),
      "");
  EXPECT_NE(
      parseHeader(
          R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [-1, 0]}})",
          1),
      "");
  EXPECT_NE(
      parseHeader(
          R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0]}})", 1),
      "");
}

TEST(Safetensors, RejectsOverlapAndHoles) {
  EXPECT_EQ(parseHeader(
                R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                            "b": {"dtype": "U8", "shape": [4], "data_offsets": [3, 7]}})",
                7),
            "m.safetensors: b: expected data from byte 4, where the tensor "
            "before it ends, got an overlap: "
            "data_offsets [3, 7]");
  EXPECT_EQ(parseHeader(
                R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                            "b": {"dtype": "U8", "shape": [2], "data_offsets": [5, 7]}})",
                7),
            "m.safetensors: b: expected data from byte 4, where the tensor "
            "before it ends, got a hole: "
            "data_offsets [5, 7]");
  EXPECT_EQ(
      parseHeader(
          R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}})", 5),
      "m.safetensors: data: expected 4 bytes as the header says, got 5 bytes");
}

TEST(Safetensors, EscapesAndCutsKeys) {
  std::string message =
      parseHeader("{\"a\\n" + std::string(500, 'k') + "\": 1}", 0);
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_LT(message.size(), 400u);
}

TEST(Safetensors, NamesUnreadableFiles) {
  EXPECT_EQ(
      messageOf(SafetensorsFile::open("/nonexistent/m.safetensors")),
      "/nonexistent/m.safetensors: cannot be read: No such file or directory");
}

} // namespace
