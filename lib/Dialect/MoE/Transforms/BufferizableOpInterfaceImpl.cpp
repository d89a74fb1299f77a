// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Transforms/BufferizableOpInterfaceImpl.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mlir::moe;

/// Operands with tensors replaced by their buffers.
static FailureOr<SmallVector<Value>>
bufferOperands(Operation *op, RewriterBase &rewriter,
               const BufferizationOptions &options, BufferizationState &state) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isa<TensorType>(operand.getType())) {
      operands.push_back(operand);
      continue;
    }
    FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    operands.push_back(*buffer);
  }
  return operands;
}

namespace {
/// Reads its tensors and writes none of them.
template <typename Model, typename OpTy>
struct ReadingModel : BufferizableOpInterface::ExternalModel<Model, OpTy> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }
};

/// Results become new buffers, passed as outs.
template <typename OpTy>
struct ComputeModel : ReadingModel<ComputeModel<OpTy>, OpTy> {
  bool bufferizesToAllocation(Operation *, Value) const { return true; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    if (op->getNumResults() == 0)
      return success();
    ReifiedRankedShapedTypeDims shapes;
    if (failed(cast<OpTy>(op).reifyResultShapes(rewriter, shapes)))
      return failure();
    SmallVector<Value> outs;
    for (auto [result, shape] : llvm::zip_equal(op->getResults(), shapes)) {
      auto type = cast<RankedTensorType>(result.getType());
      SmallVector<Value> sizes;
      for (auto [dim, extent] : llvm::enumerate(shape))
        if (type.isDynamicDim(dim))
          sizes.push_back(
              getValueOrCreateConstantIndexOp(rewriter, op->getLoc(), extent));
      auto buffer = MemRefType::get(type.getShape(), type.getElementType());
      FailureOr<Value> out =
          options.createAlloc(rewriter, op->getLoc(), buffer, sizes);
      if (failed(out))
        return failure();
      outs.push_back(*out);
    }
    FailureOr<SmallVector<Value>> operands =
        bufferOperands(op, rewriter, options, state);
    if (failed(operands))
      return failure();
    OperationState newState(op->getLoc(), op->getName());
    newState.addOperands(*operands);
    newState.addAttributes(llvm::to_vector(op->getDiscardableAttrs()));
    newState.propertiesAttr = op->getPropertiesAsAttribute();
    auto newOp = cast<OpTy>(rewriter.create(newState));
    newOp.getOutsMutable().append(outs);
    replaceOpWithBufferizedValues(rewriter, op, outs);
    return success();
  }
};

struct KVAppendModel : ReadingModel<KVAppendModel, KVAppendOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    FailureOr<SmallVector<Value>> operands =
        bufferOperands(op, rewriter, options, state);
    if (failed(operands))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op->setOperands(*operands); });
    return success();
  }
};
} // namespace

void moe::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MoEDialect *) {
    RouteOp::attachInterface<ComputeModel<RouteOp>>(*context);
    SortTokensOp::attachInterface<ComputeModel<SortTokensOp>>(*context);
    GroupedMatmulOp::attachInterface<ComputeModel<GroupedMatmulOp>>(*context);
    PackedMatmulOp::attachInterface<ComputeModel<PackedMatmulOp>>(*context);
    AttentionOp::attachInterface<ComputeModel<AttentionOp>>(*context);
    KVAppendOp::attachInterface<KVAppendModel>(*context);
    context->loadDialect<memref::MemRefDialect, BufferizationDialect>();
  });
}
