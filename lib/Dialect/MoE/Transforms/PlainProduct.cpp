// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PlainProduct.h"

#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

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

const char *moe::whyNotPlainProduct(linalg::MatmulOp matmul) {
  auto input = dyn_cast<RankedTensorType>(matmul.getInputs()[0].getType());
  if (!input || !input.getElementType().isF32() || input.isDynamicDim(1))
    return "its rows are not f32 of static width";
  if (!getElementTypeOrSelf(matmul->getResult(0)).isF32())
    return "it does not sum in f32";
  if (!hasTransposedRhs(matmul))
    return "its weights are not [N, K]";
  if (!startsFromZero(matmul))
    return "it does not start from zero";
  return nullptr;
}
