// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A "language model" small enough to predict by hand, with the interface of
// compiled code. It remembers its tokens in the KV cache; the logits after
// position p peak at token (sum of (token + 1) * (position + 1) up to p) mod V,
// and fall by one for each token away from it, plus a bias from the weights.
#include "FakeModel.h"

#include "moe/Runtime/ABI.h"

#ifndef FAKE_ABI_VERSION
#define FAKE_ABI_VERSION MOE_ABI_VERSION
#endif

#define EXPORT __attribute__((visibility("default")))

EXPORT const int32_t moe_abi_version = FAKE_ABI_VERSION;

struct Rows {
  const float *bias;
  const float *kv;
  const int32_t *positions, *sequences, *rows;
  float *logits;
};

static void computeRows(void *captures, int64_t begin, int64_t end) {
  struct Rows *rows = captures;
  for (int64_t i = begin; i < end; ++i) {
    int64_t row = rows->rows ? rows->rows[i] : i;
    const float *history = rows->kv + rows->sequences[row] * FAKE_MAX_LENGTH;
    int64_t sum = 0;
    for (int64_t p = 0; p <= rows->positions[row]; ++p)
      sum += (int64_t)history[p] * (p + 1);
    int64_t peak = sum % FAKE_VOCAB;
    for (int64_t v = 0; v < FAKE_VOCAB; ++v)
      rows->logits[i * FAKE_VOCAB + v] =
          rows->bias[v] - (float)(v < peak ? peak - v : v - peak);
  }
}

static const char *step(moe_context *context, const moe_tensor *tensors,
                        const int32_t *outRows, int64_t count, float *logits) {
  const int32_t *tokens = tensors[0].data;
  const int32_t *positions = tensors[1].data;
  const int32_t *sequences = tensors[2].data;
  float *kv = context->kv;
  for (int64_t i = 0; i < tensors[0].shape[0]; ++i)
    if (sequences[i] < 0 || sequences[i] >= FAKE_BATCH)
      return "a sequence is out of range";
  for (int64_t i = 0; i < tensors[0].shape[0]; ++i)
    kv[sequences[i] * FAKE_MAX_LENGTH + positions[i]] = (float)(tokens[i] + 1);
  // Scribble over the scratch memory, as a real entry would.
  for (int64_t i = 0; i < FAKE_ARENA_BYTES; ++i)
    ((unsigned char *)context->arena)[i] = 0xa5;
  struct Rows rows = {context->weights, kv,      positions,
                      sequences,        outRows, logits};
  context->parallel_for(context, computeRows, &rows, count, 1);
  return 0;
}

EXPORT const char *moe_entry_prefill(moe_context *context,
                                     const moe_tensor *tensors) {
  return step(context, tensors, tensors[3].data, tensors[3].shape[0],
              tensors[4].data);
}

#ifndef FAKE_WITHOUT_DECODE
EXPORT const char *moe_entry_decode(moe_context *context,
                                    const moe_tensor *tensors) {
  return step(context, tensors, 0, tensors[0].shape[0], tensors[3].data);
}
#endif
