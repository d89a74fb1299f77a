// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PlainProduct.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Whether a packed kernel can serve `use`, a weight of the product: all its
/// weights must become packed.
static bool isPackable(GroupedMatmulOp op, OpOperand &use) {
  unsigned first = op.getWeights().getBeginOperandIndex();
  unsigned i = use.getOperandNumber();
  return cast<ShapedType>(use.get().getType()).getRank() == 3 && i >= first &&
         i < first + op.getWeights().size() &&
         llvm::all_of(
             op.getWeights(),
             [](Value weight) { return weight.getDefiningOp<GetWeightOp>(); });
}

/// Whether `use` of a weight's value is one that a packed kernel can serve.
static bool isPackable(OpOperand &use) {
  if (auto matmul = dyn_cast<linalg::MatmulOp>(use.getOwner()))
    return use.getOperandNumber() == 1 && !whyNotPlainProduct(matmul);
  if (auto route = dyn_cast<RouteOp>(use.getOwner()))
    return use.get() == route.getGate() && !route.getPanel();
  if (auto grouped = dyn_cast<GroupedMatmulOp>(use.getOwner()))
    return isPackable(grouped, use);
  return false;
}

static void rewriteUse(OpOperand &use, Value packed, PanelLayoutAttr layout) {
  Operation *op = use.getOwner();
  OpBuilder b(op);
  if (auto grouped = dyn_cast<GroupedMatmulOp>(op)) {
    use.set(packed);
    grouped.setPanelAttr(layout);
    return;
  }
  if (auto route = dyn_cast<RouteOp>(op)) {
    use.set(packed);
    route.setPanelAttr(layout);
    return;
  }
  auto matmul = cast<linalg::MatmulOp>(op);
  auto zeros = matmul.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  auto product = PackedMatmulOp::create(b, op->getLoc(), matmul.getInputs()[0],
                                        packed, zeros.getOutputs(), layout);
  op->replaceAllUsesWith(product);
  op->erase();
  if (zeros->use_empty())
    zeros->erase();
}

namespace {
struct PackWeightsPass : moe::impl::PackWeightsPassBase<PackWeightsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (vectorBits != 256 && vectorBits != 512) {
      getOperation().emitError(
          "moe-pack-weights: expected vector-bits 256 or 512, got ")
          << int64_t(vectorBits);
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    llvm::MapVector<WeightOp, SmallVector<GetWeightOp>> values;
    getOperation().walk([&](GetWeightOp get) {
      values[symbols.lookup<WeightOp>(get.getWeight())].push_back(get);
    });
    for (auto &[weight, gets] : values)
      if (!weight.getLayout() &&
          isa<FloatType>(weight.getTensorType().getElementType()))
        packWeight(weight, gets, symbols);
  }

  void packWeight(WeightOp weight, ArrayRef<GetWeightOp> gets,
                  SymbolTable &symbols) {
    bool keepPlain = false, anyPackable = false;
    for (GetWeightOp get : gets)
      for (OpOperand &use : get->getUses())
        (isPackable(use) ? anyPackable : keepPlain) = true;
    if (!anyPackable)
      return;

    int64_t width = 2 * vectorBits / 32;
    int64_t pair =
        weight.getTensorType().getElementTypeBitWidth() == 16 ? 2 : 1;
    auto layout = PanelLayoutAttr::get(&getContext(), width, pair);
    WeightOp packed = weight;
    if (keepPlain) {
      OpBuilder b(weight);
      b.setInsertionPointAfter(weight);
      packed = cast<WeightOp>(b.clone(*weight));
      packed.setSymName((weight.getSymName() + ".packed").str());
      symbols.insert(packed);
    }
    packed.setLayoutAttr(layout);
    ++numPacked;

    for (GetWeightOp get : gets) {
      SmallVector<OpOperand *> uses;
      for (OpOperand &use : get->getUses())
        if (isPackable(use))
          uses.push_back(&use);
      if (uses.empty())
        continue;
      OpBuilder b(get);
      auto packedGet =
          GetWeightOp::create(b, get.getLoc(), packed.getStoredType(),
                              FlatSymbolRefAttr::get(packed.getSymNameAttr()));
      for (OpOperand *use : uses)
        rewriteUse(*use, packedGet, layout);
      if (get->use_empty())
        get->erase();
    }
  }
};
} // namespace
