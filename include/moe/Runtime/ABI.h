// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The binary interface between generated code (`code.so`) and the runtime.
// Plain C: both the compiler's LLVM lowering and the runtime follow it.
//
// Code for a device is host code of the same interface that enqueues kernels.
// `weights`, `kv`, `arena` and the data of tensors are then addresses of the
// device, which it only does arithmetic on.
#ifndef MOE_RUNTIME_ABI_H
#define MOE_RUNTIME_ABI_H

#include <stdint.h>

/// Exported by generated code as the constant `int32_t moe_abi_version`.
#define MOE_ABI_VERSION 3
#define MOE_MAX_RANK 8
/// Words of `moe_context.status`.
#define MOE_STATUS_WORDS 8

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
  /// For a device, else null: enqueues kernel number `kernel` of the manifest's
  /// list over `blocks` > 0 blocks of its size, to run after all that was
  /// enqueued before. `params[i]` points to the i-th parameter's value, which
  /// is read before the call returns; the kernel itself is not waited for.
  /// Returns null, or what went wrong, which the entry returns in its turn.
  const char *(*launch)(struct moe_context *context, int32_t kernel,
                        int64_t blocks, void **params);
  /// For a device, else null: MOE_STATUS_WORDS words of its memory, zero when
  /// an entry is called. The first check of a kernel to fail puts its number +
  /// 1 into word 0 by compare-and-swap and its values into the others.
  int64_t *status;
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

/// `moe_device_failure`, exported by code whose kernels have checks: what the
/// words of `moe_context.status` say, in host memory; as an entry's result.
typedef const char *(*moe_device_failure_fn)(const int64_t *status);

#ifdef __cplusplus
}
#endif

#endif // MOE_RUNTIME_ABI_H
