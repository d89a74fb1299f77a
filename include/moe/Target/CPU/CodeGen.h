// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the LLVM dialect to a shared object for the host's kind of CPU.
#ifndef MOE_TARGET_CPU_CODEGEN_H
#define MOE_TARGET_CPU_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mlir::moe {

/// What code is generated for.
struct CPUTarget {
  std::string triple;
  /// Instruction-set extensions that the code may use, as LLVM names them.
  std::vector<std::string> features;
  /// Width of the vector registers to use: 512 or 256.
  int64_t vectorBits = 256;

  /// What this host has of an instruction-set level: `avx2`, `avx512`, or
  /// `host` for the highest. Fails where the host lacks the level, or AVX2 and
  /// FMA.
  static llvm::Expected<CPUTarget> get(llvm::StringRef level);
};

/// Translates a module of the LLVM dialect to an object file.
llvm::Expected<llvm::SmallVector<char, 0>> emitObject(ModuleOp module,
                                                      const CPUTarget &target);

/// Links an object into the shared object `path`.
llvm::Error linkSharedObject(llvm::ArrayRef<char> object, llvm::StringRef path);

} // namespace mlir::moe

#endif // MOE_TARGET_CPU_CODEGEN_H
