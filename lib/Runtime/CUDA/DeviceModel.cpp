// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An artefact on a GPU. A step is a fixed sequence on one stream: arguments up,
// the entry's kernels, results down, one wait. It allocates nothing.
#include "Kernels.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Executable.h"

#include <algorithm>
#include <cstring>

using namespace moe::rt;

namespace {

/// Alignment of everything that shares an allocation, as cuMemAlloc's.
constexpr size_t alignment = 256;
/// Large enough for the bus, small enough that pages of the file that were
/// copied can go.
constexpr size_t uploadChunk = 64 << 20;
/// No device has as much; sums of a few stay below 2^63.
constexpr int64_t mostBytes = int64_t{1} << 60;

size_t align(size_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

constexpr size_t statusBytes = MOE_STATUS_WORDS * sizeof(int64_t);

/// Arguments, the status and results of an entry, each at its largest.
int64_t stagingBytes(const EntrySpec &entry) {
  int64_t total = align(statusBytes);
  for (const auto *tensors : {&entry.args, &entry.results})
    for (const TensorSpec &tensor : *tensors)
      total = std::min<int64_t>(total + align(tensor.maxBytes()), mostBytes);
  return total;
}

int64_t stagingBytes(const Description &description) {
  int64_t most = 0;
  for (const EntrySpec &entry : description.entries)
    most = std::max(most, stagingBytes(entry));
  return most;
}

size_t mostTensors(const Description &description) {
  size_t most = 0;
  for (const EntrySpec &entry : description.entries)
    most = std::max(most, entry.args.size() + entry.results.size());
  return most;
}

/// The bytes of a tensor that a caller gives; more than there is room for is a
/// mistake of the caller's code.
size_t bytesOf(const EntrySpec &entry, const TensorSpec &spec,
               const moe_tensor &tensor) {
  size_t bytes = byteSize(spec.dtype);
  for (size_t i = 0; i < spec.maxShape.size(); ++i) {
    if (tensor.shape[i] < 0 || tensor.shape[i] > spec.maxShape[i])
      throw Error(ExitCode::internal,
                  entry.name + ": " + spec.name + ": expected at most " +
                      std::to_string(spec.maxShape[i]) + " in dimension " +
                      std::to_string(i) + ", got " +
                      std::to_string(tensor.shape[i]));
    bytes *= static_cast<size_t>(tensor.shape[i]);
  }
  return bytes;
}

class DeviceModel final : public Executable {
public:
  DeviceModel(Artefact opened, const std::string &library)
      : artefact(std::move(opened)), context(CudaDriver::open(library)),
        kernels(context, artefact), stream(context),
        stagingSize(requireFit(context, artefact.manifest())),
        weights(context, artefact.weights().size(), "weights"),
        kv(context, artefact.manifest().memory.kvBytes, "KV caches"),
        arena(context, artefact.manifest().memory.arenaBytes, "arena"),
        staging(context, stagingSize, "tensors"),
        host(context, stagingSize, "tensors"),
        tensors(mostTensors(artefact.manifest())), slots(tensors.size()) {
    upload(artefact.takeWeights());
    reset();
    call.weights = weights.pointer();
    call.kv = kv.pointer();
    call.arena = arena.pointer();
    call.runtime = this;
    call.launch = launch;
  }

  const Description &description() const override {
    return artefact.manifest();
  }
  DeviceInfo device() const override {
    return {context.name(), context.simulated()};
  }
  void run(size_t entry, const moe_tensor *given) override;
  void reset() override;

private:
  /// A tensor's place in the staging memory.
  struct Slot {
    size_t offset, bytes;
  };

  static size_t requireFit(const CudaContext &context,
                           const Manifest &manifest);
  static const char *launch(moe_context *context, int32_t kernel,
                            int64_t blocks, void **params);
  void upload(const MappedFile &file);
  void layOut(const EntrySpec &entry, const moe_tensor *given);
  void copyUp(const EntrySpec &entry, const moe_tensor *given);
  void copyDown(const EntrySpec &entry, const moe_tensor *given);
  Error failureOf(const EntrySpec &entry, const char *text) const;

  Artefact artefact;
  CudaContext context;
  CudaKernels kernels;
  CudaStream stream;
  size_t stagingSize;
  DeviceMemory weights, kv, arena;
  /// Arguments, the status and results, at the same offsets on both sides, so
  /// that one range goes up and one comes down.
  DeviceMemory staging;
  PinnedMemory host;
  /// Of the current call.
  std::vector<moe_tensor> tensors;
  std::vector<Slot> slots;
  size_t statusOffset = 0, endOffset = 0;
  /// Why its last launch failed.
  std::optional<Error> launchFailure;
  moe_context call{};
};

} // namespace

size_t DeviceModel::requireFit(const CudaContext &context,
                               const Manifest &manifest) {
  const MemorySpec &memory = manifest.memory;
  int64_t staging = stagingBytes(manifest);
  int64_t needed =
      memory.weightsBytes + memory.kvBytes + memory.arenaBytes + staging;
  CudaContext::Memory has = context.memory();
  if (static_cast<uint64_t>(needed) > has.free)
    throw Error(ExitCode::memory,
                "weights, KV caches, arena and tensors: cannot allocate " +
                    std::to_string(needed) + " bytes on " + context.name() +
                    ": " + std::to_string(has.free) + " of " +
                    std::to_string(has.total) + " bytes are free");
  // The memory of a simulated GPU is the machine's.
  if (context.simulated())
    requireMemory(needed, "memory of the simulated GPU");
  return staging;
}

/// On the kernels' stream, which waits for no other: a plain copy may still be
/// on its way when its call returns.
void DeviceModel::upload(const MappedFile &file) {
  CudaContext::Scope scope(context);
  const CudaDriver &driver = context.driver();
  for (size_t offset = 0; offset < file.size(); offset += uploadChunk)
    driver.check(driver.cuMemcpyHtoDAsync_v2(
                     weights.address() + offset, file.data() + offset,
                     std::min(uploadChunk, file.size() - offset), stream.get()),
                 "weights: cannot copy to ", context.name());
  driver.check(driver.cuStreamSynchronize(stream.get()),
               "weights: cannot copy to ", context.name());
}

void DeviceModel::reset() {
  if (kv.size() == 0)
    return;
  CudaContext::Scope scope(context);
  context.driver().check(context.driver().cuMemsetD8Async(
                             kv.address(), 0, kv.size(), stream.get()),
                         "KV caches: cannot clear");
}

/// Called from generated code, through which nothing may be thrown.
const char *DeviceModel::launch(moe_context *context, int32_t kernel,
                                int64_t blocks, void **params) {
  auto *model = static_cast<DeviceModel *>(context->runtime);
  try {
    model->kernels.launch(kernel, blocks, params, model->stream);
    return nullptr;
  } catch (const Error &error) {
    model->launchFailure = error;
    return model->launchFailure->what();
  }
}

/// Gives each tensor its place, and `call` and `tensors` the addresses.
void DeviceModel::layOut(const EntrySpec &entry, const moe_tensor *given) {
  size_t i = 0;
  endOffset = 0;
  auto place = [&](size_t bytes) {
    size_t offset = endOffset;
    endOffset += align(bytes);
    return offset;
  };
  auto placeTensors = [&](const std::vector<TensorSpec> &specs) {
    for (const TensorSpec &spec : specs) {
      size_t bytes = bytesOf(entry, spec, given[i]);
      slots[i] = {place(bytes), bytes};
      tensors[i] = given[i];
      tensors[i].data = staging.pointer(slots[i].offset);
      ++i;
    }
  };
  placeTensors(entry.args);
  statusOffset = place(statusBytes);
  call.status = static_cast<int64_t *>(staging.pointer(statusOffset));
  placeTensors(entry.results);
}

void DeviceModel::copyUp(const EntrySpec &entry, const moe_tensor *given) {
  for (size_t i = 0; i < entry.args.size(); ++i)
    if (slots[i].bytes > 0)
      std::memcpy(host.data() + slots[i].offset, given[i].data, slots[i].bytes);
  std::memset(host.data() + statusOffset, 0, statusBytes);
  context.driver().check(context.driver().cuMemcpyHtoDAsync_v2(
                             staging.address(), host.data(),
                             statusOffset + statusBytes, stream.get()),
                         entry.name, ": cannot copy arguments");
}

/// Waits for everything that was enqueued.
void DeviceModel::copyDown(const EntrySpec &entry, const moe_tensor *given) {
  const CudaDriver &driver = context.driver();
  driver.check(driver.cuMemcpyDtoHAsync_v2(
                   host.data() + statusOffset, staging.address() + statusOffset,
                   endOffset - statusOffset, stream.get()),
               entry.name, ": cannot copy results");
  driver.check(driver.cuStreamSynchronize(stream.get()), entry.name,
               ": kernels on ", context.name());
  int64_t status[MOE_STATUS_WORDS];
  std::memcpy(status, host.data() + statusOffset, statusBytes);
  if (status[0] != 0) {
    moe_device_failure_fn describe = artefact.deviceFailure();
    throw failureOf(entry, describe ? describe(status)
                                    : "a check failed that the code has no "
                                      "text for");
  }
  for (size_t i = entry.args.size(), end = i + entry.results.size(); i < end;
       ++i)
    if (slots[i].bytes > 0)
      std::memcpy(given[i].data, host.data() + slots[i].offset, slots[i].bytes);
}

Error DeviceModel::failureOf(const EntrySpec &entry, const char *text) const {
  ExitCode code =
      launchFailure ? launchFailure->exitCode() : ExitCode::checkFailed;
  return Error(code, entry.name + ": " + text);
}

void DeviceModel::run(size_t index, const moe_tensor *given) {
  const EntrySpec &entry = description().entries[index];
  CudaContext::Scope scope(context);
  layOut(entry, given);
  copyUp(entry, given);
  launchFailure.reset();
  if (const char *failure = artefact.entry(index)(&call, tensors.data())) {
    // What was enqueued still uses the staging memory. Whatever becomes of it,
    // the failure came first.
    context.driver().cuStreamSynchronize(stream.get());
    throw failureOf(entry, failure);
  }
  copyDown(entry, given);
}

std::unique_ptr<Executable>
moe::rt::makeDeviceModel(Artefact artefact, const std::string &library) {
  artefact.requireTarget(/*gpu=*/true);
  return std::make_unique<DeviceModel>(std::move(artefact), library);
}
