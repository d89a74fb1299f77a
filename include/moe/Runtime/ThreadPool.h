// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads that run kernels.
#ifndef MOE_RUNTIME_THREADPOOL_H
#define MOE_RUNTIME_THREADPOOL_H

#include "moe/Runtime/ABI.h"

#include <atomic>
#include <thread>
#include <vector>

namespace moe::rt {

/// A pool whose workers spin between the regions of one step and sleep on a
/// futex between steps.
///
/// A region is cut into chunks that are claimed one by one with an atomic
/// operation. The caller works too and finishes whatever nobody has started, so
/// a worker that the operating system has put aside costs nothing: only a chunk
/// that it has already begun is waited for. parallelFor never allocates.
///
/// Thread contract: one region at a time uses the workers. A second call while
/// one runs (from another thread, or from inside a kernel) does all of its own
/// work itself.
class ThreadPool {
public:
  /// Starts `threads` - 1 workers (the caller is the other one). Fewer if the
  /// system refuses more; threads() tells.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const { return static_cast<int>(workers.size()) + 1; }

  /// Runs `kernel` over [0, units) in ranges of at least `grain` units (the
  /// last may be shorter); returns when all are done.
  void parallelFor(moe_kernel_fn kernel, void *captures, int64_t units,
                   int64_t grain);

  /// moe_context.parallel_for for contexts whose `runtime` is a ThreadPool.
  static void parallelFor(moe_context *context, moe_kernel_fn kernel,
                          void *captures, int64_t units, int64_t grain) {
    static_cast<ThreadPool *>(context->runtime)
        ->parallelFor(kernel, captures, units, grain);
  }

  /// CPUs that this process may run on.
  static int availableCpus();
  /// `requested` threads, or one a CPU for 0; never more than availableCpus(),
  /// because spinning threads that share a CPU only take it from each other.
  static int choose(int requested);

private:
  void work();
  /// Claims and runs one chunk of the current region; false if none is left.
  bool runOneChunk();
  /// Spins, then sleeps, until there may be a chunk to claim.
  void awaitRegion();

  /// The region: written by the caller while `claims` has nothing left. Atomic
  /// because a late worker may read them meanwhile; it then fails to claim.
  std::atomic<moe_kernel_fn> kernel{nullptr};
  std::atomic<void *> captures{nullptr};
  std::atomic<int64_t> units{0};
  std::atomic<int64_t> chunk{0};

  /// (region number << 32) | chunks not yet claimed.
  alignas(64) std::atomic<uint64_t> claims{0};
  /// Chunks not yet finished.
  alignas(64) std::atomic<int64_t> pending{0};
  /// What sleepers wait on, and how many they are.
  alignas(64) std::atomic<uint32_t> epoch{0};
  std::atomic<int> sleepers{0};
  alignas(64) std::atomic<bool> busy{false};
  std::atomic<bool> stopping{false};
  std::vector<std::thread> workers;
};

} // namespace moe::rt

#endif // MOE_RUNTIME_THREADPOOL_H
