// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_RUNTIME_CUDA_KERNELS_H
#define MOE_LIB_RUNTIME_CUDA_KERNELS_H

#include "Handles.h"
#include "moe/Runtime/Artefact.h"

#include <vector>

namespace moe::rt {

/// The kernels of an artefact, ready to be launched.
class CudaKernels {
public:
  /// Loads the modules: machine code where it fits the device, else PTX, which
  /// the driver compiles. Throws Error where the device is too old for either,
  /// a kernel is missing, or it is not as the manifest says.
  CudaKernels(const CudaContext &context, const Artefact &artefact);

  /// Enqueues kernel number `kernel`; throws Error when the driver refuses.
  void launch(int32_t kernel, int64_t blocks, void **params,
              const CudaStream &stream) const;

private:
  cuda::CUfunction prepare(const KernelSpec &spec,
                           const std::string &where) const;
  void checkParams(const KernelSpec &spec, cuda::CUfunction function,
                   const std::string &where) const;

  const CudaContext &context;
  const std::vector<KernelSpec> &specs;
  int64_t mostBlocks;
  std::vector<CudaModule> modules;
  std::vector<cuda::CUfunction> functions;
};

} // namespace moe::rt

#endif // MOE_LIB_RUNTIME_CUDA_KERNELS_H
