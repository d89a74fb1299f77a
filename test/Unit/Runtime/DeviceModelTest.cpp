// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the runtime asks of a driver, seen from a driver that runs nothing.
#include "FakeArtefact.h"
#include "NullDriver.h"
#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Session.h"

#include <dlfcn.h>

using namespace moe::rt;
using namespace moe::cuda;
using nlohmann::json;

namespace {

class DeviceModelTest : public testing::Test {
protected:
  DeviceModelTest() {
    void *library = ::dlopen(NULL_DRIVER, RTLD_NOW | RTLD_LOCAL);
    driver = reinterpret_cast<NullDriver *(*)()>(
        ::dlsym(library, NULL_DRIVER_SYMBOL))();
    *driver = {};
  }
  ~DeviceModelTest() override { expectNothingLeft(); }

  std::unique_ptr<Executable> open(const FakeArtefact &files) {
    return makeDeviceModel(Artefact::open(files.path()), NULL_DRIVER);
  }
  std::unique_ptr<Executable> open(const json &manifest) {
    return open(FakeArtefact(FAKE_DEVICE_CODE, manifest));
  }
  std::unique_ptr<Executable> open() { return open(fakeDeviceManifest()); }

  /// Opening fails with this error when `function` fails with `result`.
  void expectOpenError(const char *function, CUresult result, ExitCode code,
                       const std::string &text) {
    SCOPED_TRACE(function);
    *driver = {};
    driver->failing = function;
    driver->result = result;
    expectError(code, text, [&] { open(); });
    expectNothingLeft();
  }
  void expectManifestError(const char *pointer, const json &value,
                           ExitCode code, const std::string &text) {
    SCOPED_TRACE(pointer);
    json manifest = fakeDeviceManifest();
    manifest[json::json_pointer(pointer)] = value;
    expectError(code, text, [&] { open(manifest); });
    expectNothingLeft();
  }
  void expectNothingLeft() const {
    EXPECT_EQ(driver->used, 0u);
    EXPECT_EQ(driver->modules, 0u);
    EXPECT_EQ(driver->streams, 0u);
    EXPECT_EQ(driver->contexts, 0u);
    EXPECT_EQ(driver->count("cuCtxPushCurrent_v2") +
                  driver->count("cuCtxCreate_v2"),
              driver->count("cuCtxPopCurrent_v2"));
    EXPECT_EQ(driver->count("cuMemAllocHost_v2"),
              driver->count("cuMemFreeHost"));
  }

  NullDriver *driver = nullptr;
};

/// An artefact with machine code beside the PTX.
FakeArtefact withCubin() {
  FakeArtefact files(FAKE_DEVICE_CODE, fakeDeviceManifest());
  files.addFile("kernels/model.cubin", "\177ELF and more");
  files.addFile("kernels/model.json", "{}");
  return files;
}

} // namespace

TEST_F(DeviceModelTest, AStepIsTwoCopiesItsKernelsAndOneWait) {
  auto executable = open();
  EXPECT_EQ(executable->device().name, "Null GPU");
  EXPECT_FALSE(executable->device().simulated);
  Session session(*executable);
  session.prefill(0, std::vector<int32_t>{1, 2, 3});
  std::map<std::string, int> expected = {
      {"cuMemcpyHtoDAsync_v2", 1}, {"cuLaunchKernel", 2},
      {"cuMemcpyDtoHAsync_v2", 1}, {"cuStreamSynchronize", 1},
      {"cuCtxPushCurrent_v2", 1},  {"cuCtxPopCurrent_v2", 1}};
  for (int step = 0; step < 3; ++step) {
    NullDriver before = *driver;
    session.decode(std::vector<int32_t>{1, 2});
    int sum = 0;
    for (const auto &[name, count] : expected) {
      EXPECT_EQ(driver->count(name) - before.count(name), count) << name;
      sum += count;
    }
    EXPECT_EQ(driver->total() - before.total(), sum);
  }
}

TEST_F(DeviceModelTest, MemoryIsWhatTheManifestSays) {
  auto executable = open();
  // Prefill's tensors, each rounded up to 256 bytes: four of 8 ids, the status,
  // 8 rows of 16 logits.
  EXPECT_EQ(driver->used, FAKE_VOCAB * 4 + FAKE_BATCH * FAKE_MAX_LENGTH * 8 +
                              FAKE_ARENA_BYTES + 256u * 5 + 512u);
  EXPECT_EQ(driver->count("cuMemcpyHtoDAsync_v2"), 1);
}

// At first, when a session starts, and whenever it is asked for.
TEST_F(DeviceModelTest, CachesAreClearedByReset) {
  auto executable = open();
  EXPECT_EQ(driver->cleared, FAKE_BATCH * FAKE_MAX_LENGTH * 8u);
  Session session(*executable);
  EXPECT_EQ(driver->count("cuMemsetD8Async"), 2);
  session.reset();
  EXPECT_EQ(driver->count("cuMemsetD8Async"), 3);
}

TEST_F(DeviceModelTest, MachineCodeIsTakenWhereItFits) {
  FakeArtefact files = withCubin();
  struct {
    int major, minor, cubins, ptx;
  } devices[] = {{8, 0, 1, 0}, {8, 9, 1, 0}, {9, 0, 0, 1}, {12, 1, 0, 1}};
  for (const auto &device : devices) {
    *driver = {};
    driver->major = device.major;
    driver->minor = device.minor;
    open(files);
    EXPECT_EQ(driver->cubinImages, device.cubins) << device.major;
    EXPECT_EQ(driver->ptxImages, device.ptx) << device.major;
  }
}

TEST_F(DeviceModelTest, APtxStandsInForMachineCodeOfANewerToolkit) {
  FakeArtefact files = withCubin();
  driver->failingImage = "cubin";
  driver->result = CUDA_ERROR_INVALID_IMAGE;
  open(files);
  EXPECT_EQ(driver->cubinImages, 1);
  EXPECT_EQ(driver->ptxImages, 1);
  driver->result = CUDA_ERROR_OUT_OF_MEMORY;
  expectError(ExitCode::memory, "model.cubin: Null GPU refuses it",
              [&] { open(files); });
}

TEST_F(DeviceModelTest, ADeviceThatIsTooOldIsNamed) {
  driver->major = 7;
  driver->minor = 5;
  expectError(ExitCode::unsupported,
              "manifest.json: target.arch: expected code for sm_75, which Null "
              "GPU is, got sm_80",
              [&] { open(); });
}

TEST_F(DeviceModelTest, SuffixesBindCodeToItsArchitecture) {
  auto runs = [](const char *code, const char *device) {
    GpuArch arch = *GpuArch::parse(code), on = *GpuArch::parse(device);
    EXPECT_EQ(arch.str(), code);
    return std::pair(arch.ptxRunsOn(on), arch.machineCodeRunsOn(on));
  };
  EXPECT_EQ(runs("sm_80", "sm_86"), std::pair(true, true));
  EXPECT_EQ(runs("sm_86", "sm_80"), std::pair(false, false));
  EXPECT_EQ(runs("sm_80", "sm_90"), std::pair(true, false));
  EXPECT_EQ(runs("sm_90", "sm_80"), std::pair(false, false));
  EXPECT_EQ(runs("sm_90a", "sm_90"), std::pair(true, true));
  EXPECT_EQ(runs("sm_90a", "sm_100"), std::pair(false, false));
  EXPECT_EQ(runs("sm_100f", "sm_103"), std::pair(true, true));
  EXPECT_EQ(runs("sm_100f", "sm_120"), std::pair(false, false));
}

TEST_F(DeviceModelTest, NoDriverIsSaid) {
  FakeArtefact files(FAKE_DEVICE_CODE, fakeDeviceManifest());
  auto expectDriverError = [&](const char *library, const char *text) {
    expectError(ExitCode::unsupported, text, [&] {
      makeDeviceModel(Artefact::open(files.path()), library);
    });
  };
  expectDriverError(
      "/no/such/libcuda.so.1",
      "/no/such/libcuda.so.1: expected a CUDA driver, got none: ");
  expectDriverError(FAKE_DEVICE_CODE, "cuGetErrorName: expected a function of "
                                      "the driver, got nothing");
  driver->devices = 0;
  expectError(ExitCode::unsupported, "cuDeviceGetCount: CUDA_ERROR_X",
              [&] { open(); });
}

TEST_F(DeviceModelTest, AnOlderDriverMayNotTellParameters) {
  FakeArtefact files(FAKE_DEVICE_CODE, fakeDeviceManifest());
  makeDeviceModel(Artefact::open(files.path()), NULL_DRIVER_OLD);
}

TEST_F(DeviceModelTest, WhateverFailsOnOpeningIsNamed) {
  expectOpenError("cuInit", CUDA_ERROR_NO_DEVICE, ExitCode::unsupported,
                  "cuInit: CUDA_ERROR_X (in words)");
  expectOpenError("cuInit", CUDA_ERROR_UNKNOWN, ExitCode::internal,
                  "cuInit: CUDA_ERROR_X");
  expectOpenError("cuInit", CUDA_ERROR_TIMEOUT, ExitCode::internal,
                  "cuInit: error 909");
  for (const char *function :
       {"cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetUuid",
        "cuDeviceGetAttribute", "cuCtxCreate_v2", "cuMemGetInfo_v2",
        "cuModuleGetFunction", "cuFuncGetAttribute", "cuStreamCreate",
        "cuMemsetD8Async"})
    expectOpenError(function, CUDA_ERROR_DEINITIALIZED, ExitCode::internal,
                    ": CUDA_ERROR_X (in words)");
  for (const char *function : {"cuMemcpyHtoDAsync_v2", "cuStreamSynchronize"})
    expectOpenError(function, CUDA_ERROR_DEINITIALIZED, ExitCode::internal,
                    "weights: cannot copy to Null GPU");
  expectOpenError("cuMemAllocHost_v2", CUDA_ERROR_OUT_OF_MEMORY,
                  ExitCode::memory,
                  "tensors: cannot allocate 1792 page-locked bytes");
}

TEST_F(DeviceModelTest, OutOfMemoryGivesBothFigures) {
  driver->memoryBytes = 1000;
  expectError(ExitCode::memory,
              "weights, KV caches, arena and tensors: cannot allocate 2624 "
              "bytes on Null GPU: 1000 of 1000 bytes are free",
              [&] { open(); });
  // Somebody else was faster.
  const char *purposes[] = {"weights", "KV caches", "arena", "tensors"};
  for (int i = 0; i < 4; ++i) {
    *driver = {};
    driver->failing = "cuMemAlloc_v2";
    driver->failAfter = i;
    driver->result = CUDA_ERROR_OUT_OF_MEMORY;
    expectError(ExitCode::memory,
                std::string(purposes[i]) + ": cannot allocate ",
                [&] { open(); });
    expectNothingLeft();
  }
  // More than there are addresses for.
  expectManifestError("/memory/arena_bytes", int64_t{1} << 56, ExitCode::memory,
                      "cannot allocate 720575940379");
}

TEST_F(DeviceModelTest, RefusedPtxComesWithTheCompilersLog) {
  driver->failingImage = "ptx";
  driver->ptxLog = "line 7: what is this\nline 8: and this\n";
  struct {
    CUresult result;
    ExitCode code;
  } cases[] = {{CUDA_ERROR_INVALID_PTX, ExitCode::inputWrong},
               {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, ExitCode::unsupported}};
  for (const auto &one : cases) {
    driver->result = one.result;
    expectError(one.code,
                "kernels/model.ptx: Null GPU refuses it: CUDA_ERROR_X (in "
                "words): line 7: what is this line 8: and this",
                [&] { open(); });
  }
}

TEST_F(DeviceModelTest, KernelsAreAsTheManifestSays) {
  ExitCode wrong = ExitCode::inputWrong, unsupported = ExitCode::unsupported;
  expectManifestError("/kernels/list/1/name", "softmax", wrong,
                      "kernels/model.ptx: softmax: expected a kernel");
  expectManifestError("/kernels/list/2/params", {8, 8}, wrong,
                      "kernels.list[2]: params: expected [8], as stray has in");
  expectManifestError("/kernels/list/0/params", {8, 8, 8, 8, 8, 8}, wrong,
                      "expected [8, 8, 8, 8, 8, 4]");
  expectManifestError("/kernels/list/0/block", 513, unsupported,
                      "block: expected at most 512 threads, as append has on "
                      "Null GPU, got 513");
  expectManifestError("/kernels/list/0/shared", 166913, unsupported,
                      "shared: expected at most 166912 bytes");
  json manifest = fakeDeviceManifest();
  manifest["kernels"]["list"][0]["shared"] = 100000;
  open(manifest);
  EXPECT_EQ(driver->dynamicShared, 100000);
  driver->failing = "cuFuncSetAttribute";
  driver->result = CUDA_ERROR_INVALID_VALUE;
  expectError(ExitCode::internal, "kernels.list[0]: cuFuncSetAttribute",
              [&] { open(manifest); });
}

TEST_F(DeviceModelTest, WhateverFailsInAStepIsNamed) {
  struct {
    const char *function;
    CUresult result;
    ExitCode code;
    const char *text;
  } cases[] = {
      {"cuMemcpyHtoDAsync_v2", CUDA_ERROR_UNKNOWN, ExitCode::internal,
       "decode: cannot copy arguments: CUDA_ERROR_X"},
      {"cuMemcpyDtoHAsync_v2", CUDA_ERROR_UNKNOWN, ExitCode::internal,
       "decode: cannot copy results: CUDA_ERROR_X"},
      {"cuStreamSynchronize", CUDA_ERROR_ILLEGAL_ADDRESS, ExitCode::internal,
       "decode: kernels on Null GPU: CUDA_ERROR_X (in words)"},
      {"cuLaunchKernel", CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
       ExitCode::unsupported,
       "decode: append on 1 blocks of 32 threads: CUDA_ERROR_X (in words)"},
      {"cuCtxPushCurrent_v2", CUDA_ERROR_CONTEXT_IS_DESTROYED,
       ExitCode::internal, "Null GPU: cuCtxPushCurrent: CUDA_ERROR_X"}};
  for (const auto &one : cases) {
    SCOPED_TRACE(one.function);
    *driver = {};
    auto executable = open();
    Session session(*executable);
    driver->failing = one.function;
    driver->result = one.result;
    expectError(one.code, one.text,
                [&] { session.decode(std::vector<int32_t>{1, 2}); });
    // It can be tried again.
    driver->failing = "";
    session.decode(std::vector<int32_t>{1, 2});
  }
}

// What it has enqueued still reads the staging memory, which the next call
// fills.
TEST_F(DeviceModelTest, AnEntryThatFailsIsWaitedFor) {
  auto executable = open();
  int before = driver->count("cuStreamSynchronize");
  moe_tensor none = {nullptr, {FAKE_WRONG_HOST}};
  expectError(ExitCode::checkFailed, "wrong: the host code says no",
              [&] { executable->run(executable->entryIndex("wrong"), &none); });
  EXPECT_EQ(driver->count("cuStreamSynchronize"), before + 1);
}

TEST_F(DeviceModelTest, TensorsOfACallAreWithinTheirMost) {
  auto executable = open();
  int32_t ids[3] = {};
  float logits[3 * FAKE_VOCAB];
  moe_tensor tensors[] = {
      {ids, {3}}, {ids, {3}}, {ids, {3}}, {logits, {3, FAKE_VOCAB}}};
  expectError(ExitCode::internal,
              "decode: tokens: expected at most 2 in dimension 0, got 3", [&] {
                executable->run(executable->entryIndex("decode"), tensors);
              });
}

TEST_F(DeviceModelTest, ArtefactsGoWhereTheyBelong) {
  FakeArtefact cpu, gpu(FAKE_DEVICE_CODE, fakeDeviceManifest());
  expectError(ExitCode::unsupported,
              "manifest.json: target.kind: expected cuda, got cpu", [&] {
                makeDeviceModel(Artefact::open(cpu.path()), NULL_DRIVER);
              });
  expectError(ExitCode::unsupported, "target.kind: expected cpu, got cuda",
              [&] { makeCompiledModel(Artefact::open(gpu.path())); });
}
