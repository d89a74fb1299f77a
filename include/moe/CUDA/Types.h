// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The types of the CUDA driver interface, declared from its binary interface:
// what the simulated driver exports and what the runtime calls. Names, sizes
// and values equal those of cuda.h (CUDA 13.0), which a test compares where a
// toolkit is installed; no toolkit is needed to build.

#ifndef MOE_CUDA_TYPES_H
#define MOE_CUDA_TYPES_H

#include <cstddef>
#include <cstdint>

// Names are NVIDIA's, and what macros take are names.
// NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses)

namespace moe::cuda {

#define MOE_CU_ENUM(NAME) enum NAME : unsigned {
#define MOE_CU_VALUE(NAME, VALUE) NAME = VALUE,
#define MOE_CU_ENUM_END(NAME)                                                  \
  }                                                                            \
  ;
#include "moe/CUDA/Values.def"

enum CUresult : unsigned {
#define MOE_CU_RESULT(NAME, VALUE, TEXT) NAME = VALUE,
#include "moe/CUDA/Results.def"
};

enum CUdevice_attribute : unsigned {
#define MOE_CU_VALUE(NAME, VALUE) NAME = VALUE,
#include "moe/CUDA/DeviceAttributes.def"
};

using cuuint32_t = uint32_t;
using cuuint64_t = uint64_t;
using CUdevice = int;
using CUdeviceptr = unsigned long long;

typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUlib_st *CUlibrary;
typedef struct CUkern_st *CUkernel;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphNode_st *CUgraphNode;
typedef struct CUgraphExec_st *CUgraphExec;
typedef struct CUmemPoolHandle_st *CUmemoryPool;
typedef struct CUarray_st *CUarray;
typedef struct CUlinkState_st *CUlinkState;
typedef struct CUgraphDeviceUpdatableNode_st *CUgraphDeviceNode;
struct CUctxCreateParams;
struct CUexecAffinityParam;

using CUhostFn = void (*)(void *);
using CUstreamCallback = void (*)(CUstream, CUresult, void *);
using CUoccupancyB2DSize = size_t (*)(int);

/// Streams that are named rather than created.
inline const CUstream kLegacyStream = reinterpret_cast<CUstream>(uintptr_t(1));
inline const CUstream kPerThreadStream =
    reinterpret_cast<CUstream>(uintptr_t(2));

/// The marks in the `extra` argument of a launch.
inline void *const kLaunchParamEnd = nullptr;
inline void *const kLaunchParamBufferPointer =
    reinterpret_cast<void *>(uintptr_t(1));
inline void *const kLaunchParamBufferSize =
    reinterpret_cast<void *>(uintptr_t(2));

enum { kTensorMapQwords = 16 };
enum {
  kHostAllocPortable = 1,
  kHostAllocDeviceMap = 2,
  kHostAllocWriteCombined = 4
};
enum {
  kHostRegisterPortable = 1,
  kHostRegisterDeviceMap = 2,
  kHostRegisterIoMemory = 4,
  kHostRegisterReadOnly = 8
};

struct CUuuid {
  char bytes[16];
};

struct CUdevprop {
  int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3], sharedMemPerBlock,
      totalConstantMemory, SIMDWidth, memPitch, regsPerBlock, clockRate,
      textureAlign;
};

struct alignas(128) CUtensorMap {
  cuuint64_t opaque[kTensorMapQwords];
};

struct CUaccessPolicyWindow {
  void *base_ptr;
  size_t num_bytes;
  float hitRatio;
  CUaccessProperty hitProp, missProp;
};

struct CUlaunchMemSyncDomainMap {
  unsigned char default_, remote;
};

union CUlaunchAttributeValue {
  char pad[64];
  CUaccessPolicyWindow accessPolicyWindow;
  int cooperative;
  CUsynchronizationPolicy syncPolicy;
  struct {
    unsigned x, y, z;
  } clusterDim;
  CUclusterSchedulingPolicy clusterSchedulingPolicyPreference;
  int programmaticStreamSerializationAllowed;
  struct {
    CUevent event;
    int flags, triggerAtBlockStart;
  } programmaticEvent;
  struct {
    CUevent event;
    int flags;
  } launchCompletionEvent;
  int priority;
  CUlaunchMemSyncDomainMap memSyncDomainMap;
  CUlaunchMemSyncDomain memSyncDomain;
  struct {
    unsigned x, y, z;
  } preferredClusterDim;
  struct {
    int deviceUpdatable;
    CUgraphDeviceNode devNode;
  } deviceUpdatableKernelNode;
  unsigned sharedMemCarveout;
};
using CUstreamAttrID = CUlaunchAttributeID;
using CUstreamAttrValue = CUlaunchAttributeValue;
using CUkernelNodeAttrID = CUlaunchAttributeID;
using CUkernelNodeAttrValue = CUlaunchAttributeValue;

struct CUlaunchAttribute {
  CUlaunchAttributeID id;
  char pad[8 - sizeof(CUlaunchAttributeID)];
  CUlaunchAttributeValue value;
};

struct CUlaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ,
      sharedMemBytes;
  CUstream hStream;
  CUlaunchAttribute *attrs;
  unsigned numAttrs;
};

struct CUDA_MEMCPY2D {
  size_t srcXInBytes, srcY;
  CUmemorytype srcMemoryType;
  const void *srcHost;
  CUdeviceptr srcDevice;
  CUarray srcArray;
  size_t srcPitch, dstXInBytes, dstY;
  CUmemorytype dstMemoryType;
  void *dstHost;
  CUdeviceptr dstDevice;
  CUarray dstArray;
  size_t dstPitch, WidthInBytes, Height;
};

struct CUDA_MEMCPY3D {
  size_t srcXInBytes, srcY, srcZ, srcLOD;
  CUmemorytype srcMemoryType;
  const void *srcHost;
  CUdeviceptr srcDevice;
  CUarray srcArray;
  void *reserved0;
  size_t srcPitch, srcHeight, dstXInBytes, dstY, dstZ, dstLOD;
  CUmemorytype dstMemoryType;
  void *dstHost;
  CUdeviceptr dstDevice;
  CUarray dstArray;
  void *reserved1;
  size_t dstPitch, dstHeight, WidthInBytes, Height, Depth;
};

struct CUmemLocation {
  CUmemLocationType type;
  int id;
};

struct CUmemAccessDesc {
  CUmemLocation location;
  CUmemAccess_flags flags;
};

struct CUmemPoolProps {
  CUmemAllocationType allocType;
  CUmemAllocationHandleType handleTypes;
  CUmemLocation location;
  void *win32SecurityAttributes;
  size_t maxSize;
  unsigned short usage;
  unsigned char reserved[54];
};

/// Nodes of graphs. The first form of the kernel's parameters lacks `kern` and
/// `ctx`.
struct CUDA_KERNEL_NODE_PARAMS_v1 {
  CUfunction func;
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ,
      sharedMemBytes;
  void **kernelParams, **extra;
};

struct CUDA_KERNEL_NODE_PARAMS {
  CUfunction func;
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ,
      sharedMemBytes;
  void **kernelParams, **extra;
  CUkernel kern;
  CUcontext ctx;
};

struct CUDA_MEMSET_NODE_PARAMS {
  CUdeviceptr dst;
  size_t pitch;
  unsigned value, elementSize;
  size_t width, height;
};

struct CUDA_HOST_NODE_PARAMS {
  CUhostFn fn;
  void *userData;
};

struct CUgraphEdgeData {
  unsigned char from_port, to_port, type, reserved[5];
};

struct CUgraphExecUpdateResultInfo {
  CUgraphExecUpdateResult result;
  CUgraphNode errorNode, errorFromNode;
};

struct CUDA_GRAPH_INSTANTIATE_PARAMS {
  cuuint64_t flags;
  CUstream hUploadStream;
  CUgraphNode hErrNode_out;
  CUgraphInstantiateResult result_out;
};

} // namespace moe::cuda

// NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses)

#endif // MOE_CUDA_TYPES_H
