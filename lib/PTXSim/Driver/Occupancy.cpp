// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "API.h"
#include "Module.h"

#include <algorithm>

namespace moe::driver {

using namespace moe::cuda;

namespace {
int blocksPerMultiprocessor(const Function &function, uint32_t threads,
                            size_t dynamicShared) {
  const ptxsim::Properties &gpu = state().memory->properties();
  if (threads > gpu.maxThreadsPerBlock ||
      dynamicShared > gpu.sharedPerBlockOptin)
    return 0;
  return state().memory->deviceOfOperation().occupancy(*function.kernel,
                                                       threads, dynamicShared);
}

/// How many clusters of a launch are resident at once; 0: it does not fit.
int activeClusters(const Function &function, const CUlaunchConfig &config,
                   uint64_t clusterBlocks) {
  const ptxsim::Properties &gpu = state().memory->properties();
  uint32_t threads = config.blockDimX * config.blockDimY * config.blockDimZ;
  uint64_t blocks = uint64_t(blocksPerMultiprocessor(function, threads,
                                                     config.sharedMemBytes)) *
                    gpu.multiprocessors;
  return int(blocks / clusterBlocks);
}

uint64_t clusterBlocks(const Function &function, const CUlaunchConfig &config) {
  uint64_t blocks = 1;
  for (uint32_t extent : function.kernel->requiredCluster)
    blocks *= std::max(extent, 1u);
  require(config.numAttrs == 0 || config.attrs);
  for (unsigned i = 0; i < config.numAttrs; ++i)
    if (config.attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
      const auto &dim = config.attrs[i].value.clusterDim;
      blocks = uint64_t(dim.x) * dim.y * dim.z;
    }
  require(blocks > 0);
  return blocks;
}

uint64_t largestCluster(const Function &function) {
  const ptxsim::Properties &gpu = state().memory->properties();
  auto it = function.attributes.find(
      CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
  return it != function.attributes.end() && it->second
             ? gpu.maxClusterSizeNonPortable
             : gpu.maxClusterSize;
}
} // namespace

CUresult api::cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, CUfunction handle, int threads, size_t dynamicShared,
    unsigned flags) {
  FunctionRef function = findFunction(handle);
  require(blocks && threads > 0 &&
          flags <= CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE);
  *blocks = blocksPerMultiprocessor(*function, threads, dynamicShared);
  return CUDA_SUCCESS;
}

CUresult api::cuOccupancyMaxActiveBlocksPerMultiprocessor(
    int *blocks, CUfunction function, int threads, size_t dynamicShared) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
      blocks, function, threads, dynamicShared, 0);
}

CUresult api::cuOccupancyMaxPotentialBlockSizeWithFlags(
    int *minGrid, int *blockSize, CUfunction handle,
    CUoccupancyB2DSize sharedOf, size_t dynamicShared, int limit,
    unsigned flags) {
  FunctionRef function = findFunction(handle);
  require(minGrid && blockSize && limit >= 0 &&
          flags <= CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE);
  const ptxsim::Properties &gpu = state().memory->properties();
  int largest = std::min(gpu.maxThreadsPerBlock, function->kernel->maxThreads);
  if (limit > 0)
    largest = std::min(largest, limit);
  int best = 0, bestBlocks = 0;
  // The largest block of those that keep most threads resident, in steps of a
  // warp.
  int warp = gpu.warpSize;
  for (int threads = (largest + warp - 1) / warp * warp; threads > 0;
       threads -= warp) {
    int size = std::min(threads, largest);
    int blocks = blocksPerMultiprocessor(
        *function, size, sharedOf ? sharedOf(size) : dynamicShared);
    if (blocks * size > bestBlocks * best) {
      best = size;
      bestBlocks = blocks;
    }
  }
  *blockSize = best;
  *minGrid = bestBlocks * int(gpu.multiprocessors);
  return CUDA_SUCCESS;
}

CUresult api::cuOccupancyMaxPotentialBlockSize(int *minGrid, int *blockSize,
                                               CUfunction function,
                                               CUoccupancyB2DSize sharedOf,
                                               size_t dynamicShared,
                                               int limit) {
  return cuOccupancyMaxPotentialBlockSizeWithFlags(
      minGrid, blockSize, function, sharedOf, dynamicShared, limit, 0);
}

CUresult api::cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes,
                                                      CUfunction handle,
                                                      int blocks, int threads) {
  FunctionRef function = findFunction(handle);
  require(bytes && blocks > 0 && threads > 0);
  // Occupancy falls with more shared memory: the last amount, in the units that
  // it is given out in, that still fits.
  constexpr size_t unit = 128;
  const ptxsim::Properties &gpu = state().memory->properties();
  size_t low = 0, high = gpu.sharedPerBlockOptin / unit;
  require(blocksPerMultiprocessor(*function, threads, 0) >= blocks);
  while (low < high) {
    size_t middle = (low + high + 1) / 2;
    if (blocksPerMultiprocessor(*function, threads, middle * unit) >= blocks)
      low = middle;
    else
      high = middle - 1;
  }
  *bytes = low * unit;
  return CUDA_SUCCESS;
}

CUresult api::cuOccupancyMaxActiveClusters(int *clusters, CUfunction handle,
                                           const CUlaunchConfig *config) {
  FunctionRef function = findFunction(handle);
  require(clusters && config);
  uint64_t size = clusterBlocks(*function, *config);
  require(size <= largestCluster(*function), CUDA_ERROR_INVALID_CLUSTER_SIZE);
  *clusters = activeClusters(*function, *config, size);
  return CUDA_SUCCESS;
}

CUresult api::cuOccupancyMaxPotentialClusterSize(int *size, CUfunction handle,
                                                 const CUlaunchConfig *config) {
  FunctionRef function = findFunction(handle);
  require(size && config);
  uint64_t blocks = largestCluster(*function);
  while (blocks > 1 && activeClusters(*function, *config, blocks) == 0)
    blocks /= 2;
  *size = int(blocks);
  return CUDA_SUCCESS;
}

} // namespace moe::driver
