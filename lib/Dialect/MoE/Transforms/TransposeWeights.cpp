// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_TRANSPOSEWEIGHTSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Whether the operation swaps the last two dimensions.
static bool isMatrixTranspose(linalg::TransposeOp op) {
  int64_t rank = op.getPermutation().size();
  if (rank < 2)
    return false;
  auto expected = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(expected[rank - 2], expected[rank - 1]);
  return op.getPermutation() == ArrayRef<int64_t>(expected);
}

/// Whether `use` of a weight's value reads the transpose.
static bool isTransposing(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return use.getOperandNumber() == 0 && isMatrixTranspose(transpose);
  auto matmul = dyn_cast<linalg::MatmulOp>(op);
  return matmul && use.getOperandNumber() == 1 && !matmul.hasUserDefinedMaps();
}

static RankedTensorType transposeType(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  std::swap(shape[shape.size() - 2], shape.back());
  return RankedTensorType::get(shape, type.getElementType());
}

static void rewriteUse(OpOperand &use, Value transposed) {
  Operation *op = use.getOwner();
  OpBuilder b(op);
  if (isa<linalg::TransposeOp>(op)) {
    op->getResult(0).replaceAllUsesWith(transposed);
  } else {
    auto matmul = cast<linalg::MatmulOp>(op);
    auto product = linalg::MatmulTransposeBOp::create(
        b, op->getLoc(), op->getResultTypes(),
        ValueRange{matmul.getInputs()[0], transposed}, matmul.getOutputs());
    op->replaceAllUsesWith(product);
  }
  op->erase();
}

/// A product that reads a transpose of a weight is one that reads the weight:
/// two transposes of a matrix are none.
static void foldTransposes(ModuleOp module) {
  module.walk([](linalg::MatmulOp matmul) {
    OpOperand &weights = matmul->getOpOperand(1);
    auto transpose = weights.get().getDefiningOp<linalg::TransposeOp>();
    if (!transpose || !isTransposing(weights) ||
        !isMatrixTranspose(transpose) ||
        !transpose.getInput().getDefiningOp<GetWeightOp>())
      return;
    rewriteUse(weights, transpose.getInput());
    if (transpose->use_empty())
      transpose->erase();
  });
}

namespace {
struct TransposeWeightsPass
    : moe::impl::TransposeWeightsPassBase<TransposeWeightsPass> {
  using Base::Base;

  void runOnOperation() override {
    foldTransposes(getOperation());
    SymbolTable symbols(getOperation());
    llvm::MapVector<WeightOp, SmallVector<GetWeightOp>> values;
    getOperation().walk([&](GetWeightOp get) {
      values[symbols.lookup<WeightOp>(get.getWeight())].push_back(get);
    });
    for (auto &[weight, gets] : values)
      if (!weight.getLayout())
        transpose(weight, gets, symbols);
  }

  void transpose(WeightOp weight, ArrayRef<GetWeightOp> gets,
                 SymbolTable &symbols) {
    SmallVector<OpOperand *> uses;
    bool keepPlain = false;
    for (GetWeightOp get : gets)
      for (OpOperand &use : get->getUses())
        if (isTransposing(use))
          uses.push_back(&use);
        else
          keepPlain = true;
    if (uses.empty())
      return;
    WeightOp transposed = weight;
    if (keepPlain) {
      OpBuilder b(weight);
      b.setInsertionPointAfter(weight);
      transposed = cast<WeightOp>(b.clone(*weight));
      transposed.setSymName((weight.getSymName() + ".transposed").str());
      symbols.insert(transposed);
    }
    transposed.setType(transposeType(weight.getTensorType()));
    transposed.setTransposed(!weight.getTransposed());
    ++numTransposed;

    for (OpOperand *use : uses) {
      auto get = use->get().getDefiningOp<GetWeightOp>();
      OpBuilder b(get);
      rewriteUse(*use,
                 GetWeightOp::create(
                     b, get.getLoc(), transposed.getStoredType(),
                     FlatSymbolRefAttr::get(transposed.getSymNameAttr())));
      if (get->use_empty())
        get->erase();
    }
  }
};
} // namespace
