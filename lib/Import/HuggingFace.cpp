// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/HuggingFace.h"

#include "DecoderBuilder.h"
#include "WeightTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Import/Error.h"
#include "moe/Import/Family.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace mlir::moe {
namespace {

/// Builds the module of one model; the files have been read and agree.
class ModelBuilder {
public:
  ModelBuilder(MLIRContext *context, const ModelConfig &config,
               const ImportOptions &options, StringRef directory)
      : b(NameLoc::get(StringAttr::get(context, config.family->modelType)),
          context),
        config(config), options(options), directory(directory) {
    maxLen = options.maxLen
                 ? options.maxLen
                 : std::min(config.maxPositions, ImportOptions::defaultMaxLen);
    prefillChunk = std::min(options.prefillChunk, maxLen);
  }

  Expected<OwningOpRef<ModuleOp>> build(const Checkpoint &checkpoint);

private:
  DictionaryAttr modelAttr();
  std::string kvName() const;
  KVCacheType cacheType();
  func::FuncOp createEntry(StringRef name, ArrayRef<StringRef> inputs,
                           int64_t rows, int64_t maxRows);
  void buildPrefill(const SymbolTable &symbols);
  void buildDecode(const SymbolTable &symbols);

  ImplicitLocOpBuilder b;
  const ModelConfig &config;
  const ImportOptions &options;
  StringRef directory;
  int64_t maxLen, prefillChunk;
};

KVCacheType ModelBuilder::cacheType() {
  // A window as long as a sequence may get hides nothing.
  std::optional<int64_t> window = config.slidingWindow;
  if (options.kv.kind == KVOption::Kind::Sliding)
    window = std::min(options.kv.window, window.value_or(options.kv.window));
  bool sliding = window && *window < maxLen;
  // Rows of one call are appended before they are read. A model's window stays
  // in force under `static`: the ring is then long enough to keep everything.
  int64_t chunk = sliding ? prefillChunk : 1;
  if (sliding && options.kv.kind == KVOption::Kind::Static)
    chunk = std::max(chunk, maxLen - *window + 1);
  Type elementType = options.dtype == ImportOptions::DType::F32
                         ? Type(b.getF32Type())
                         : b.getBF16Type();
  return KVCacheType::get(
      b.getContext(), sliding ? KVPolicy::SlidingWindow : KVPolicy::Static,
      sliding ? *window : maxLen, config.numKVHeads, config.headDim,
      config.headDim, elementType, chunk, options.batch);
}

std::string ModelBuilder::kvName() const {
  switch (options.kv.kind) {
  case KVOption::Kind::Static:
    return "static";
  case KVOption::Kind::Hybrid:
    return "hybrid";
  case KVOption::Kind::Sliding:
    return "sliding:" + std::to_string(options.kv.window);
  case KVOption::Kind::Auto:
    return config.slidingWindow && *config.slidingWindow < maxLen
               ? "sliding:" + std::to_string(*config.slidingWindow)
               : "static";
  }
  llvm_unreachable("every kind has a name");
}

DictionaryAttr ModelBuilder::modelAttr() {
  NamedAttrList attrs;
  attrs.append("family", b.getStringAttr(config.family->modelType));
  attrs.append("vocab_size", b.getI64IntegerAttr(config.vocabSize));
  attrs.append("max_len", b.getI64IntegerAttr(maxLen));
  attrs.append("batch", b.getI64IntegerAttr(options.batch));
  attrs.append("prefill_chunk", b.getI64IntegerAttr(prefillChunk));
  if (config.bosTokenId)
    attrs.append("bos_token_id", b.getI64IntegerAttr(*config.bosTokenId));
  attrs.append("eos_token_ids", b.getDenseI64ArrayAttr(config.eosTokenIds));
  attrs.append("dtype", b.getStringAttr(getName(options.dtype)));
  attrs.append("kv", b.getStringAttr(kvName()));
  SmallString<128> tokenizer(directory);
  sys::path::append(tokenizer, "tokenizer.json");
  if (sys::fs::exists(tokenizer))
    attrs.append("tokenizer", b.getStringAttr(tokenizer));
  return attrs.getDictionary(b.getContext());
}

/// A function of i32 vectors and one cache per layer. `rows` is the extent of
/// the vectors.
func::FuncOp ModelBuilder::createEntry(StringRef name,
                                       ArrayRef<StringRef> inputs, int64_t rows,
                                       int64_t maxRows) {
  SmallVector<Type> types(inputs.size(),
                          RankedTensorType::get(rows, b.getI32Type()));
  types.append(config.numLayers, cacheType());
  Type logits = RankedTensorType::get({rows, config.vocabSize}, b.getF32Type());
  auto function =
      func::FuncOp::create(b, name, b.getFunctionType(types, logits));
  for (auto [index, input] : enumerate(inputs)) {
    function.setArgAttr(index, kNameAttr, b.getStringAttr(input));
    if (ShapedType::isDynamic(rows))
      function.setArgAttr(index, kMaxShapeAttr,
                          b.getDenseI64ArrayAttr(maxRows));
  }
  function.setResultAttr(0, kNameAttr, b.getStringAttr("logits"));
  b.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

void ModelBuilder::buildPrefill(const SymbolTable &symbols) {
  OpBuilder::InsertionGuard guard(b);
  func::FuncOp entry =
      createEntry("prefill", {"tokens", "positions", "sequences", "out_rows"},
                  ShapedType::kDynamic, prefillChunk);
  Value tokens = entry.getArgument(0), outRows = entry.getArgument(3);
  GraphBuilder graph(b, Value(tensor::DimOp::create(b, tokens, 0)));
  DecoderInputs inputs = {tokens, entry.getArgument(1), entry.getArgument(2),
                          entry.getArguments().drop_front(4)};
  DecoderBuilder decoder(graph, config, symbols, inputs);
  Value hidden = decoder.buildLayers();
  // Only the rows that are asked for pass the head, which is the largest matrix
  // of the model.
  GraphBuilder head(b, Value(tensor::DimOp::create(b, outRows, 0)));
  Value logits = decoder.buildHead(head, head.gatherRows(hidden, outRows));
  func::ReturnOp::create(b, logits);
}

void ModelBuilder::buildDecode(const SymbolTable &symbols) {
  OpBuilder::InsertionGuard guard(b);
  func::FuncOp entry =
      createEntry("decode", {"tokens", "positions", "sequences"}, options.batch,
                  options.batch);
  GraphBuilder graph(b, b.getIndexAttr(options.batch));
  DecoderInputs inputs = {entry.getArgument(0), entry.getArgument(1),
                          entry.getArgument(2),
                          entry.getArguments().drop_front(3)};
  DecoderBuilder decoder(graph, config, symbols, inputs);
  Value hidden = decoder.buildLayers();
  func::ReturnOp::create(b, decoder.buildHead(graph, hidden));
}

Expected<OwningOpRef<ModuleOp>>
ModelBuilder::build(const Checkpoint &checkpoint) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToStart(module->getBody());
  (*module)->setAttr(kModelAttr, modelAttr());
  if (Error error = WeightTable(b, config, checkpoint, directory, options.dtype)
                        .declareAll())
    return std::move(error);
  SymbolTable symbols(*module);
  buildPrefill(symbols);
  buildDecode(symbols);
  return module;
}

Error checkOptions(const ImportOptions &options) {
  auto check = [](StringRef name, int64_t value, int64_t min) -> Error {
    constexpr int64_t max = std::numeric_limits<int32_t>::max();
    if (value >= min && value <= max)
      return Error::success();
    return expectedGot(name, "",
                       "an integer from " + Twine(min) + " to " + Twine(max),
                       Twine(value));
  };
  if (Error error = check("--max-len", options.maxLen, 0))
    return error;
  if (Error error = check("--batch", options.batch, 1))
    return error;
  return check("--prefill-chunk", options.prefillChunk, 1);
}

} // namespace

Expected<OwningOpRef<ModuleOp>>
importHuggingFace(MLIRContext *context, StringRef directory,
                  const ImportOptions &options) {
  if (Error error = checkOptions(options))
    return std::move(error);
  Expected<ModelConfig> config = ModelConfig::read(directory);
  if (!config)
    return config.takeError();
  Expected<Checkpoint> checkpoint = Checkpoint::open(directory);
  if (!checkpoint)
    return checkpoint.takeError();
  // The module names its files, and is read from anywhere.
  SmallString<128> absolute(directory);
  if (std::error_code code = sys::fs::real_path(directory, absolute))
    return invalidInput(directory, "", "cannot be resolved: " + code.message());

  context->loadDialect<MoEDialect, arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       tensor::TensorDialect>();
  Expected<OwningOpRef<ModuleOp>> module =
      ModelBuilder(context, *config, options, absolute).build(*checkpoint);
  if (module && failed(verify(**module)))
    return invalidInput(directory, "", "the imported module does not verify");
  return module;
}

} // namespace mlir::moe
