// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a device does in the background. The driver interface is asynchronous,
// and so is this: calls put operations into one queue, worker threads run them
// when everything that they wait for is done. One thread runs the device's
// operations, a second one the host functions, which may block without holding
// up the device.
//
// MOE_SIM_ASYNC decides when an operation runs, within what streams and events
// allow:
//   (unset)  as soon as it can, in the order of issue
//   early    before the call that issued it returns
//   late     when somebody waits for it, and nothing else then
//   SEED     in an order chosen by the seed

#ifndef MOE_LIB_PTXSIM_DRIVER_QUEUE_H
#define MOE_LIB_PTXSIM_DRIVER_QUEUE_H

#include "moe/CUDA/Types.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

namespace moe::driver {

struct Context;

struct Operation {
  enum class Worker { Device, Host };
  Worker worker = Worker::Device;
  std::shared_ptr<Context> context;
  /// Runs without the driver's lock. A result other than success stays with the
  /// context.
  std::function<cuda::CUresult()> run;
  /// Says whether `run` may start although all of `after` are done; asked with
  /// the lock held.
  std::function<bool()> ready;
  std::vector<std::shared_ptr<Operation>> after;
  bool demanded = false, started = false, done = false;
  std::chrono::steady_clock::time_point finished;
};
using OperationRef = std::shared_ptr<Operation>;

class Queue {
public:
  /// `mutex` guards the queue and the driver's state; whoever calls a function
  /// of this class holds it.
  explicit Queue(std::mutex &mutex);

  void add(OperationRef operation);
  /// Waits until all are done. Releases `lock` meanwhile.
  void wait(std::unique_lock<std::mutex> &lock,
            const std::vector<OperationRef> &operations);
  /// Whether it is done. Who asks often enough gets it done, as a program may
  /// poll.
  bool poll(const OperationRef &operation);
  /// Everything of a context (null: of all) that is not done.
  std::vector<OperationRef> pending(const Context *context) const;
  /// Something that `ready` looks at may have changed.
  void notify() { changed.notify_all(); }

private:
  enum class Order { Issue, Early, Late, Seeded };

  void work(Operation::Worker worker);
  OperationRef next(Operation::Worker worker);
  bool runnable(const Operation &operation) const;
  bool waitsForAnother() const;
  void demand(const OperationRef &operation);
  void startWorkers();

  std::mutex &mutex;
  std::condition_variable changed;
  std::deque<OperationRef> operations;
  Order order = Order::Issue;
  std::mt19937_64 random;
  size_t polls = 0;
  bool working = false;
};

/// Whether the calling thread runs a host function, which must not call the
/// driver.
bool inHostFunction();

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_QUEUE_H
