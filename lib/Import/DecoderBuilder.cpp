// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DecoderBuilder.h"

#include "WeightTable.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Import/Family.h"

#include <cmath>

using namespace llvm;

namespace mlir::moe {

DecoderBuilder::DecoderBuilder(GraphBuilder &graph, const ModelConfig &config,
                               const SymbolTable &symbols,
                               const DecoderInputs &inputs)
    : graph(graph), b(graph.builder()), config(config), symbols(symbols),
      inputs(inputs) {}

Value DecoderBuilder::weight(const std::string &name) {
  auto op = symbols.lookup<WeightOp>(name);
  return GetWeightOp::create(b, op.getTensorType(), name);
}

Value DecoderBuilder::project(const std::string &name, Value x) {
  Value y = graph.linear(x, weight(name + ".weight"));
  return symbols.lookup(name + ".bias")
             ? graph.addBias(y, weight(name + ".bias"))
             : y;
}

Value DecoderBuilder::norm(GraphBuilder &at, const std::string &name, Value x) {
  return at.rmsNorm(x, weight(name + ".weight"), config.rmsNormEps);
}

Value DecoderBuilder::buildLayers() {
  Location entry = b.getLoc();
  rotary = graph.rotaryTables(inputs.positions, weight("rope.inv_freq"));
  Value hidden =
      graph.gatherRows(weight("model.embed_tokens.weight"), inputs.tokens);
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    std::string name = getLayerName(layer);
    b.setLoc(NameLoc::get(b.getStringAttr(name), entry));
    Value normed = norm(graph, name + ".input_layernorm", hidden);
    hidden =
        graph.add(hidden, buildAttention(name + ".self_attn", layer, normed));
    normed = norm(graph, name + ".post_attention_layernorm", hidden);
    hidden = config.isSparseLayer(layer)
                 ? buildExperts(name + "." + config.family->moeBlock.str(),
                                normed, hidden)
                 : buildDense(name + ".mlp", normed, hidden);
  }
  b.setLoc(entry);
  return hidden;
}

Value DecoderBuilder::buildHead(GraphBuilder &head, Value hidden) {
  Value normed = norm(head, "model.norm", hidden);
  return head.linear(normed, weight(config.tieWordEmbeddings
                                        ? "model.embed_tokens.weight"
                                        : "lm_head.weight"));
}

Value DecoderBuilder::buildRotatedHeads(const std::string &name,
                                        StringRef which, int64_t heads,
                                        Value normed) {
  std::string normName = (name + "." + which + "_norm").str();
  Value x = project((name + "." + which + "_proj").str(), normed);
  if (config.family->qkNorm == QKNorm::WholeProjection)
    x = norm(graph, normName, x);
  if (config.clipQKV)
    x = graph.clamp(x, *config.clipQKV);
  x = graph.splitHeads(x, heads);
  if (config.family->qkNorm == QKNorm::PerHead)
    x = norm(graph, normName, x);
  return graph.rotate(x, rotary);
}

Value DecoderBuilder::buildAttention(const std::string &name, int64_t layer,
                                     Value normed) {
  Value query = buildRotatedHeads(name, "q", config.numHeads, normed);
  Value key = buildRotatedHeads(name, "k", config.numKVHeads, normed);
  Value value = project(name + ".v_proj", normed);
  if (config.clipQKV)
    value = graph.clamp(value, *config.clipQKV);
  value = graph.splitHeads(value, config.numKVHeads);

  Value cache = inputs.caches[layer];
  KVAppendOp::create(b, cache, key, value, inputs.positions, inputs.sequences);
  APFloat scale(
      static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.headDim))));
  Value context = AttentionOp::create(b, query.getType(), query, cache,
                                      inputs.positions, inputs.sequences,
                                      /*outs=*/ValueRange(), scale)
                      .getResult(0);
  return project(name + ".o_proj", graph.mergeHeads(context));
}

Value DecoderBuilder::buildDense(const std::string &name, Value normed,
                                 Value residual) {
  Value gate = project(name + ".gate_proj", normed),
        up = project(name + ".up_proj", normed);
  return graph.add(residual,
                   project(name + ".down_proj",
                           graph.gatedActivation(config.activation, gate, up)));
}

Value DecoderBuilder::buildExperts(const std::string &name, Value normed,
                                   Value residual) {
  Value logits = graph.linear(normed, weight(name + ".gate.weight"));
  auto route =
      RouteOp::create(b,
                      TypeRange{graph.rowsOf(config.topK),
                                graph.rowsOf(config.topK, b.getI32Type())},
                      logits, config.topK, ScoreFunction::Softmax,
                      config.normTopK ? b.getF32FloatAttr(0) : FloatAttr());
  // T·k rows: known where T is.
  RankedTensorType rowType = cast<RankedTensorType>(normed.getType());
  int64_t tokens = rowType.getDimSize(0);
  rowType = RankedTensorType::get(
      {ShapedType::isDynamic(tokens) ? tokens : tokens * config.topK,
       config.hiddenSize},
      b.getF32Type());
  auto plan = PlanType::get(b.getContext(), config.numExperts, config.topK);
  auto dispatch = DispatchOp::create(b, rowType, plan, normed,
                                     route.getResult(1), config.numExperts);
  Value outputs = buildExpertRegion(name + ".experts", dispatch.getRows(),
                                    dispatch.getPlan());
  return CombineOp::create(b, residual.getType(), outputs, dispatch.getPlan(),
                           route.getResult(0), residual);
}

Value DecoderBuilder::buildExpertRegion(const std::string &name, Value rows,
                                        Value plan) {
  const Family &family = *config.family;
  SmallVector<Value> weights;
  for (StringRef projection : {family.gate, family.up, family.down})
    weights.push_back(weight((name + "." + projection + ".weight").str()));
  auto expert = ExpertOp::create(b, rows.getType(), rows, plan, weights);

  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&expert.getBody());
  Value x = block->addArgument(
      RankedTensorType::get({ShapedType::kDynamic, config.hiddenSize},
                            b.getF32Type()),
      b.getLoc());
  for (Value stack : weights) {
    auto type = cast<RankedTensorType>(stack.getType());
    block->addArgument(RankedTensorType::get(type.getShape().drop_front(),
                                             type.getElementType()),
                       b.getLoc());
  }
  Value count = tensor::DimOp::create(b, x, 0);
  GraphBuilder inner(b, count);
  Value gate = inner.linear(x, block->getArgument(1)),
        up = inner.linear(x, block->getArgument(2));
  Value hidden = inner.gatedActivation(config.activation, gate, up);
  YieldOp::create(b, inner.linear(hidden, block->getArgument(3)));
  return expert.getResult();
}

} // namespace mlir::moe
