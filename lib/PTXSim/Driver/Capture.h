// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams that record a graph instead of running their work.

#ifndef MOE_LIB_PTXSIM_DRIVER_CAPTURE_H
#define MOE_LIB_PTXSIM_DRIVER_CAPTURE_H

#include "Graph.h"

namespace moe::driver {

struct Capture {
  uint64_t id = 0;
  GraphRef graph;
  Stream *origin = nullptr;
  cuda::CUstreamCaptureMode mode = cuda::CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  bool invalid = false, ended = false;
  /// The graph was the caller's, who keeps it however this ends.
  bool toGraph = false;
  /// The captured streams, and what the next node of each depends on.
  std::map<Stream *, std::set<cuda::CUgraphNode>> frontiers;
  /// What cuStreamGetCaptureInfo points to.
  std::vector<cuda::CUgraphNode> shown;
};

using CaptureRef = std::shared_ptr<Capture>;

/// Adds work to the capture of the stream; false if it is not captured.
bool capture(const StreamRef &stream, const Work &work);
/// The part of cuStreamWaitEvent and cuEventRecord in captures; false if there
/// is none.
bool joinCapture(const StreamRef &stream, const EventRef &event,
                 unsigned flags);
bool recordCapture(const StreamRef &stream, const EventRef &event,
                   unsigned flags);
/// A call that captures forbid happened: cuStreamEndCapture will say so.
void invalidate(const CaptureRef &capture);
/// The stream is gone while it was captured.
void abandon(const StreamRef &stream);
/// Work in the legacy stream would wait for captured streams: fails and
/// invalidates their captures.
void checkLegacy(const StreamRef &stream);

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_CAPTURE_H
