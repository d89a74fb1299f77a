// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ToolProcess.h"

#include <cmath>
#include <filesystem>

using namespace moe::rt;
using nlohmann::json;

namespace {

class MoeRun : public testing::Test {
protected:
  MoeRun() { addTokenizer(files); }

  ToolResult run(const std::string &arguments) {
    return runTool(files.path() + " " + arguments);
  }

  FakeArtefact files;
};

} // namespace

// The tokens are worked out in GenerateTest.cpp: e, then f b h h.
TEST_F(MoeRun, StreamsTextAndReportsOnStderr) {
  ToolResult result = run("--prompt=e -n 4");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_EQ(result.output, "fbhh\n");
  for (const char *line :
       {"load", "first token", "prefill      1 tokens", "decode       3 tokens",
        "p99", "weights", "KV caches", "arena", "peak memory", "threads",
        "finished     length"})
    EXPECT_NE(result.talk.find(line), std::string::npos) << line;
  EXPECT_EQ(run("--prompt=e -n 4 --no-stats").talk, "");
}

TEST_F(MoeRun, PrintsOneJsonObject) {
  ToolResult result = run("--json --prompt-ids 4 -n 4 --temperature=0");
  EXPECT_EQ(result.exitCode, 0);
  json object = json::parse(result.output);
  EXPECT_EQ(object["tokens"], json({5, 1, 7, 7}));
  EXPECT_EQ(object["text"], "fbhh");
  EXPECT_EQ(object["prompt_tokens"], 1);
  EXPECT_EQ(object["weight_bytes"], FAKE_VOCAB * 4);
  EXPECT_EQ(object["finish_reason"], "length");
  for (const char *key : {"prefill_s", "decode_s", "tokens_per_s", "kv_bytes",
                          "peak_rss", "load_s"})
    EXPECT_TRUE(object[key].is_number()) << key;
  EXPECT_GT(object["peak_rss"], 0);
  EXPECT_EQ(object["device"], "cpu");
  EXPECT_EQ(object["simulated"], false);
}

TEST_F(MoeRun, ChunksAndThreadsChangeNothing) {
  std::string prompt =
      "--prompt=abcdefghijklmnabc -n 8 --ignore-eos --no-stats ";
  std::string expected = run(prompt).output;
  for (const char *option : {"--prefill-chunk=1", "--prefill-chunk 7",
                             "--threads=1", "--threads=2", "--verify=none"})
    EXPECT_EQ(run(prompt + option).output, expected) << option;
}

TEST_F(MoeRun, StopsWhereItIsTold) {
  EXPECT_EQ(run("--prompt=e -n 9 --no-stats --stop=xyz --stop=bh").output,
            "f\n");
  json object = json::parse(run("--json --prompt-ids=14 -n 9").output);
  EXPECT_EQ(object["tokens"], json({FAKE_EOS}));
  EXPECT_EQ(object["text"], "");
  EXPECT_EQ(object["finish_reason"], "stop");
  object =
      json::parse(run("--json --prompt-ids=14 -n 999 --ignore-eos").output);
  EXPECT_EQ(object["tokens"].size(), size_t{FAKE_MAX_LENGTH - 1});
  EXPECT_EQ(object["finish_reason"], "max_len");
}

TEST_F(MoeRun, TheLastValueCounts) {
  EXPECT_EQ(run("-n 9 --prompt=a --prompt=e -n 2 --no-stats").output, "fb\n");
}

TEST_F(MoeRun, ReadsPromptsFromFilesAndPutsTheFirstTokenFirst) {
  writeBytes(files.path("prompt"), "e");
  std::string rest = " -n 4 --no-stats";
  EXPECT_EQ(run("--prompt-file=" + files.path("prompt") + rest).output,
            "fbhh\n");
  EXPECT_EQ(runShell("printf e | " MOE_RUN " " + files.path() +
                     " --prompt-file=- " + rest)
                .output,
            "fbhh\n");
  EXPECT_EQ(json::parse(run("--bos --prompt=e --json").output)["prompt_tokens"],
            2);
  EXPECT_EQ(
      json::parse(run("--bos --prompt=ae --json").output)["prompt_tokens"], 2);
}

TEST_F(MoeRun, WritesLogits) {
  std::string path = files.path("logits.npy");
  EXPECT_EQ(run("--prompt=e -n 0 --logits=" + path).exitCode, 0);
  std::string bytes = readBytes(path);
  ASSERT_EQ(bytes.size(), 128 + FAKE_VOCAB * sizeof(float));
  const auto *row = reinterpret_cast<const float *>(bytes.data() + 128);
  EXPECT_EQ(row[5], 0);
  EXPECT_EQ(row[0], -5);
}

TEST_F(MoeRun, MeasuresPerplexity) {
  writeBytes(files.path("text"), "efb");
  ToolResult result =
      run("--window=8 --json --perplexity=" + files.path("text"));
  json object = json::parse(result.output);
  EXPECT_EQ(object["tokens"], 2);
  // Both are predicted right, at peaks 5 and 1.
  double loss = 0;
  for (int peak : {5, 1}) {
    double sum = 0;
    for (int v = 0; v < FAKE_VOCAB; ++v)
      sum += std::exp(-std::abs(v - peak));
    loss += std::log(sum);
  }
  EXPECT_NEAR(object["perplexity"], std::exp(loss / 2), 1e-5);
  EXPECT_NEAR(object["bits_per_byte"], loss / std::log(2) / 3, 1e-5);
}

TEST_F(MoeRun, PrintsThePlanWithoutLoading) {
  std::filesystem::remove(files.path("weights.bin"));
  ToolResult result = run("--plan");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_NE(result.output.find("arena                  256 bytes"),
            std::string::npos)
      << result.output;
  json object = json::parse(run("--plan --json").output);
  EXPECT_EQ(object["total_bytes"], 64 + 512 + 256);
}

TEST_F(MoeRun, RefusesBadInput) {
  auto expectInput = [&](const char *arguments, const char *text) {
    SCOPED_TRACE(arguments);
    expectToolError(run(arguments), ExitCode::inputWrong, text);
  };
  expectInput("--prompt=", "at least one token");
  expectInput("--prompt-ids=", "at least one token");
  expectInput("--prompt-ids=1,16", "token 1: expected an id from 0 to 15");
  expectInput("--prompt-ids=-1",
              "token 0: expected an id from 0 to 15, got -1");
  expectInput("--prompt=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
              "at most max_len = 32 tokens, got 36");
  expectInput("--prompt-file=/no/such/file", "/no/such/file: expected");
  expectInput("--prompt=a --logits=/no/such/file.npy", "/no/such/file.npy");
  expectToolError(runTool("/no/such/model --prompt=a"), ExitCode::inputWrong,
                  "/no/such/model: expected an artefact");
  expectToolError(runTool("/usr --prompt=a"), ExitCode::inputWrong,
                  "/usr: expected manifest.json");
}

TEST_F(MoeRun, RefusesBadCommandLines) {
  auto expectUsage = [&](const char *arguments, const char *text) {
    SCOPED_TRACE(arguments);
    expectToolError(run(arguments), ExitCode::commandLine, text);
  };
  expectUsage("", "expected one of --prompt");
  expectUsage("--prompt=a --prompt-ids=1", "expected one of --prompt");
  expectUsage("--no-such-option", "--no-such-option");
  expectUsage("--prompt-ids=1,x", "--prompt-ids: expected token ids");
  expectUsage("--prompt-ids=1,,2", "--prompt-ids");
  expectUsage("--prompt-ids=99999999999", "--prompt-ids");
  expectUsage("--prompt=a -n=-1", "-n: expected");
  expectUsage("--prompt=a -n many", "many");
  expectUsage("--prompt=a --temperature=-1", "--temperature: expected");
  expectUsage("--prompt=a --temperature=nan", "--temperature: expected");
  expectUsage("--prompt=a --top-p=2", "--top-p: expected");
  expectUsage("--prompt=a --threads=-1", "--threads: expected");
  expectUsage("--prompt=a --device=tpu", "--device: expected cpu, cuda, sim");
  expectUsage("--prompt=a --verify=maybe", "--verify");
  expectUsage("--prompt=a --dtype=f64", "--dtype: expected f32, bf16");
  expectUsage("--prompt=a --kv=sliding:0", "--kv: expected");
  expectUsage("--prompt=a --max-len=0", "--max-len: expected");
  expectUsage("--prompt=a --prefill-chunk=9", "--prefill-chunk: expected");
  expectUsage("--prompt=a --dtype=bf16", "--dtype: expected f32, as the");
  expectUsage("--prompt=a --max-len=8", "--max-len: expected 32, as the");
  expectUsage("--prompt=a --device=reference", "got an artefact");
  expectUsage("--prompt=a --device=sim", "--device: expected cpu, as the "
                                         "artefact was compiled for cpu, got "
                                         "sim");
  expectUsage(
      "--prompt=a --target=sm_80",
      "--target: expected cpu, as the artefact was compiled, got sm_80");
  expectUsage("--prompt=a --target=sm_80 --device=cpu",
              "--target: expected cpu, for --device=cpu, got sm_80");
  expectUsage("--prompt=a --target=cpu --device=cuda",
              "--target: expected a GPU's, for --device=cuda, got cpu");
  expectToolError(runTool(""), ExitCode::commandLine, "model is required");
}

TEST_F(MoeRun, SaysWhatIsNotInThisVersion) {
  for (const char *arguments : {"--dtype=int8", "--dtype=int4", "--kv=offload",
                                "--kv=int8", "--target=sm_100a"}) {
    SCOPED_TRACE(arguments);
    expectToolError(run(std::string("--prompt=a ") + arguments),
                    ExitCode::unsupported, "in this version");
  }
}

class MoeRunOnDevice : public testing::Test {
protected:
  ToolResult run(const std::string &arguments,
                 const std::string &environment = "") {
    return runShell(environment + " " MOE_RUN " " + files.path() +
                    " --prompt-ids=4 -n 4 " + arguments);
  }

  FakeArtefact files{FAKE_DEVICE_CODE, fakeDeviceManifest()};
};

TEST_F(MoeRunOnDevice, Simulated) {
  ToolResult result = run("--device=sim --json");
  EXPECT_EQ(result.exitCode, 0) << result.talk;
  json object = json::parse(result.output);
  EXPECT_EQ(object["tokens"], json({5, 1, 7, 7}));
  EXPECT_TRUE(object["simulated"]);
  EXPECT_EQ(object["device"].get<std::string>().rfind("Simulated NVIDIA ", 0),
            0u);
  EXPECT_NE(result.talk.find("simulated, times are this host's"),
            std::string::npos)
      << result.talk;
  // What it was compiled for may be said, and another library be named.
  std::string folder = std::filesystem::path(MOE_SIM_LIBCUDA).parent_path();
  EXPECT_EQ(run("--device=sim --target=sm_80 --no-stats",
                "MOE_SIM_DEVICE=h100 MOE_SIM_FOLDER=" + folder)
                .output,
            "5 1 7 7\n");
  expectToolError(run("--device=sim", "MOE_SIM_FOLDER=/no/such"),
                  ExitCode::unsupported,
                  "/no/such/libcuda.so.1: expected the simulated GPU");
}

// A GPU is what an artefact for one runs on unless it is told otherwise.
TEST_F(MoeRunOnDevice, ADriverIsFoundAsAnyLibrary) {
  std::string folder = std::filesystem::path(MOE_SIM_LIBCUDA).parent_path();
  for (const char *device : {"", "--device=cuda"}) {
    ToolResult result = run(std::string(device) + " --json --no-stats",
                            "LD_LIBRARY_PATH=" + folder);
    EXPECT_EQ(result.exitCode, 0) << result.talk;
    EXPECT_TRUE(json::parse(result.output)["simulated"]);
  }
}

TEST_F(MoeRunOnDevice, SaysWhatIsMissing) {
  ToolResult result = run("--device=cuda --no-stats");
  if (result.exitCode == 0)
    EXPECT_EQ(result.output, "5 1 7 7\n");
  else
    expectToolError(result, ExitCode::unsupported, "libcuda.so.1: ");
  expectToolError(run("--device=cpu"), ExitCode::commandLine,
                  "--device: expected cuda or sim, as the artefact was "
                  "compiled for sm_80, got cpu");
  json manifest = fakeDeviceManifest();
  manifest["memory"]["arena_bytes"] = int64_t{100} << 30;
  FakeArtefact large(FAKE_DEVICE_CODE, manifest);
  expectToolError(runTool(large.path() + " --prompt-ids=4 --device=sim"),
                  ExitCode::memory, "bytes are free");
}

TEST_F(MoeRun, NeedsATokenizerForText) {
  FakeArtefact bare;
  expectToolError(runTool(bare.path() + " --prompt=a"), ExitCode::inputWrong,
                  "tokenizer.json: expected a tokenizer for text");
  expectToolError(runTool(bare.path() + " --prompt-ids=1 --stop=x"),
                  ExitCode::inputWrong, "a tokenizer for --stop");
  EXPECT_EQ(runTool(bare.path() + " --prompt-ids=4 -n 4").output, "5 1 7 7\n");
}

TEST_F(MoeRun, HelpHasAnExample) {
  for (const char *arguments : {"--help", "-h"}) {
    ToolResult result = runTool(arguments);
    EXPECT_EQ(result.exitCode, 0);
    EXPECT_EQ(result.talk, "");
    EXPECT_NE(result.output.find("Example:"), std::string::npos);
  }
  EXPECT_EQ(runTool("--version").output.rfind("moe-run ", 0), 0u);
}

TEST_F(MoeRun, AReaderMayGoAway) {
  ToolResult result = runShell(
      "(sleep 0.2; " MOE_RUN " " + files.path() +
      " --prompt=e -n 20 --ignore-eos --no-stats; echo $? >&2) | true");
  EXPECT_EQ(result.talk, "0\n");
}

TEST_F(MoeRun, AFullDiskIsAnError) {
  ToolResult result = run("--prompt=e -n 4 --no-stats > /dev/full");
  EXPECT_EQ(result.exitCode, static_cast<int>(ExitCode::inputWrong));
  EXPECT_NE(result.talk.find("stdout: cannot write"), std::string::npos);
}
