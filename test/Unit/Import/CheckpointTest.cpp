// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Checkpoint.h"

#include "TestFiles.h"

#include <gtest/gtest.h>

using namespace mlir::moe;
using namespace mlir::moe::test;

namespace {

/// A shard with one byte per key.
std::string makeShard(std::initializer_list<llvm::StringRef> keys) {
  std::string header = "{";
  size_t offset = 0;
  for (llvm::StringRef key : keys) {
    header += (offset ? "," : "") + ("\"" + key.str() + "\"") +
              R"(:{"dtype":"U8","shape":[1],"data_offsets":[)" +
              std::to_string(offset) + "," + std::to_string(offset + 1) + "]}";
    ++offset;
  }
  return makeSafetensors(header + "}", offset);
}

struct CheckpointTest : testing::Test {
  std::string open() { return messageOf(Checkpoint::open(dir.str())); }
  void writeIndex(llvm::StringRef text) {
    dir.write("model.safetensors.index.json", text);
  }
  std::string indexPath() { return dir.file("model.safetensors.index.json"); }
  TemporaryDirectory dir;
};

TEST_F(CheckpointTest, SingleFile) {
  dir.write("model.safetensors", makeShard({"a", "b"}));
  auto checkpoint = Checkpoint::open(dir.str());
  ASSERT_TRUE(static_cast<bool>(checkpoint))
      << llvm::toString(checkpoint.takeError());
  EXPECT_EQ(checkpoint->getKeys(), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(checkpoint->lookup("b").has_value());
  EXPECT_EQ(checkpoint->lookup("b")->file, dir.file("model.safetensors"));
  EXPECT_EQ(checkpoint->lookup("b")->view.bytes, "\1");
  EXPECT_FALSE(checkpoint->lookup("c").has_value());
}

TEST_F(CheckpointTest, Shards) {
  dir.write("x-1.safetensors", makeShard({"a", "b"}));
  dir.write("x-2.safetensors", makeShard({"c"}));
  writeIndex(R"({"metadata": {"total_size": 3},
    "weight_map": {"a": "x-1.safetensors", "b": "x-1.safetensors", "c": "x-2.safetensors"}})");
  auto checkpoint = Checkpoint::open(dir.str());
  ASSERT_TRUE(static_cast<bool>(checkpoint))
      << llvm::toString(checkpoint.takeError());
  EXPECT_EQ(checkpoint->getIndexPath(), indexPath());
  EXPECT_EQ(checkpoint->lookup("c")->file, dir.file("x-2.safetensors"));
}

TEST_F(CheckpointTest, NamesMissingFiles) {
  EXPECT_EQ(open(), dir.str().str() +
                        ": expected model.safetensors or "
                        "model.safetensors.index.json, got neither");
  EXPECT_EQ(messageOf(Checkpoint::open(dir.file("none"))),
            dir.file("none") +
                ": expected a model directory, got nothing at this path");
  writeIndex(R"({"weight_map": {"a": "x.safetensors"}})");
  EXPECT_EQ(open(), dir.file("x.safetensors") +
                        ": expected a shard, as model.safetensors.index.json "
                        "lists it, got no such file");
}

TEST_F(CheckpointTest, RejectsBadIndex) {
  writeIndex("{}");
  EXPECT_EQ(open(), indexPath() + ": weight_map: expected an object from "
                                  "tensor name to shard, got none");
  writeIndex(R"({"weight_map": {"a": 1}})");
  EXPECT_EQ(open(), indexPath() +
                        ": weight_map.a: expected the name of a .safetensors "
                        "file in the same directory, got 1");
  writeIndex(R"({"weight_map": {}, "extra": 1})");
  EXPECT_EQ(open(),
            indexPath() +
                ": extra: expected only metadata and weight_map, got this key");
  writeIndex("{");
  EXPECT_NE(open(), "");
}

TEST_F(CheckpointTest, RefusesToLeaveTheDirectory) {
  for (llvm::StringRef name :
       {"../x.safetensors", "/x.safetensors", "a/x.safetensors",
        "..\\\\x.safetensors", ".safetensors", "x.bin",
        "x\\u0000.safetensors"}) {
    writeIndex(("{\"weight_map\": {\"a\": \"" + name + "\"}}").str());
    EXPECT_NE(
        open().find("weight_map.a: expected the name of a .safetensors file"),
        std::string::npos)
        << name.str();
  }
}

TEST_F(CheckpointTest, RejectsDisagreement) {
  dir.write("x-1.safetensors", makeShard({"a", "b"}));
  writeIndex(
      R"({"weight_map": {"a": "x-1.safetensors", "c": "x-1.safetensors"}})");
  EXPECT_EQ(open(),
            dir.file("x-1.safetensors") +
                ": c: expected this tensor, as model.safetensors.index.json "
                "says, got none of that name");
  writeIndex(R"({"weight_map": {"a": "x-1.safetensors"}})");
  EXPECT_EQ(open(),
            dir.file("x-1.safetensors") +
                ": b: expected only tensors that model.safetensors.index.json "
                "places here, got this one");
}

TEST_F(CheckpointTest, RejectsAKeyInTwoShards) {
  dir.write("x-1.safetensors", makeShard({"a", "b"}));
  dir.write("x-2.safetensors", makeShard({"b"}));
  writeIndex(
      R"({"weight_map": {"a": "x-1.safetensors", "b": "x-2.safetensors"}})");
  EXPECT_EQ(open(),
            dir.file("x-1.safetensors") +
                ": b: expected only tensors that model.safetensors.index.json "
                "places here, got this one");
  dir.write("x-1.safetensors", makeShard({"a"}));
  dir.write("x-2.safetensors", makeShard({"b", "a"}));
  EXPECT_EQ(open(), dir.file("x-2.safetensors") +
                        ": a: expected each tensor in one shard, got it in " +
                        dir.file("x-1.safetensors") + " too");
}

} // namespace
