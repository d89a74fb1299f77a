// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Session.h"
#include "FakeArtefact.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Error.h"

#include <algorithm>
#include <numeric>

using namespace moe::rt;

namespace {

/// What the fake model predicts after `tokens` (see FakeModel.c).
int32_t expectedNext(const std::vector<int32_t> &tokens) {
  int64_t sum = 0;
  for (size_t p = 0; p < tokens.size(); ++p)
    sum += (tokens[p] + 1) * static_cast<int64_t>(p + 1);
  return static_cast<int32_t>(sum % FAKE_VOCAB);
}

int32_t argmax(Span<const float> row) {
  return static_cast<int32_t>(
      std::max_element(row.begin(), row.begin() + FAKE_VOCAB) - row.begin());
}

std::vector<int32_t> someTokens(size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<int32_t>((i * 7 + 3) % FAKE_VOCAB);
  return tokens;
}

/// The same tests for every device.
class SessionTest : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    std::string device = GetParam();
    if (device == "cpu")
      executable = makeCompiledModel(Artefact::open(FakeArtefact().path()), 2);
    else if (device == "sim")
      executable = openOnDevice(MOE_SIM_LIBCUDA);
    else
      openOnGpu();
  }

  static std::unique_ptr<Executable> openOnDevice(const char *driver) {
    FakeArtefact files(FAKE_DEVICE_CODE, fakeDeviceManifest());
    return makeDeviceModel(Artefact::open(files.path()), driver);
  }
  void openOnGpu() {
    try {
      executable = openOnDevice("libcuda.so.1");
    } catch (const Error &error) {
      if (error.exitCode() != ExitCode::unsupported)
        throw;
      GTEST_SKIP() << "no GPU here: " << error.what();
    }
    // An open library of that name is that library.
    if (executable->device().simulated)
      GTEST_SKIP() << "no GPU here, only " << executable->device().name;
  }

  std::unique_ptr<Executable> executable;
};

INSTANTIATE_TEST_SUITE_P(On, SessionTest, testing::Values("cpu", "sim", "cuda"),
                         [](const auto &test) { return test.param; });

} // namespace

TEST_P(SessionTest, PrefillGivesTheSameInAnyChunks) {
  std::vector<int32_t> prompt = someTokens(21);
  for (int64_t chunk : {0, 1, 3, 7, 8}) {
    Session session(*executable, chunk);
    size_t done = 0;
    Span<const float> logits =
        session.prefill(0, prompt, [&](size_t count) { done = count; });
    EXPECT_EQ(argmax(logits), expectedNext(prompt)) << chunk;
    EXPECT_EQ(session.position(0), 21);
    EXPECT_EQ(done, 21u);
  }
}

TEST_P(SessionTest, PrefillAllVisitsEveryRow) {
  std::vector<int32_t> prompt = someTokens(19);
  Session session(*executable);
  size_t next = 0;
  session.prefillAll(0, prompt, [&](size_t first, Span<const float> logits) {
    EXPECT_EQ(first, next);
    for (size_t row = 0; row < logits.size() / FAKE_VOCAB; ++row, ++next) {
      std::vector<int32_t> history(prompt.begin(), prompt.begin() + next + 1);
      EXPECT_EQ(argmax(logits.slice(row * FAKE_VOCAB, FAKE_VOCAB)),
                expectedNext(history));
    }
  });
  EXPECT_EQ(next, prompt.size());
}

TEST_P(SessionTest, SequencesDoNotDisturbEachOther) {
  Session session(*executable);
  std::vector<std::vector<int32_t>> histories = {someTokens(5), someTokens(11)};
  session.prefill(0, histories[0]);
  session.prefill(1, histories[1]);
  // Both, one and the other in turn, both again.
  const std::vector<std::vector<int32_t>> steps = {
      {1, 2}, {3, Session::idle}, {Session::idle, 4}, {5, 6}};
  for (const std::vector<int32_t> &step : steps) {
    Span<const float> logits = session.decode(step);
    for (int s = 0; s < FAKE_BATCH; ++s) {
      if (step[s] == Session::idle)
        continue;
      histories[s].push_back(step[s]);
      EXPECT_EQ(argmax(logits.slice(s * FAKE_VOCAB, FAKE_VOCAB)),
                expectedNext(histories[s]));
    }
  }
}

TEST_P(SessionTest, ResetStartsAgain) {
  Session session(*executable);
  session.prefill(0, someTokens(9));
  session.reset(0);
  EXPECT_EQ(session.position(0), 0);
  std::vector<int32_t> prompt = {4, 2};
  EXPECT_EQ(argmax(session.prefill(0, prompt)), expectedNext(prompt));
  session.reset();
  EXPECT_EQ(session.position(0), 0);
  EXPECT_EQ(argmax(session.prefill(1, prompt)), expectedNext(prompt));
}

TEST_P(SessionTest, RefusesWhatItCannotRun) {
  Session session(*executable);
  auto prefill = [&](const std::vector<int32_t> &tokens) {
    return [&session, tokens] { session.prefill(0, tokens); };
  };
  expectError(ExitCode::inputWrong, "at least one token", prefill({}));
  expectError(ExitCode::inputWrong,
              "token 1: expected an id from 0 to 15, got 16",
              prefill({1, FAKE_VOCAB}));
  expectError(ExitCode::inputWrong, "token 0: expected an id", prefill({-1}));
  expectError(ExitCode::inputWrong, "at most max_len = 32 tokens, got 33",
              prefill(someTokens(33)));
  EXPECT_EQ(session.position(0), 0);

  session.prefill(0, someTokens(FAKE_MAX_LENGTH));
  expectError(ExitCode::inputWrong, "got 33", prefill({1}));
  expectError(ExitCode::inputWrong, "max_len = 32",
              [&] { session.decode(std::vector<int32_t>{1, Session::idle}); });
  expectError(ExitCode::inputWrong, "expected 2 tokens, got 1",
              [&] { session.decode(std::vector<int32_t>{1}); });
  // A full sequence may stay idle while the other goes on.
  session.decode(std::vector<int32_t>{Session::idle, 1});
  EXPECT_EQ(session.position(1), 1);
}

TEST_P(SessionTest, ChunksAreWithinThePlan) {
  for (int64_t chunk : {-1, FAKE_CHUNK + 1})
    expectError(ExitCode::commandLine, "--prefill-chunk: expected a number",
                [&] { Session session(*executable, chunk); });
}

TEST(Session, NeedsALanguageModel) {
  nlohmann::json manifest = fakeManifest();
  manifest.erase("model");
  manifest["entries"]["layer"] = manifest["entries"]["decode"];
  manifest["entries"].erase("prefill");
  FakeArtefact files(FAKE_CODE, manifest);
  auto executable = makeCompiledModel(Artefact::open(files.path()));
  expectError(ExitCode::unsupported, "expected prefill, got decode, layer",
              [&] { Session session(*executable); });
}

TEST_P(SessionTest, TellsWhichCheckOfTheCodeFailed) {
  int32_t token = 1, position = 0, sequence = FAKE_BATCH, row = 0;
  std::vector<float> logits(FAKE_VOCAB);
  moe_tensor tensors[] = {{&token, {1}},
                          {&position, {1}},
                          {&sequence, {1}},
                          {&row, {1}},
                          {logits.data(), {1, FAKE_VOCAB}}};
  try {
    executable->run(executable->entryIndex("prefill"), tensors);
    FAIL() << "no error";
  } catch (const Error &error) {
    EXPECT_EQ(error.exitCode(), ExitCode::checkFailed);
    EXPECT_STREQ(error.what(),
                 GetParam() == std::string("cpu")
                     ? "prefill: a sequence is out of range"
                     : "prefill: expected a sequence below 2, got 2");
  }
  sequence = 0;
  executable->run(executable->entryIndex("prefill"), tensors);
}

TEST(CompiledModel, RefusesAPlanThatDoesNotFit) {
  nlohmann::json manifest = fakeManifest();
  manifest["memory"]["arena_bytes"] = int64_t{1} << 55;
  FakeArtefact files(FAKE_CODE, manifest);
  expectError(ExitCode::memory, "KV caches and arena: cannot allocate",
              [&] { makeCompiledModel(Artefact::open(files.path())); });
}

TEST(ReferenceModel, RunsThePlugin) {
  auto executable =
      openReferenceModel(FAKE_PLUGIN, "a model", fakeManifest().dump());
  Session session(*executable);
  std::vector<int32_t> prompt = someTokens(12);
  EXPECT_EQ(argmax(session.prefill(0, prompt)), expectedNext(prompt));
}

TEST(ReferenceModel, PassesErrorsOn) {
  expectError(ExitCode::unsupported, "a message from the plugin",
              [] { openReferenceModel(FAKE_PLUGIN, "unsupported", "{}"); });
  expectError(ExitCode::inputWrong, "a model: dtype: expected a value",
              [] { openReferenceModel(FAKE_PLUGIN, "a model", "{}"); });
  expectError(ExitCode::unsupported, "no-such.so: expected the reference",
              [] { openReferenceModel("/no-such.so", "a model", "{}"); });
  expectError(ExitCode::unsupported, "moe_reference: expected version 1",
              [] { openReferenceModel(FAKE_CODE, "a model", "{}"); });
}
