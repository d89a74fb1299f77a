// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Model.h"

#include "moe/Import/Error.h"
#include "moe/Import/HuggingFace.h"
#include "moe/Import/Safetensors.h"
#include "moe/Import/StrictJson.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace mlir::moe::reference {
namespace {

llvm::Expected<ImportOptions> parseOptions(StringRef text) {
  constexpr llvm::StringLiteral name = "options";
  llvm::Expected<llvm::json::Value> value = parseStrictJson(text, name);
  if (!value)
    return value.takeError();
  const llvm::json::Object *object = value->getAsObject();
  if (!object)
    return expectedGot(name, "", "an object", describe(*value));
  ImportOptions options;
  std::pair<StringRef, int64_t *> sizes[] = {
      {"max_len", &options.maxLen},
      {"batch", &options.batch},
      {"prefill_chunk", &options.prefillChunk}};
  for (const auto &member : *object) {
    StringRef key = member.first;
    const llvm::json::Value &setting = member.second;
    if (key == "dtype" && setting.getAsString()) {
      auto dtype = ImportOptions::parseDType(*setting.getAsString());
      if (!dtype)
        return dtype.takeError();
      options.dtype = *dtype;
      continue;
    }
    if (key == "kv" && setting.getAsString()) {
      auto kv = KVOption::parse(*setting.getAsString());
      if (!kv)
        return kv.takeError();
      options.kv = *kv;
      continue;
    }
    auto *size = llvm::find_if(
        sizes, [&](const auto &entry) { return entry.first == key; });
    std::optional<int64_t> number = setting.getAsInteger();
    if (size == std::end(sizes) || !number || *number < 1)
      return expectedGot(name, key, "a known key with a value of its kind",
                         describe(setting));
    *size->second = *number;
  }
  return options;
}

/// Copies between a caller's memory and a tensor of shape `shape`.
Tensor readTensor(const moe_tensor &memory, ElementKind kind, int64_t rank) {
  Tensor result(kind, ArrayRef(memory.shape, rank));
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    switch (kind) {
    case ElementKind::F32:
      result.mutableFloats()[i] = static_cast<const float *>(memory.data)[i];
      break;
    case ElementKind::BF16:
      result.mutableFloats()[i] = llvm::bit_cast<float>(
          uint32_t(static_cast<const uint16_t *>(memory.data)[i]) << 16);
      break;
    case ElementKind::I32:
      result.mutableIntegers()[i] =
          static_cast<const int32_t *>(memory.data)[i];
      break;
    default:
      result.mutableIntegers()[i] =
          static_cast<const int64_t *>(memory.data)[i];
    }
  return result;
}

void writeTensor(const Tensor &tensor, const moe_tensor &memory) {
  for (int64_t i = 0, e = tensor.getNumElements(); i < e; ++i) {
    Scalar value = tensor.get(i);
    switch (tensor.getKind()) {
    case ElementKind::F32:
      static_cast<float *>(memory.data)[i] = value.f;
      break;
    case ElementKind::BF16:
      static_cast<uint16_t *>(memory.data)[i] =
          llvm::bit_cast<uint32_t>(value.f) >> 16;
      break;
    case ElementKind::I32:
      static_cast<int32_t *>(memory.data)[i] = value.i;
      break;
    default:
      static_cast<int64_t *>(memory.data)[i] = value.i;
    }
  }
}

DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registry
      .insert<MoEDialect, affine::AffineDialect, arith::ArithDialect,
              func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
              scf::SCFDialect, cf::ControlFlowDialect, tensor::TensorDialect>();
  return registry;
}

} // namespace

Model::Model(StringRef path)
    : path(path), context(makeRegistry(), MLIRContext::Threading::DISABLED) {
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error ||
        !message.empty())
      return;
    message = diagnostic.str();
    if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
      location = std::to_string(place.getLine()) + ":" +
                 std::to_string(place.getColumn());
  });
}

llvm::Error Model::takeError(bool isUnsupported) {
  std::string text = std::exchange(message, ""),
              where = std::exchange(location, "");
  return isUnsupported ? notSupported(path, where, text)
                       : invalidInput(path, where, text);
}

llvm::Expected<std::unique_ptr<Model>> Model::open(StringRef path,
                                                   StringRef options) {
  std::unique_ptr<Model> model(new Model(path));
  if (llvm::Error error = model->load(options))
    return std::move(error);
  return model;
}

llvm::Error Model::load(StringRef options) {
  llvm::Expected<ImportOptions> parsed = parseOptions(options);
  if (!parsed)
    return parsed.takeError();
  if (llvm::sys::fs::is_directory(path)) {
    auto imported = importHuggingFace(&context, path, *parsed);
    if (!imported)
      return imported.takeError();
    module = std::move(*imported);
  } else {
    if (!llvm::sys::fs::exists(path))
      return expectedGot(path, "", "a model directory or .mlir file",
                         "nothing at this path");
    module = parseSourceFile<ModuleOp>(path, &context);
    if (!module)
      return takeError(/*isUnsupported=*/false);
  }
  if (getEntries(*module).empty())
    return expectedGot(path, "", "a public function", "none");
  StringRef directory = llvm::sys::path::parent_path(path);
  evaluator.emplace(*module, directory.empty() ? "." : directory);
  if (llvm::Error error = makeCaches())
    return error;
  llvm::Expected<std::string> described = describeModule(*module, path);
  if (!described)
    return described.takeError();
  description = std::move(*described);
  return llvm::Error::success();
}

llvm::Error Model::makeCaches() {
  StringRef owner;
  for (func::FuncOp entry : getEntries(*module)) {
    SmallVector<KVCacheType> types;
    for (Type type : entry.getArgumentTypes())
      if (auto cache = dyn_cast<KVCacheType>(type))
        types.push_back(cache);
    if (types.empty())
      continue;
    if (owner.empty()) {
      owner = entry.getName();
      for (KVCacheType type : types)
        caches.emplace_back(type);
    }
    if (types.size() != caches.size() ||
        llvm::any_of(llvm::zip_equal(types, caches), [](auto pair) {
          return std::get<0>(pair) != std::get<1>(pair).getType();
        }))
      return expectedGot(path, entry.getName(),
                         "the cache arguments of @" + owner, "others");
  }
  return llvm::Error::success();
}

FailureOr<SmallVector<Datum>> Model::call(func::FuncOp entry,
                                          const moe_tensor *inputs) {
  SmallVector<Datum> arguments;
  size_t nextCache = 0;
  for (Type type : entry.getArgumentTypes()) {
    if (isa<KVCacheType>(type)) {
      arguments.push_back(&caches[nextCache++]);
      continue;
    }
    auto tensor = cast<RankedTensorType>(type);
    arguments.push_back(readTensor(
        *inputs++, *getElementKind(tensor.getElementType()), tensor.getRank()));
  }
  return evaluator->call(entry.getName(), arguments);
}

llvm::Error Model::run(StringRef name, const moe_tensor *tensors) {
  func::FuncOp entry;
  for (func::FuncOp candidate : getEntries(*module))
    if (candidate.getName() == name)
      entry = candidate;
  if (!entry)
    return expectedGot(path, "", "an entry called " + name, "none");
  FailureOr<SmallVector<Datum>> results = call(entry, tensors);
  if (failed(results))
    return takeError(evaluator->metUnsupported());
  const moe_tensor *outputs = tensors;
  for (Type type : entry.getArgumentTypes())
    outputs += !isa<KVCacheType>(type);
  for (auto [i, result] : llvm::enumerate(*results)) {
    const auto &tensor = std::get<Tensor>(result);
    ArrayRef<int64_t> expected(outputs[i].shape, tensor.getRank());
    if (tensor.getShape() != expected)
      return expectedGot(path, (name + " result " + Twine(i)).str(),
                         "shape " + formatShape(expected),
                         formatShape(tensor.getShape()));
    writeTensor(tensor, outputs[i]);
  }
  return llvm::Error::success();
}

void Model::reset() {
  for (Cache &cache : caches)
    cache.clear();
}

} // namespace mlir::moe::reference
