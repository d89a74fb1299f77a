// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Core.h"
#include "Inspect/Inspector.h"
#include "Launcher.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace moe::ptxsim {

Device::Device(const Options &options)
    : options(options), mem(options.device->memoryBytes) {
  if (options.checks & bit(Check::Init))
    mem.trackDefined();
  setOutput([](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  });
}

Device::~Device() = default;

void Device::setOutput(std::function<void(std::string_view)> sink) {
  output = std::move(sink);
}

uint32_t Device::occupancy(const Kernel &kernel, uint32_t threads,
                           uint32_t dynamicSharedBytes,
                           uint32_t registers) const {
  const Properties &p = properties();
  uint64_t shared = uint64_t(kernel.staticSharedBytes) + dynamicSharedBytes;
  if (!threads || threads > p.maxThreadsPerBlock ||
      threads > kernel.maxThreads || shared > p.sharedPerBlockOptin)
    return 0;
  uint32_t warps = (threads + lanes - 1) / lanes;
  // Registers are given to warps in units of 256.
  uint32_t registersOfWarp =
      (std::max(registers ? registers : kernel.registers, 1u) * lanes + 255) /
      256 * 256;
  uint32_t blocks = p.maxBlocksPerMultiprocessor;
  blocks = std::min(blocks, p.maxThreadsPerMultiprocessor / (warps * lanes));
  blocks = std::min(blocks,
                    p.registersPerMultiprocessor / (registersOfWarp * warps));
  uint64_t sharedOfBlock =
      (shared + p.sharedReservedPerBlock + 127) / 128 * 128;
  return uint32_t(
      std::min<uint64_t>(blocks, p.sharedPerMultiprocessor / sharedOfBlock));
}

namespace {

std::string text(const Dim3 &d) {
  return "(" + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " +
         std::to_string(d[2]) + ")";
}

Error checkLaunch(const Device &device, const Kernel &kernel,
                  const Launch &launch, const Dim3 &cluster) {
  const Properties &p = device.properties();
  auto wrong = [&](ErrorKind kind, std::string what) {
    return Error::make(kind, kernel.name + ": " + what);
  };
  for (unsigned i = 0; i < 3; ++i)
    if (!launch.grid[i] || !launch.block[i] ||
        launch.grid[i] > p.maxGridDim[i] || launch.block[i] > p.maxBlockDim[i])
      return wrong(ErrorKind::InvalidValue,
                   "a grid of " + text(launch.grid) + " blocks of " +
                       text(launch.block) + " threads; at most " +
                       text(p.maxGridDim) + " of " + text(p.maxBlockDim));
  uint64_t threads =
      uint64_t(launch.block[0]) * launch.block[1] * launch.block[2];
  if (threads > p.maxThreadsPerBlock)
    return wrong(ErrorKind::InvalidValue,
                 std::to_string(threads) + " threads a block; at most " +
                     std::to_string(p.maxThreadsPerBlock));
  if (threads > kernel.maxThreads)
    return wrong(ErrorKind::OutOfResources,
                 std::to_string(threads) +
                     " threads a block; the kernel was made for at most " +
                     std::to_string(kernel.maxThreads));
  if (kernel.requiredBlock[0] && kernel.requiredBlock != launch.block)
    return wrong(ErrorKind::InvalidValue, "blocks of " + text(launch.block) +
                                              "; .reqntid says " +
                                              text(kernel.requiredBlock));
  uint32_t size = cluster[0] * cluster[1] * cluster[2];
  for (unsigned i = 0; i < 3; ++i)
    if (launch.grid[i] % cluster[i])
      return wrong(ErrorKind::InvalidValue,
                   "a grid of " + text(launch.grid) +
                       " is no multiple of clusters of " + text(cluster));
  if (size > p.maxClusterSizeNonPortable)
    return wrong(ErrorKind::InvalidValue,
                 "clusters of " + std::to_string(size) + " blocks; at most " +
                     std::to_string(p.maxClusterSizeNonPortable));
  if (kernel.requiredCluster[0] && kernel.requiredCluster != cluster)
    return wrong(ErrorKind::InvalidValue, "clusters of " + text(cluster) +
                                              "; .reqnctapercluster says " +
                                              text(kernel.requiredCluster));
  if (launch.params.size() < kernel.paramBytes)
    return wrong(ErrorKind::InvalidValue,
                 std::to_string(launch.params.size()) +
                     " bytes of parameters; the kernel has " +
                     std::to_string(kernel.paramBytes));
  uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  uint32_t resident =
      device.occupancy(kernel, uint32_t(threads), launch.dynamicSharedBytes);
  if (!resident)
    return wrong(ErrorKind::OutOfResources,
                 std::to_string(threads) + " threads, " +
                     std::to_string(kernel.staticSharedBytes) + " + " +
                     std::to_string(launch.dynamicSharedBytes) +
                     " bytes of shared memory and " +
                     std::to_string(kernel.registers) +
                     " registers a thread do not fit a multiprocessor");
  if (launch.cooperative && blocks > uint64_t(resident) * p.multiprocessors)
    return wrong(ErrorKind::OutOfResources,
                 "a cooperative launch of " + std::to_string(blocks) +
                     " blocks; " +
                     std::to_string(uint64_t(resident) * p.multiprocessors) +
                     " fit at once");
  return {};
}

} // namespace

/// What the launch itself says of how many blocks are resident.
void Device::count(KernelCounters &counters, const Kernel &kernel,
                   const Launch &launch) {
  const auto &module = kernel.code().module;
  auto [it, isNew] = assembled.try_emplace(module);
  if (isNew)
    it->second = ptxasRegisters(*module);
  auto known = it->second.find(kernel.name);
  counters.registersFromPtxas = known != it->second.end();
  counters.registers =
      counters.registersFromPtxas ? known->second : kernel.registers;
  counters.threadsOfBlock = launch.block[0] * launch.block[1] * launch.block[2];
  counters.sharedOfBlock = kernel.staticSharedBytes + launch.dynamicSharedBytes;
  counters.blocksOfMultiprocessor =
      occupancy(kernel, counters.threadsOfBlock, launch.dynamicSharedBytes,
                counters.registers);
}

Error Device::run(const Kernel &kernel, const Launch &launch,
                  LaunchStatistics *statistics) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("f16c"))
    return Error::make(ErrorKind::Unsupported,
                       "the executor needs a host with AVX2, FMA and F16C");
#endif
  Dim3 cluster = launch.cluster;
  if (!cluster[0])
    cluster = kernel.requiredCluster;
  for (uint32_t &extent : cluster)
    extent = std::max(extent, 1u);
  if (Error error = checkLaunch(*this, kernel, launch, cluster))
    return error;
  Address params = 0;
  if (kernel.paramBytes) {
    params = mem.allocate(kernel.paramBytes, 256, AllocationKind::Variable,
                          /*readOnly=*/true);
    if (!params)
      return Error::make(ErrorKind::OutOfMemory,
                         kernel.name + ": no memory for the parameters");
    std::memcpy(reinterpret_cast<void *>(params), launch.params.data(),
                kernel.paramBytes);
  }
  Grid grid;
  grid.device = this;
  grid.memory = &mem;
  grid.kernel = &kernel;
  grid.code = &kernel.code();
  grid.grid = launch.grid;
  grid.block = launch.block;
  grid.cluster = cluster;
  grid.threads = launch.block[0] * launch.block[1] * launch.block[2];
  grid.warps = (grid.threads + lanes - 1) / lanes;
  uint32_t alignment = kernel.dynamicSharedAlignment;
  uint32_t fixed =
      (kernel.staticSharedBytes + alignment - 1) / alignment * alignment;
  grid.sharedBytes = launch.dynamicSharedBytes
                         ? fixed + launch.dynamicSharedBytes
                         : kernel.staticSharedBytes;
  grid.dynamicSharedBytes = launch.dynamicSharedBytes;
  grid.params = params;
  grid.registers =
      launchRegisters(grid.code->functions.front().function->directives,
                      properties().registersPerBlock);
  grid.output = &output;
  uint32_t resident =
      occupancy(kernel, grid.threads, launch.dynamicSharedBytes) *
      properties().multiprocessors;
  std::optional<Inspector> inspector;
  if (options.counters || options.checks & ~bit(Check::Leak))
    grid.observer = &inspector.emplace(grid, options, found);
  Error error = Launcher(grid, resident).run(statistics);
  if (options.counters) {
    KernelCounters &counters = counted[kernel.name];
    inspector->addTo(counters);
    count(counters, kernel, launch);
  }
  if (params)
    (void)mem.free(params);
  return error;
}

} // namespace moe::ptxsim
