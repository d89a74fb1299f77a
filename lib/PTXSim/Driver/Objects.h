// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What contexts, streams and events are. Modules and functions are in Module.h,
// graphs in Graph.h.

#ifndef MOE_LIB_PTXSIM_DRIVER_OBJECTS_H
#define MOE_LIB_PTXSIM_DRIVER_OBJECTS_H

#include "Queue.h"

#include <map>
#include <set>
#include <thread>

namespace moe::driver {

struct Capture;
struct Stream;

struct Context {
  cuda::CUcontext handle = nullptr;
  cuda::CUdevice device = 0;
  uint64_t id = 0;
  unsigned flags = 0;
  unsigned apiVersion = 3020;
  bool primary = false;
  /// What a kernel failed with: every later call that needs this context
  /// returns it.
  cuda::CUresult failure = cuda::CUDA_SUCCESS;
  cuda::CUfunc_cache cacheConfig = cuda::CU_FUNC_CACHE_PREFER_NONE;
  cuda::CUsharedconfig sharedConfig =
      cuda::CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
  std::map<cuda::CUlimit, size_t> limits;
  std::shared_ptr<Stream> legacyStream;
  std::map<std::thread::id, std::shared_ptr<Stream>> threadStreams;
};
using ContextRef = std::shared_ptr<Context>;

struct Stream {
  cuda::CUstream handle = nullptr;
  std::weak_ptr<Context> context;
  uint64_t id = 0;
  int priority = 0;
  /// Whether work in it waits for the legacy stream, and the other way round.
  bool blocking = true;
  bool legacy = false;
  std::map<cuda::CUstreamAttrID, cuda::CUstreamAttrValue> attributes;
  OperationRef last;
  /// Set while it is being captured.
  std::shared_ptr<Capture> capture;
};
using StreamRef = std::shared_ptr<Stream>;

struct Event {
  cuda::CUevent handle = nullptr;
  std::weak_ptr<Context> context;
  unsigned flags = 0;
  OperationRef recorded;
  /// Set if it was recorded last in a captured stream, with the nodes that it
  /// stands for.
  std::shared_ptr<Capture> capture;
  std::set<cuda::CUgraphNode> captured;
};
using EventRef = std::shared_ptr<Event>;

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_OBJECTS_H
