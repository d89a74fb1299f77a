// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What streams and graphs are made of. A function of the interface describes
// its work by one of these and submits it: a stream that is captured makes a
// node of it, any other an operation.

#ifndef MOE_LIB_PTXSIM_DRIVER_WORK_H
#define MOE_LIB_PTXSIM_DRIVER_WORK_H

#include "Memory.h"

#include <variant>

namespace moe::driver {

struct Empty {};

struct KernelWork {
  std::shared_ptr<Function> function;
  ptxsim::Launch launch;
  /// As the launch gave them; nodes of graphs hand them out again.
  std::vector<cuda::CUlaunchAttribute> attributes;
};

/// A box of bytes between two places with pitches. A plain copy has one row.
struct CopyWork {
  cuda::CUDA_MEMCPY3D shape{};
  uint64_t source = 0, target = 0;
  uint64_t sourcePitch = 0, sourceSlice = 0, targetPitch = 0, targetSlice = 0;
  uint64_t width = 0, height = 1, depth = 1;
  /// Whether the executor has to check the accesses: not for memory of the
  /// process that it does not know.
  bool sourceOnDevice = false, targetOnDevice = false;
};

struct FillWork {
  cuda::CUDA_MEMSET_NODE_PARAMS params{};
};

struct HostWork {
  cuda::CUDA_HOST_NODE_PARAMS params{};
};

/// cuStreamAddCallback: a host function that also gets its stream and the
/// context's state.
struct CallbackWork {
  cuda::CUstreamCallback callback = nullptr;
  cuda::CUstream stream = nullptr;
  void *userData = nullptr;
};

struct RecordWork {
  EventRef event;
};

struct WaitWork {
  EventRef event;
};

struct ChildWork {
  std::shared_ptr<Graph> graph;
};

/// The end of cuMemFreeAsync.
struct FreeWork {
  uint64_t address = 0;
};

using Work =
    std::variant<Empty, KernelWork, CopyWork, FillWork, HostWork, RecordWork,
                 WaitWork, ChildWork, CallbackWork, FreeWork>;

/// Adds the work to the stream: a node if it is captured, else an operation,
/// which is the result.
OperationRef submit(const StreamRef &stream, Work work);
/// The operation that does it, not queued yet. ChildWork has none.
OperationRef makeOperation(const Work &work);

/// Describes copies and fills; they fail for memory that is not there.
CopyWork describeCopy(const cuda::CUDA_MEMCPY3D &shape);
FillWork describeFill(const cuda::CUDA_MEMSET_NODE_PARAMS &params);
KernelWork describeLaunch(const cuda::CUlaunchConfig &config,
                          const std::shared_ptr<Function> &function,
                          void **params, void **extra, bool cooperative);

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_WORK_H
