// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Handles.h"

#include <algorithm>
#include <cstring>
#include <utility>

using namespace moe::rt;
using namespace moe::cuda;

namespace {

/// What the UUID of our simulated GPU begins with.
constexpr char simulatedUuid[] = "moe-sim-";

/// A log of the driver's compiler as part of one line.
std::string oneLine(std::string log) {
  while (!log.empty() && (log.back() == '\n' || log.back() == ' '))
    log.pop_back();
  std::replace(log.begin(), log.end(), '\n', ' ');
  return log;
}

} // namespace

CudaContext::CudaContext(std::shared_ptr<const CudaDriver> driver)
    : functions(std::move(driver)) {
  int count = 0;
  functions->check(functions->cuDeviceGetCount(&count), "cuDeviceGetCount");
  if (count < 1)
    throw functions->error(CUDA_ERROR_NO_DEVICE, "cuDeviceGetCount");
  functions->check(functions->cuDeviceGet(&device, 0), "cuDeviceGet");
  char text[256] = "";
  functions->check(functions->cuDeviceGetName(text, sizeof text - 1, device),
                   "cuDeviceGetName");
  deviceName = text;
  CUuuid uuid{};
  functions->check(functions->cuDeviceGetUuid(&uuid, device),
                   "cuDeviceGetUuid");
  isSimulated =
      std::memcmp(uuid.bytes, simulatedUuid, sizeof simulatedUuid - 1) == 0;
  capability = {attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR), 0};
  functions->check(functions->cuCtxCreate_v2(&handle, 0, device),
                   deviceName + ": cuCtxCreate");
  // It is current now; whoever calls us may have another.
  CUcontext popped = nullptr;
  functions->cuCtxPopCurrent_v2(&popped);
}

CudaContext::~CudaContext() { functions->cuCtxDestroy_v2(handle); }

int CudaContext::attribute(CUdevice_attribute which) const {
  int value = 0;
  functions->check(functions->cuDeviceGetAttribute(&value, which, device),
                   deviceName + ": cuDeviceGetAttribute");
  return value;
}

CudaContext::Memory CudaContext::memory() const {
  Scope scope(*this);
  Memory memory{};
  functions->check(functions->cuMemGetInfo_v2(&memory.free, &memory.total),
                   deviceName + ": cuMemGetInfo");
  return memory;
}

CudaContext::Scope::Scope(const CudaContext &context)
    : driver(*context.functions) {
  driver.check(driver.cuCtxPushCurrent_v2(context.handle), context.deviceName,
               ": cuCtxPushCurrent");
}

CudaContext::Scope::~Scope() {
  CUcontext popped = nullptr;
  driver.cuCtxPopCurrent_v2(&popped);
}

DeviceMemory::DeviceMemory(const CudaContext &context, size_t size,
                           const std::string &purpose)
    : context(context), length(size) {
  if (size == 0)
    return;
  CudaContext::Scope scope(context);
  CUresult result = context.driver().cuMemAlloc_v2(&base, size);
  if (result == CUDA_SUCCESS)
    return;
  CudaContext::Memory memory = context.memory();
  throw Error(exitCodeOf(result),
              purpose + ": cannot allocate " + std::to_string(size) +
                  " bytes on " + context.name() + ": " +
                  context.driver().describe(result) + ", " +
                  std::to_string(memory.free) + " of " +
                  std::to_string(memory.total) + " bytes are free");
}

DeviceMemory::~DeviceMemory() {
  if (base)
    context.release([&](auto &driver) { driver.cuMemFree_v2(base); });
}

PinnedMemory::PinnedMemory(const CudaContext &context, size_t size,
                           const std::string &purpose)
    : context(context) {
  CudaContext::Scope scope(context);
  context.driver().check(context.driver().cuMemAllocHost_v2(&base, size),
                         purpose + ": cannot allocate " + std::to_string(size) +
                             " page-locked bytes of the host");
}

PinnedMemory::~PinnedMemory() {
  context.release([&](auto &driver) { driver.cuMemFreeHost(base); });
}

CudaStream::CudaStream(const CudaContext &context) : context(context) {
  CudaContext::Scope scope(context);
  context.driver().check(
      context.driver().cuStreamCreate(&handle, CU_STREAM_NON_BLOCKING),
      context.name() + ": cuStreamCreate");
}

CudaStream::~CudaStream() {
  context.release([&](auto &driver) { driver.cuStreamDestroy_v2(handle); });
}

CudaModule::CudaModule(const CudaContext &context, const void *image,
                       const std::string &file)
    : context(context), path(file) {
  CudaContext::Scope scope(context);
  char log[4096] = "";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER,
                            CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log - 1)};
  CUresult result =
      context.driver().cuModuleLoadDataEx(&handle, image, 2, options, values);
  if (result == CUDA_SUCCESS)
    return;
  std::string said = oneLine(log);
  throw Error(exitCodeOf(result),
              file + ": " + context.name() +
                  " refuses it: " + context.driver().describe(result) +
                  (said.empty() ? "" : ": " + said));
}

CudaModule::CudaModule(CudaModule &&other) noexcept
    : context(other.context), handle(std::exchange(other.handle, nullptr)),
      path(std::move(other.path)) {}

CudaModule::~CudaModule() {
  if (handle)
    context.release([&](auto &driver) { driver.cuModuleUnload(handle); });
}

CUfunction CudaModule::function(const std::string &name) const {
  CudaContext::Scope scope(context);
  CUfunction function = nullptr;
  CUresult result =
      context.driver().cuModuleGetFunction(&function, handle, name.c_str());
  if (result == CUDA_ERROR_NOT_FOUND)
    throw Error::mismatch(path, name, "a kernel", "nothing");
  context.driver().check(result, path + ": " + name);
  return function;
}
