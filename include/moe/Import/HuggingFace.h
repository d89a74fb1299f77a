// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A Hugging Face model directory brought into the dialect's graph level.
#ifndef MOE_IMPORT_HUGGINGFACE_H
#define MOE_IMPORT_HUGGINGFACE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "moe/Import/ImportOptions.h"

namespace mlir::moe {

/// Reads config.json and the safetensors of `directory` and builds the module:
/// one `moe.weight` for each weight matrix (experts stacked), and the entries
///
///   @prefill(tokens i32[T], positions i32[T], sequences i32[T], out_rows
///   i32[R], caches...) -> logits f32[R, V]
///   @decode(tokens i32[B], positions i32[B], sequences i32[B], caches...) ->
///   logits f32[B, V]
///
/// with one cache a layer. Weight bytes are not read here, only their names,
/// shapes and types are checked: every tensor that the model needs must be
/// there, and no other. Errors are ImportErrors that name file and key.
llvm::Expected<OwningOpRef<ModuleOp>>
importHuggingFace(MLIRContext *context, llvm::StringRef directory,
                  const ImportOptions &options = {});

} // namespace mlir::moe

#endif // MOE_IMPORT_HUGGINGFACE_H
