// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state of the driver, one for a process, and how functions of the
// interface get at it.

#ifndef MOE_LIB_PTXSIM_DRIVER_STATE_H
#define MOE_LIB_PTXSIM_DRIVER_STATE_H

#include "Objects.h"
#include "Table.h"

#include <optional>
#include <string>

namespace moe::driver {

struct Module;
struct Function;
struct Library;
struct Kernel;
struct LinkState;
struct Graph;
struct GraphExec;
struct GraphNode;
struct MemoryPool;
class Memory;

struct State {
  State();

  /// Guards all of it. Every function of the interface holds it but for the
  /// time it waits.
  std::mutex mutex;
  bool initialized = false;
  Queue queue;
  std::unique_ptr<Memory> memory;
  ContextRef primary;
  unsigned primaryReferences = 0, primaryFlags = 0;
  uint64_t lastId = 0;
  Table<cuda::CUcontext, Context> contexts;
  Table<cuda::CUstream, Stream> streams;
  Table<cuda::CUevent, Event> events;
  Table<cuda::CUmodule, Module> modules;
  Table<cuda::CUfunction, Function> functions;
  Table<cuda::CUlibrary, Library> libraries;
  Table<cuda::CUkernel, Kernel> kernels;
  Table<cuda::CUlinkState, LinkState> links;
  Table<cuda::CUgraph, Graph> graphs;
  Table<cuda::CUgraphNode, GraphNode> nodes;
  Table<cuda::CUgraphExec, GraphExec> execs;
  Table<cuda::CUmemoryPool, MemoryPool> pools;
};

/// The one state; never destroyed, as the background threads use it until the
/// process is gone.
State &state();

/// The lock that the calling function of the interface holds.
std::unique_lock<std::mutex> &heldLock();

/// Waits for operations; fails with what went wrong in the context meanwhile.
void waitFor(const ContextRef &context,
             const std::vector<OperationRef> &operations);

/// The current context of the calling thread. Fails without one, and with what
/// a kernel of it failed with.
ContextRef currentContext();
/// A stream of the current context from a handle that may be one of the named
/// ones.
StreamRef findStream(cuda::CUstream handle);
EventRef findEvent(cuda::CUevent handle);

/// The stack of current contexts of the calling thread, the current one last.
std::vector<cuda::CUcontext> &contextStack();

/// What a device-side event in `stream` waits for: the end of its queue, with
/// the rules of the legacy stream.
std::vector<OperationRef> endOf(const StreamRef &stream);
/// Puts an operation at the end of a stream's queue.
void enqueue(const StreamRef &stream, OperationRef operation);
/// Every operation of the context has to be done.
void synchronize(const ContextRef &context);

/// Whether the null stream means the calling thread's own: inside of a _ptsz or
/// _ptds function.
bool nullStreamIsPerThread();

/// Runs a function of the interface: lock, initialisation, errors. `Variant`: a
/// _ptsz or _ptds function.
struct Call {
  const char *name;
  bool beforeInit;
  bool variant;
};
cuda::CUresult enter(const Call &call,
                     const std::function<cuda::CUresult()> &body) noexcept;

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_STATE_H
