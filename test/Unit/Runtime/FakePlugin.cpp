// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A reference plugin that "evaluates" the fake model by calling its code. Its
// options are the description to give.
#include "FakeModel.h"
#include "moe/Runtime/ReferencePlugin.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
const char *moe_entry_prefill(moe_context *context, const moe_tensor *tensors);
const char *moe_entry_decode(moe_context *context, const moe_tensor *tensors);
}

struct moe_reference_model {
  std::string description;
  std::vector<float> weights, kv;
  std::vector<char> arena;
};

static int32_t openModel(const char *path, const char *options,
                         moe_reference_model **model, char *error,
                         size_t size) {
  if (std::strcmp(path, "unsupported") == 0) {
    std::snprintf(error, size, "%s: a message from the plugin", path);
    return 3;
  }
  *model =
      new moe_reference_model{options, std::vector<float>(FAKE_VOCAB),
                              std::vector<float>(FAKE_BATCH * FAKE_MAX_LENGTH),
                              std::vector<char>(FAKE_ARENA_BYTES)};
  return 0;
}

static const char *describe(const moe_reference_model *model) {
  return model->description.c_str();
}

static int32_t run(moe_reference_model *model, const char *entry,
                   const moe_tensor *tensors, char *, size_t) {
  moe_context context{};
  context.parallel_for = [](moe_context *, moe_kernel_fn kernel, void *captures,
                            int64_t units,
                            int64_t) { kernel(captures, 0, units); };
  context.weights = model->weights.data();
  context.kv = model->kv.data();
  context.arena = model->arena.data();
  if (std::strcmp(entry, "prefill") == 0)
    moe_entry_prefill(&context, tensors);
  else
    moe_entry_decode(&context, tensors);
  return 0;
}

static void reset(moe_reference_model *model) {
  model->kv.assign(model->kv.size(), 0);
}

static void closeModel(moe_reference_model *model) { delete model; }

extern "C" __attribute__((visibility("default")))
const moe_reference_plugin moe_reference = {
    MOE_REFERENCE_VERSION, openModel, describe, run, reset, closeModel};
