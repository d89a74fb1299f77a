// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "API.h"
#include "Capture.h"
#include "Memory.h"

namespace moe::driver {

using namespace moe::cuda;

EventRef findEvent(CUevent handle) {
  EventRef event = state().events.find(handle);
  ContextRef owner = event->context.lock();
  require(owner && owner->failure == CUDA_SUCCESS,
          owner ? owner->failure : CUDA_ERROR_CONTEXT_IS_DESTROYED);
  return event;
}

CUresult api::cuEventCreate(CUevent *result, unsigned flags) {
  constexpr unsigned known =
      CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;
  require(result && (flags & ~known) == 0);
  // Events of other processes have no times.
  require(!(flags & CU_EVENT_INTERPROCESS) ||
          (flags & CU_EVENT_DISABLE_TIMING));
  auto event = std::make_shared<Event>();
  event->context = currentContext();
  event->flags = flags;
  *result = state().events.add(std::move(event));
  return CUDA_SUCCESS;
}

CUresult api::cuEventDestroy_v2(CUevent handle) {
  state().events.take(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuEventRecordWithFlags(CUevent handle, CUstream streamHandle,
                                     unsigned flags) {
  require((flags & ~unsigned(CU_EVENT_RECORD_EXTERNAL)) == 0);
  EventRef event = findEvent(handle);
  StreamRef stream = findStream(streamHandle);
  require(event->context.lock() == stream->context.lock(),
          CUDA_ERROR_INVALID_HANDLE);
  if (recordCapture(stream, event, flags))
    return CUDA_SUCCESS;
  event->capture = nullptr;
  event->captured.clear();
  event->recorded = std::make_shared<Operation>();
  enqueue(stream, event->recorded);
  return CUDA_SUCCESS;
}

CUresult api::cuEventRecord(CUevent event, CUstream stream) {
  return cuEventRecordWithFlags(event, stream, 0);
}

CUresult api::cuEventQuery(CUevent handle) {
  EventRef event = findEvent(handle);
  require(!event->capture, CUDA_ERROR_CAPTURED_EVENT);
  return state().queue.poll(event->recorded) ? CUDA_SUCCESS
                                             : CUDA_ERROR_NOT_READY;
}

CUresult api::cuEventSynchronize(CUevent handle) {
  EventRef event = findEvent(handle);
  require(!event->capture, CUDA_ERROR_CAPTURED_EVENT);
  waitFor(event->context.lock(), {event->recorded});
  return CUDA_SUCCESS;
}

CUresult api::cuEventElapsedTime(float *milliseconds, CUevent startHandle,
                                 CUevent endHandle) {
  require(milliseconds);
  EventRef start = findEvent(startHandle), end = findEvent(endHandle);
  require(start->recorded && end->recorded, CUDA_ERROR_INVALID_HANDLE);
  require(!((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING),
          CUDA_ERROR_INVALID_HANDLE);
  if (!state().queue.poll(start->recorded) ||
      !state().queue.poll(end->recorded))
    return CUDA_ERROR_NOT_READY;
  *milliseconds = std::chrono::duration<float, std::milli>(
                      end->recorded->finished - start->recorded->finished)
                      .count();
  return CUDA_SUCCESS;
}

CUresult api::cuEventElapsedTime_v2(float *milliseconds, CUevent start,
                                    CUevent end) {
  return cuEventElapsedTime(milliseconds, start, end);
}

} // namespace moe::driver
