// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Capture.h"

#include "API.h"

#include <algorithm>

namespace moe::driver {

using namespace moe::cuda;

namespace {
thread_local CUstreamCaptureMode threadMode = CU_STREAM_CAPTURE_MODE_GLOBAL;

std::set<CaptureRef> &running() {
  static auto *captures = new std::set<CaptureRef>;
  return *captures;
}

void finish(const CaptureRef &capture) {
  capture->ended = true;
  for (auto &[stream, frontier] : capture->frontiers)
    stream->capture = nullptr;
  capture->frontiers.clear();
  running().erase(capture);
}

void checkValid(const CaptureRef &capture) {
  require(!capture->invalid, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

std::vector<GraphNode *> nodesOf(const std::set<CUgraphNode> &handles) {
  std::vector<GraphNode *> nodes;
  for (CUgraphNode handle : handles)
    nodes.push_back(findNode(handle).get());
  return nodes;
}

/// Whether everything that `nodes` stands for comes before the end of the
/// origin stream.
bool joined(const Capture &capture, const std::set<CUgraphNode> &nodes) {
  std::vector<GraphNode *> open = nodesOf(capture.frontiers.at(capture.origin));
  std::set<CUgraphNode> before;
  while (!open.empty()) {
    GraphNode *node = open.back();
    open.pop_back();
    if (before.insert(node->handle).second)
      open.insert(open.end(), node->dependencies.begin(),
                  node->dependencies.end());
  }
  return std::includes(before.begin(), before.end(), nodes.begin(),
                       nodes.end());
}

CUresult begin(CUstream handle, const GraphRef &graph,
               std::set<CUgraphNode> frontier, CUstreamCaptureMode mode,
               bool toGraph) {
  require(mode <= CU_STREAM_CAPTURE_MODE_RELAXED);
  StreamRef stream = findStream(handle);
  require(!stream->legacy, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  require(!stream->capture, CUDA_ERROR_ILLEGAL_STATE);
  auto capture = std::make_shared<Capture>();
  capture->id = ++state().lastId;
  capture->graph = graph;
  capture->origin = stream.get();
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  capture->toGraph = toGraph;
  capture->frontiers[stream.get()] = std::move(frontier);
  stream->capture = capture;
  running().insert(capture);
  if (!toGraph)
    publish(graph);
  return CUDA_SUCCESS;
}
} // namespace

void invalidate(const CaptureRef &capture) { capture->invalid = true; }

void abandon(const StreamRef &stream) {
  CaptureRef capture = stream->capture;
  invalidate(capture);
  capture->frontiers.erase(stream.get());
  stream->capture = nullptr;
  if (capture->origin == stream.get()) {
    finish(capture);
    if (!capture->toGraph)
      unpublish(capture->graph);
  }
}

void forbidWhileCapturing() {
  if (threadMode == CU_STREAM_CAPTURE_MODE_RELAXED)
    return;
  bool forbidden = false;
  for (const CaptureRef &capture : running()) {
    bool own = capture->thread == std::this_thread::get_id();
    bool counts = own ? capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED
                      : capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL &&
                            threadMode == CU_STREAM_CAPTURE_MODE_GLOBAL;
    if (counts) {
      invalidate(capture);
      forbidden = true;
    }
  }
  require(!forbidden, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
}

void checkLegacy(const StreamRef &stream) {
  if (!stream->legacy)
    return;
  bool waits = false;
  for (const CaptureRef &capture : running())
    for (const auto &[captured, frontier] : capture->frontiers)
      if (captured->blocking &&
          captured->context.lock() == stream->context.lock()) {
        invalidate(capture);
        waits = true;
      }
  require(!waits, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
}

bool capture(const StreamRef &stream, const Work &work) {
  CaptureRef capture = stream->capture;
  if (!capture)
    return false;
  checkValid(capture);
  if (std::holds_alternative<CallbackWork>(work) ||
      std::holds_alternative<FreeWork>(work)) {
    invalidate(capture);
    fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  std::set<CUgraphNode> &frontier = capture->frontiers[stream.get()];
  NodeRef node = capture->graph->add(work, nodesOf(frontier));
  frontier = {node->handle};
  return true;
}

bool joinCapture(const StreamRef &stream, const EventRef &event,
                 unsigned flags) {
  if (stream->capture && (flags & CU_EVENT_WAIT_EXTERNAL))
    return capture(stream, WaitWork{event});
  if (!event->capture) {
    if (!stream->capture)
      return false;
    checkValid(stream->capture);
    if (event->recorded) {
      invalidate(stream->capture);
      fail(CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    }
    return true;
  }
  CaptureRef capture = event->capture;
  require(!capture->ended, CUDA_ERROR_CAPTURED_EVENT);
  checkValid(capture);
  if (stream->capture && stream->capture != capture) {
    invalidate(stream->capture);
    invalidate(capture);
    fail(CUDA_ERROR_STREAM_CAPTURE_MERGE);
  }
  if (stream->legacy) {
    invalidate(capture);
    fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  }
  stream->capture = capture;
  capture->frontiers[stream.get()].insert(event->captured.begin(),
                                          event->captured.end());
  return true;
}

bool recordCapture(const StreamRef &stream, const EventRef &event,
                   unsigned flags) {
  if (!stream->capture) {
    checkLegacy(stream);
    return false;
  }
  checkValid(stream->capture);
  if (flags & CU_EVENT_RECORD_EXTERNAL)
    return capture(stream, RecordWork{event});
  event->capture = stream->capture;
  event->captured = stream->capture->frontiers[stream.get()];
  return true;
}

CUresult api::cuStreamBeginCapture_v2(CUstream handle,
                                      CUstreamCaptureMode mode) {
  return begin(handle, std::make_shared<Graph>(), {}, mode, false);
}

CUresult api::cuStreamBeginCaptureToGraph(CUstream handle, CUgraph graphHandle,
                                          const CUgraphNode *dependencies,
                                          const CUgraphEdgeData *, size_t count,
                                          CUstreamCaptureMode mode) {
  GraphRef graph = findGraph(graphHandle);
  std::set<CUgraphNode> frontier;
  for (GraphNode *node : findNodes(graph, dependencies, count))
    frontier.insert(node->handle);
  return begin(handle, graph, std::move(frontier), mode, true);
}

CUresult api::cuStreamEndCapture(CUstream handle, CUgraph *result) {
  StreamRef stream = findStream(handle);
  require(result);
  *result = nullptr;
  CaptureRef capture = stream->capture;
  require(capture != nullptr, CUDA_ERROR_ILLEGAL_STATE);
  if (capture->origin != stream.get()) {
    invalidate(capture);
    return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  }
  require(capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED ||
              capture->thread == std::this_thread::get_id(),
          CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  CUresult outcome =
      capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
  if (outcome == CUDA_SUCCESS)
    for (const auto &[other, frontier] : capture->frontiers)
      if (!joined(*capture, frontier))
        outcome = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  finish(capture);
  if (outcome == CUDA_SUCCESS)
    *result = capture->graph->handle;
  else if (!capture->toGraph)
    unpublish(capture->graph);
  return outcome;
}

CUresult api::cuStreamIsCapturing(CUstream handle,
                                  CUstreamCaptureStatus *status) {
  require(status);
  StreamRef stream = findStream(handle);
  checkLegacy(stream);
  *status = !stream->capture           ? CU_STREAM_CAPTURE_STATUS_NONE
            : stream->capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                       : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetCaptureInfo_v3(CUstream handle,
                                        CUstreamCaptureStatus *status,
                                        cuuint64_t *id, CUgraph *graph,
                                        const CUgraphNode **dependencies,
                                        const CUgraphEdgeData **edges,
                                        size_t *count) {
  CUresult result = cuStreamIsCapturing(handle, status);
  if (result != CUDA_SUCCESS || *status != CU_STREAM_CAPTURE_STATUS_ACTIVE)
    return result;
  StreamRef stream = findStream(handle);
  Capture &capture = *stream->capture;
  const std::set<CUgraphNode> &frontier = capture.frontiers[stream.get()];
  capture.shown.assign(frontier.begin(), frontier.end());
  if (id)
    *id = capture.id;
  if (graph)
    *graph = capture.graph->handle;
  if (dependencies)
    *dependencies = capture.shown.data();
  if (edges)
    *edges = nullptr;
  if (count)
    *count = capture.shown.size();
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetCaptureInfo_v2(CUstream handle,
                                        CUstreamCaptureStatus *status,
                                        cuuint64_t *id, CUgraph *graph,
                                        const CUgraphNode **dependencies,
                                        size_t *count) {
  return cuStreamGetCaptureInfo_v3(handle, status, id, graph, dependencies,
                                   nullptr, count);
}

CUresult api::cuStreamUpdateCaptureDependencies_v2(CUstream handle,
                                                   CUgraphNode *dependencies,
                                                   const CUgraphEdgeData *,
                                                   size_t count,
                                                   unsigned flags) {
  StreamRef stream = findStream(handle);
  require(stream->capture != nullptr, CUDA_ERROR_ILLEGAL_STATE);
  require(flags <= 1);
  checkValid(stream->capture);
  std::vector<GraphNode *> nodes =
      findNodes(stream->capture->graph, dependencies, count);
  std::set<CUgraphNode> &frontier = stream->capture->frontiers[stream.get()];
  constexpr unsigned replaces = 1;
  if (flags == replaces)
    frontier.clear();
  for (GraphNode *node : nodes)
    frontier.insert(node->handle);
  return CUDA_SUCCESS;
}

CUresult api::cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  require(mode && *mode <= CU_STREAM_CAPTURE_MODE_RELAXED);
  std::swap(*mode, threadMode);
  return CUDA_SUCCESS;
}

} // namespace moe::driver
