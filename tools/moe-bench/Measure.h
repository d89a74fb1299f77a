// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_BENCH_MEASURE_H
#define MOE_TOOLS_MOE_BENCH_MEASURE_H

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
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
      values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// A median, and the interval in which that of infinitely many measurements
/// lies with a confidence of 95 % (order statistics: the ranks that the
/// binomial distribution's normal approximation gives, as far from either end).
/// Of fewer than six measurements it is all of them, which says less.
struct Estimate {
  double median = 0, low = 0, high = 0;
};

/// Of values[i] / base[i]: what a neighbour does to both of one round cancels.
inline Estimate medianRatio(const std::vector<double> &values,
                            const std::vector<double> &base) {
  std::vector<double> ratios;
  for (size_t i = 0; i < values.size(); ++i)
    ratios.push_back(values[i] / base[i]);
  std::sort(ratios.begin(), ratios.end());
  double count = static_cast<double>(ratios.size());
  double outside =
      std::max(0.0, std::floor(count / 2 - 0.98 * std::sqrt(count)) - 1);
  auto skipped = static_cast<size_t>(outside);
  return {median(ratios), ratios[skipped], ratios[ratios.size() - 1 - skipped]};
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
