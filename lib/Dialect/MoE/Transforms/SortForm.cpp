// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SortForm.h"

#include "mlir/IR/Remarks.h"
#include "moe/Analysis/CostModel.h"
#include "moe/Analysis/UpperBound.h"

#include <cmath>

#define DEBUG_TYPE "moe-sort-tokens"

using namespace mlir;
using namespace mlir::moe;

/// Bytes of the weights of one expert; those of a dynamic shape are not known
/// and left out.
static int64_t getExpertBytes(ArrayRef<ExpertOp> experts) {
  int64_t bytes = 0;
  for (ExpertOp expert : experts)
    for (Value weight : expert.getWeights()) {
      auto type = cast<ShapedType>(weight.getType());
      if (type.hasStaticShape())
        bytes += type.getNumElements() / type.getDimSize(0) *
                 type.getElementTypeBitWidth() / 8;
    }
  return bytes;
}

/// `8 pairs` or `at most 8 pairs`.
static std::string describePairs(Value ids, int64_t pairs) {
  bool isStatic = cast<ShapedType>(ids.getType()).hasStaticShape();
  return (isStatic ? "" : "at most ") + std::to_string(pairs) + " pairs";
}

bool moe::chooseSorted(DispatchOp dispatch, ArrayRef<ExpertOp> experts,
                       TokenForm form, bool mustSort) {
  Value ids = dispatch.getIds();
  ExpertLayer layer;
  layer.topK = cast<ShapedType>(ids.getType()).getDimSize(1);
  layer.experts = dispatch.getExperts();
  layer.expertBytes = getExpertBytes(experts);
  std::optional<int64_t> tokens = getExtentUpperBound(ids, 0);
  layer.tokens = tokens.value_or(0);
  LayerFormCosts costs = getLayerFormCosts(layer);
  bool sorted = form == TokenForm::Auto
                    ? !tokens || costs.sorted < costs.unsorted
                    : form == TokenForm::Sorted;

  auto opts = remark::RemarkOpts::name("form").category(DEBUG_TYPE);
  if (!sorted && mustSort) {
    remark::missed(dispatch.getLoc(), opts)
        << "sorted, since rows are read or made outside the layer";
    return true;
  }
  StringRef name = sorted ? "sorted" : "unsorted";
  if (tokens)
    remark::passed(dispatch.getLoc(), opts) << remark::add(
        "{0}, {1} for {2} experts: {3} bytes sorted, {4} bytes unsorted", name,
        describePairs(ids, layer.tokens * layer.topK), layer.experts,
        std::llround(costs.sorted), std::llround(costs.unsorted));
  else
    remark::passed(dispatch.getLoc(), opts)
        << remark::add("{0}, any number of tokens", name);
  return sorted;
}

void moe::chooseChunk(SortTokensOp sort) {
  Value ids = sort.getIds();
  std::optional<int64_t> tokens = getExtentUpperBound(ids, 0);
  auto opts = remark::RemarkOpts::name("sort").category(DEBUG_TYPE);
  if (!tokens) {
    remark::passed(sort.getLoc(), opts) << "one pass over any number of pairs";
    return;
  }
  int64_t pairs = *tokens * cast<ShapedType>(ids.getType()).getDimSize(1);
  SortCosts costs = getSortCosts(pairs, sort.getExperts());
  bool inChunks = costs.chunked < costs.onePass;
  if (inChunks)
    sort.setChunk(costs.chunk);
  remark::passed(sort.getLoc(), opts) << remark::add(
      "{0} over {1}: {2} steps in one pass, {3} steps in chunks of {4}",
      inChunks ? "chunks" : "one pass", describePairs(ids, pairs),
      costs.onePass, costs.chunked, costs.chunk);
}
