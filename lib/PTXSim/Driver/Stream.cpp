// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "API.h"
#include "Capture.h"
#include "Memory.h"

#include <algorithm>

namespace moe::driver {

using namespace moe::cuda;

namespace {
constexpr int greatestPriority = -5;

CUresult create(CUstream *result, unsigned flags, int priority) {
  require(result && (flags & ~unsigned(CU_STREAM_NON_BLOCKING)) == 0);
  ContextRef context = currentContext();
  auto stream = std::make_shared<Stream>();
  stream->context = context;
  stream->id = ++state().lastId;
  stream->blocking = !(flags & CU_STREAM_NON_BLOCKING);
  stream->priority = std::clamp(priority, greatestPriority, 0);
  *result = state().streams.add(std::move(stream));
  return CUDA_SUCCESS;
}
} // namespace

StreamRef findStream(CUstream handle) {
  ContextRef context = currentContext();
  if (!handle)
    handle = nullStreamIsPerThread() ? kPerThreadStream : kLegacyStream;
  if (handle == kLegacyStream)
    return context->legacyStream;
  if (handle == kPerThreadStream) {
    StreamRef &stream = context->threadStreams[std::this_thread::get_id()];
    if (!stream) {
      stream = std::make_shared<Stream>();
      stream->context = context;
      stream->id = ++state().lastId;
      stream->handle = kPerThreadStream;
    }
    return stream;
  }
  StreamRef stream = state().streams.find(handle);
  // Streams of another context take work too, unless a kernel of it failed.
  ContextRef owner = stream->context.lock();
  require(owner && owner->failure == CUDA_SUCCESS,
          owner ? owner->failure : CUDA_ERROR_CONTEXT_IS_DESTROYED);
  return stream;
}

CUresult api::cuStreamCreate(CUstream *result, unsigned flags) {
  return create(result, flags, 0);
}

CUresult api::cuStreamCreateWithPriority(CUstream *result, unsigned flags,
                                         int priority) {
  return create(result, flags, priority);
}

CUresult api::cuStreamDestroy_v2(CUstream handle) {
  require(handle && handle != kLegacyStream && handle != kPerThreadStream,
          CUDA_ERROR_INVALID_HANDLE);
  StreamRef stream = state().streams.take(handle);
  // What is queued still runs; a capture that nobody can end any more is given
  // up.
  if (stream->capture)
    abandon(stream);
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetPriority(CUstream handle, int *priority) {
  require(priority);
  *priority = findStream(handle)->priority;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetFlags(CUstream handle, unsigned *flags) {
  require(flags);
  *flags =
      findStream(handle)->blocking ? CU_STREAM_DEFAULT : CU_STREAM_NON_BLOCKING;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetId(CUstream handle, unsigned long long *id) {
  require(id);
  *id = findStream(handle)->id;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetDevice(CUstream handle, CUdevice *device) {
  require(device);
  findStream(handle);
  *device = 0;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetCtx(CUstream handle, CUcontext *context) {
  require(context);
  *context = findStream(handle)->context.lock()->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamQuery(CUstream handle) {
  StreamRef stream = findStream(handle);
  if (stream->capture) {
    invalidate(stream->capture);
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  for (const OperationRef &operation : endOf(stream))
    if (!state().queue.poll(operation))
      return CUDA_ERROR_NOT_READY;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamSynchronize(CUstream handle) {
  StreamRef stream = findStream(handle);
  if (stream->capture) {
    invalidate(stream->capture);
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  forbidWhileCapturing();
  waitFor(stream->context.lock(), endOf(stream));
  return CUDA_SUCCESS;
}

CUresult api::cuStreamWaitEvent(CUstream handle, CUevent eventHandle,
                                unsigned flags) {
  require((flags & ~unsigned(CU_EVENT_WAIT_EXTERNAL)) == 0);
  StreamRef stream = findStream(handle);
  EventRef event = findEvent(eventHandle);
  if (joinCapture(stream, event, flags))
    return CUDA_SUCCESS;
  if (!event->recorded || event->recorded->done)
    return CUDA_SUCCESS;
  auto wait = std::make_shared<Operation>();
  wait->after.push_back(event->recorded);
  enqueue(stream, std::move(wait));
  return CUDA_SUCCESS;
}

CUresult api::cuStreamGetAttribute(CUstream handle, CUstreamAttrID name,
                                   CUstreamAttrValue *value) {
  require(value);
  StreamRef stream = findStream(handle);
  auto it = stream->attributes.find(name);
  *value = it == stream->attributes.end() ? CUstreamAttrValue{} : it->second;
  if (name == CU_LAUNCH_ATTRIBUTE_PRIORITY)
    value->priority = stream->priority;
  return CUDA_SUCCESS;
}

CUresult api::cuStreamSetAttribute(CUstream handle, CUstreamAttrID name,
                                   const CUstreamAttrValue *value) {
  require(value);
  StreamRef stream = findStream(handle);
  stream->attributes[name] = *value;
  if (name == CU_LAUNCH_ATTRIBUTE_PRIORITY)
    stream->priority = std::clamp(value->priority, greatestPriority, 0);
  return CUDA_SUCCESS;
}

CUresult api::cuStreamCopyAttributes(CUstream target, CUstream source) {
  StreamRef from = findStream(source);
  findStream(target)->attributes = from->attributes;
  return CUDA_SUCCESS;
}

} // namespace moe::driver
