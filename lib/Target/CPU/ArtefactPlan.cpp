// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "moe/Analysis/ModelDescription.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Target/CPU/Artefact.h"

using namespace mlir;
using namespace mlir::moe;

static llvm::Expected<StringRef> dtypeName(Type type) {
  if (type.isF32())
    return "f32";
  if (type.isBF16())
    return "bf16";
  if (type.isInteger(32))
    return "i32";
  if (type.isInteger(64))
    return "i64";
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return llvm::createStringError(
      "entries take tensors of f32, bf16, i32 or i64, not of " + text);
}

static llvm::Expected<llvm::json::Object>
describeTensor(func::FuncOp entry, unsigned argument,
               const Twine &defaultName) {
  auto type = cast<MemRefType>(entry.getArgumentTypes()[argument]);
  llvm::Expected<StringRef> dtype = dtypeName(type.getElementType());
  if (!dtype)
    return dtype.takeError();
  auto name = entry.getArgAttrOfType<StringAttr>(argument, kNameAttr);
  auto bound =
      entry.getArgAttrOfType<DenseI64ArrayAttr>(argument, kMaxShapeAttr);
  llvm::json::Array shape, maxShape;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    bool dynamic = type.isDynamicDim(dim);
    shape.push_back(dynamic ? -1 : type.getDimSize(dim));
    maxShape.push_back(dynamic ? bound[dim] : type.getDimSize(dim));
  }
  return llvm::json::Object{{"name", name ? name.str() : defaultName.str()},
                            {"dtype", *dtype},
                            {"shape", std::move(shape)},
                            {"max_shape", std::move(maxShape)}};
}

static llvm::Expected<llvm::json::Object> describeEntry(func::FuncOp entry) {
  llvm::json::Array args, results;
  int64_t inputs = entry->getAttrOfType<IntegerAttr>(kEntryAttr).getInt();
  for (unsigned i = kFirstTensorArgument; i < entry.getNumArguments(); ++i) {
    int64_t index = i - kFirstTensorArgument;
    bool isInput = index < inputs;
    auto tensor = describeTensor(entry, i,
                                 isInput ? "arg" + Twine(index)
                                         : "result" + Twine(index - inputs));
    if (!tensor)
      return tensor.takeError();
    (isInput ? args : results).push_back(std::move(*tensor));
  }
  return llvm::json::Object{{"symbol", ("moe_entry_" + entry.getName()).str()},
                            {"args", std::move(args)},
                            {"results", std::move(results)}};
}

llvm::Expected<ArtefactPlan> moe::planArtefact(ModuleOp module) {
  ArtefactPlan plan;
  auto integer = [&](Operation *op, StringRef name) {
    return op->getAttrOfType<IntegerAttr>(name).getInt();
  };
  plan.weightsBytes = integer(module, kWeightsBytesAttr);
  for (auto weight : module.getOps<WeightOp>())
    plan.weights.push_back({weight.getSymName().str(), weight.getTensorType(),
                            weight.getSourceType(), weight.getTransposed(),
                            weight.getSource(), weight.getLayoutAttr(),
                            static_cast<int64_t>(*weight.getOffset())});

  llvm::json::Object entries;
  int64_t arenaBytes = 0;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func->hasAttr(kEntryAttr))
      continue;
    arenaBytes = std::max(arenaBytes, integer(func, kArenaBytesAttr));
    auto entry = describeEntry(func);
    if (!entry)
      return entry.takeError();
    entries[func.getName()] = std::move(*entry);
  }
  if (entries.empty())
    return llvm::createStringError(
        "the module has no public function to compile");

  StringRef dtype = "f32", policy = "static";
  bool isLanguageModel = entries.get("prefill") && entries.get("decode");
  if (auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr)) {
    if (auto attr = model.getAs<StringAttr>("dtype"))
      dtype = attr.getValue();
    if (auto attr = model.getAs<StringAttr>("kv"))
      policy = attr.getValue();
    if (auto attr = model.getAs<StringAttr>("tokenizer"))
      plan.tokenizer = attr.str();
    if (isLanguageModel)
      plan.description["model"] = describeModel(model);
  }
  plan.description["dtype"] = dtype;
  plan.description["memory"] =
      llvm::json::Object{{"weights_bytes", plan.weightsBytes},
                         {"kv_bytes", integer(module, kKVBytesAttr)},
                         {"arena_bytes", arenaBytes}};
  auto caches = module->getAttrOfType<ArrayAttr>(kKVCachesAttr);
  if (!caches.empty()) {
    SmallVector<KVCacheType> types;
    for (Type type : caches.getAsValueRange<TypeAttr>())
      types.push_back(cast<KVCacheType>(type));
    plan.description["kv"] = llvm::json::Object{
        {"policy", policy}, {"layers", describeCaches(types)}};
  }
  plan.description["entries"] = std::move(entries);
  return plan;
}
