// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/TensorMap.h"

#include "API.h"
#include "State.h"

#include <cstdio>
#include <cstring>

namespace moe::driver {

using namespace moe::cuda;
using ptxsim::TensorMap;

namespace {
static_assert(sizeof(TensorMap) == sizeof(CUtensorMap));

/// Says which rule is broken: the number alone is hard to find.
CUresult store(CUtensorMap *result, const TensorMap &map) {
  std::string broken = map.validate();
  if (!broken.empty()) {
    std::fprintf(stderr, "moe-sim: error: tensor map: %s\n", broken.c_str());
    return CUDA_ERROR_INVALID_VALUE;
  }
  std::memcpy(result, &map, sizeof map);
  return CUDA_SUCCESS;
}
} // namespace

CUresult api::cuTensorMapEncodeTiled(
    CUtensorMap *result, CUtensorMapDataType type, cuuint32_t rank,
    void *address, const cuuint64_t *dims, const cuuint64_t *strides,
    const cuuint32_t *box, const cuuint32_t *elementStrides,
    CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
    CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  require(result && dims && box && elementStrides && rank >= 1 && rank <= 5 &&
          (strides || rank == 1));
  require(reinterpret_cast<uintptr_t>(result) % 64 == 0);
  TensorMap map;
  map.rank = rank;
  map.dataType = type;
  map.interleave = interleave;
  map.swizzle = swizzle;
  map.l2Promotion = promotion;
  map.oobFill = fill;
  map.globalAddress = reinterpret_cast<uint64_t>(address);
  for (unsigned i = 0; i < rank; ++i) {
    // 2^32 elements are allowed and do not fit in 32 bits: zero stands for
    // them.
    require(dims[i] > 0 && dims[i] <= (uint64_t(1) << 32) && box[i] > 0 &&
            box[i] <= 256);
    require(elementStrides[i] > 0 && elementStrides[i] <= 8);
    map.dims[i] = uint32_t(dims[i]);
    map.box[i] = box[i];
    map.elementStrides[i] = elementStrides[i];
    if (i > 0)
      map.strides[i - 1] = strides[i - 1];
  }
  return store(result, map);
}

CUresult api::cuTensorMapReplaceAddress(CUtensorMap *map, void *address) {
  require(map);
  TensorMap changed;
  std::memcpy(&changed, map, sizeof changed);
  require(changed.magic == TensorMap::magicNumber);
  changed.globalAddress = reinterpret_cast<uint64_t>(address);
  return store(map, changed);
}

} // namespace moe::driver
