// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Owners of what a driver hands out. Each belongs to a context, which outlives
// it, and makes that context the thread's own for as long as a call takes.
#ifndef MOE_LIB_RUNTIME_CUDA_HANDLES_H
#define MOE_LIB_RUNTIME_CUDA_HANDLES_H

#include "Driver.h"
#include "moe/Runtime/Manifest.h"

#include <cstddef>
#include <memory>
#include <string>

namespace moe::rt {

/// The first device, in a context of our own: a kernel that fails spoils it for
/// good, which must not reach others in the process.
class CudaContext {
public:
  explicit CudaContext(std::shared_ptr<const CudaDriver> driver);
  ~CudaContext();
  CudaContext(const CudaContext &) = delete;
  CudaContext &operator=(const CudaContext &) = delete;

  /// The context is current to the thread while one of these lives.
  class Scope {
  public:
    explicit Scope(const CudaContext &context);
    ~Scope();
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

  private:
    const CudaDriver &driver;
  };

  /// Calls `action` with the context current, or not at all: for destructors.
  template <typename Action>
  void release(Action action) const noexcept {
    cuda::CUcontext popped = nullptr;
    if (functions->cuCtxPushCurrent_v2(handle) != cuda::CUDA_SUCCESS)
      return;
    action(*functions);
    functions->cuCtxPopCurrent_v2(&popped);
  }

  const CudaDriver &driver() const { return *functions; }
  const std::string &name() const { return deviceName; }
  /// Whether it is our simulated GPU.
  bool simulated() const { return isSimulated; }
  /// The compute capability; its suffix is empty.
  GpuArch arch() const { return capability; }
  int attribute(cuda::CUdevice_attribute which) const;
  struct Memory {
    size_t free, total;
  };
  Memory memory() const;

private:
  std::shared_ptr<const CudaDriver> functions;
  cuda::CUdevice device = 0;
  cuda::CUcontext handle = nullptr;
  std::string deviceName;
  GpuArch capability;
  bool isSimulated = false;
};

/// Memory of the device; none for 0 bytes.
class DeviceMemory {
public:
  /// Throws Error (memory), naming `purpose`, the bytes asked for and those
  /// that are free.
  DeviceMemory(const CudaContext &context, size_t size,
               const std::string &purpose);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  cuda::CUdeviceptr address() const { return base; }
  /// The address as the binary interface has it.
  void *pointer(size_t offset = 0) const {
    return reinterpret_cast<void *>(base + offset);
  }
  size_t size() const { return length; }

private:
  const CudaContext &context;
  cuda::CUdeviceptr base = 0;
  size_t length;
};

/// Page-locked memory of the host, which copies need not stage or wait for.
class PinnedMemory {
public:
  PinnedMemory(const CudaContext &context, size_t size,
               const std::string &purpose);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory &) = delete;
  PinnedMemory &operator=(const PinnedMemory &) = delete;

  std::byte *data() const { return static_cast<std::byte *>(base); }

private:
  const CudaContext &context;
  void *base = nullptr;
};

class CudaStream {
public:
  explicit CudaStream(const CudaContext &context);
  ~CudaStream();
  CudaStream(const CudaStream &) = delete;
  CudaStream &operator=(const CudaStream &) = delete;

  cuda::CUstream get() const { return handle; }

private:
  const CudaContext &context;
  cuda::CUstream handle = nullptr;
};

/// Code on the device.
class CudaModule {
public:
  /// Loads PTX (with a NUL at its end) or a cubin. Throws Error naming `file`,
  /// with what the driver's compiler says of it.
  CudaModule(const CudaContext &context, const void *image,
             const std::string &file);
  CudaModule(CudaModule &&other) noexcept;
  ~CudaModule();
  CudaModule &operator=(CudaModule &&) = delete;

  /// Throws Error (inputWrong) naming the file if it has no such kernel.
  cuda::CUfunction function(const std::string &name) const;
  const std::string &file() const { return path; }

private:
  const CudaContext &context;
  cuda::CUmodule handle = nullptr;
  std::string path;
};

} // namespace moe::rt

#endif // MOE_LIB_RUNTIME_CUDA_HANDLES_H
