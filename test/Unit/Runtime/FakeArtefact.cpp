// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FakeArtefact.h"

#include "moe/Runtime/Manifest.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace moe::rt;

std::string moe::rt::readBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void moe::rt::writeBytes(const std::string &path, const std::string &bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  ASSERT_TRUE(file.good()) << path;
}

nlohmann::json moe::rt::fakeManifest() {
  constexpr int64_t kvBytes = FAKE_BATCH * FAKE_MAX_LENGTH * 4 * 2;
  auto ids = [](const char *name, int64_t extent, int64_t most) {
    return nlohmann::json{{"name", name},
                          {"dtype", "i32"},
                          {"shape", {extent}},
                          {"max_shape", {most}}};
  };
  auto logits = [](int64_t extent, int64_t most) {
    return nlohmann::json::array({{{"name", "logits"},
                                   {"dtype", "f32"},
                                   {"shape", {extent, FAKE_VOCAB}},
                                   {"max_shape", {most, FAKE_VOCAB}}}});
  };
  return {
      {"format", "moe-artefact"},
      {"version", 1},
      {"compiler", "a test"},
      {"target",
       {{"kind", "cpu"},
        {"triple", "x86_64-unknown-linux-gnu"},
        {"vector_bits", 128},
        {"features", {"sse2"}}}},
      {"dtype", "f32"},
      {"memory",
       {{"weights_bytes", FAKE_VOCAB * 4},
        {"kv_bytes", kvBytes},
        {"arena_bytes", FAKE_ARENA_BYTES}}},
      {"model",
       {{"family", "fake"},
        {"vocab_size", FAKE_VOCAB},
        {"max_len", FAKE_MAX_LENGTH},
        {"batch", FAKE_BATCH},
        {"prefill_chunk", FAKE_CHUNK},
        {"bos_token_id", 0},
        {"eos_token_ids", {FAKE_EOS}}}},
      {"kv",
       {{"policy", "static"},
        {"layers",
         {{{"policy", "static"},
           {"length", FAKE_MAX_LENGTH},
           {"capacity", FAKE_MAX_LENGTH},
           {"heads", 1},
           {"key_dim", 1},
           {"value_dim", 1},
           {"dtype", "f32"},
           {"offset", 0},
           {"bytes", kvBytes}}}}}},
      {"entries",
       {{"prefill",
         {{"symbol", "moe_entry_prefill"},
          {"args",
           {ids("tokens", -1, FAKE_CHUNK), ids("positions", -1, FAKE_CHUNK),
            ids("sequences", -1, FAKE_CHUNK), ids("out_rows", -1, FAKE_CHUNK)}},
          {"results", logits(-1, FAKE_CHUNK)}}},
        {"decode",
         {{"symbol", "moe_entry_decode"},
          {"args",
           {ids("tokens", FAKE_BATCH, FAKE_BATCH),
            ids("positions", FAKE_BATCH, FAKE_BATCH),
            ids("sequences", FAKE_BATCH, FAKE_BATCH)}},
          {"results", logits(FAKE_BATCH, FAKE_BATCH)}}}}},
  };
}

nlohmann::json moe::rt::fakeDeviceManifest() {
  nlohmann::json manifest = fakeManifest();
  manifest["target"].update(
      {{"kind", "cuda"}, {"arch", "sm_80"}, {"ptx", "8.0"}});
  auto kernel = [](const char *name, int block,
                   const std::vector<int> &params) {
    return nlohmann::json{{"name", name},
                          {"module", 0},
                          {"block", block},
                          {"shared", 0},
                          {"params", params}};
  };
  manifest["kernels"] = {
      {"modules", {"kernels/model"}},
      {"list",
       {kernel("append", 32, {8, 8, 8, 8, 8, 4}),
        kernel("logits", 16, {8, 8, 8, 8, 8, 8}), kernel("stray", 1, {8})}}};
  manifest["entries"]["wrong"] = {{"symbol", "moe_entry_wrong"},
                                  {"args",
                                   {{{"name", "how"},
                                     {"dtype", "i32"},
                                     {"shape", {-1}},
                                     {"max_shape", {8}}}}},
                                  {"results", nlohmann::json::array()}};
  return manifest;
}

FakeArtefact::FakeArtefact(const std::string &code, nlohmann::json manifest) {
  std::string pattern = testing::TempDir() + "/moe-artefact-XXXXXX";
  directory = ::mkdtemp(pattern.data());
  // No bias: the peak alone decides.
  writeManifest(manifest);
  addFile("weights.bin", std::string(FAKE_VOCAB * 4, '\0'));
  addFile("code.so", readBytes(code));
  if (manifest["target"]["kind"] == "cuda") {
    std::filesystem::create_directory(path("kernels"));
    addFile("kernels/model.ptx", readBytes(FAKE_KERNELS));
  }
}

void FakeArtefact::addFile(const std::string &file, const std::string &bytes) {
  writeBytes(path(file), bytes);
  nlohmann::json changed = manifest();
  changed["files"][file] = {
      {"bytes", bytes.size()},
      {"xxh3", formatHash(hashBytes(bytes.data(), bytes.size()))}};
  writeManifest(changed);
}

FakeArtefact::~FakeArtefact() {
  std::error_code ignored;
  if (!directory.empty())
    std::filesystem::remove_all(directory, ignored);
}

nlohmann::json FakeArtefact::manifest() const {
  return nlohmann::json::parse(readBytes(path("manifest.json")));
}

void FakeArtefact::writeManifest(const std::string &text) {
  writeBytes(path("manifest.json"), text);
  writeBytes(path("manifest.json.xxh3"),
             formatHash(hashBytes(text.data(), text.size())) + "\n");
}

void FakeArtefact::flipByte(const std::string &file, size_t offset) {
  std::string bytes = readBytes(path(file));
  bytes.at(offset) ^= 1;
  writeBytes(path(file), bytes);
}
