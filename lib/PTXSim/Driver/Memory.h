// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The device and what is allocated on it.
//
// A device takes one call at a time. The thread that runs operations has it
// while it runs one; everyone else takes it between two operations, see
// device().

#ifndef MOE_LIB_PTXSIM_DRIVER_MEMORY_H
#define MOE_LIB_PTXSIM_DRIVER_MEMORY_H

#include "State.h"

#include "moe/PTXSim/Device.h"

namespace moe::driver {

struct MemoryPool {
  cuda::CUmemoryPool handle = nullptr;
  bool deviceDefault = false;
  std::map<cuda::CUmemPool_attribute, uint64_t> attributes;
  uint64_t used = 0, usedHigh = 0;
};

/// An allocation as the driver sees it.
struct Block {
  uint64_t address = 0, bytes = 0, id = 0;
  ptxsim::AllocationKind kind = ptxsim::AllocationKind::Device;
  std::weak_ptr<Context> context;
  /// Of cuMemHostAlloc and cuMemHostRegister.
  unsigned hostFlags = 0;
  std::weak_ptr<MemoryPool> pool;
  /// cuMemFreeAsync was called, the stream has not come to it.
  bool freeing = false;
};

class Memory {
public:
  /// Makes the virtual GPU that the environment asks for; the error is said on
  /// stderr.
  cuda::CUresult open();

  /// The device, once no operation runs. The lock of the driver is held on
  /// return.
  ptxsim::Device &device();
  /// The device, for a running operation.
  ptxsim::Device &deviceOfOperation() { return *gpu; }
  const ptxsim::Properties &properties() const { return gpu->properties(); }

  uint64_t allocate(const ContextRef &context, uint64_t bytes,
                    ptxsim::AllocationKind kind);
  /// Forgets the block and frees it. Nothing that is queued may use it any
  /// more.
  void release(uint64_t address);
  /// The same for a running operation, which does not hold the driver's lock.
  cuda::CUresult releaseFromOperation(uint64_t address);
  void registerHost(const ContextRef &context, void *pointer, uint64_t bytes,
                    unsigned flags);
  /// Frees whatever belongs to the context.
  void releaseAll(const ContextRef &context);

  /// The block that holds the address, or null.
  Block *find(uint64_t address);
  /// Fails unless [address, address + bytes) lies in one block or in a variable
  /// of a module.
  void checkRange(uint64_t address, uint64_t bytes);
  uint64_t used();
  /// Operations between beginOperation() and endOperation() have the device.
  void beginOperation() { busy = true; }
  void endOperation();
  /// Variables of modules are memory of the device too.
  void addVariable(const ContextRef &context, uint64_t address, uint64_t bytes);
  void removeVariable(uint64_t address) { blocks.erase(address); }
  const std::map<uint64_t, Block> &all() const { return blocks; }

private:
  std::unique_ptr<ptxsim::Device> gpu;
  std::map<uint64_t, Block> blocks;
  uint64_t lastId = 0;
  bool busy = false;
  std::condition_variable idle;
};

/// The result that stands for an error of the executor, which is said on
/// stderr.
cuda::CUresult report(const ptxsim::Error &error);
cuda::CUresult resultOf(ptxsim::ErrorKind kind);
/// fail(report(error)) if there is one.
void check(const ptxsim::Error &error);

/// In a captured stream of some modes, calls that may wait for the device spoil
/// the capture and fail.
void forbidWhileCapturing();

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_MEMORY_H
