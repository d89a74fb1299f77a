// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "API.h"
#include "Module.h"
#include "Work.h"

#include <cstring>

namespace moe::driver {

using namespace moe::cuda;

namespace {
/// The block of parameters from either form of giving them.
std::vector<std::byte> packParams(const ptxsim::Kernel &kernel, void **params,
                                  void **extra) {
  require(!params || !extra);
  std::vector<std::byte> packed(kernel.paramBytes);
  if (extra) {
    const void *buffer = nullptr;
    size_t bytes = 0;
    bool sized = false;
    for (void **mark = extra; *mark != kLaunchParamEnd; mark += 2) {
      require(mark[0] == kLaunchParamBufferPointer ||
              mark[0] == kLaunchParamBufferSize);
      require(mark[1]);
      if (mark[0] == kLaunchParamBufferPointer)
        buffer = mark[1];
      else {
        bytes = *static_cast<const size_t *>(mark[1]);
        sized = true;
      }
    }
    // Without padding at the end, which compilers differ in, but with all of
    // the last parameter.
    size_t needed = kernel.params.empty() ? 0
                                          : kernel.params.back().offset +
                                                kernel.params.back().bytes;
    require(sized && bytes >= needed && (buffer || needed == 0));
    if (needed > 0)
      std::memcpy(packed.data(), buffer, needed);
    return packed;
  }
  require(params || kernel.params.empty());
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    require(params[i]);
    std::memcpy(packed.data() + kernel.params[i].offset, params[i],
                kernel.params[i].bytes);
  }
  return packed;
}

void checkCluster(const Function &function, const ptxsim::Launch &launch) {
  const ptxsim::Properties &gpu = state().memory->properties();
  uint64_t size =
      uint64_t(launch.cluster[0]) * launch.cluster[1] * launch.cluster[2];
  if (size <= 1)
    return;
  auto allowed = function.attributes.find(
      CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
  bool nonPortable = allowed != function.attributes.end() && allowed->second;
  require(size <= (nonPortable ? gpu.maxClusterSizeNonPortable
                               : gpu.maxClusterSize),
          CUDA_ERROR_INVALID_CLUSTER_SIZE);
  for (int i = 0; i < 3; ++i)
    require(launch.grid[i] % launch.cluster[i] == 0);
}

/// What can be told from the launch alone; the executor checks what a kernel
/// requires of its blocks.
void checkSizes(const Function &function, const ptxsim::Launch &launch) {
  const ptxsim::Properties &gpu = state().memory->properties();
  for (int i = 0; i < 3; ++i) {
    require(launch.grid[i] > 0 && launch.block[i] > 0);
    require(launch.grid[i] <= gpu.maxGridDim[i] &&
            launch.block[i] <= gpu.maxBlockDim[i]);
  }
  uint64_t threads =
      uint64_t(launch.block[0]) * launch.block[1] * launch.block[2];
  require(threads <= gpu.maxThreadsPerBlock &&
          threads <= function.kernel->maxThreads);
  require(launch.dynamicSharedBytes <= function.maxDynamicShared());
  uint32_t resident = state().memory->deviceOfOperation().occupancy(
      *function.kernel, threads, launch.dynamicSharedBytes);
  require(resident > 0, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  if (launch.cooperative)
    require(uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2] <=
                uint64_t(resident) * gpu.multiprocessors,
            CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
}

CUresult launch(const CUlaunchConfig &config, CUfunction handle, void **params,
                void **extra, bool cooperative) {
  FunctionRef function = findFunction(handle);
  StreamRef stream = findStream(config.hStream);
  submit(stream, describeLaunch(config, function, params, extra, cooperative));
  return CUDA_SUCCESS;
}
} // namespace

KernelWork describeLaunch(const CUlaunchConfig &config,
                          const FunctionRef &function, void **params,
                          void **extra, bool cooperative) {
  KernelWork work;
  work.function = function;
  ptxsim::Launch &launch = work.launch;
  launch.grid = {config.gridDimX, config.gridDimY, config.gridDimZ};
  launch.block = {config.blockDimX, config.blockDimY, config.blockDimZ};
  launch.dynamicSharedBytes = config.sharedMemBytes;
  launch.cooperative = cooperative;
  launch.cluster = function->kernel->requiredCluster;
  auto width =
      function->attributes.find(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH);
  if (width != function->attributes.end() && width->second > 0) {
    auto of = [&](CUfunction_attribute name) {
      auto it = function->attributes.find(name);
      return it == function->attributes.end() || it->second == 0
                 ? 1u
                 : unsigned(it->second);
    };
    launch.cluster = {unsigned(width->second),
                      of(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT),
                      of(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH)};
  }
  require(config.numAttrs == 0 || config.attrs);
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const CUlaunchAttribute &attribute = config.attrs[i];
    // The others say how well silicon should schedule it, which a simulation
    // has no use for. A launch that may overlap with the one before
    // (programmatic serialisation) may as well follow it.
    if (attribute.id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
      launch.cluster = {attribute.value.clusterDim.x,
                        attribute.value.clusterDim.y,
                        attribute.value.clusterDim.z};
      for (uint32_t extent : launch.cluster)
        require(extent > 0);
    } else if (attribute.id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE) {
      launch.cooperative |= attribute.value.cooperative != 0;
    }
    work.attributes.push_back(attribute);
  }
  checkSizes(*function, launch);
  checkCluster(*function, launch);
  launch.params = packParams(*function->kernel, params, extra);
  return work;
}

CUresult api::cuLaunchKernel(CUfunction function, unsigned gridX,
                             unsigned gridY, unsigned gridZ, unsigned blockX,
                             unsigned blockY, unsigned blockZ,
                             unsigned sharedBytes, CUstream stream,
                             void **params, void **extra) {
  CUlaunchConfig config{gridX,  gridY,       gridZ,  blockX,  blockY,
                        blockZ, sharedBytes, stream, nullptr, 0};
  return launch(config, function, params, extra, false);
}

CUresult api::cuLaunchKernelEx(const CUlaunchConfig *config,
                               CUfunction function, void **params,
                               void **extra) {
  require(config);
  return launch(*config, function, params, extra, false);
}

CUresult api::cuLaunchCooperativeKernel(CUfunction function, unsigned gridX,
                                        unsigned gridY, unsigned gridZ,
                                        unsigned blockX, unsigned blockY,
                                        unsigned blockZ, unsigned sharedBytes,
                                        CUstream stream, void **params) {
  CUlaunchConfig config{gridX,  gridY,       gridZ,  blockX,  blockY,
                        blockZ, sharedBytes, stream, nullptr, 0};
  return launch(config, function, params, nullptr, true);
}

CUresult api::cuLaunchHostFunc(CUstream handle, CUhostFn function,
                               void *userData) {
  StreamRef stream = findStream(handle);
  require(function);
  submit(stream, HostWork{{function, userData}});
  return CUDA_SUCCESS;
}

CUresult api::cuStreamAddCallback(CUstream handle, CUstreamCallback callback,
                                  void *userData, unsigned flags) {
  StreamRef stream = findStream(handle);
  require(callback && flags == 0);
  submit(stream, CallbackWork{callback, handle, userData});
  return CUDA_SUCCESS;
}

} // namespace moe::driver
