// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Counters.h"
#include "moe/PTXSim/Inspection.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace moe::ptxsim {

namespace {

template <class... Args>
std::string format(const char *pattern, Args... args) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, pattern, args...);
  return buffer;
}

double ratio(double a, double b) { return b ? a / b : 0; }

/// Multiply-adds of a multiprocessor in a cycle.
struct Rates {
  double f32, tensor32, tensor16, tensor8;
};
Rates ratesOf(const Properties &device) {
  if (device.major >= 9)
    return {128, 1024, 2048, 4096};
  return {64, 512, 1024, 2048};
}

} // namespace

void AccessCounters::add(const AccessCounters &other) {
  requests += other.requests;
  bytes += other.bytes;
  parts += other.parts;
  least += other.least;
}

double KernelCounters::tensorShare() const {
  return ratio(double(tensorOperations()),
               double(tensorOperations() + floatOperations));
}

double KernelCounters::activeLanes() const {
  return ratio(double(threadInstructions), double(warpInstructions));
}

double KernelCounters::occupancy(const Properties &device) const {
  uint32_t warps = (threadsOfBlock + 31) / 32 * blocksOfMultiprocessor;
  return ratio(warps, device.maxThreadsPerMultiprocessor / 32);
}

Roofline roofline(const KernelCounters &kernel, const Properties &device) {
  Roofline line;
  line.bytesPerSecond =
      2e3 * device.memoryClockKHz * (device.memoryBusBits / 8);
  Rates rates = ratesOf(device);
  double cycles = double(kernel.floatOperations) / rates.f32 +
                  double(kernel.tensor32) / rates.tensor32 +
                  double(kernel.tensor16) / rates.tensor16 +
                  double(kernel.tensor8) / rates.tensor8;
  double operations =
      double(kernel.floatOperations + kernel.tensorOperations());
  // A multiply-add is two operations.
  line.operationsPerSecond = 2 * ratio(operations, cycles) *
                             device.multiprocessors * 1e3 * device.clockKHz;
  line.intensity = ratio(operations, double(kernel.touchedBytes));
  double fromMemory = line.intensity * line.bytesPerSecond;
  line.memoryBound = fromMemory < line.operationsPerSecond;
  line.bound = std::min(fromMemory, line.operationsPerSecond);
  return line;
}

std::string countersTable(const Counters &counters, const Properties &device) {
  std::string text;
  for (const auto &[name, k] : counters) {
    text +=
        format("counters of %s, simulated on %s\n", name.c_str(), device.name);
    text += format("  launches %" PRIu64 ", blocks %" PRIu64
                   ", warp instructions %" PRIu64 ", active lanes %.2f of 32\n",
                   k.launches, k.blocks, k.warpInstructions, k.activeLanes());
    text += "  instruction mix:";
    for (const auto &[family, count] : k.mix)
      text += format(" %s %.1f%%", family.c_str(),
                     100 * ratio(double(count), double(k.warpInstructions)));
    text +=
        format("\n  branches with a guard %" PRIu64
               ", of which lanes part at %.1f%%\n",
               k.branches,
               100 * ratio(double(k.divergentBranches), double(k.branches)));
    auto row = [&](const char *what, const AccessCounters &a,
                   const char *unit) {
      if (a.requests)
        text += format("  %s: %" PRIu64 " bytes in %" PRIu64
                       " requests, %.2f %s a request (at best %.2f)\n",
                       what, a.bytes, a.requests,
                       ratio(double(a.parts), double(a.requests)), unit,
                       ratio(double(a.least), double(a.requests)));
    };
    row("global loads", k.loads, "sectors");
    row("global stores", k.stores, "sectors");
    row("global atomics", k.atomics, "sectors");
    row("asynchronous copies", k.asyncCopies, "sectors");
    row("shared memory", k.shared, "bank rounds");
    if (k.shared.parts)
      text += format("  bank conflicts: %" PRIu64 " rounds more than needed\n",
                     k.shared.parts - k.shared.least);
    text +=
        format("  operations: %" PRIu64 " of floats, %" PRIu64
               " of tensor cores (%.1f%%)\n",
               k.floatOperations, k.tensorOperations(), 100 * k.tensorShare());
    text += format(
        "  occupancy: %u blocks of %u threads a multiprocessor (%.0f%%), %u "
        "registers a thread (%s), %u bytes of shared memory a block\n",
        k.blocksOfMultiprocessor, k.threadsOfBlock, 100 * k.occupancy(device),
        k.registers,
        k.registersFromPtxas ? "ptxas -v" : "an estimate: no ptxas",
        k.sharedOfBlock);
    Roofline line = roofline(k, device);
    if (line.bound)
      text += format(
          "  roofline: %.2f operations a byte of the %" PRIu64
          " touched, at most %.2f TFLOP/s (%s), %.2f TFLOP/s without memory\n",
          line.intensity, k.touchedBytes, line.bound * 1e-12,
          line.memoryBound ? "memory" : "arithmetic",
          line.operationsPerSecond * 1e-12);
    else
      text += format("  global memory touched: %" PRIu64 " bytes\n",
                     k.touchedBytes);
    // The lines that waste most.
    std::vector<std::pair<uint64_t, uint32_t>> waste;
    for (const auto &[number, l] : k.lines) {
      uint64_t more = l.global.parts -
                      std::min(l.global.parts, l.global.least) +
                      l.shared.parts - l.shared.least;
      if (more)
        waste.push_back({more, number});
    }
    std::sort(waste.rbegin(), waste.rend());
    for (size_t i = 0; i < waste.size() && i < 3; ++i) {
      const LineCounters &l = k.lines.at(waste[i].second);
      text += format("  line %u%s: %s: %" PRIu64
                     " sectors and bank rounds more than needed\n",
                     waste[i].second,
                     l.source.empty() ? "" : (" (" + l.source + ")").c_str(),
                     l.instruction.c_str(), waste[i].first);
    }
  }
  return text;
}

namespace {
std::string json(const AccessCounters &a) {
  return format("{\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64
                ", \"parts\": %" PRIu64 ", \"least_parts\": %" PRIu64 "}",
                a.requests, a.bytes, a.parts, a.least);
}
} // namespace

std::string countersJson(const Counters &counters, const Properties &device) {
  std::string text = "[";
  const char *separator = "\n";
  for (const auto &[name, k] : counters) {
    Roofline line = roofline(k, device);
    text += separator +
            format("    {\"name\": \"%s\", \"simulated\": true", name.c_str());
    text +=
        format(", \"launches\": %" PRIu64 ", \"blocks\": %" PRIu64
               ", \"warp_instructions\": %" PRIu64
               ", \"thread_instructions\": %" PRIu64 ", \"active_lanes\": %.3f",
               k.launches, k.blocks, k.warpInstructions, k.threadInstructions,
               k.activeLanes());
    text +=
        format(", \"branches\": %" PRIu64 ", \"divergent_branches\": %" PRIu64,
               k.branches, k.divergentBranches);
    text += ",\n     \"mix\": {";
    const char *comma = "";
    for (const auto &[family, count] : k.mix) {
      text += format("%s\"%s\": %" PRIu64, comma, family.c_str(), count);
      comma = ", ";
    }
    text += "},\n     \"global_loads\": " + json(k.loads) +
            ", \"global_stores\": " + json(k.stores) +
            ", \"global_atomics\": " + json(k.atomics) +
            ",\n     \"async_copies\": " + json(k.asyncCopies) +
            ", \"shared\": " + json(k.shared);
    text += format(", \"touched_bytes\": %" PRIu64, k.touchedBytes);
    text +=
        format(",\n     \"float_operations\": %" PRIu64
               ", \"tensor_operations\": %" PRIu64 ", \"tensor_share\": %.4f",
               k.floatOperations, k.tensorOperations(), k.tensorShare());
    text +=
        format(",\n     \"occupancy\": {\"blocks\": %u, \"threads\": %u, "
               "\"share\": %.4f, \"registers\": %u, \"registers_from\": "
               "\"%s\", \"shared_bytes\": %u}",
               k.blocksOfMultiprocessor, k.threadsOfBlock, k.occupancy(device),
               k.registers, k.registersFromPtxas ? "ptxas" : "estimate",
               k.sharedOfBlock);
    text +=
        format(",\n     \"roofline\": {\"operations_per_byte\": %.4f, "
               "\"bound_flops\": %.6g, \"memory_bound\": %s, "
               "\"peak_flops\": %.6g, \"peak_bytes_per_second\": %.6g}",
               line.intensity, line.bound, line.memoryBound ? "true" : "false",
               line.operationsPerSecond, line.bytesPerSecond);
    text += ",\n     \"lines\": [";
    comma = "\n";
    for (const auto &[number, l] : k.lines) {
      text += comma + format("      {\"line\": %u, \"source\": ", number) +
              jsonString(l.source) +
              ", \"instruction\": " + jsonString(l.instruction) +
              format(", \"warps\": %" PRIu64 ", \"threads\": %" PRIu64, l.warps,
                     l.threads);
      if (l.global.requests)
        text += ", \"global\": " + json(l.global);
      if (l.shared.requests)
        text += ", \"shared\": " + json(l.shared);
      text += "}";
      comma = ",\n";
    }
    text += "]}";
    separator = ",\n";
  }
  return text + (counters.empty() ? "]" : "\n  ]");
}

} // namespace moe::ptxsim
