// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Transforms/BufferizableOpInterfaceImpl.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
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

/// The operation on buffers, without results; takes its regions.
static Operation *createBufferForm(Operation *op, RewriterBase &rewriter,
                                   ValueRange operands) {
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addAttributes(llvm::to_vector(op->getDiscardableAttrs()));
  state.propertiesAttr = op->getPropertiesAsAttribute();
  for (Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  return rewriter.create(state);
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
    auto newOp = cast<OpTy>(createBufferForm(op, rewriter, *operands));
    newOp.getOutsMutable().append(outs);
    replaceOpWithBufferizedValues(rewriter, op, outs);
    return success();
  }
};

/// Writes its results into outs, whose old contents it does not read.
template <typename Model, typename OpTy>
struct DestinationModelBase
    : DstBufferizableOpInterfaceExternalModel<Model, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto destinationStyle = cast<DestinationStyleOpInterface>(op);
    if (destinationStyle.hasPureBufferSemantics())
      return success();
    FailureOr<SmallVector<Value>> operands =
        bufferOperands(op, rewriter, options, state);
    if (failed(operands))
      return failure();
    SmallVector<Value> outs;
    for (OpOperand &init : destinationStyle.getDpsInitsMutable())
      outs.push_back((*operands)[init.getOperandNumber()]);
    Operation *buffers = createBufferForm(op, rewriter, *operands);
    if (failed(Model::complete(cast<OpTy>(buffers), rewriter, options)))
      return failure();
    replaceOpWithBufferizedValues(rewriter, op, outs);
    return success();
  }

  /// What else the operation needs on buffers.
  static LogicalResult complete(OpTy, RewriterBase &,
                                const BufferizationOptions &) {
    return success();
  }
};

template <typename OpTy>
struct DestinationModel : DestinationModelBase<DestinationModel<OpTy>, OpTy> {};

struct GroupedMatmulModel
    : DestinationModelBase<GroupedMatmulModel, GroupedMatmulOp> {
  /// Panel by panel, so that what one panel's columns need lies together.
  static LogicalResult complete(GroupedMatmulOp op, RewriterBase &rewriter,
                                const BufferizationOptions &options) {
    if (!op.needsScratch())
      return success();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    Location loc = op.getLoc();
    Value perRow = op.getBroadcast() ? op.getOrder() : op.getInput();
    OpFoldResult rows = memref::getMixedSize(rewriter, loc, perRow, 0);
    int64_t width = op.getPanel()->getWidth();
    int64_t panels = llvm::divideCeil(op.getWidth(), width);
    OpFoldResult sizes[] = {rewriter.getIndexAttr(panels), rows,
                            rewriter.getIndexAttr(width)};
    auto [shape, dynamic] = decomposeMixedValues(sizes);
    auto type = MemRefType::get(shape, rewriter.getF32Type());
    FailureOr<Value> scratch =
        options.createAlloc(rewriter, loc, type, dynamic);
    if (failed(scratch))
      return failure();
    op.getScratchMutable().assign(*scratch);
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
    SortTokensOp::attachInterface<DestinationModel<SortTokensOp>>(*context);
    GroupedMatmulOp::attachInterface<GroupedMatmulModel>(*context);
    CountPairsOp::attachInterface<DestinationModel<CountPairsOp>>(*context);
    ScanCountsOp::attachInterface<DestinationModel<ScanCountsOp>>(*context);
    PlacePairsOp::attachInterface<DestinationModel<PlacePairsOp>>(*context);
    PackedMatmulOp::attachInterface<DestinationModel<PackedMatmulOp>>(*context);
    GatherRowsOp::attachInterface<DestinationModel<GatherRowsOp>>(*context);
    ExpertRowsOp::attachInterface<DestinationModel<ExpertRowsOp>>(*context);
    CombineRowsOp::attachInterface<DestinationModel<CombineRowsOp>>(*context);
    AttentionOp::attachInterface<ComputeModel<AttentionOp>>(*context);
    KVAppendOp::attachInterface<KVAppendModel>(*context);
    context->loadDialect<memref::MemRefDialect, BufferizationDialect>();
  });
}
