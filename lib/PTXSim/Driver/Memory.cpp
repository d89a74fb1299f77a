// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"

#include "Report.h"

#include <cstdio>

namespace moe::driver {

using namespace moe::cuda;
using ptxsim::AllocationKind;
using ptxsim::ErrorKind;

CUresult resultOf(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::None:
    return CUDA_SUCCESS;
  case ErrorKind::InvalidValue:
    return CUDA_ERROR_INVALID_VALUE;
  case ErrorKind::OutOfMemory:
    return CUDA_ERROR_OUT_OF_MEMORY;
  case ErrorKind::OutOfResources:
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  case ErrorKind::Unsupported:
    return CUDA_ERROR_NOT_SUPPORTED;
  case ErrorKind::IllegalAddress:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case ErrorKind::Misaligned:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case ErrorKind::IllegalInstruction:
    return CUDA_ERROR_ILLEGAL_INSTRUCTION;
  case ErrorKind::Deadlock:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  case ErrorKind::Trap:
    return CUDA_ERROR_LAUNCH_FAILED;
  case ErrorKind::Assert:
    return CUDA_ERROR_ASSERT;
  }
  return CUDA_ERROR_UNKNOWN;
}

CUresult report(const ptxsim::Error &error) {
  if (error)
    std::fprintf(stderr, "moe-sim: error: %s\n", error.str().c_str());
  return resultOf(error.kind);
}

void check(const ptxsim::Error &error) {
  if (error)
    fail(report(error));
}

CUresult Memory::open() {
  ptxsim::Options options;
  if (ptxsim::Error error = ptxsim::Options::fromEnvironment(options)) {
    report(error);
    return CUDA_ERROR_NO_DEVICE;
  }
  gpu = std::make_unique<ptxsim::Device>(options);
  startReport(*gpu);
  return CUDA_SUCCESS;
}

void Memory::endOperation() {
  busy = false;
  idle.notify_all();
}

ptxsim::Device &Memory::device() {
  idle.wait(heldLock(), [&] { return !busy; });
  return *gpu;
}

uint64_t Memory::allocate(const ContextRef &context, uint64_t bytes,
                          AllocationKind kind) {
  require(bytes > 0);
  uint64_t address = device().memory().allocate(bytes, 256, kind);
  require(address != 0, CUDA_ERROR_OUT_OF_MEMORY);
  Block &block = blocks[address];
  block = {};
  block.address = address;
  block.bytes = bytes;
  block.id = ++lastId;
  block.kind = kind;
  block.context = context;
  return address;
}

void Memory::release(uint64_t address) {
  auto it = blocks.find(address);
  require(it != blocks.end() && it->second.kind != AllocationKind::Variable);
  ptxsim::Memory &memory = device().memory();
  if (std::shared_ptr<MemoryPool> pool = it->second.pool.lock())
    pool->used -= it->second.bytes;
  bool registered = it->second.kind == AllocationKind::Registered;
  blocks.erase(it);
  check(registered ? memory.unregisterHost(reinterpret_cast<void *>(address))
                   : memory.free(address));
}

CUresult Memory::releaseFromOperation(uint64_t address) {
  {
    std::lock_guard<std::mutex> lock(state().mutex);
    auto it = blocks.find(address);
    if (it == blocks.end())
      return CUDA_ERROR_INVALID_VALUE;
    if (std::shared_ptr<MemoryPool> pool = it->second.pool.lock())
      pool->used -= it->second.bytes;
    blocks.erase(it);
  }
  return report(gpu->memory().free(address));
}

void Memory::registerHost(const ContextRef &context, void *pointer,
                          uint64_t bytes, unsigned flags) {
  uint64_t address = reinterpret_cast<uint64_t>(pointer);
  require(pointer && bytes > 0);
  auto next = blocks.lower_bound(address);
  bool overlaps =
      (next != blocks.end() && next->first < address + bytes) || find(address);
  require(!overlaps, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  check(device().memory().registerHost(pointer, bytes));
  Block &block = blocks[address];
  block.address = address;
  block.bytes = bytes;
  block.id = ++lastId;
  block.kind = AllocationKind::Registered;
  block.context = context;
  block.hostFlags = flags;
}

void Memory::releaseAll(const ContextRef &context) {
  std::vector<uint64_t> owned;
  for (const auto &[address, block] : blocks)
    if (block.kind != AllocationKind::Variable &&
        block.context.lock() == context)
      owned.push_back(address);
  for (uint64_t address : owned)
    release(address);
}

Block *Memory::find(uint64_t address) {
  auto it = blocks.upper_bound(address);
  if (it == blocks.begin())
    return nullptr;
  Block &block = std::prev(it)->second;
  return address - block.address < block.bytes ? &block : nullptr;
}

void Memory::checkRange(uint64_t address, uint64_t bytes) {
  const Block *block = find(address);
  require(block && !block->freeing &&
          bytes <= block->bytes - (address - block->address));
}

uint64_t Memory::used() { return device().memory().used(); }

void Memory::addVariable(const ContextRef &context, uint64_t address,
                         uint64_t bytes) {
  Block &block = blocks[address];
  block.address = address;
  block.bytes = bytes;
  block.id = ++lastId;
  block.kind = AllocationKind::Variable;
  block.context = context;
}

} // namespace moe::driver
