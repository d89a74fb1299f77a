// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fused forms of moe.grouped_matmul as the operations they stand for: a
// gather, plain products, an elementwise operation, a combination.
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

namespace {
struct Unfuse : ImplicitLocOpBuilder {
  Unfuse(GroupedMatmulOp op, OpBuilder &b)
      : ImplicitLocOpBuilder(op.getLoc(), b), op(op) {}

  OpFoldResult getNumRows();
  Value empty(OpFoldResult rows, OpFoldResult width, Type type);
  SmallVector<Value> buildProducts();
  SmallVector<Value> buildEpilogue(ValueRange products);
  Value buildCombination(Value rows);

private:
  Value buildExpertOfRows();
  Value readExtra(AffineMap map, Value extra, ValueRange position);

  GroupedMatmulOp op;
};
} // namespace

OpFoldResult Unfuse::getNumRows() {
  if (!op.getIds())
    return tensor::getMixedSize(
        *this, getLoc(), op.getOrder() ? op.getOrder() : op.getInput(), 0);
  Value pairs = tensor::CollapseShapeOp::create(
      *this, op.getIds(), ArrayRef<ReassociationIndices>{{0, 1}});
  return tensor::getMixedSize(*this, getLoc(), pairs, 0);
}

Value Unfuse::empty(OpFoldResult rows, OpFoldResult width, Type type) {
  return tensor::EmptyOp::create(*this, ArrayRef<OpFoldResult>{rows, width},
                                 type);
}

SmallVector<Value> Unfuse::buildProducts() {
  OpFoldResult rows = getNumRows();
  bool broadcast = op.getBroadcast();
  Value input = op.getInput();
  if (broadcast && op.getOrder()) {
    OpFoldResult width = tensor::getMixedSize(*this, getLoc(), input, 1);
    input =
        GatherRowsOp::create(*this, input, op.getOrder(),
                             /*scale=*/Value(),
                             empty(rows, width, getF32Type()), *op.getTopK())
            .getResult(0);
    broadcast = false;
  }
  bool isResult = op.getEpilogue().empty() && !op.getCombine();
  OpFoldResult width =
      tensor::getMixedSize(*this, getLoc(), op.getOuts()[0], 1);
  SmallVector<Value> products;
  for (auto [i, weights] : llvm::enumerate(op.getWeights())) {
    Value out = isResult ? op.getOuts()[i] : empty(rows, width, getF32Type());
    auto product =
        GroupedMatmulOp::create(*this, input, weights, op.getOffsets(),
                                op.getIds(), out, op.getPanelAttr(), broadcast);
    product.setPartial(op.getPartial());
    products.push_back(product.getResult(0));
  }
  return products;
}

/// The expert of each row, `[R]`: the number of experts but the last that end
/// at or before the row. A skipped row gets some expert.
Value Unfuse::buildExpertOfRows() {
  Type i32 = getI32Type();
  int64_t experts = op.getNumExperts();
  Value last = arith::ConstantOp::create(
      *this, getI32IntegerAttr(static_cast<int32_t>(experts - 1)));
  AffineMap row = AffineMap::get(1, 0, getAffineDimExpr(0));
  Value out = tensor::EmptyOp::create(*this, getNumRows(), i32);
  if (op.getIds()) {
    Value pairs = tensor::CollapseShapeOp::create(
        *this, op.getIds(), ArrayRef<ReassociationIndices>{{0, 1}});
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
      Value expert = arith::MinUIOp::create(b, loc, args[0], last);
      linalg::YieldOp::create(b, loc, expert);
    };
    return linalg::GenericOp::create(*this, out.getType(), pairs, out,
                                     ArrayRef<AffineMap>{row, row},
                                     IteratorType::parallel, body)
        .getResult(0);
  }
  OpFoldResult one = getIndexAttr(1);
  Value ends = tensor::ExtractSliceOp::create(
      *this, op.getOffsets(), ArrayRef<OpFoldResult>{one},
      ArrayRef<OpFoldResult>{getIndexAttr(experts - 1)},
      ArrayRef<OpFoldResult>{one});
  Value zero = arith::ConstantOp::create(*this, getI32IntegerAttr(0));
  Value zeros = linalg::FillOp::create(*this, zero, out).getResult(0);
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    Value row = arith::IndexCastOp::create(b, loc, i32,
                                           linalg::IndexOp::create(b, loc, 0));
    Value after =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, args[0], row);
    Value count = arith::ExtUIOp::create(b, loc, i32, after);
    Value sum = arith::AddIOp::create(b, loc, args[1], count);
    linalg::YieldOp::create(b, loc, sum);
  };
  AffineMap maps[] = {AffineMap::get(2, 0, getAffineDimExpr(1)),
                      AffineMap::get(2, 0, getAffineDimExpr(0))};
  IteratorType iterators[] = {IteratorType::parallel, IteratorType::reduction};
  return linalg::GenericOp::create(*this, zeros.getType(), ends, zeros, maps,
                                   iterators, body)
      .getResult(0);
}

Value Unfuse::readExtra(AffineMap map, Value extra, ValueRange position) {
  std::optional<SmallVector<Value, 8>> indices =
      affine::expandAffineMap(*this, getLoc(), map, position);
  return tensor::ExtractOp::create(*this, extra, *indices);
}

SmallVector<Value> Unfuse::buildEpilogue(ValueRange products) {
  SmallVector<AffineMap> extraMaps = op.getEpilogueMaps();
  auto needs = [&](std::initializer_list<unsigned> dims) {
    return llvm::any_of(extraMaps, [&](AffineMap map) {
      return llvm::any_of(dims,
                          [&](unsigned d) { return map.isFunctionOfDim(d); });
    });
  };
  bool needsExpert = needs({GroupedMatmulOp::Expert});
  bool needsOrder =
      op.getOrder() && needs({GroupedMatmulOp::Token, GroupedMatmulOp::Slot});
  AffineMap element = getMultiDimIdentityMap(2);
  AffineMap row = AffineMap::get(2, 0, getAffineDimExpr(0));
  SmallVector<Value> inputs(products);
  SmallVector<AffineMap> maps(products.size(), element);
  if (needsExpert) {
    inputs.push_back(buildExpertOfRows());
    maps.push_back(row);
  }
  if (needsOrder) {
    inputs.push_back(op.getOrder());
    maps.push_back(row);
  }
  SmallVector<Value> outs(op.getOuts());
  if (op.getCombine())
    outs = {empty(getNumRows(),
                  tensor::getMixedSize(*this, getLoc(), op.getOuts()[0], 1),
                  getF32Type())};
  maps.append(outs.size(), element);
  auto buildBody = [&](OpBuilder &b, Location loc, ValueRange args) {
    Unfuse inner(op, b);
    Value r = linalg::IndexOp::create(b, loc, 0),
          n = linalg::IndexOp::create(b, loc, 1);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), e = zero, t = zero,
          s = zero, pair = r;
    unsigned next = products.size();
    auto takeIndex = [&]() -> Value {
      return arith::IndexCastOp::create(b, loc, b.getIndexType(), args[next++]);
    };
    if (needsExpert)
      e = takeIndex();
    if (needsOrder)
      pair = takeIndex();
    if (std::optional<int64_t> topK = op.getNumSlots()) {
      Value slots = arith::ConstantIndexOp::create(b, loc, *topK);
      t = arith::DivUIOp::create(b, loc, pair, slots);
      s = arith::RemUIOp::create(b, loc, pair, slots);
    }
    Block &body = op.getEpilogue().front();
    IRMapping mapping;
    mapping.map(body.getArguments().take_front(products.size()),
                args.take_front(products.size()));
    for (auto [argument, extra, map] :
         llvm::zip_equal(body.getArguments().drop_front(products.size()),
                         op.getExtras(), extraMaps))
      mapping.map(argument, inner.readExtra(map, extra, {r, n, e, t, s}));
    for (Operation &scalar : body.without_terminator())
      b.clone(scalar, mapping);
    linalg::YieldOp::create(
        b, loc,
        llvm::map_to_vector(
            body.getTerminator()->getOperands(),
            [&](Value value) { return mapping.lookupOrDefault(value); }));
  };
  IteratorType iterators[] = {IteratorType::parallel, IteratorType::parallel};
  return SmallVector<Value>(
      linalg::GenericOp::create(*this, TypeRange(ValueRange(outs)), inputs,
                                outs, maps, iterators, buildBody)
          .getResults());
}

Value Unfuse::buildCombination(Value rows) {
  bool partial = op.getPartial();
  return CombineRowsOp::create(*this, rows, op.getCombine(), op.getInverse(),
                               partial ? op.getOffsets() : Value(),
                               partial ? op.getIds() : Value(), op.getSkipped(),
                               op.getInit(), op.getOuts(),
                               partial && op.getIds()
                                   ? getI64IntegerAttr(op.getNumExperts())
                                   : IntegerAttr())
      .getResult(0);
}

namespace {
struct UnfuseGroupedMatmul : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "buffer form");
    if (op.isPlain())
      return rewriter.notifyMatchFailure(op, "nothing fused");
    if (op.getPanel())
      return rewriter.notifyMatchFailure(op, "packed weights");
    Unfuse b(op, rewriter);
    SmallVector<Value> values = b.buildProducts();
    if (!op.getEpilogue().empty())
      values = b.buildEpilogue(values);
    if (op.getCombine())
      values = {b.buildCombination(values.front())};
    rewriter.replaceOp(op, values);
    return success();
  }
};
} // namespace

void moe::populateUnfuseGroupedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<UnfuseGroupedMatmul>(patterns.getContext());
}
