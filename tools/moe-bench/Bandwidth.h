// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How fast this machine reads memory: the limit that a token, whose weights are
// each used once, runs against.
#ifndef MOE_TOOLS_MOE_BENCH_BANDWIDTH_H
#define MOE_TOOLS_MOE_BENCH_BANDWIDTH_H

#include "moe/Runtime/MappedFile.h"

#include <vector>

namespace moe::bench {

/// Reads a buffer far larger than the caches, a segment at a time, with all
/// threads and in the best of several ways: so many streams a thread,
/// prefetched so far ahead. Samples are taken between the calls that they are
/// compared with, because other users of the machine take bandwidth too.
class BandwidthProbe {
public:
  /// Fills the buffer and finds the best way. Throws Error (memory).
  explicit BandwidthProbe(int threads);

  /// Reads one segment, which also takes everything else out of the caches.
  void sample();

  /// Median of the samples, in bytes a second.
  double bytesPerSecond() const;

private:
  struct Way {
    int streams;
    size_t prefetch; ///< Bytes ahead; 0: leave it to the hardware.
  };
  double readSegment(const Way &way);

  int threads;
  rt::ZeroedMemory buffer;
  size_t next = 0;
  Way best{1, 0};
  std::vector<double> rates;
};

} // namespace moe::bench

#endif // MOE_TOOLS_MOE_BENCH_BANDWIDTH_H
