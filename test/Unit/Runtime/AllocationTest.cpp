// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts heap allocations of the whole process while it decodes. A program of
// its own, because it replaces malloc.
#include "FakeArtefact.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Generate.h"

#include <atomic>

using namespace moe::rt;

static std::atomic<long> allocations{0};

// Visible, so that the C++ library calls these too.
#define EXPORT __attribute__((visibility("default")))

extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

EXPORT void *malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
EXPORT void *calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
EXPORT void *realloc(void *pointer, size_t size) {
  ++allocations;
  return __libc_realloc(pointer, size);
}
EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}

TEST(Allocation, IsCounted) {
  long before = allocations;
  delete new std::string(1000, 'x');
  EXPECT_GT(allocations, before);
}

TEST(Allocation, ADecodeStepHasNone) {
  FakeArtefact files;
  auto executable = makeCompiledModel(Artefact::open(files.path()), 2);
  Session session(*executable);
  SamplingOptions greedy;
  greedy.repetitionPenalty = 1.1f;
  SamplingOptions filtered = greedy;
  filtered.temperature = 0.8f;
  filtered.topK = 10;
  filtered.topP = 0.9f;
  filtered.minP = 0.01f;
  for (const SamplingOptions &options : {greedy, filtered}) {
    session.reset();
    Sampler sampler(FAKE_VOCAB, options);
    std::vector<int32_t> inputs(FAKE_BATCH, Session::idle);
    inputs[0] = sampler.sample(session.prefill(0, std::vector<int32_t>{1, 2}));
    long before = allocations;
    for (int i = 0; i < 20; ++i)
      inputs[0] = sampler.sample(session.decode(inputs).slice(0, FAKE_VOCAB));
    EXPECT_EQ(allocations - before, 0);
  }
}

// Of the runtime: the driver here does nothing.
TEST(Allocation, AStepOfADeviceHasNone) {
  FakeArtefact files(FAKE_DEVICE_CODE, fakeDeviceManifest());
  auto executable = makeDeviceModel(Artefact::open(files.path()), NULL_DRIVER);
  Session session(*executable);
  std::vector<int32_t> prompt(20, 3), inputs(FAKE_BATCH, 1);
  long before = allocations;
  session.prefill(0, prompt);
  for (int i = 0; i < 10; ++i)
    session.decode(inputs);
  EXPECT_EQ(allocations - before, 0);
}

// A prompt in chunks allocates nothing either, once the session is there.
TEST(Allocation, PrefillHasNone) {
  FakeArtefact files;
  auto executable = makeCompiledModel(Artefact::open(files.path()), 2);
  Session session(*executable);
  std::vector<int32_t> prompt(20, 3);
  long before = allocations;
  session.prefill(0, prompt);
  EXPECT_EQ(allocations - before, 0);
}
