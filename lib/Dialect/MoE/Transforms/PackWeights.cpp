// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Whether the matrix product adds to zero.
static bool startsFromZero(linalg::MatmulOp matmul) {
  auto fill = matmul.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  return fill && matchPattern(fill.getInputs()[0], m_PosZeroFloat());
}

/// (m, n, k) -> (m, k) x (n, k) -> (m, n).
static bool hasTransposedRhs(linalg::MatmulOp matmul) {
  Builder b(matmul.getContext());
  AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1),
             k = b.getAffineDimExpr(2);
  auto map = [&](AffineExpr i, AffineExpr j) {
    return AffineMap::get(3, 0, {i, j}, b.getContext());
  };
  return matmul.getIndexingMapsArray() ==
         SmallVector<AffineMap>{map(m, k), map(n, k), map(m, n)};
}

/// Whether `use` of a weight's value is one that a packed kernel can serve.
static bool isPackable(OpOperand &use) {
  if (auto matmul = dyn_cast<linalg::MatmulOp>(use.getOwner())) {
    auto input = dyn_cast<RankedTensorType>(matmul.getInputs()[0].getType());
    return use.getOperandNumber() == 1 && input &&
           input.getElementType().isF32() && !input.isDynamicDim(1) &&
           getElementTypeOrSelf(matmul.getResult(0)).isF32() &&
           hasTransposedRhs(matmul) && startsFromZero(matmul);
  }
  if (auto grouped = dyn_cast<GroupedMatmulOp>(use.getOwner()))
    return use.get() == grouped.getWeights() && !grouped.getPanel() &&
           grouped.getInput() != use.get();
  return false;
}

static void rewriteUse(OpOperand &use, Value packed, PanelLayoutAttr layout) {
  Operation *op = use.getOwner();
  OpBuilder b(op);
  if (auto grouped = dyn_cast<GroupedMatmulOp>(op)) {
    grouped.getWeightsMutable().assign(packed);
    grouped.setPanelAttr(layout);
    return;
  }
  auto matmul = cast<linalg::MatmulOp>(op);
  auto product = PackedMatmulOp::create(b, op->getLoc(), op->getResultTypes(),
                                        matmul.getInputs()[0], packed,
                                        ValueRange(), layout);
  op->replaceAllUsesWith(product);
  op->erase();
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
