// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Manifest.h"
#include "FakeArtefact.h"

using namespace moe::rt;
using nlohmann::json;

namespace {

json wholeManifest() {
  json manifest = fakeManifest();
  for (const char *file : {"code.so", "weights.bin"})
    manifest["files"][file] = {{"bytes", FAKE_VOCAB * 4},
                               {"xxh3", "0123456789abcdef"}};
  return manifest;
}

json wholeDeviceManifest() {
  json manifest = fakeDeviceManifest();
  manifest["files"] = wholeManifest()["files"];
  manifest["files"]["kernels/model.ptx"] = manifest["files"]["code.so"];
  return manifest;
}

Manifest parse(const json &manifest) {
  return Manifest::parse(manifest.dump(), "m.json");
}

/// The manifest with the value at `pointer` replaced gives this error.
void expectMismatch(const char *pointer, const json &value, const char *text,
                    ExitCode code = ExitCode::inputWrong,
                    json manifest = wholeManifest()) {
  manifest[json::json_pointer(pointer)] = value;
  SCOPED_TRACE(pointer);
  expectError(code, text, [&] { parse(manifest); });
}

} // namespace

TEST(Manifest, ReadsWhatIsThere) {
  Manifest manifest = parse(wholeManifest());
  EXPECT_EQ(manifest.compiler, "a test");
  EXPECT_EQ(manifest.dtype, DType::f32);
  EXPECT_EQ(manifest.features, std::vector<std::string>{"sse2"});
  EXPECT_EQ(manifest.files.at("code.so").hash, 0x0123456789abcdefu);
  ASSERT_TRUE(manifest.model);
  EXPECT_EQ(manifest.model->vocabSize, FAKE_VOCAB);
  EXPECT_EQ(manifest.model->bosToken, 0);
  EXPECT_EQ(manifest.model->eosTokens, std::vector<int32_t>{FAKE_EOS});
  ASSERT_EQ(manifest.kv->layers.size(), 1u);
  EXPECT_EQ(manifest.kv->layers[0].capacity, FAKE_MAX_LENGTH);
  const EntrySpec *prefill = manifest.findEntry("prefill");
  ASSERT_TRUE(prefill);
  EXPECT_EQ(prefill->results[0].maxBytes(), FAKE_CHUNK * FAKE_VOCAB * 4);
  EXPECT_FALSE(manifest.findEntry("train"));
}

class WholeManifest : public testing::TestWithParam<const char *> {
protected:
  json whole = GetParam() == std::string("cpu") ? wholeManifest()
                                                : wholeDeviceManifest();
};
INSTANTIATE_TEST_SUITE_P(Of, WholeManifest, testing::Values("cpu", "cuda"),
                         [](const auto &test) { return test.param; });

TEST_P(WholeManifest, EveryRequiredKeyIsMissed) {
  json leaves = whole.flatten();
  int removed = 0;
  for (const auto &[pointer, value] : leaves.items()) {
    json::json_pointer path(pointer);
    std::string key = path.back();
    // Elements of arrays, and the one optional key.
    if (isdigit(key[0]) || key == "bos_token_id")
      continue;
    json manifest = whole;
    manifest[path.parent_pointer()].erase(key);
    SCOPED_TRACE(pointer);
    expectError(ExitCode::inputWrong, key + ": expected a value, got nothing",
                [&] { parse(manifest); });
    ++removed;
  }
  EXPECT_GT(removed, 40);
}

TEST_P(WholeManifest, EveryValueOfAnotherTypeIsRefused) {
  json leaves = whole.flatten();
  for (const auto &[pointer, value] : leaves.items()) {
    json manifest = whole;
    manifest[json::json_pointer(pointer)] =
        value.is_string() ? json(7) : json("seven");
    SCOPED_TRACE(pointer);
    expectError(ExitCode::inputWrong, "m.json: ", [&] { parse(manifest); });
  }
}

TEST(Manifest, ForeignOnesAreNamed) {
  expectMismatch("/format", "gguf", "format: expected moe-artefact");
  expectMismatch("/version", 2, "m.json: version: expected 1, got 2",
                 ExitCode::unsupported);
  expectMismatch("/target/kind", "sm_90a", "target.kind: expected cpu or cuda",
                 ExitCode::unsupported);
  expectMismatch("/kv/layers/0/policy", "int8", "kv.layers[0].policy",
                 ExitCode::unsupported);
}

TEST(Manifest, LyingSizesAreRefused) {
  expectMismatch("/memory/weights_bytes", 4, "files.weights.bin.bytes");
  expectMismatch("/memory/kv_bytes", -1, "memory.kv_bytes");
  expectMismatch("/memory/kv_bytes", uint64_t{1} << 63, "memory.kv_bytes");
  expectMismatch("/memory/kv_bytes", 8, "kv.layers[0].bytes");
  expectMismatch("/kv/layers/0/offset", 32, "a multiple of 64");
  expectMismatch("/kv/layers/0/bytes", 64, "kv.layers[0].bytes: expected at");
  expectMismatch("/kv/layers/0/heads", int64_t{1} << 55, "at most 2^56 bytes");
  expectMismatch("/kv/layers/0/capacity", 0, "kv.layers[0].capacity");
  expectMismatch("/model/vocab_size", 0, "model.vocab_size");
  expectMismatch("/model/eos_token_ids/0", FAKE_VOCAB,
                 "model.eos_token_ids[0]: expected an integer from 0 to 15");
  expectMismatch("/entries/decode/results/0/max_shape",
                 {int64_t{1} << 40, int64_t{1} << 40}, "max_shape");
  expectMismatch("/entries/decode/results/0/max_shape", {2},
                 "the static dimensions of shape");
}

TEST(Manifest, OverlappingCachesAreRefused) {
  json manifest = wholeManifest();
  manifest["kv"]["layers"].push_back(manifest["kv"]["layers"][0]);
  expectError(ExitCode::inputWrong, "kv.layers[1].offset: expected at least",
              [&] { parse(manifest); });
}

TEST(Manifest, SignaturesMustBeThoseOfALanguageModel) {
  expectMismatch("/model/prefill_chunk", FAKE_CHUNK * 2, "entries.prefill");
  expectMismatch("/model/batch", 1, "entries.decode");
  expectMismatch("/entries/prefill/args/3/name", "rows", "i32 out_rows[<= 8]");
  expectMismatch("/entries/decode/results/0/dtype", "bf16", "f32 logits");
}

TEST(Manifest, FilesLeadNowhereElse) {
  expectMismatch("/files/..~1secret",
                 {{"bytes", 1}, {"xxh3", "0123456789abcdef"}},
                 "files.../secret");
  expectMismatch("/files/code.so/xxh3", "0123456789ABCDEF",
                 "16 lower-case hexadecimal digits");
}

TEST(Manifest, ReadsKernels) {
  Manifest manifest = parse(wholeDeviceManifest());
  EXPECT_EQ(manifest.target(), "sm_80");
  EXPECT_EQ(manifest.gpu->modules, std::vector<std::string>{"kernels/model"});
  ASSERT_EQ(manifest.gpu->kernels.size(), 3u);
  const KernelSpec &kernel = manifest.gpu->kernels[0];
  EXPECT_EQ(kernel.name, "append");
  EXPECT_EQ(kernel.block, 32);
  EXPECT_EQ(kernel.paramBytes, (std::vector<int64_t>{8, 8, 8, 8, 8, 4}));
  EXPECT_EQ(parse(wholeManifest()).target(), "cpu");
}

TEST(Manifest, KernelsAreCheckedStrictly) {
  auto expectWrong = [](const char *pointer, const json &value,
                        const char *text) {
    expectMismatch(pointer, value, text, ExitCode::inputWrong,
                   wholeDeviceManifest());
  };
  for (const char *arch :
       {"", "sm_", "sm_8", "sm_080", "sm_80x", "sm_8a0", "sm_1000", "cpu"})
    expectWrong("/target/arch", arch, "an architecture such as sm_80");
  for (const char *version : {"", "8", "8.", "8.00", "x.0", "8,0"})
    expectWrong("/target/ptx", version, "a version such as 8.0");
  for (const char *module :
       {"", "kernels/", "model", "kernels/../x", "kernels/a.b", "/kernels/a"})
    expectWrong("/kernels/modules/0", module,
                "kernels.modules[0]: expected kernels/ and letters");
  expectWrong("/kernels/modules", json::array(), "at least one module");
  expectWrong("/kernels/modules/1", "kernels/model", "each module once");
  expectWrong("/kernels/modules/1", "kernels/more",
              "files.kernels/more.ptx: expected a value");
  expectWrong("/kernels/list/0/name", "", "the name of a kernel");
  expectWrong("/kernels/list/0/name", std::string("a\0b", 3),
              "the name of a kernel");
  expectWrong("/kernels/list/0/module", 1, "an integer from 0 to 0, got 1");
  expectWrong("/kernels/list/0/block", 0, "an integer from 1 to 1024");
  expectWrong("/kernels/list/0/block", 1025, "an integer from 1 to 1024");
  expectWrong("/kernels/list/0/shared", -1, "an integer from 0 to 1048576");
  expectWrong("/kernels/list/0/params/0", 0, "an integer from 1 to 32764");
  expectWrong("/kernels/list/0/params/0", 32764, "32764 bytes together");
  expectWrong("/files/kernels~1model.so", wholeManifest()["files"]["code.so"],
              "only code.so, weights.bin, kernels/model.ptx, tokenizer.json, "
              "kernels/model.cubin, kernels/model.json, got kernels/model.so");
  expectMismatch("/kernels", json::object(),
                 "kernels: expected nothing, as target.kind is cpu");
}

TEST(Manifest, BrokenJsonGivesAnOffset) {
  for (const char *text :
       {"", "{", "[1,", "{\"format\": 1e999}", "\xff\xfe", "nul", "{} {}"})
    expectError(ExitCode::inputWrong,
                "m.json: ", [&] { Manifest::parse(text, "m.json"); });
  expectError(ExitCode::inputWrong, "m.json: offset 9: expected well-formed",
              [&] { Manifest::parse("{\"a\": 1,]", "m.json"); });
}
