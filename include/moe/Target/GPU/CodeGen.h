// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From kernels in NVVM to PTX, by LLVM's back end in this process, and to
// machine code by ptxas where there is one.
#ifndef MOE_TARGET_GPU_CODEGEN_H
#define MOE_TARGET_GPU_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::moe {

/// A kernel as the runtime launches it; its place in a list is its number.
struct DeviceKernel {
  std::string name;
  int64_t blockSize = 0;   ///< threads
  int64_t sharedBytes = 0; ///< dynamic shared memory
  std::vector<int64_t> parameterBytes;
  /// What ptxas says, where it was asked.
  std::optional<int64_t> registers, spillBytes, stackBytes;
};

struct DeviceCode {
  std::string chip; ///< sm_80
  std::string ptxVersion;
  std::vector<DeviceKernel> kernels;
  std::string ptx;
  std::string cubin; ///< empty without ptxas
};

/// Whether kernels can be compiled for an architecture of this name.
bool isKnownChip(llvm::StringRef name);

/// The PTX of the module's `gpu.module`, which is in NVVM, and what is known of
/// its kernels.
llvm::Expected<DeviceCode> emitPTX(ModuleOp module);

/// The assembler: what MOE_PTXAS names, else one in PATH, else that of the
/// toolkit at CUDA_HOME or at its usual place. Empty where there is none, or
/// MOE_PTXAS is empty.
std::string findPtxas();

/// Adds the machine code that `ptxas` makes, and what it says of kernels.
llvm::Error assemble(DeviceCode &code, llvm::StringRef ptxas);

/// Triton-style metadata: the target, and for each kernel what is known.
std::string describeKernels(const DeviceCode &code);

/// `moe-translate --mlir-to-ptx`.
void registerToPTXTranslation();

} // namespace mlir::moe

#endif // MOE_TARGET_GPU_CODEGEN_H
