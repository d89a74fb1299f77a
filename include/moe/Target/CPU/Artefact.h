// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The directory that ahead-of-time compiling makes: code, weights, manifest.
#ifndef MOE_TARGET_CPU_ARTEFACT_H
#define MOE_TARGET_CPU_ARTEFACT_H

#include "mlir/IR/BuiltinOps.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "moe/Target/CPU/CodeGen.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/JSON.h"

namespace mlir::moe {

/// One weight as it is to be stored.
struct PlannedWeight {
  std::string name;
  RankedTensorType type;
  RankedTensorType sourceType;
  bool transposed = false; ///< the source has the last two dimensions exchanged
  Attribute source;
  PanelLayoutAttr layout;
  int64_t offset = 0;
};

/// What of a module outlives its lowering: everything but the code.
struct ArtefactPlan {
  /// The keys dtype, memory, model, kv and entries of the manifest.
  llvm::json::Object description;
  std::vector<PlannedWeight> weights;
  int64_t weightsBytes = 0;
  /// Path of the tokenizer.json to copy; empty if none.
  std::string tokenizer;
};

/// Reads the plan off a module whose entries are materialised and planned.
llvm::Expected<ArtefactPlan> planArtefact(ModuleOp module);

/// What a device adds to an artefact.
struct DevicePart {
  std::string arch;       ///< sm_80
  std::string ptxVersion; ///< 8.0
  /// The manifest's list of kernels, in the order of their numbers.
  llvm::json::Array kernels;
  /// Names within the artefact, and contents.
  std::vector<std::pair<std::string, std::string>> files;
};

/// Called with the bytes of weights written so far and in all.
using ProgressFn = llvm::function_ref<void(int64_t, int64_t)>;

/// Writes all weights at their offsets. Relative checkpoint directories are
/// resolved against `baseDirectory`.
llvm::Error writeWeights(llvm::raw_ostream &os, const ArtefactPlan &plan,
                         llvm::StringRef baseDirectory, ProgressFn progress);

/// Makes the artefact directory `path` from the plan and the lowered module,
/// which is the host's alone; `device` is null for code that needs none.
/// Everything is written to a temporary directory beside it, which replaces an
/// older artefact at the end; on failure nothing is left.
llvm::Error writeArtefact(ArtefactPlan plan, ModuleOp lowered,
                          const CPUTarget &target, const DevicePart *device,
                          llvm::StringRef path, llvm::StringRef baseDirectory,
                          llvm::StringRef compilerVersion, ProgressFn progress);

} // namespace mlir::moe

#endif // MOE_TARGET_CPU_ARTEFACT_H
