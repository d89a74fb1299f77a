// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_BENCH_MEASURE_H
#define MOE_TOOLS_MOE_BENCH_MEASURE_H

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace moe::bench {

/// Seconds that `work` takes.
template <typename Work>
double timeOf(Work &&work) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The middle value, the lower one of two; 0 of none.
inline double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  auto middle =
      values.begin() + static_cast<ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

inline double smallest(const std::vector<double> &values) {
  return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
}

/// Waits until the idle threads of whoever ran last have gone to sleep: thread
/// pools spin for a while after their work and would share the processor with
/// what is measured next.
inline void letOthersSleep() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

} // namespace moe::bench

#endif // MOE_TOOLS_MOE_BENCH_MEASURE_H
