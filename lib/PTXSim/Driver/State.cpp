// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "State.h"

#include "Graph.h"
#include "Memory.h"
#include "Module.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace moe::driver {

using namespace moe::cuda;

namespace {
thread_local std::unique_lock<std::mutex> *currentLock = nullptr;
thread_local bool perThreadDefault = false;

bool tracing() {
  static const bool on = std::getenv("MOE_SIM_TRACE") != nullptr;
  return on;
}

const char *nameOf(CUresult result) {
  switch (result) {
#define MOE_CU_RESULT(NAME, VALUE, TEXT)                                       \
  case NAME:                                                                   \
    return #NAME;
#include "moe/CUDA/Results.def"
  }
  return "?";
}

CUresult guarded(const Call &call,
                 const std::function<CUresult()> &body) noexcept {
  try {
    State &all = state();
    std::unique_lock<std::mutex> lock(all.mutex);
    if (!all.initialized && !call.beforeInit)
      return CUDA_ERROR_NOT_INITIALIZED;
    if (inHostFunction() && !call.beforeInit)
      return CUDA_ERROR_NOT_PERMITTED;
    currentLock = &lock;
    perThreadDefault = call.variant;
    CUresult result;
    try {
      result = body();
    } catch (const Failure &failure) {
      result = failure.result;
    }
    currentLock = nullptr;
    return result;
  } catch (const std::bad_alloc &) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "moe-sim: %s: %s\n", call.name, error.what());
    return CUDA_ERROR_UNKNOWN;
  }
}
} // namespace

void fail(CUresult result) { throw Failure{result}; }

uintptr_t newHandle() {
  // Far from what a program may have as an address or a small number, so that a
  // mix-up is noticed.
  static uintptr_t last = uintptr_t(0x4d6f) << 48;
  return last += 16;
}

State::State() : queue(mutex), memory(std::make_unique<Memory>()) {}

State &state() {
  static State *all = new State;
  return *all;
}

std::unique_lock<std::mutex> &heldLock() { return *currentLock; }

bool nullStreamIsPerThread() { return perThreadDefault; }

CUresult enter(const Call &call,
               const std::function<CUresult()> &body) noexcept {
  CUresult result = guarded(call, body);
  if (tracing())
    std::fprintf(stderr, "moe-sim: %s: %s\n", call.name, nameOf(result));
  return result;
}

std::vector<CUcontext> &contextStack() {
  thread_local std::vector<CUcontext> stack;
  return stack;
}

ContextRef currentContext() {
  require(!contextStack().empty() && contextStack().back(),
          CUDA_ERROR_INVALID_CONTEXT);
  ContextRef context = state().contexts.find(contextStack().back(),
                                             CUDA_ERROR_CONTEXT_IS_DESTROYED);
  require(context->failure == CUDA_SUCCESS, context->failure);
  return context;
}

void waitFor(const ContextRef &context,
             const std::vector<OperationRef> &operations) {
  state().queue.wait(heldLock(), operations);
  require(context->failure == CUDA_SUCCESS, context->failure);
}

void synchronize(const ContextRef &context) {
  waitFor(context, state().queue.pending(context.get()));
}

std::vector<OperationRef> endOf(const StreamRef &stream) {
  std::vector<OperationRef> end{stream->last};
  ContextRef context = stream->context.lock();
  if (stream->legacy) {
    auto add = [&](const StreamRef &other) {
      if (other->blocking && other->context.lock() == context)
        end.push_back(other->last);
    };
    for (const auto &[handle, other] : state().streams.all())
      add(other);
    for (const auto &[thread, other] : context->threadStreams)
      add(other);
  } else if (stream->blocking) {
    end.push_back(context->legacyStream->last);
  }
  end.erase(
      std::remove_if(end.begin(), end.end(),
                     [](const OperationRef &op) { return !op || op->done; }),
      end.end());
  return end;
}

void enqueue(const StreamRef &stream, OperationRef operation) {
  operation->context = stream->context.lock();
  for (OperationRef &other : endOf(stream))
    operation->after.push_back(std::move(other));
  stream->last = operation;
  state().queue.add(std::move(operation));
}

} // namespace moe::driver
