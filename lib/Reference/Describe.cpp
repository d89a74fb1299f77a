// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module's description, the same as the manifest of its artefact but for
// memory that only compiled code has.
#include "Model.h"

#include "moe/Analysis/ModelDescription.h"
#include "moe/Analysis/UpperBound.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Import/Error.h"

#include "llvm/Support/JSON.h"

namespace json = llvm::json;

namespace mlir::moe::reference {

SmallVector<func::FuncOp> getEntries(ModuleOp module) {
  return llvm::to_vector(
      llvm::make_filter_range(module.getOps<func::FuncOp>(), [](auto function) {
        return function.isPublic() && !function.isExternal();
      }));
}

namespace {

/// An argument or result of an entry.
struct EntryTensor {
  Value value;
  StringAttr name;
  DenseI64ArrayAttr maxShape;
  std::string defaultName;
};

llvm::Expected<json::Object>
describeTensor(const EntryTensor &tensor, func::FuncOp entry, StringRef file) {
  std::string name =
      tensor.name ? tensor.name.str() : std::string(tensor.defaultName);
  std::string key = (entry.getName() + "." + name).str();
  auto type = dyn_cast<RankedTensorType>(tensor.value.getType());
  Type element = type ? type.getElementType() : Type();
  if (!type || !(element.isF32() || element.isBF16() || element.isInteger(32) ||
                 element.isInteger(64)))
    return notSupported(file, key,
                        "expected a tensor of f32, bf16, i32 or i64");
  json::Array shape, maxShape;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    std::optional<int64_t> most = tensor.maxShape && type.isDynamicDim(dim)
                                      ? std::optional(tensor.maxShape[dim])
                                      : getExtentUpperBound(tensor.value, dim);
    if (!most)
      return invalidInput(file, key,
                          "expected " + kMaxShapeAttr + " to bound dimension " +
                              Twine(dim) + ", got none");
    shape.push_back(type.isDynamicDim(dim) ? -1 : type.getDimSize(dim));
    maxShape.push_back(*most);
  }
  return json::Object{{"name", name},
                      {"dtype", getName(*getElementKind(element))},
                      {"shape", std::move(shape)},
                      {"max_shape", std::move(maxShape)}};
}

llvm::Expected<json::Object> describeEntry(func::FuncOp entry, StringRef file) {
  json::Array args, results;
  for (BlockArgument argument : entry.getArguments()) {
    if (isa<KVCacheType>(argument.getType()))
      continue;
    unsigned i = argument.getArgNumber();
    auto tensor = describeTensor(
        {argument, entry.getArgAttrOfType<StringAttr>(i, kNameAttr),
         entry.getArgAttrOfType<DenseI64ArrayAttr>(i, kMaxShapeAttr),
         "arg" + std::to_string(args.size())},
        entry, file);
    if (!tensor)
      return tensor.takeError();
    args.push_back(std::move(*tensor));
  }
  Operation *terminator = entry.getBody().front().getTerminator();
  for (auto [i, operand] : llvm::enumerate(terminator->getOperands())) {
    auto tensor = describeTensor(
        {operand, entry.getResultAttrOfType<StringAttr>(i, kNameAttr),
         entry.getResultAttrOfType<DenseI64ArrayAttr>(i, kMaxShapeAttr),
         "result" + std::to_string(i)},
        entry, file);
    if (!tensor)
      return tensor.takeError();
    results.push_back(std::move(*tensor));
  }
  return json::Object{{"symbol", ""},
                      {"args", std::move(args)},
                      {"results", std::move(results)}};
}

/// The caches of the first entry that has any; all entries share them.
SmallVector<KVCacheType> getCacheTypes(ArrayRef<func::FuncOp> entries) {
  SmallVector<KVCacheType> types;
  for (func::FuncOp entry : entries)
    for (Type type : entry.getArgumentTypes())
      if (auto cache = dyn_cast<KVCacheType>(type); cache && types.empty())
        for (Type each : entry.getArgumentTypes())
          if (auto other = dyn_cast<KVCacheType>(each))
            types.push_back(other);
  return types;
}

int64_t getWeightBytes(ModuleOp module) {
  int64_t bytes = 0;
  for (auto weight : module.getOps<WeightOp>()) {
    RankedTensorType type = weight.getStoredType();
    bytes += type.getNumElements() * (type.getElementTypeBitWidth() / 8);
  }
  return bytes;
}

} // namespace

llvm::Expected<std::string> describeModule(ModuleOp module, StringRef file) {
  SmallVector<func::FuncOp> functions = getEntries(module);
  json::Object object, entries;
  for (func::FuncOp function : functions) {
    auto entry = describeEntry(function, file);
    if (!entry)
      return entry.takeError();
    entries[function.getName()] = std::move(*entry);
  }
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  auto getString = [&](StringRef key, StringRef otherwise) {
    auto attr = model ? model.getAs<StringAttr>(key) : StringAttr();
    return attr ? attr.getValue() : otherwise;
  };
  SmallVector<KVCacheType> caches = getCacheTypes(functions);
  int64_t cacheBytes = 0;
  for (KVCacheType cache : caches)
    cacheBytes += cache.getBytes();
  object["dtype"] = getString("dtype", "f32");
  object["memory"] = json::Object{{"weights_bytes", getWeightBytes(module)},
                                  {"kv_bytes", cacheBytes},
                                  {"arena_bytes", 0}};
  if (model && entries.get("prefill") && entries.get("decode"))
    object["model"] = describeModel(model);
  if (!caches.empty())
    object["kv"] = json::Object{{"policy", getString("kv", "static")},
                                {"layers", describeCaches(caches)}};
  object["entries"] = std::move(entries);
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(std::move(object));
  return text;
}

} // namespace mlir::moe::reference
