// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver behind `moe-compile`: import, phases, artefact.
#ifndef MOE_TOOLS_MOE_COMPILE_COMPILER_H
#define MOE_TOOLS_MOE_COMPILE_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "moe/Analysis/CostReport.h"
#include "moe/Import/ImportOptions.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::moe {

struct CompileOptions {
  std::string input;
  std::string output;
  ImportOptions import;
  /// cpu, or the architecture of a GPU such as sm_80.
  std::string target = "cpu";
  /// Instruction-set level: host, avx2 or avx512.
  std::string isa = "host";
  /// Whether operations are fused into the experts' products.
  bool fuse = true;
  /// Whether the code counts the rows that it writes.
  bool checkConservation = false;
  /// Stop after this phase and write its IR to `output`; empty: make an
  /// artefact.
  std::string compileTo;
  /// Write the IR after each phase to files in this directory; empty: do not.
  std::string dumpDirectory;
  /// Print what each operation costs, and the artefact's sizes when done.
  bool report = false;
  CostReportOptions cost;
};

/// Fails, naming all phases, where `name` is none of the target's.
llvm::Error checkPhase(llvm::StringRef target, llvm::StringRef name);

/// Reads the input into the graph level: a model directory or an MLIR file.
llvm::Expected<OwningOpRef<ModuleOp>> readInput(MLIRContext *context,
                                                const CompileOptions &options);

/// Does what the options say. Diagnostics of passes go to the context's
/// handler; the returned error is what the user is told last.
llvm::Error compile(MLIRContext *context, const CompileOptions &options);

} // namespace mlir::moe

#endif // MOE_TOOLS_MOE_COMPILE_COMPILER_H
