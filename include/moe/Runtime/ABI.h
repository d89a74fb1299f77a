// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The binary interface between generated code (`code.so`) and the runtime.
// Plain C: both the compiler's LLVM lowering and the runtime follow it.
#ifndef MOE_RUNTIME_ABI_H
#define MOE_RUNTIME_ABI_H

#include <stdint.h>

/// Exported by generated code as the constant `int32_t moe_abi_version`.
#define MOE_ABI_VERSION 2
#define MOE_MAX_RANK 8

#ifdef __cplusplus
extern "C" {
#endif

/// A kernel works on the units [begin, end) of its iteration space. `captures`
/// is a struct private to the generated code.
typedef void (*moe_kernel_fn)(void *captures, int64_t begin, int64_t end);

/// What one running call of an entry may use. The generated code keeps no state
/// of its own but the text of each thread's last failed check, so calls with
/// different contexts may run at the same time.
typedef struct moe_context {
  /// Runs `kernel` over [0, units), split into ranges of at least `grain`
  /// units, on the context's threads; returns when all of them are done. Every
  /// unit is run exactly once; ranges may run in any order.
  void (*parallel_for)(struct moe_context *context, moe_kernel_fn kernel,
                       void *captures, int64_t units, int64_t grain);
  /// `weights.bin`, read-only, 64-byte aligned.
  const void *weights;
  /// The KV caches of all layers, 64-byte aligned, zero before first use.
  void *kv;
  /// Scratch of `arena_bytes`, 64-byte aligned; contents mean nothing between
  /// calls.
  void *arena;
  /// The runtime's own; generated code does not look at it.
  void *runtime;
} moe_context;

/// A contiguous row-major tensor; `shape[i]` for i < rank, the rank being known
/// from the entry's signature.
typedef struct moe_tensor {
  void *data;
  int64_t shape[MOE_MAX_RANK];
} moe_tensor;

/// An entry point: `moe_entry_<name>(context, inputs..., results...)`. The
/// caller owns the memory of results as well. Returns null, or what a check of
/// the code found wrong, as a NUL-terminated line that lives until the thread's
/// next failed check; results and KV caches then mean nothing.
typedef const char *(*moe_entry_fn)(moe_context *context,
                                    const moe_tensor *tensors);

#ifdef __cplusplus
}
#endif

#endif // MOE_RUNTIME_ABI_H
