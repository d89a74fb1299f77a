// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ToolProcess.h"

#include "moe/Runtime/Manifest.h"

#include <algorithm>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

using namespace moe::rt;
using nlohmann::json;

ToolResult moe::rt::runShell(const std::string &command) {
  std::string base =
      testing::TempDir() + "/moe-run-test-" + std::to_string(::getpid());
  std::string output = base + ".out", talk = base + ".err";
  int status =
      std::system(("( " + command + " ) > " + output + " 2> " + talk).c_str());
  ToolResult result = {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                       readBytes(output), readBytes(talk)};
  ::unlink(output.c_str());
  ::unlink(talk.c_str());
  return result;
}

json moe::rt::fakeTokenizer() {
  json vocabulary = json::object();
  for (int i = 0; i < 14; ++i)
    vocabulary[std::string(1, static_cast<char>('a' + i))] = i;
  vocabulary["\u0120"] = 14; // A space, as byte-level vocabularies spell it.
  json byteLevel = {{"type", "ByteLevel"},
                    {"add_prefix_space", false},
                    {"trim_offsets", true},
                    {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens",
           {{{"id", FAKE_EOS},
             {"content", "<end>"},
             {"single_word", false},
             {"lstrip", false},
             {"rstrip", false},
             {"normalized", false},
             {"special", true}}}},
          {"normalizer", nullptr},
          {"pre_tokenizer", byteLevel},
          {"post_processor", nullptr},
          {"decoder", byteLevel},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocabulary},
            {"merges", json::array()}}}};
}

void moe::rt::addTokenizer(FakeArtefact &artefact) {
  artefact.addFile("tokenizer.json", fakeTokenizer().dump());
}

void moe::rt::expectToolError(const ToolResult &result, ExitCode code,
                              const std::string &text) {
  EXPECT_EQ(result.exitCode, static_cast<int>(code)) << result.talk;
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.talk.rfind("moe-run: error: ", 0), 0u) << result.talk;
  EXPECT_NE(result.talk.find(text), std::string::npos)
      << result.talk << "  does not contain: " << text;
  EXPECT_EQ(std::count(result.talk.begin(), result.talk.end(), '\n'), 1)
      << result.talk;
}
