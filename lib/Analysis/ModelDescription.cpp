// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Analysis/ModelDescription.h"

using namespace mlir;
using namespace mlir::moe;

llvm::json::Object moe::describeModel(DictionaryAttr model) {
  llvm::json::Object object;
  for (StringRef key :
       {"vocab_size", "max_len", "batch", "prefill_chunk", "bos_token_id"})
    if (auto value = model.getAs<IntegerAttr>(key))
      object[key] = value.getInt();
  if (auto family = model.getAs<StringAttr>("family"))
    object["family"] = family.getValue();
  llvm::json::Array eos;
  if (auto ids = model.getAs<DenseI64ArrayAttr>("eos_token_ids"))
    for (int64_t id : ids.asArrayRef())
      eos.push_back(id);
  object["eos_token_ids"] = std::move(eos);
  return object;
}

llvm::json::Array moe::describeCaches(ArrayRef<KVCacheType> caches) {
  llvm::json::Array layers;
  int64_t offset = 0;
  for (KVCacheType cache : caches) {
    layers.push_back(llvm::json::Object{
        {"policy", stringifyKVPolicy(cache.getPolicy())},
        {"length", cache.getLength()},
        {"capacity", cache.getCapacity()},
        {"heads", cache.getHeads()},
        {"key_dim", cache.getKeyDim()},
        {"value_dim", cache.getValueDim()},
        {"dtype", cache.getElementType().isBF16() ? "bf16" : "f32"},
        {"offset", offset},
        {"bytes", cache.getBytes()}});
    offset += cache.getBytes();
  }
  return layers;
}
