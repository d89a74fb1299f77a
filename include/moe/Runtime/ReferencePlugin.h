// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The binary interface of `libmoe-reference.so`, which evaluates a model op by
// op instead of running compiled code. Plain C, so that the plugin may hold a
// compiler and its user none.
#ifndef MOE_RUNTIME_REFERENCEPLUGIN_H
#define MOE_RUNTIME_REFERENCEPLUGIN_H

#include "moe/Runtime/ABI.h"

#include <stddef.h>
#include <stdint.h>

#define MOE_REFERENCE_VERSION 1
/// The symbol of the exported `const moe_reference_plugin`.
#define MOE_REFERENCE_SYMBOL "moe_reference"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct moe_reference_model moe_reference_model;

/// Functions that can fail return an exit code (ReferencePlugin's callers pass
/// it on; 0 is success) and write a NUL-terminated message, cut to `size`
/// bytes, to `error`.
typedef struct moe_reference_plugin {
  /// MOE_REFERENCE_VERSION.
  int32_t version;

  /// Opens a model directory or .mlir file. `options` is a JSON object with any
  /// of the keys "dtype" and "kv" (strings), "max_len", "batch" and
  /// "prefill_chunk" (integers), meaning what the compiler's options mean.
  int32_t (*open)(const char *path, const char *options,
                  moe_reference_model **model, char *error, size_t size);

  /// A JSON object with the keys dtype, memory, model, kv and entries, as in an
  /// artefact's manifest; a symbol may be empty. Lives as long as the model.
  const char *(*description)(const moe_reference_model *model);

  /// Calls an entry: arguments, then results, whose memory the caller owns.
  int32_t (*run)(moe_reference_model *model, const char *entry,
                 const moe_tensor *tensors, char *error, size_t size);

  /// Empties the KV caches.
  void (*reset)(moe_reference_model *model);

  void (*close)(moe_reference_model *model);
} moe_reference_plugin;

#ifdef __cplusplus
}
#endif

#endif // MOE_RUNTIME_REFERENCEPLUGIN_H
