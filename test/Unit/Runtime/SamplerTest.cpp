// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Sampler.h"
#include "FakeArtefact.h"
#include "moe/Runtime/Random.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace moe::rt;

namespace {

SamplingOptions readOptions(const nlohmann::json &json) {
  SamplingOptions options;
  options.temperature = json.at("temperature");
  options.topK = json.value("top_k", 0);
  options.topP = json.value("top_p", 1.0f);
  options.minP = json.value("min_p", 0.0f);
  options.repetitionPenalty = json.value("repetition_penalty", 1.0f);
  return options;
}

SamplingOptions withTemperature(float temperature) {
  SamplingOptions options;
  options.temperature = temperature;
  return options;
}

} // namespace

// The goldens come from make_sampler_goldens.py.
TEST(Sampler, KeepsWhatTransformersKeeps) {
  nlohmann::json file = nlohmann::json::parse(readBytes(SAMPLER_GOLDENS));
  for (const nlohmann::json &golden : file.at("goldens")) {
    SCOPED_TRACE(golden.at("options").dump());
    std::vector<float> logits = golden.at("logits");
    Sampler sampler(logits.size(), readOptions(golden.at("options")));
    for (int32_t token : golden.at("seen"))
      sampler.observe(token);
    std::map<int32_t, double> kept;
    for (const Candidate &candidate : sampler.filter(logits))
      kept[candidate.token] = candidate.probability;
    std::vector<int32_t> tokens = golden.at("kept");
    ASSERT_EQ(kept.size(), tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      ASSERT_TRUE(kept.count(tokens[i])) << tokens[i];
      double expected = golden.at("probabilities")[i];
      EXPECT_NEAR(kept[tokens[i]], expected, 1e-6 * expected + 1e-9);
    }
  }
}

TEST(Sampler, GreedyTakesTheHighestAndTheLowestIdOfEquals) {
  Sampler sampler(5, {});
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 2, 3, -1}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>(5, -INFINITY)), 0);
  EXPECT_EQ(sampler.sample(std::vector<float>{NAN, 1, NAN, 2, 0}), 3);
  expectError(ExitCode::internal, "only NaN",
              [&] { sampler.sample(std::vector<float>(5, NAN)); });
}

TEST(Sampler, PenaltyAppliesToGreedyChoice) {
  SamplingOptions options;
  options.repetitionPenalty = 2;
  Sampler sampler(3, options);
  std::vector<float> logits = {3, 2, -1};
  EXPECT_EQ(sampler.sample(logits), 0);
  EXPECT_EQ(sampler.sample(logits), 1);
  EXPECT_EQ(sampler.sample(logits), 0);
  sampler.reset();
  EXPECT_EQ(sampler.sample(logits), 0);
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -1.5, -9}), 1);
}

TEST(Sampler, DrawsFollowTheProbabilities) {
  std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  Sampler sampler(3, withTemperature(1));
  std::vector<int> counts(3);
  constexpr int draws = 100000;
  for (int i = 0; i < draws; ++i)
    ++counts[sampler.sample(logits)];
  // Five standard deviations.
  EXPECT_NEAR(counts[0], 0.5 * draws, 800);
  EXPECT_NEAR(counts[1], 0.3 * draws, 750);
  EXPECT_NEAR(counts[2], 0.2 * draws, 650);
}

TEST(Sampler, ASeedIsASequence) {
  std::vector<float> logits(100, 0.0f);
  auto draw = [&](uint64_t seed) {
    SamplingOptions options = withTemperature(1);
    options.seed = seed;
    Sampler sampler(100, options);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 20; ++i)
      tokens.push_back(sampler.sample(logits));
    return tokens;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  Sampler sampler(100, withTemperature(1));
  int32_t first = sampler.sample(logits);
  sampler.sample(logits);
  sampler.reset();
  EXPECT_EQ(sampler.sample(logits), first);
}

TEST(Sampler, InfinitiesAreOrdered) {
  Sampler sampler(3, withTemperature(0.5f));
  EXPECT_EQ(sampler.sample(std::vector<float>{1, INFINITY, 2}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-INFINITY, NAN, 2}), 2);
  expectError(ExitCode::internal, "got none",
              [&] { sampler.sample(std::vector<float>(3, -INFINITY)); });
}

TEST(Sampler, OptionsOutOfRangeAreNamed) {
  auto expectRefused = [](const char *option, SamplingOptions options) {
    expectError(ExitCode::commandLine, option,
                [&] { Sampler sampler(4, options); });
  };
  SamplingOptions options;
  expectRefused("--temperature", withTemperature(-1));
  expectRefused("--temperature", withTemperature(NAN));
  (options = {}).topK = -1;
  expectRefused("--top-k", options);
  (options = {}).topP = 1.5f;
  expectRefused("--top-p", options);
  (options = {}).minP = -0.5f;
  expectRefused("--min-p", options);
  (options = {}).repetitionPenalty = 0;
  expectRefused("--repetition-penalty", options);
}

// The known answers published with the generator (Random123, kat_vectors).
TEST(Random, PhiloxGivesTheKnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  constexpr uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                   {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, UniformIsBelowOne) {
  double sum = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    double number = uniform(42, i);
    ASSERT_GE(number, 0);
    ASSERT_LT(number, 1);
    sum += number;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.015);
}
