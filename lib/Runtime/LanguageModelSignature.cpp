// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DescriptionReader.h"

using namespace moe::rt;

namespace {

/// "i32 tokens[-1 (<= 128)]", for comparing and for error messages.
std::string describe(const TensorSpec &tensor) {
  std::string text = std::string(name(tensor.dtype)) + " " + tensor.name + "[";
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    if (i)
      text += ", ";
    text += tensor.shape[i] == -1 ? "<= " + std::to_string(tensor.maxShape[i])
                                  : std::to_string(tensor.shape[i]);
  }
  return text + "]";
}

std::string describe(const EntrySpec &entry) {
  std::string text = "(";
  for (const TensorSpec &tensor : entry.args)
    text += (text.size() > 1 ? ", " : "") + describe(tensor);
  text += ") -> (";
  for (const TensorSpec &tensor : entry.results)
    text += describe(tensor);
  return text + ")";
}

EntrySpec expectedEntry(const char *name, const ModelSpec &model) {
  bool prefill = std::string_view(name) == "prefill";
  int64_t rows = prefill ? model.prefillChunk : model.batch;
  int64_t extent = prefill ? -1 : rows;
  auto ids = [&](const char *argument) {
    return TensorSpec{argument, DType::i32, {extent}, {rows}};
  };
  EntrySpec entry;
  entry.args = {ids("tokens"), ids("positions"), ids("sequences")};
  if (prefill)
    entry.args.push_back(ids("out_rows"));
  entry.results = {{"logits",
                    DType::f32,
                    {extent, model.vocabSize},
                    {rows, model.vocabSize}}};
  return entry;
}

} // namespace

void moe::rt::checkLanguageModel(const JsonReader &entries,
                                 const Description &result) {
  for (const char *name : {"prefill", "decode"}) {
    JsonReader where = entries[name];
    std::string expected = describe(expectedEntry(name, *result.model));
    std::string got = describe(*result.findEntry(name));
    if (expected != got)
      throw where.mismatch(expected, got);
  }
}
