// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Queue.h"

#include "Memory.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace moe::driver {

using namespace moe::cuda;

namespace {
/// More operations than this are not put off: real devices have bounded queues
/// too.
constexpr size_t maxPutOff = 1024;
/// A program that asks this often whether something is done has waited long
/// enough.
constexpr size_t pollsUntilDemand = 8;

thread_local bool runsHostFunction = false;
} // namespace

bool inHostFunction() { return runsHostFunction; }

Queue::Queue(std::mutex &mutex) : mutex(mutex) {
  const char *text = std::getenv("MOE_SIM_ASYNC");
  std::string value = text ? text : "";
  if (value == "early")
    order = Order::Early;
  else if (value == "late")
    order = Order::Late;
  else if (!value.empty() &&
           std::all_of(value.begin(), value.end(),
                       [](char c) { return c >= '0' && c <= '9'; })) {
    order = Order::Seeded;
    random.seed(std::strtoull(text, nullptr, 10));
  }
}

void Queue::startWorkers() {
  if (working)
    return;
  working = true;
  // They end with the process: a program may leave with operations that nobody
  // waits for, as on a device.
  std::thread([this] { work(Operation::Worker::Device); }).detach();
  std::thread([this] { work(Operation::Worker::Host); }).detach();
}

void Queue::add(OperationRef operation) {
  startWorkers();
  operation->after.erase(std::remove_if(operation->after.begin(),
                                        operation->after.end(),
                                        [](const OperationRef &other) {
                                          return !other || other->done;
                                        }),
                         operation->after.end());
  operations.push_back(operation);
  if (order != Order::Late || operation->worker == Operation::Worker::Host)
    demand(operation);
  else if (operations.size() > maxPutOff)
    demand(operations.front());
  changed.notify_all();
  if (order == Order::Early && operation->worker == Operation::Worker::Device)
    changed.wait(heldLock(),
                 [&] { return operation->done || !runnable(*operation); });
}

void Queue::demand(const OperationRef &operation) {
  std::vector<Operation *> open{operation.get()};
  while (!open.empty()) {
    Operation *top = open.back();
    open.pop_back();
    if (top->demanded)
      continue;
    top->demanded = true;
    for (const OperationRef &other : top->after)
      if (!other->done)
        open.push_back(other.get());
  }
  changed.notify_all();
}

void Queue::wait(std::unique_lock<std::mutex> &lock,
                 const std::vector<OperationRef> &waited) {
  for (const OperationRef &operation : waited)
    if (operation && !operation->done)
      demand(operation);
  changed.wait(lock, [&] {
    return std::all_of(waited.begin(), waited.end(),
                       [](const OperationRef &operation) {
                         return !operation || operation->done;
                       });
  });
}

bool Queue::poll(const OperationRef &operation) {
  if (!operation || operation->done)
    return true;
  if (++polls % pollsUntilDemand == 0)
    demand(operation);
  return false;
}

std::vector<OperationRef> Queue::pending(const Context *context) const {
  std::vector<OperationRef> result;
  for (const OperationRef &operation : operations)
    if (!operation->done && (!context || operation->context.get() == context))
      result.push_back(operation);
  return result;
}

bool Queue::runnable(const Operation &operation) const {
  return operation.started ||
         (operation.demanded &&
          std::all_of(operation.after.begin(), operation.after.end(),
                      [](const OperationRef &other) { return other->done; }) &&
          (!operation.ready || operation.context->failure != CUDA_SUCCESS ||
           operation.ready()));
}

/// Somebody waits for an operation that waits for a value, which an operation
/// that nobody waits for may write.
bool Queue::waitsForAnother() const {
  return std::any_of(
      operations.begin(), operations.end(), [&](const OperationRef &operation) {
        return operation->demanded && operation->ready && !runnable(*operation);
      });
}

OperationRef Queue::next(Operation::Worker worker) {
  std::vector<OperationRef> choices;
  for (const OperationRef &operation : operations)
    if (!operation->started && operation->worker == worker &&
        runnable(*operation)) {
      if (order != Order::Seeded)
        return operation;
      choices.push_back(operation);
    }
  if (choices.empty() && order == Order::Late && waitsForAnother())
    for (const OperationRef &operation : operations)
      if (!operation->demanded) {
        demand(operation);
        return next(worker);
      }
  return choices.empty() ? nullptr : choices[random() % choices.size()];
}

void Queue::work(Operation::Worker worker) {
  runsHostFunction = worker == Operation::Worker::Host;
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    OperationRef operation;
    changed.wait(lock, [&] { return (operation = next(worker)) != nullptr; });
    operation->started = true;
    // After an error nothing of the context runs any more, host functions
    // excepted: they may free memory.
    bool skipped = operation->context->failure != CUDA_SUCCESS &&
                   worker == Operation::Worker::Device;
    CUresult result = CUDA_SUCCESS;
    if (operation->run && !skipped) {
      if (worker == Operation::Worker::Device)
        state().memory->beginOperation();
      lock.unlock();
      result = operation->run();
      lock.lock();
      if (worker == Operation::Worker::Device)
        state().memory->endOperation();
    }
    if (result != CUDA_SUCCESS && operation->context->failure == CUDA_SUCCESS)
      operation->context->failure = result;
    operation->run = nullptr;
    operation->ready = nullptr;
    operation->after.clear();
    // Streams of the context remember their last operation.
    operation->context = nullptr;
    operation->finished = std::chrono::steady_clock::now();
    operation->done = true;
    operations.erase(
        std::find(operations.begin(), operations.end(), operation));
    operation.reset();
    changed.notify_all();
  }
}

} // namespace moe::driver
