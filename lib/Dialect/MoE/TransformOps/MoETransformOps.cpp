// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// With assertions, registering an operation calls a check that the shared
// library, which is built without them, does not have.
#ifndef NDEBUG
#define NDEBUG
#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#undef NDEBUG
#include <cassert>
#endif

#include "moe/Dialect/MoE/TransformOps/MoETransformOps.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Dialect/MoE/Transforms/SortTokens.h"

using namespace mlir;
using namespace mlir::moe;

#define GET_OP_CLASSES
#include "moe/Dialect/MoE/TransformOps/MoETransformOps.cpp.inc"

static std::optional<TokenForm> parseForm(StringRef form) {
  return llvm::StringSwitch<std::optional<TokenForm>>(form)
      .Case("auto", TokenForm::Auto)
      .Case("sorted", TokenForm::Sorted)
      .Case("unsorted", TokenForm::Unsorted)
      .Default(std::nullopt);
}

LogicalResult transform::MoESortTokensOp::verify() {
  if (!parseForm(getForm()))
    return emitOpError("expected form auto, sorted or unsorted, got ")
           << getForm();
  return success();
}

DiagnosedSilenceableFailure transform::MoESortTokensOp::applyToOne(
    TransformRewriter &rewriter, DispatchOp dispatch, ApplyToEachResultList &,
    TransformState &) {
  if (failed(sortTokens(rewriter, dispatch, *parseForm(getForm()))))
    return DiagnosedSilenceableFailure::definiteFailure();
  return DiagnosedSilenceableFailure::success();
}

void transform::ApplyMoEToLinalgPatternsOp::populatePatterns(
    RewritePatternSet &patterns) {
  populateRouteToLinalgPatterns(patterns);
  populateSortTokensToLinalgPatterns(patterns);
  populateGroupedMatmulToLinalgPatterns(patterns);
}

namespace {
struct MoETransformDialectExtension
    : transform::TransformDialectExtension<MoETransformDialectExtension> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MoETransformDialectExtension)

  void init() {
    declareDependentDialect<MoEDialect>();
    declareGeneratedDialect<affine::AffineDialect>();
    declareGeneratedDialect<arith::ArithDialect>();
    declareGeneratedDialect<linalg::LinalgDialect>();
    declareGeneratedDialect<math::MathDialect>();
    declareGeneratedDialect<scf::SCFDialect>();
    declareGeneratedDialect<tensor::TensorDialect>();
    registerTransformOps<
#define GET_OP_LIST
#include "moe/Dialect/MoE/TransformOps/MoETransformOps.cpp.inc"
        >();
  }
};
} // namespace

void moe::registerTransformDialectExtension(DialectRegistry &registry) {
  registry.addExtensions<MoETransformDialectExtension>();
}
