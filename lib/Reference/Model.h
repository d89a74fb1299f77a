// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model directory or .mlir file, ready to be evaluated: what the plugin's C
// interface wraps.
#ifndef MOE_LIB_REFERENCE_MODEL_H
#define MOE_LIB_REFERENCE_MODEL_H

#include "moe/Reference/Evaluator.h"
#include "moe/Runtime/ABI.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <deque>
#include <string>

namespace mlir::moe::reference {

/// Errors are ImportErrors: what the caller asked for is wrong, or is not
/// supported.
class Model {
public:
  /// `options` is the JSON object of ReferencePlugin.h; a .mlir file has made
  /// these choices itself, so they are ignored there.
  static llvm::Expected<std::unique_ptr<Model>> open(StringRef path,
                                                     StringRef options);

  const std::string &getDescription() const { return description; }

  /// Calls an entry on its arguments and then results.
  llvm::Error run(StringRef entry, const moe_tensor *tensors);
  void reset();

private:
  explicit Model(StringRef path);
  llvm::Error load(StringRef options);
  /// The caches that the entries share.
  llvm::Error makeCaches();
  FailureOr<SmallVector<Datum>> call(func::FuncOp entry,
                                     const moe_tensor *inputs);
  /// An error with the first message that MLIR emitted.
  llvm::Error takeError(bool isUnsupported);

  std::string path;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::optional<Evaluator> evaluator;
  std::deque<Cache> caches;
  std::string description;
  /// The first message since it was last taken, and where in the file.
  std::string message, location;
};

/// The functions that may be called from outside.
SmallVector<func::FuncOp> getEntries(ModuleOp module);

/// The JSON object that a plugin's `description` gives.
llvm::Expected<std::string> describeModule(ModuleOp module, StringRef file);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_MODEL_H
