// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.gather_rows, expert_rows and combine_rows as linalg.generic, whose bodies
// read the rows they need with tensor.extract.
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

namespace {
/// Builds scalar code at one place.
struct RowBuilder : ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  Value domainIndex(int64_t dim) { return linalg::IndexOp::create(*this, dim); }
  Value load(Value tensor, ValueRange indices) {
    return tensor::ExtractOp::create(*this, tensor, indices);
  }
  Value toIndex(Value integer) {
    return arith::IndexCastOp::create(*this, getIndexType(), integer);
  }
  Value add(Value lhs, Value rhs) {
    return arith::AddIOp::create(*this, lhs, rhs);
  }
  /// The token and the slot of a pair.
  SmallVector<Value> split(Value pair, int64_t topK) {
    Value slots = index(topK);
    return {arith::DivUIOp::create(*this, pair, slots),
            arith::RemUIOp::create(*this, pair, slots)};
  }
  Value isLess(Value lhs, Value rhs) {
    return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, lhs, rhs);
  }
  Value select(Value condition, Value then, Value otherwise) {
    return arith::SelectOp::create(*this, condition, then, otherwise);
  }
};

using Body = llvm::function_ref<Value(RowBuilder &, ValueRange)>;

/// A generic of one result, whose last map is the destination's.
Value buildGeneric(RowBuilder &b, ValueRange inputs, Value destination,
                   ArrayRef<AffineMap> maps, ArrayRef<IteratorType> iterators,
                   Body body) {
  return linalg::GenericOp::create(
             b, destination.getType(), inputs, destination, maps, iterators,
             [&](OpBuilder &inner, Location loc, ValueRange args) {
               RowBuilder scalar(loc, inner);
               linalg::YieldOp::create(inner, loc, body(scalar, args));
             })
      .getResult(0);
}

struct GatherRowsToLinalg : OpRewritePattern<GatherRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherRowsOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "buffer form");
    RowBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    if (op.getOrder()) {
      inputs.push_back(op.getOrder());
      maps.push_back(AffineMap::get(2, 0, b.getAffineDimExpr(0)));
    }
    maps.push_back(b.getMultiDimIdentityMap(2));
    auto body = [&](RowBuilder &b, ValueRange args) -> Value {
      Value pair = op.getOrder() ? b.toIndex(args.front()) : b.domainIndex(0);
      SmallVector<Value> place = b.split(pair, op.getTopK());
      Value value = b.load(op.getInput(), {place[0], b.domainIndex(1)});
      if (!op.getScale())
        return value;
      Value factor = b.load(op.getScale(), place);
      return arith::MulFOp::create(b, value, factor);
    };
    rewriter.replaceOp(
        op,
        buildGeneric(b, inputs, op.getOuts()[0], maps,
                     {IteratorType::parallel, IteratorType::parallel}, body));
    return success();
  }
};

/// Fills the rows of one expert after the other.
Value buildRowsByOffsets(RowBuilder &b, ExpertRowsOp op) {
  auto vectors = cast<RankedTensorType>(op.getVectors().getType());
  OpFoldResult one = b.getIndexAttr(1), zero = b.getIndexAttr(0);
  OpFoldResult width = tensor::getMixedSize(b, b.getLoc(), op.getVectors(), 1);
  auto iteration = [&](OpBuilder &inner, Location loc, Value expert,
                       ValueRange carried) {
    RowBuilder b(loc, inner);
    Value begin = b.toIndex(b.load(op.getOffsets(), expert));
    Value end = b.toIndex(b.load(op.getOffsets(), b.add(expert, b.index(1))));
    Value size = arith::SubIOp::create(b, end, begin);
    auto vectorType = RankedTensorType::get({vectors.getDimSize(1)},
                                            vectors.getElementType());
    Value vector = tensor::ExtractSliceOp::create(
        b, vectorType, op.getVectors(), ArrayRef<OpFoldResult>{expert, zero},
        ArrayRef<OpFoldResult>{one, width}, ArrayRef<OpFoldResult>{one, one});
    OpFoldResult offsets[] = {begin, zero}, sizes[] = {size, width},
                 strides[] = {one, one};
    Value rows = tensor::ExtractSliceOp::create(b, carried.front(), offsets,
                                                sizes, strides);
    rows = linalg::BroadcastOp::create(b, vector, rows, ArrayRef<int64_t>{0})
               ->getResult(0);
    Value next = tensor::InsertSliceOp::create(b, rows, carried.front(),
                                               offsets, sizes, strides);
    scf::YieldOp::create(b, next);
  };
  return scf::ForOp::create(b, b.index(0), b.index(vectors.getDimSize(0)),
                            b.index(1), op.getOuts(), iteration)
      .getResult(0);
}

Value buildRowsByIds(RowBuilder &b, ExpertRowsOp op) {
  int64_t experts = cast<ShapedType>(op.getVectors().getType()).getDimSize(0);
  int64_t topK = cast<ShapedType>(op.getIds().getType()).getDimSize(1);
  auto body = [&](RowBuilder &b, ValueRange args) -> Value {
    Value expert =
        b.toIndex(b.load(op.getIds(), b.split(b.domainIndex(0), topK)));
    // Whatever a skipped pair's row holds, nobody reads it.
    if (op.getPartial())
      expert = arith::MinUIOp::create(b, expert, b.index(experts - 1));
    return b.load(op.getVectors(), {expert, b.domainIndex(1)});
  };
  return buildGeneric(b, {}, op.getOuts()[0], b.getMultiDimIdentityMap(2),
                      {IteratorType::parallel, IteratorType::parallel}, body);
}

struct ExpertRowsToLinalg : OpRewritePattern<ExpertRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ExpertRowsOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "buffer form");
    RowBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, op.getOffsets() ? buildRowsByOffsets(b, op)
                                           : buildRowsByIds(b, op));
    return success();
  }
};

struct CombineRowsToLinalg : OpRewritePattern<CombineRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CombineRowsOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "buffer form");
    RowBuilder b(op.getLoc(), rewriter);
    AffineExpr t, s, d;
    bindDims(b.getContext(), t, s, d);
    AffineMap pair = AffineMap::get(3, 0, {t, s}, b.getContext());
    AffineMap element = AffineMap::get(3, 0, {t, d}, b.getContext());
    SmallVector<Value> inputs = {op.getWeights()};
    SmallVector<AffineMap> maps = {pair};
    if (Value places = op.getInverse() ? op.getInverse() : op.getIds()) {
      inputs.push_back(places);
      maps.push_back(pair);
    }
    if (op.getSkipped()) {
      inputs.push_back(op.getSkipped());
      maps.push_back(element);
    }
    maps.push_back(element);

    Value init = op.getInit();
    if (init) {
      init = castTo(b, b.getLoc(), init, op.getResult(0).getType());
    } else {
      Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
      init = linalg::FillOp::create(b, zero, op.getOuts()[0]).getResult(0);
    }
    // Places from here on (rows, or ids) belong to skipped pairs.
    Value limit;
    if (op.getOffsets()) {
      Value size = tensor::DimOp::create(b, op.getOffsets(), 0);
      Value last = arith::SubIOp::create(b, size, b.index(1));
      limit = b.load(op.getOffsets(), last);
    } else if (op.getExperts()) {
      limit =
          arith::ConstantOp::create(b, b.getI32IntegerAttr(*op.getExperts()));
    }

    int64_t topK = cast<ShapedType>(op.getWeights().getType()).getDimSize(1);
    auto body = [&](RowBuilder &b, ValueRange args) -> Value {
      Value row;
      if (op.getInverse()) {
        row = b.toIndex(args[1]);
      } else {
        Value first = arith::MulIOp::create(b, b.domainIndex(0), b.index(topK));
        row = b.add(first, b.domainIndex(1));
      }
      Value value = b.load(op.getRows(), {row, b.domainIndex(2)});
      Value isKept = limit ? b.isLess(args[1], limit) : Value();
      if (op.getSkipped())
        value = b.select(isKept, value, args[2]);
      Value sum = math::FmaOp::create(b, args[0], value, args.back());
      if (isKept && !op.getSkipped())
        sum = b.select(isKept, sum, args.back());
      return sum;
    };
    rewriter.replaceOp(
        op, buildGeneric(b, inputs, init, maps,
                         {IteratorType::parallel, IteratorType::reduction,
                          IteratorType::parallel},
                         body));
    return success();
  }
};
} // namespace

void moe::populateGatherRowsToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<GatherRowsToLinalg>(patterns.getContext());
}

void moe::populateExpertRowsToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpertRowsToLinalg>(patterns.getContext());
}

void moe::populateCombineRowsToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<CombineRowsToLinalg>(patterns.getContext());
}
