// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model directory is compiled on first use: here by a script in place of
// moe-compile, which copies an artefact made before.
#include "ToolProcess.h"

#include <filesystem>

using namespace moe::rt;
namespace fs = std::filesystem;

namespace {

class CompileOnUse : public testing::Test {
protected:
  CompileOnUse() {
    std::string pattern = testing::TempDir() + "/moe-first-use-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    fs::create_directories(folder / "bin");
    fs::create_directories(folder / "model");
    fs::copy(MOE_RUN, folder / "bin" / "moe-run");
    writeBytes(folder / "model" / "config.json", "{}");
    writeCompiler("for last; do :; done\n"
                  "echo \"$@\" >> " +
                  (folder / "calls").string() +
                  "\n"
                  "cp -r " +
                  artefact.path() +
                  " \"$3\"\n"
                  "echo talk of the compiler\n");
  }
  ~CompileOnUse() override { fs::remove_all(folder); }

  void writeCompiler(const std::string &script) {
    fs::path path = folder / "bin" / "moe-compile";
    writeBytes(path, "#!/bin/sh\n" + script);
    fs::permissions(path, fs::perms::owner_all);
  }
  ToolResult run(const std::string &arguments = "") {
    return runShell("XDG_CACHE_HOME=" + (folder / "cache").string() + " " +
                    (folder / "bin" / "moe-run").string() + " " +
                    (folder / "model").string() +
                    " --prompt-ids=4 -n 4 --no-stats " + arguments);
  }
  /// Calls of the compiler so far.
  long calls() const {
    std::string lines = readBytes(folder / "calls");
    return std::count(lines.begin(), lines.end(), '\n');
  }

  FakeArtefact artefact;
  fs::path folder;
};

} // namespace

TEST_F(CompileOnUse, CompilesOnceAndSaysSo) {
  ToolResult first = run();
  EXPECT_EQ(first.exitCode, 0) << first.talk;
  EXPECT_EQ(first.output, "5 1 7 7\n");
  EXPECT_NE(first.talk.find("(first use) into"), std::string::npos);
  EXPECT_NE(first.talk.find("talk of the compiler"), std::string::npos);
  ToolResult second = run();
  EXPECT_EQ(second.output, "5 1 7 7\n");
  EXPECT_EQ(second.talk, "");
  EXPECT_EQ(calls(), 1);
}

TEST_F(CompileOnUse, OptionsAreThePartOfTheKeyAndPassedOn) {
  run("--dtype=bf16 --kv=sliding:8 --max-len=32 --batch=2 --target=cpu");
  std::string call = readBytes(folder / "calls");
  EXPECT_NE(call.find(" --target=cpu --dtype=bf16 --kv=sliding:8 --max-len=32 "
                      "--batch=2\n"),
            std::string::npos)
      << call;
  run("--dtype=f32");
  EXPECT_EQ(calls(), 2);
}

TEST_F(CompileOnUse, TheDeviceChoosesTheTarget) {
  for (const char *arguments :
       {"--device=sim", "--device=cuda", "--device=sim --target=sm_80"}) {
    // What the script copies is for the CPU.
    ToolResult result = run(arguments);
    EXPECT_EQ(result.exitCode, 2) << result.talk;
    std::string call = readBytes(folder / "calls");
    EXPECT_NE(call.find(" --target=sm_80\n"), std::string::npos) << call;
  }
  EXPECT_EQ(calls(), 1);
  EXPECT_EQ(run("--device=cpu").output, "5 1 7 7\n");
  EXPECT_EQ(calls(), 2);
}

TEST_F(CompileOnUse, AChangedModelIsCompiledAgain) {
  run();
  writeBytes(folder / "model" / "config.json", "{ }");
  run();
  EXPECT_EQ(calls(), 2);
}

TEST_F(CompileOnUse, ADamagedCopyIsCompiledAgain) {
  run();
  for (const auto &entry : fs::directory_iterator(folder / "cache" / "moe"))
    if (entry.is_directory())
      writeBytes(entry.path() / "weights.bin", "x");
  ToolResult result = run();
  EXPECT_EQ(result.output, "5 1 7 7\n");
  EXPECT_NE(result.talk.find("weights.bin: size"), std::string::npos);
  EXPECT_NE(result.talk.find("again into"), std::string::npos);
  EXPECT_EQ(calls(), 2);
}

TEST_F(CompileOnUse, TheCompilersErrorGoesThrough) {
  writeCompiler("echo 'moe-compile: error: rope_scaling' >&2; exit 3\n");
  ToolResult result = run();
  EXPECT_EQ(result.exitCode, 3);
  EXPECT_NE(result.talk.find("moe-compile: error: rope_scaling\n"),
            std::string::npos);
  EXPECT_EQ(result.talk.find("moe-run: error"), std::string::npos);
}

TEST_F(CompileOnUse, AMissingCompilerIsNamed) {
  fs::remove(folder / "bin" / "moe-compile");
  ToolResult result =
      runShell("PATH=/nowhere XDG_CACHE_HOME=" + (folder / "cache").string() +
               " " + (folder / "bin" / "moe-run").string() + " " +
               (folder / "model").string() + " --prompt-ids=4");
  expectToolError(result, ExitCode::unsupported,
                  "moe-compile: expected a program beside moe-run");
}
