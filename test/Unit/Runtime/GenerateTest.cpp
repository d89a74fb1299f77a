// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Generate.h"
#include "FakeArtefact.h"
#include "moe/Runtime/Artefact.h"

#include <cmath>

using namespace moe::rt;

namespace {

class GenerateTest : public testing::Test {
protected:
  Generation run(const std::vector<int32_t> &prompt, GenerationOptions options,
                 const GenerationVisitor &visitor = {}) {
    return generate(session, sampler, prompt, options, visitor);
  }

  FakeArtefact files;
  std::unique_ptr<Executable> executable =
      makeCompiledModel(Artefact::open(files.path()), 2);
  Session session{*executable};
  Sampler sampler{FAKE_VOCAB, {}};
};

constexpr int64_t many = 1000;

} // namespace

// By hand: the sum after {4} is 5, so token 5 follows; (5 + 1) * 2 more makes
// 17 = 1 mod 16; (1 + 1) * 3 makes 23 = 7; (7 + 1) * 4 makes 55 = 7 again.
TEST_F(GenerateTest, GeneratesAsManyAsAskedFor) {
  size_t rowSize = 0;
  std::vector<int32_t> visited;
  GenerationVisitor visitor;
  visitor.prompt = [&](Span<const float> logits) { rowSize = logits.size(); };
  visitor.token = [&](int32_t token) {
    visited.push_back(token);
    return true;
  };
  Generation result = run({4}, {4, false}, visitor);
  EXPECT_EQ(result.tokens, (std::vector<int32_t>{5, 1, 7, 7}));
  EXPECT_EQ(visited, result.tokens);
  EXPECT_EQ(result.reason, FinishReason::length);
  EXPECT_EQ(result.stepSeconds.size(), 3u);
  EXPECT_EQ(rowSize, size_t{FAKE_VOCAB});
  // From the start again, not from where it stopped.
  EXPECT_EQ(run({4}, {4, false}).tokens, result.tokens);
}

TEST_F(GenerateTest, StopsAtTheEndOfSequenceToken) {
  // 14 + 1 = 15 is the end of sequence.
  Generation result = run({14}, {many, false});
  EXPECT_EQ(result.tokens, std::vector<int32_t>{FAKE_EOS});
  EXPECT_EQ(result.reason, FinishReason::stop);
  result = run({14}, {3, true});
  EXPECT_EQ(result.tokens.size(), 3u);
  EXPECT_EQ(result.reason, FinishReason::length);
}

TEST_F(GenerateTest, StopsAtTheLongestSequence) {
  Generation result = run({1, 2}, {many, true});
  EXPECT_EQ(result.tokens.size(), size_t{FAKE_MAX_LENGTH - 2});
  EXPECT_EQ(result.reason, FinishReason::maxLength);
  result = run({1, 2}, {FAKE_MAX_LENGTH - 2, true});
  EXPECT_EQ(result.reason, FinishReason::length);
}

TEST_F(GenerateTest, TheVisitorMayStopIt) {
  GenerationVisitor visitor;
  visitor.token = [](int32_t) { return false; };
  Generation result = run({4}, {many, false}, visitor);
  EXPECT_EQ(result.tokens.size(), 1u);
  EXPECT_EQ(result.reason, FinishReason::stop);
}

TEST_F(GenerateTest, NoNewTokensIsPrefillAlone) {
  Generation result = run({4}, {0, false});
  EXPECT_TRUE(result.tokens.empty());
  EXPECT_EQ(result.reason, FinishReason::length);
  EXPECT_EQ(result.tokensPerSecond(), 0);
}

TEST_F(GenerateTest, PerplexityStartsEveryWindowAgain) {
  std::vector<int32_t> tokens = {4, 5, 1, 7, 0, 0};
  // Logits -|v - peak|, summed by hand over a window of three and one of two.
  auto loss = [](int peak, int token) {
    double sum = 0;
    for (int v = 0; v < FAKE_VOCAB; ++v)
      sum += std::exp(-std::abs(v - peak));
    return std::log(sum) + std::abs(token - peak);
  };
  double expected = loss(5, 5) + loss(1, 1) + loss(7, 7) + // after 4, 5, 1
                    loss(8, 0) + loss(10, 0);              // after 7, 0
  Perplexity result = perplexity(session, tokens, 3);
  EXPECT_EQ(result.tokens, 5);
  EXPECT_NEAR(result.negativeLogLikelihood, expected, 1e-5);
  EXPECT_NEAR(result.value(), std::exp(expected / 5), 1e-5);
}

TEST_F(GenerateTest, PerplexityRefusesWhatItCannotScore) {
  auto score = [&](std::vector<int32_t> tokens, int64_t window) {
    return [this, tokens, window] { perplexity(session, tokens, window); };
  };
  expectError(ExitCode::commandLine, "--window", score({1, 2}, 0));
  expectError(ExitCode::commandLine, "max_len = 32", score({1, 2}, 33));
  expectError(ExitCode::inputWrong, "at least two tokens", score({1}, 4));
  expectError(ExitCode::inputWrong, "ids from 0 to 15", score({1, 16}, 4));
}

TEST(StopMatcher, HoldsBackTheBeginningOfAStopString) {
  StopMatcher matcher({"END", "\n\n"});
  EXPECT_EQ(matcher.push("some "), "some ");
  EXPECT_EQ(matcher.push("tE"), "t");
  EXPECT_EQ(matcher.push("N"), "");
  EXPECT_EQ(matcher.push("T\n"), "ENT");
  EXPECT_EQ(matcher.push("x\n"), "\nx");
  EXPECT_FALSE(matcher.stopped());
  EXPECT_EQ(matcher.push("\nmore"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.push("more"), "");
  EXPECT_EQ(matcher.flush(), "");
}

TEST(StopMatcher, TheEarliestStopStringCounts) {
  StopMatcher matcher({"cd", "abc"});
  EXPECT_EQ(matcher.push("..abcd"), "..");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopMatcher, FlushGivesTheRest) {
  StopMatcher matcher({"END", ""});
  EXPECT_EQ(matcher.push("an EN"), "an ");
  EXPECT_EQ(matcher.flush(), "EN");
  EXPECT_EQ(matcher.flush(), "");
}
