// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts: the primary one and those that programs make, and which of them is
// current to a thread.
#include "API.h"
#include "Graph.h"
#include "Memory.h"
#include "Module.h"

#include <algorithm>

namespace moe::driver {

using namespace moe::cuda;

namespace {
constexpr unsigned knownFlags = CU_CTX_FLAGS_MASK;

void checkDevice(CUdevice device) {
  require(device == 0, CUDA_ERROR_INVALID_DEVICE);
}

/// Scheduling flags exclude one another.
void checkFlags(unsigned flags) {
  require((flags & ~knownFlags) == 0);
  unsigned schedule = flags & CU_CTX_SCHED_MASK;
  require((schedule & (schedule - 1)) == 0);
}

ContextRef makeContext(unsigned flags) {
  State &all = state();
  auto context = std::make_shared<Context>();
  context->id = ++all.lastId;
  context->flags = flags;
  context->limits = {{CU_LIMIT_STACK_SIZE, 1024},
                     {CU_LIMIT_PRINTF_FIFO_SIZE, 7340032},
                     {CU_LIMIT_MALLOC_HEAP_SIZE, 8388608},
                     {CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH, 2},
                     {CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT, 2048},
                     {CU_LIMIT_MAX_L2_FETCH_GRANULARITY, 64},
                     {CU_LIMIT_PERSISTING_L2_CACHE_SIZE, 0}};
  all.contexts.add(context);
  context->legacyStream = std::make_shared<Stream>();
  context->legacyStream->context = context;
  context->legacyStream->legacy = true;
  context->legacyStream->id = ++all.lastId;
  context->legacyStream->handle = kLegacyStream;
  return context;
}

/// Ends everything that the context owns. A context that failed has nothing to
/// wait for.
void destroy(const ContextRef &context) {
  State &all = state();
  all.queue.wait(heldLock(), all.queue.pending(context.get()));
  auto owned = [&](auto &object) { return object.context.lock() == context; };
  all.functions.removeIf(owned);
  all.modules.removeIf(owned);
  all.streams.removeIf(owned);
  all.events.removeIf(owned);
  all.memory->releaseAll(context);
  if (context->handle)
    all.contexts.take(context->handle);
}

CUresult create(CUcontext *result, unsigned flags, CUdevice device) {
  checkDevice(device);
  require(result);
  checkFlags(flags);
  ContextRef context = makeContext(flags);
  contextStack().push_back(context->handle);
  *result = context->handle;
  return CUDA_SUCCESS;
}

/// The current context even if a kernel of it failed.
ContextRef currentEvenFailed() {
  require(!contextStack().empty() && contextStack().back(),
          CUDA_ERROR_INVALID_CONTEXT);
  return state().contexts.find(contextStack().back(),
                               CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

void resetPrimary() {
  State &all = state();
  if (all.primary)
    destroy(all.primary);
  all.primary = nullptr;
}
} // namespace

CUresult api::cuDevicePrimaryCtxRetain(CUcontext *result, CUdevice device) {
  checkDevice(device);
  require(result);
  State &all = state();
  if (!all.primary) {
    all.primary = makeContext(all.primaryFlags);
    all.primary->primary = true;
  }
  require(all.primary->failure == CUDA_SUCCESS, all.primary->failure);
  ++all.primaryReferences;
  *result = all.primary->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  checkDevice(device);
  State &all = state();
  require(all.primaryReferences > 0, CUDA_ERROR_INVALID_CONTEXT);
  if (--all.primaryReferences == 0)
    resetPrimary();
  return CUDA_SUCCESS;
}

CUresult api::cuDevicePrimaryCtxRelease(CUdevice device) {
  return cuDevicePrimaryCtxRelease_v2(device);
}

CUresult api::cuDevicePrimaryCtxReset_v2(CUdevice device) {
  checkDevice(device);
  resetPrimary();
  state().primaryReferences = 0;
  return CUDA_SUCCESS;
}

CUresult api::cuDevicePrimaryCtxReset(CUdevice device) {
  return cuDevicePrimaryCtxReset_v2(device);
}

CUresult api::cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  checkDevice(device);
  checkFlags(flags);
  State &all = state();
  all.primaryFlags = flags;
  if (all.primary)
    all.primary->flags = flags;
  return CUDA_SUCCESS;
}

CUresult api::cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags) {
  require(!state().primary, CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE);
  return cuDevicePrimaryCtxSetFlags_v2(device, flags);
}

CUresult api::cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags,
                                         int *active) {
  checkDevice(device);
  require(flags && active);
  *flags = state().primaryFlags;
  *active = state().primary != nullptr;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxCreate_v2(CUcontext *result, unsigned flags,
                             CUdevice device) {
  return create(result, flags, device);
}

CUresult api::cuCtxCreate_v3(CUcontext *result, CUexecAffinityParam *affinity,
                             int count, unsigned flags, CUdevice device) {
  require(!affinity && count == 0, CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY);
  return create(result, flags, device);
}

CUresult api::cuCtxCreate_v4(CUcontext *result, CUctxCreateParams *params,
                             unsigned flags, CUdevice device) {
  require(!params, CUDA_ERROR_NOT_SUPPORTED);
  return create(result, flags, device);
}

CUresult api::cuCtxDestroy_v2(CUcontext handle) {
  ContextRef context =
      state().contexts.find(handle, CUDA_ERROR_INVALID_CONTEXT);
  require(!context->primary, CUDA_ERROR_INVALID_CONTEXT);
  if (!contextStack().empty() && contextStack().back() == handle)
    contextStack().pop_back();
  destroy(context);
  return CUDA_SUCCESS;
}

CUresult api::cuCtxDestroy(CUcontext handle) { return cuCtxDestroy_v2(handle); }

CUresult api::cuCtxPushCurrent_v2(CUcontext handle) {
  state().contexts.find(handle, CUDA_ERROR_INVALID_CONTEXT);
  contextStack().push_back(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuCtxPopCurrent_v2(CUcontext *result) {
  require(!contextStack().empty(), CUDA_ERROR_INVALID_CONTEXT);
  if (result)
    *result = contextStack().back();
  contextStack().pop_back();
  return CUDA_SUCCESS;
}

CUresult api::cuCtxSetCurrent(CUcontext handle) {
  if (handle)
    state().contexts.find(handle, CUDA_ERROR_INVALID_CONTEXT);
  std::vector<CUcontext> &stack = contextStack();
  if (!stack.empty())
    stack.pop_back();
  if (handle)
    stack.push_back(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetCurrent(CUcontext *result) {
  require(result);
  *result = contextStack().empty() ? nullptr : contextStack().back();
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetDevice(CUdevice *device) {
  require(device);
  *device = currentEvenFailed()->device;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetFlags(unsigned *flags) {
  require(flags);
  *flags = currentContext()->flags;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxSetFlags(unsigned flags) {
  checkFlags(flags);
  currentContext()->flags = flags;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetId(CUcontext handle, unsigned long long *id) {
  require(id);
  *id = (handle ? state().contexts.find(handle, CUDA_ERROR_CONTEXT_IS_DESTROYED)
                : currentContext())
            ->id;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxSynchronize() {
  ContextRef context = currentContext();
  forbidWhileCapturing();
  synchronize(context);
  return CUDA_SUCCESS;
}

CUresult api::cuCtxSetLimit(CUlimit limit, size_t value) {
  ContextRef context = currentContext();
  auto it = context->limits.find(limit);
  require(it != context->limits.end(), CUDA_ERROR_UNSUPPORTED_LIMIT);
  it->second = value;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetLimit(size_t *value, CUlimit limit) {
  require(value);
  ContextRef context = currentContext();
  auto it = context->limits.find(limit);
  require(it != context->limits.end(), CUDA_ERROR_UNSUPPORTED_LIMIT);
  *value = it->second;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetCacheConfig(CUfunc_cache *config) {
  require(config);
  *config = currentContext()->cacheConfig;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxSetCacheConfig(CUfunc_cache config) {
  require(config <= CU_FUNC_CACHE_PREFER_EQUAL);
  currentContext()->cacheConfig = config;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetSharedMemConfig(CUsharedconfig *config) {
  require(config);
  *config = currentContext()->sharedConfig;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxSetSharedMemConfig(CUsharedconfig config) {
  // Banks are four bytes wide on every architecture since Maxwell: taken, and
  // without effect.
  require(config <= CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE);
  currentContext();
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
  require(version);
  *version = (handle ? state().contexts.find(handle, CUDA_ERROR_INVALID_CONTEXT)
                     : currentContext())
                 ->apiVersion;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  currentContext();
  if (least)
    *least = 0;
  if (greatest)
    *greatest = -5;
  return CUDA_SUCCESS;
}

CUresult api::cuCtxResetPersistingL2Cache() {
  currentContext();
  return CUDA_SUCCESS;
}

CUresult api::cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  currentContext();
  state().contexts.find(peer, CUDA_ERROR_INVALID_CONTEXT);
  require(flags == 0);
  return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
}

CUresult api::cuCtxDisablePeerAccess(CUcontext peer) {
  currentContext();
  state().contexts.find(peer, CUDA_ERROR_INVALID_CONTEXT);
  return CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
}

} // namespace moe::driver
