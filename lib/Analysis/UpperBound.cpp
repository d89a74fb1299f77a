// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Analysis/UpperBound.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

/// Nothing where either is missing or negative (the product would not rise with
/// the other one), or the product is too large to count.
static std::optional<int64_t> multiply(std::optional<int64_t> lhs,
                                       std::optional<int64_t> rhs) {
  int64_t product;
  if (!lhs || !rhs || *lhs < 0 || *rhs < 0 ||
      llvm::MulOverflow(*lhs, *rhs, product))
    return std::nullopt;
  return product;
}

/// Bound of an affine expression over bounded operands. All parts are
/// non-negative, so sums, products and quotients are monotone.
static std::optional<int64_t>
boundExpr(AffineExpr expr, ArrayRef<std::optional<int64_t>> operands,
          unsigned numDims) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue() >= 0
               ? std::optional<int64_t>(constant.getValue())
               : std::nullopt;
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return operands[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return operands[numDims + symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<int64_t> lhs = boundExpr(binary.getLHS(), operands, numDims);
  std::optional<int64_t> rhs = boundExpr(binary.getRHS(), operands, numDims);
  if (!lhs || !rhs)
    return std::nullopt;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return *lhs + *rhs;
  case AffineExprKind::Mul:
    return multiply(lhs, rhs);
  case AffineExprKind::Mod:
    return std::min(*lhs, *rhs - 1);
  case AffineExprKind::FloorDiv:
    return isa<AffineConstantExpr>(binary.getRHS())
               ? std::optional<int64_t>(*lhs / *rhs)
               : lhs;
  case AffineExprKind::CeilDiv:
    return isa<AffineConstantExpr>(binary.getRHS())
               ? std::optional<int64_t>(llvm::divideCeil(*lhs, *rhs))
               : lhs;
  default:
    return std::nullopt;
  }
}

static std::optional<int64_t> boundMap(AffineMap map, ValueRange operands,
                                       bool takeMinimum) {
  SmallVector<std::optional<int64_t>> bounds;
  for (Value operand : operands)
    bounds.push_back(getUpperBound(operand));
  std::optional<int64_t> bound;
  for (AffineExpr result : map.getResults()) {
    std::optional<int64_t> candidate =
        boundExpr(result, bounds, map.getNumDims());
    if (!candidate && !takeMinimum)
      return std::nullopt;
    if (candidate &&
        (!bound || (takeMinimum ? *candidate < *bound : *candidate > *bound)))
      bound = candidate;
  }
  return bound;
}

template <typename OpTy, typename Combine>
static std::optional<int64_t> boundBinary(OpTy op, Combine combine) {
  std::optional<int64_t> lhs = getUpperBound(op.getLhs()),
                         rhs = getUpperBound(op.getRhs());
  return lhs && rhs ? std::optional<int64_t>(combine(*lhs, *rhs))
                    : std::nullopt;
}

/// The smaller of two bounds, either of which may be missing.
template <typename OpTy>
static std::optional<int64_t> boundMinimum(OpTy op) {
  std::optional<int64_t> lhs = getUpperBound(op.getLhs()),
                         rhs = getUpperBound(op.getRhs());
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  return std::min(*lhs, *rhs);
}

/// Quotients shrink by a constant divisor only.
template <typename OpTy>
static std::optional<int64_t> boundQuotient(OpTy op, bool up) {
  std::optional<int64_t> lhs = getUpperBound(op.getLhs());
  std::optional<int64_t> divisor = getConstantIntValue(op.getRhs());
  if (!lhs || !divisor || *divisor <= 0)
    return lhs;
  return up ? llvm::divideCeil(*lhs, *divisor) : *lhs / *divisor;
}

std::optional<int64_t> moe::getUpperBound(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  using Result = std::optional<int64_t>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([](arith::MulIOp mul) {
        return multiply(getUpperBound(mul.getLhs()),
                        getUpperBound(mul.getRhs()));
      })
      .Case([](arith::AddIOp add) {
        return boundBinary(add, std::plus<int64_t>());
      })
      .Case([](arith::MaxSIOp max) {
        return boundBinary(max,
                           [](int64_t a, int64_t b) { return std::max(a, b); });
      })
      .Case<arith::MinSIOp, arith::MinUIOp>(
          [](auto min) { return boundMinimum(min); })
      .Case<arith::DivUIOp, arith::DivSIOp>(
          [](auto div) { return boundQuotient(div, false); })
      .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>(
          [](auto div) { return boundQuotient(div, true); })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp>(
          [](auto cast) { return getUpperBound(cast.getIn()); })
      .Case([](affine::AffineApplyOp apply) {
        return boundMap(apply.getAffineMap(), apply.getMapOperands(),
                        /*takeMinimum=*/false);
      })
      .Case([](affine::AffineMinOp min) {
        return boundMap(min.getAffineMap(), min.getMapOperands(),
                        /*takeMinimum=*/true);
      })
      .Case([](memref::DimOp dim) -> Result {
        std::optional<int64_t> index = dim.getConstantIndex();
        return index ? getExtentUpperBound(dim.getSource(), *index)
                     : std::nullopt;
      })
      .Case([](tensor::DimOp dim) -> Result {
        std::optional<int64_t> index = dim.getConstantIndex();
        return index ? getExtentUpperBound(dim.getSource(), *index)
                     : std::nullopt;
      })
      .Default([](Operation *) { return std::nullopt; });
}

/// Extents of results that the operands of a compute operation determine.
static std::optional<int64_t> boundCompute(Operation *op, int64_t dim) {
  if (dim != 0)
    return std::nullopt;
  using Result = std::optional<int64_t>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([](AttentionOp attention) {
        return getExtentUpperBound(attention.getQuery(), 0);
      })
      .Case([](RouteOp route) {
        return getExtentUpperBound(route.getLogits(), 0);
      })
      .Case([](CombineOp combine) {
        return getExtentUpperBound(combine.getWeights(), 0);
      })
      .Case([](DispatchOp dispatch) {
        return multiply(getExtentUpperBound(dispatch.getIds(), 0),
                        dispatch.getPlan().getType().getTopK());
      })
      .Case([](ExpertOp expert) {
        return getExtentUpperBound(expert.getRows(), 0);
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<int64_t> moe::getExtentUpperBound(Value shaped, int64_t dim) {
  auto type = cast<ShapedType>(shaped.getType());
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  if (auto arg = dyn_cast<BlockArgument>(shaped)) {
    Operation *parent = arg.getOwner()->getParentOp();
    // No expert has more rows than there are.
    if (auto expert = dyn_cast<ExpertOp>(parent))
      return arg.getArgNumber() == 0 && dim == 0
                 ? getExtentUpperBound(expert.getRows(), 0)
                 : std::nullopt;
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      if (OpOperand *init = loop.getTiedLoopInit(arg))
        return getExtentUpperBound(init->get(), dim);
    auto func = dyn_cast<FunctionOpInterface>(parent);
    if (!func || !arg.getOwner()->isEntryBlock())
      return std::nullopt;
    auto bound = func.getArgAttrOfType<DenseI64ArrayAttr>(arg.getArgNumber(),
                                                          kMaxShapeAttr);
    return bound ? std::optional<int64_t>(bound[dim]) : std::nullopt;
  }
  auto dynamicSize = [&](ValueRange sizes) {
    return getUpperBound(sizes[type.getDynamicDimIndex(dim)]);
  };
  using Result = std::optional<int64_t>;
  Operation *op = shaped.getDefiningOp();
  if (auto destinationStyle = dyn_cast<DestinationStyleOpInterface>(op))
    return getExtentUpperBound(
        destinationStyle.getTiedOpOperand(cast<OpResult>(shaped))->get(), dim);
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](tensor::EmptyOp empty) {
        return dynamicSize(empty.getDynamicSizes());
      })
      .Case<memref::AllocOp, memref::AllocaOp>(
          [&](auto alloc) { return dynamicSize(alloc.getDynamicSizes()); })
      .Case([&](memref::ViewOp view) { return dynamicSize(view.getSizes()); })
      .Case<memref::SubViewOp, tensor::ExtractSliceOp>([&](auto slice) {
        llvm::SmallBitVector dropped = slice.getDroppedDims();
        SmallVector<OpFoldResult> kept;
        for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
          if (!dropped.test(i))
            kept.push_back(size);
        return getUpperBound(cast<Value>(kept[dim]));
      })
      .Case<memref::ExpandShapeOp, tensor::ExpandShapeOp>([&](auto expand) {
        OpFoldResult size = expand.getMixedOutputShape()[dim];
        return getUpperBound(cast<Value>(size));
      })
      .Case<memref::CollapseShapeOp, tensor::CollapseShapeOp>(
          [&](auto collapse) -> Result {
            Result product = 1;
            for (int64_t source : collapse.getReassociationIndices()[dim])
              product = multiply(
                  product, getExtentUpperBound(collapse.getSrc(), source));
            return product;
          })
      .Case<memref::CastOp, tensor::CastOp>(
          [&](auto cast) { return getExtentUpperBound(cast.getSource(), dim); })
      .Case([&](tensor::InsertSliceOp insert) {
        return getExtentUpperBound(insert.getDest(), dim);
      })
      .Case([&](scf::ForOp loop) {
        OpOperand *init = loop.getTiedLoopInit(cast<OpResult>(shaped));
        return getExtentUpperBound(init->get(), dim);
      })
      .Default([&](Operation *op) { return boundCompute(op, dim); });
}

std::optional<int64_t> moe::getByteSizeUpperBound(Value shaped) {
  auto type = cast<ShapedType>(shaped.getType());
  std::optional<int64_t> bytes =
      type.getElementType().isIndex()
          ? sizeof(int64_t)
          : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    bytes = multiply(bytes, getExtentUpperBound(shaped, dim));
  return bytes;
}
