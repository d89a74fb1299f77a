// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Report.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <unistd.h>

namespace moe::driver {

namespace {
struct Row {
  uint64_t launches = 0;
  ptxsim::LaunchStatistics sum;
  double seconds = 0;
};

/// Never destroyed: operations may still run while the process ends.
struct Report {
  std::mutex mutex;
  ptxsim::Device *device = nullptr;
  bool fails = false; ///< findings of a program that thinks all is well
  std::map<std::string, Row> rows;
};
Report &report() {
  static Report *all = new Report;
  return *all;
}

double activeLanes(const Row &row) {
  return row.sum.warpInstructions ? double(row.sum.threadInstructions) /
                                        double(row.sum.warpInstructions)
                                  : 0;
}

void writeTable(const Report &all) {
  size_t width = std::strlen("kernel");
  for (const auto &[name, row] : all.rows)
    width = std::max(width, name.size());
  std::fprintf(stderr, "moe-sim: on %s, seconds of this host\n",
               all.device->properties().name);
  std::fprintf(stderr, "%-*s %9s %20s %18s %12s %9s\n", int(width), "kernel",
               "launches", "thread instructions", "warp instructions",
               "active lanes", "seconds");
  for (const auto &[name, row] : all.rows)
    std::fprintf(
        stderr, "%-*s %9" PRIu64 " %20" PRIu64 " %18" PRIu64 " %12.2f %9.3f\n",
        int(width), name.c_str(), row.launches, row.sum.threadInstructions,
        row.sum.warpInstructions, activeLanes(row), row.seconds);
}

/// Names of kernels are identifiers: nothing in them needs an escape.
void writeJson(const Report &all, std::FILE *file) {
  std::fprintf(
      file,
      "{\n  \"simulated\": true,\n  \"device\": \"%s\",\n  \"kernels\": [",
      all.device->properties().name);
  const char *separator = "\n";
  for (const auto &[name, row] : all.rows) {
    std::fprintf(
        file,
        "%s    {\"name\": \"%s\", \"launches\": %" PRIu64
        ", \"thread_instructions\": %" PRIu64
        ", \"warp_instructions\": %" PRIu64 ", \"host_seconds\": %.6f}",
        separator, name.c_str(), row.launches, row.sum.threadInstructions,
        row.sum.warpInstructions, row.seconds);
    separator = ",\n";
  }
  std::fprintf(file, "\n  ]");
  if (all.device->options.checks)
    std::fprintf(file, ",\n  \"findings\": %s",
                 all.device->findings().json().c_str());
  if (all.device->options.counters)
    std::fprintf(
        file, ",\n  \"counters\": %s",
        ptxsim::countersJson(all.device->counters(), all.device->properties())
            .c_str());
  std::fprintf(file, "\n}\n");
}

void writeFindings(const ptxsim::Findings &findings) {
  for (const ptxsim::Finding &finding : findings.all())
    std::fprintf(stderr, "moe-sim: %s\n", finding.str().c_str());
  std::fprintf(stderr, "moe-sim: %zu findings of the simulated device\n",
               findings.all().size());
}

void write(int status, void *) {
  std::lock_guard<std::mutex> lock(report().mutex);
  ptxsim::Device &device = *report().device;
  const char *path = std::getenv("MOE_SIM_REPORT");
  bool toFile = path && *path && std::strcmp(path, "-") != 0;
  if (device.options.checks) {
    if (device.options.checks & bit(ptxsim::Check::Leak))
      findLeaks(device.findings());
    writeFindings(device.findings());
    report().fails = status == 0 && !device.findings().empty();
  }
  if (device.options.counters && !toFile)
    std::fputs(
        ptxsim::countersTable(device.counters(), device.properties()).c_str(),
        stderr);
  if (!path || !*path)
    return;
  if (!toFile)
    return writeTable(report());
  std::FILE *file = std::fopen(path, "w");
  if (!file) {
    std::fprintf(stderr,
                 "moe-sim: error: MOE_SIM_REPORT: %s: cannot be written\n",
                 path);
    return;
  }
  writeJson(report(), file);
  std::fclose(file);
}

/// Runs behind all that the program does when it ends.
__attribute__((destructor)) void leave() {
  if (!report().fails)
    return;
  std::fflush(nullptr);
  _exit(1);
}
} // namespace

void startReport(ptxsim::Device &device) {
  const char *path = std::getenv("MOE_SIM_REPORT");
  if ((!path || !*path) && !device.options.checks && !device.options.counters)
    return;
  report().device = &device;
  on_exit(write, nullptr);
}

void addToReport(const std::string &kernel,
                 const ptxsim::LaunchStatistics &statistics, double seconds) {
  std::lock_guard<std::mutex> lock(report().mutex);
  Row &row = report().rows[kernel];
  ++row.launches;
  row.sum.threadInstructions += statistics.threadInstructions;
  row.sum.warpInstructions += statistics.warpInstructions;
  row.seconds += seconds;
}

} // namespace moe::driver
