// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that move elements: the adjoint moves back.
#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult moe::pullBack(OpBuilder &b, tensor::CastOp op,
                            Adjoints &adjoints) {
  Value source = op.getSource();
  Value moved = tensor::CastOp::create(b, op.getLoc(), source.getType(),
                                       adjoints.lookup(op.getResult()));
  adjoints.add(b, op.getLoc(), source, moved);
  return success();
}

LogicalResult moe::pullBack(OpBuilder &b, tensor::CollapseShapeOp op,
                            Adjoints &adjoints) {
  Value source = op.getSrc();
  Value moved = tensor::ExpandShapeOp::create(
      b, op.getLoc(), source.getType(), adjoints.lookup(op.getResult()),
      op.getReassociationIndices(),
      tensor::getMixedSizes(b, op.getLoc(), source));
  adjoints.add(b, op.getLoc(), source, moved);
  return success();
}

LogicalResult moe::pullBack(OpBuilder &b, tensor::ExpandShapeOp op,
                            Adjoints &adjoints) {
  Value source = op.getSrc();
  Value moved = tensor::CollapseShapeOp::create(
      b, op.getLoc(), source.getType(), adjoints.lookup(op.getResult()),
      op.getReassociationIndices());
  adjoints.add(b, op.getLoc(), source, moved);
  return success();
}

LogicalResult moe::pullBack(OpBuilder &b, tensor::ExtractSliceOp op,
                            Adjoints &adjoints) {
  Location loc = op.getLoc();
  Value source = op.getSource();
  Value moved = tensor::InsertSliceOp::create(
      b, loc, adjoints.lookup(op.getResult()), createZerosLike(b, loc, source),
      op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides());
  adjoints.add(b, loc, source, moved);
  return success();
}

LogicalResult moe::pullBack(OpBuilder &b, tensor::InsertSliceOp op,
                            Adjoints &adjoints) {
  Location loc = op.getLoc();
  Value source = op.getSource(), target = op.getDest();
  Value adjoint = adjoints.lookup(op.getResult());
  if (adjoints.isActive(source))
    adjoints.add(b, loc, source,
                 tensor::ExtractSliceOp::create(
                     b, loc, cast<RankedTensorType>(source.getType()), adjoint,
                     op.getMixedOffsets(), op.getMixedSizes(),
                     op.getMixedStrides()));
  if (adjoints.isActive(target))
    adjoints.add(b, loc, target,
                 tensor::InsertSliceOp::create(
                     b, loc, createZerosLike(b, loc, source), adjoint,
                     op.getMixedOffsets(), op.getMixedSizes(),
                     op.getMixedStrides()));
  return success();
}
