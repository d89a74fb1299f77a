// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fake model on the simulated GPU, where kernels run: what goes wrong
// there, and what is left working.
#include "FakeArtefact.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Generate.h"

using namespace moe::rt;
using nlohmann::json;

namespace {

std::unique_ptr<Executable> open(const FakeArtefact &files) {
  return makeDeviceModel(Artefact::open(files.path()), MOE_SIM_LIBCUDA);
}

FakeArtefact makeFiles(const char *code = FAKE_DEVICE_CODE) {
  return FakeArtefact(code, fakeDeviceManifest());
}

/// Calls the entry that goes wrong (see FakeDeviceModel.c).
void goWrong(Executable &executable, int64_t how) {
  int32_t zeros[8] = {};
  moe_tensor tensor = {zeros, {how}};
  executable.run(executable.entryIndex("wrong"), &tensor);
}

/// Tokens after {4}, worked out in GenerateTest.cpp.
void expectTokens(Executable &executable) {
  Session session(executable);
  Sampler sampler(FAKE_VOCAB, {});
  Generation result =
      generate(session, sampler, std::vector<int32_t>{4}, {4, false}, {});
  EXPECT_EQ(result.tokens, (std::vector<int32_t>{5, 1, 7, 7}));
}

/// Runs prefill on one token of this sequence.
void prefill(Executable &executable, int32_t sequence) {
  int32_t zero = 0;
  float logits[FAKE_VOCAB];
  moe_tensor tensors[] = {{&zero, {1}},
                          {&zero, {1}},
                          {&sequence, {1}},
                          {&zero, {1}},
                          {logits, {1, FAKE_VOCAB}}};
  executable.run(executable.entryIndex("prefill"), tensors);
}

} // namespace

TEST(SimulatedDevice, SaysThatItIsOne) {
  auto executable = open(makeFiles());
  EXPECT_TRUE(executable->device().simulated);
  EXPECT_EQ(executable->device().name.rfind("Simulated NVIDIA ", 0), 0u);
  expectTokens(*executable);
}

TEST(SimulatedDevice, PtxIsTakenEvenBesideMachineCode) {
  FakeArtefact files = makeFiles();
  files.addFile("kernels/model.cubin", "\177ELF and more");
  expectTokens(*open(files));
}

TEST(SimulatedDevice, TwoModelsRunSideBySide) {
  auto first = open(makeFiles()), second = open(makeFiles());
  Session one(*first), other(*second);
  one.prefill(0, std::vector<int32_t>{1, 2, 3});
  expectTokens(*second);
  one.reset(0);
  expectTokens(*first);
}

TEST(SimulatedDevice, AnEntryThatFailsCanBeCalledAgain) {
  auto executable = open(makeFiles());
  expectError(ExitCode::checkFailed, "wrong: the host code says no",
              [&] { goWrong(*executable, FAKE_WRONG_HOST); });
  expectError(ExitCode::inputWrong,
              "wrong: launch: expected a kernel below 3, got 3",
              [&] { goWrong(*executable, FAKE_WRONG_KERNEL_NUMBER); });
  expectError(ExitCode::unsupported,
              "wrong: stray: expected 1 to 2147483647 blocks, got 2147483648",
              [&] { goWrong(*executable, FAKE_WRONG_BLOCKS); });
  expectError(ExitCode::checkFailed,
              "prefill: expected a sequence below 2, got 9",
              [&] { prefill(*executable, 9); });
  expectTokens(*executable);
}

// The words of the status are zero again for the next call.
TEST(SimulatedDevice, AFailedCheckDoesNotStay) {
  auto executable = open(makeFiles());
  for (int32_t sequence : {-1, 2})
    expectError(ExitCode::checkFailed,
                "below 2, got " + std::to_string(sequence),
                [&] { prefill(*executable, sequence); });
  prefill(*executable, 1);
}

TEST(SimulatedDevice, AFailedCheckNeedsNoText) {
  auto executable = open(makeFiles(FAKE_DEVICE_CODE_WITHOUT_TEXT));
  expectError(ExitCode::checkFailed,
              "prefill: a check failed that the code has no text for",
              [&] { prefill(*executable, 2); });
}

TEST(SimulatedDevice, AStrayWriteEndsItsOwnModelAlone) {
  auto broken = open(makeFiles()), other = open(makeFiles());
  for (int i = 0; i < 2; ++i)
    expectError(ExitCode::internal, "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal",
                [&] { goWrong(*broken, FAKE_WRONG_ADDRESS); });
  expectTokens(*other);
  broken.reset();
  expectTokens(*open(makeFiles()));
}

TEST(SimulatedDevice, PtxThatIsWrongComesWithItsPlace) {
  FakeArtefact files = makeFiles();
  std::string text = readBytes(FAKE_KERNELS);
  files.addFile("kernels/model.ptx", text + "\n.visible .entry what(\n");
  expectError(ExitCode::inputWrong,
              "refuses it: CUDA_ERROR_INVALID_PTX (a PTX JIT compilation "
              "failed): ",
              [&] { open(files); });
}

TEST(SimulatedDevice, CodeForANewerOneIsRefused) {
  json manifest = fakeDeviceManifest();
  manifest["target"]["arch"] = "sm_121";
  expectError(ExitCode::unsupported, "which Simulated NVIDIA ",
              [&] { open(FakeArtefact(FAKE_DEVICE_CODE, manifest)); });
}

TEST(SimulatedDevice, OutOfMemoryGivesBothFigures) {
  json manifest = fakeDeviceManifest();
  manifest["memory"]["arena_bytes"] = int64_t{100} << 30;
  expectError(ExitCode::memory, "bytes on Simulated NVIDIA ",
              [&] { open(FakeArtefact(FAKE_DEVICE_CODE, manifest)); });
  // What the virtual device has, but this machine may not.
  if (availableMemory() < uint64_t{79} << 30) {
    manifest["memory"]["arena_bytes"] = int64_t{79} << 30;
    expectError(ExitCode::memory,
                "memory of the simulated GPU: cannot allocate",
                [&] { open(FakeArtefact(FAKE_DEVICE_CODE, manifest)); });
  }
}
