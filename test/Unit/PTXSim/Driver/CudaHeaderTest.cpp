// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Our declarations of the CUDA driver interface against those of a toolkit,
// where there is one.
#include <gtest/gtest.h>

#ifdef MOE_CUDA_HEADER
// Declares every version of each function, and renames none.
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>
#include <cudaProfiler.h>
#endif

#if defined(MOE_CUDA_HEADER) && CUDA_VERSION >= 13000

#include "moe/CUDA/Types.h"

#include <type_traits>

#define MOE_CU_VALUE(NAME, VALUE)                                              \
  static_assert(int64_t(::NAME) == int64_t(VALUE), #NAME);
#include "moe/CUDA/Values.def"
#define MOE_CU_VALUE(NAME, VALUE)                                              \
  static_assert(int64_t(::NAME) == int64_t(VALUE), #NAME);
#include "moe/CUDA/DeviceAttributes.def"
#define MOE_CU_RESULT(NAME, VALUE, TEXT)                                       \
  static_assert(int64_t(::NAME) == int64_t(VALUE), #NAME);
#include "moe/CUDA/Results.def"

#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)                  \
  static_assert(std::is_same_v<decltype(::NAME), CUresult PARAMETERS>, #NAME);
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)
#include "moe/CUDA/Functions.def"

#define SAME_SIZE(TYPE)                                                        \
  static_assert(sizeof(::TYPE) == sizeof(moe::cuda::TYPE) &&                   \
                    alignof(::TYPE) == alignof(moe::cuda::TYPE),               \
                #TYPE)
#define SAME_PLACE(TYPE, MEMBER)                                               \
  static_assert(offsetof(::TYPE, MEMBER) ==                                    \
                        offsetof(moe::cuda::TYPE, MEMBER) &&                   \
                    sizeof(::TYPE::MEMBER) == sizeof(moe::cuda::TYPE::MEMBER), \
                #TYPE "::" #MEMBER)
SAME_SIZE(CUuuid);
SAME_SIZE(CUdevprop);
SAME_PLACE(CUdevprop, sharedMemPerBlock);
SAME_PLACE(CUdevprop, textureAlign);
SAME_SIZE(CUtensorMap);
SAME_SIZE(CUlaunchAttribute);
SAME_PLACE(CUlaunchAttribute, value);
SAME_SIZE(CUlaunchConfig);
SAME_PLACE(CUlaunchConfig, hStream);
SAME_PLACE(CUlaunchConfig, numAttrs);
SAME_SIZE(CUDA_MEMCPY2D);
SAME_PLACE(CUDA_MEMCPY2D, dstXInBytes);
SAME_PLACE(CUDA_MEMCPY2D, dstPitch);
SAME_PLACE(CUDA_MEMCPY2D, Height);
SAME_SIZE(CUDA_MEMCPY3D);
SAME_PLACE(CUDA_MEMCPY3D, srcHeight);
SAME_PLACE(CUDA_MEMCPY3D, dstMemoryType);
SAME_PLACE(CUDA_MEMCPY3D, Depth);
SAME_SIZE(CUmemLocation);
SAME_SIZE(CUmemAccessDesc);
SAME_SIZE(CUmemPoolProps);
SAME_PLACE(CUmemPoolProps, location);
SAME_SIZE(CUDA_KERNEL_NODE_PARAMS_v1);
SAME_SIZE(CUDA_KERNEL_NODE_PARAMS);
SAME_PLACE(CUDA_KERNEL_NODE_PARAMS, kernelParams);
SAME_PLACE(CUDA_KERNEL_NODE_PARAMS, ctx);
SAME_SIZE(CUDA_MEMSET_NODE_PARAMS);
SAME_PLACE(CUDA_MEMSET_NODE_PARAMS, height);
SAME_SIZE(CUDA_HOST_NODE_PARAMS);
SAME_SIZE(CUgraphEdgeData);
SAME_SIZE(CUgraphExecUpdateResultInfo);
SAME_SIZE(CUDA_GRAPH_INSTANTIATE_PARAMS);
SAME_PLACE(CUDA_GRAPH_INSTANTIATE_PARAMS, result_out);

TEST(CudaHeaderTest, DeclarationsAreTheSame) {
  // All of it was asserted by the compiler but for what is not a constant
  // there.
  EXPECT_EQ(moe::cuda::kLegacyStream,
            reinterpret_cast<moe::cuda::CUstream>(CU_STREAM_LEGACY));
  EXPECT_EQ(moe::cuda::kPerThreadStream,
            reinterpret_cast<moe::cuda::CUstream>(CU_STREAM_PER_THREAD));
  EXPECT_EQ(moe::cuda::kLaunchParamBufferPointer,
            CU_LAUNCH_PARAM_BUFFER_POINTER);
  EXPECT_EQ(moe::cuda::kLaunchParamBufferSize, CU_LAUNCH_PARAM_BUFFER_SIZE);
  EXPECT_EQ(moe::cuda::kLaunchParamEnd, CU_LAUNCH_PARAM_END);
  EXPECT_EQ(moe::cuda::kHostAllocPortable, CU_MEMHOSTALLOC_PORTABLE);
  EXPECT_EQ(moe::cuda::kHostAllocDeviceMap, CU_MEMHOSTALLOC_DEVICEMAP);
  EXPECT_EQ(moe::cuda::kHostAllocWriteCombined, CU_MEMHOSTALLOC_WRITECOMBINED);
  EXPECT_EQ(moe::cuda::kHostRegisterPortable, CU_MEMHOSTREGISTER_PORTABLE);
  EXPECT_EQ(moe::cuda::kHostRegisterDeviceMap, CU_MEMHOSTREGISTER_DEVICEMAP);
  EXPECT_EQ(moe::cuda::kHostRegisterIoMemory, CU_MEMHOSTREGISTER_IOMEMORY);
  EXPECT_EQ(moe::cuda::kHostRegisterReadOnly, CU_MEMHOSTREGISTER_READ_ONLY);
}

#else

TEST(CudaHeaderTest, DeclarationsAreTheSame) {
  GTEST_SKIP() << "no cuda.h of CUDA 13";
}

#endif
