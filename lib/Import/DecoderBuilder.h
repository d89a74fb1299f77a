// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One entry of a decoder-only model: embedding, layers, head.
#ifndef MOE_LIB_IMPORT_DECODERBUILDER_H
#define MOE_LIB_IMPORT_DECODERBUILDER_H

#include "GraphBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::moe {

/// What an entry gets: the rows' tokens, positions and sequences, [T] i32 each,
/// and a cache per layer.
struct DecoderInputs {
  Value tokens, positions, sequences;
  ValueRange caches;
};

class DecoderBuilder {
public:
  /// `symbols` holds the declared weights.
  DecoderBuilder(GraphBuilder &graph, const ModelConfig &config,
                 const SymbolTable &symbols, const DecoderInputs &inputs);

  /// Embedding and all layers; the hidden rows [T, D] before the final norm.
  Value buildLayers();
  /// Final norm and projection of hidden rows to logits; `head` may count other
  /// rows than the layers do.
  Value buildHead(GraphBuilder &head, Value hidden);

private:
  Value buildAttention(const std::string &name, int64_t layer, Value normed);
  /// The heads of a query or key projection, normed, clipped and rotated as the
  /// family has it.
  Value buildRotatedHeads(const std::string &name, llvm::StringRef which,
                          int64_t heads, Value normed);
  Value buildDense(const std::string &name, Value normed, Value residual);
  Value buildExperts(const std::string &name, Value normed, Value residual);
  Value buildExpertRegion(const std::string &name, Value rows, Value plan);

  Value project(const std::string &name, Value x);
  Value norm(GraphBuilder &graph, const std::string &name, Value x);
  Value weight(const std::string &name);

  GraphBuilder &graph;
  ImplicitLocOpBuilder &b;
  const ModelConfig &config;
  const SymbolTable &symbols;
  DecoderInputs inputs;
  RotaryTables rotary;
};

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_DECODERBUILDER_H
