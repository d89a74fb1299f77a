// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fake model of FakeModel.c for a device: host code that launches the
// kernels of FakeKernels.ptx.
#include "FakeModel.h"

#include "moe/Runtime/ABI.h"

#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT const int32_t moe_abi_version = MOE_ABI_VERSION;

enum { append, logits, stray, kernels };

static const char *step(moe_context *context, const moe_tensor *tensors,
                        void *outRows, int64_t count, void *out) {
  int32_t rows = (int32_t)tensors[0].shape[0];
  void *tokens = tensors[0].data, *positions = tensors[1].data,
       *sequences = tensors[2].data;
  const void *weights = context->weights;
  void *appendParams[] = {&tokens,      &positions,       &sequences,
                          &context->kv, &context->status, &rows};
  if (rows > 0) {
    const char *failure =
        context->launch(context, append, (rows + 31) / 32, appendParams);
    if (failure)
      return failure;
  }
  void *logitsParams[] = {&weights,   &context->kv, &positions,
                          &sequences, &outRows,     &out};
  return count > 0 ? context->launch(context, logits, count, logitsParams) : 0;
}

EXPORT const char *moe_entry_prefill(moe_context *context,
                                     const moe_tensor *tensors) {
  return step(context, tensors, tensors[3].data, tensors[3].shape[0],
              tensors[4].data);
}

EXPORT const char *moe_entry_decode(moe_context *context,
                                    const moe_tensor *tensors) {
  return step(context, tensors, 0, tensors[0].shape[0], tensors[3].data);
}

/// Goes wrong as its argument's size says: in the host code, while launching,
/// or in a kernel.
EXPORT const char *moe_entry_wrong(moe_context *context,
                                   const moe_tensor *tensors) {
  void *nowhere = (void *)64;
  void *params[] = {&nowhere};
  switch (tensors[0].shape[0]) {
  case FAKE_WRONG_HOST:
    return "the host code says no";
  case FAKE_WRONG_KERNEL_NUMBER:
    return context->launch(context, kernels, 1, params);
  case FAKE_WRONG_BLOCKS:
    return context->launch(context, stray, (int64_t)1 << 31, params);
  default:
    return context->launch(context, stray, 1, params);
  }
}

#ifndef FAKE_WITHOUT_FAILURE_TEXT
EXPORT const char *moe_device_failure(const int64_t *status) {
  static _Thread_local char text[64];
  if (status[0] != 1)
    return "an unknown check";
  snprintf(text, sizeof text, "expected a sequence below %d, got %lld",
           FAKE_BATCH, (long long)status[1]);
  return text;
}
#endif
