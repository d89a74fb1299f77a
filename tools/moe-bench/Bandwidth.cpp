// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Bandwidth.h"

#include "Measure.h"

#include <cstring>
#include <thread>

using namespace moe::bench;

namespace {

constexpr size_t segmentBytes = size_t{256} << 20;
constexpr size_t segments = 4;
constexpr size_t lineBytes = 64;
constexpr int trials = 3;

/// Touches each cache line of [data, data + size): memory moves whole lines, so
/// one word of each is enough work to wait for all of it.
template <int Streams>
uint64_t readLines(const std::byte *data, size_t size, size_t prefetch) {
  uint64_t sums[Streams] = {};
  size_t length = size / Streams;
  for (size_t i = 0; i < length; i += lineBytes)
    for (int s = 0; s < Streams; ++s) {
      const std::byte *line = data + s * length + i;
      if (prefetch)
        __builtin_prefetch(line + prefetch);
      sums[s] += *reinterpret_cast<const uint64_t *>(line);
    }
  uint64_t sum = 0;
  for (uint64_t value : sums)
    sum += value;
  return sum;
}

uint64_t read(const std::byte *data, size_t size, int streams,
              size_t prefetch) {
  switch (streams) {
  case 1:
    return readLines<1>(data, size, prefetch);
  case 4:
    return readLines<4>(data, size, prefetch);
  default:
    return readLines<8>(data, size, prefetch);
  }
}

} // namespace

BandwidthProbe::BandwidthProbe(int threads)
    : threads(threads),
      buffer(segments * segmentBytes, "buffer of the bandwidth probe") {
  // Pages that were never written all share one page of zeros.
  std::memset(buffer.data(), 1, buffer.size());
  double highest = 0;
  for (int streams : {1, 4, 8})
    for (size_t prefetch : {0, 1024, 2048, 4096}) {
      Way way{streams, prefetch};
      std::vector<double> found;
      for (int i = 0; i < trials; ++i)
        found.push_back(readSegment(way));
      if (double rate = median(found); rate > highest) {
        highest = rate;
        best = way;
      }
    }
}

double BandwidthProbe::readSegment(const Way &way) {
  const auto *segment =
      static_cast<const std::byte *>(buffer.data()) + next * segmentBytes;
  next = (next + 1) % segments;
  size_t share = segmentBytes / threads / (8 * lineBytes) * (8 * lineBytes);
  auto part = [&](int thread) {
    volatile uint64_t sink =
        read(segment + thread * share, share, way.streams, way.prefetch);
    (void)sink;
  };
  double seconds = timeOf([&] {
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread)
      others.emplace_back(part, thread);
    part(0);
    for (std::thread &other : others)
      other.join();
  });
  return static_cast<double>(share * threads) / seconds;
}

void BandwidthProbe::sample() { rates.push_back(readSegment(best)); }

double BandwidthProbe::bytesPerSecond() const { return median(rates); }
