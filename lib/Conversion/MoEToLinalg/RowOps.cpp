// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.gather_rows, expert_rows and combine_rows as linalg.generic, whose bodies
// read the rows they need with tensor.extract.
#include "ValueFormPattern.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;

using Values = ScalarBuilder::Values;

namespace {
Value getLoop(ScalarBuilder &b, int64_t loop) {
  return linalg::IndexOp::create(b, loop);
}

struct GatherRowsToLinalg : ValueFormPattern<GatherRowsOp> {
  using ValueFormPattern::ValueFormPattern;

  Values build(ScalarBuilder &b, GatherRowsOp op) const override {
    SmallVector<LinalgOperand> inputs;
    if (op.getOrder())
      inputs.push_back({op.getOrder(), selectLoops(b, 2, 0)});
    auto body = [&](OpBuilder &inner, Location loc, ValueRange args) -> Value {
      ScalarBuilder b(loc, inner);
      Value pair = op.getOrder() ? b.toIndex(args.front()) : getLoop(b, 0);
      SmallVector<Value> place = b.split(pair, op.getTopK());
      Value value = b.load(op.getInput(), {place[0], getLoop(b, 1)});
      if (!op.getScale())
        return value;
      Value factor = b.load(op.getScale(), place);
      return arith::MulFOp::create(b, value, factor);
    };
    return {buildGeneric(b, op.getLoc(), inputs,
                         {op.getOuts()[0], selectLoops(b, 2, {0, 1})}, body)};
  }
};

/// The last expert whose rows begin at `row` or before, by halving: nobody but
/// the element itself has to know the offsets.
Value findExpert(ScalarBuilder &b, Value offsets, Value row, int64_t experts) {
  if (experts == 1)
    return b.index(0);
  unsigned steps = llvm::Log2_64_Ceil(experts);
  return b.loop(
      b.index(steps), {b.index(0), b.index(int64_t(1) << (steps - 1))},
      [&](ScalarBuilder &b, Value, ValueRange carried) {
        Value next = b.add(carried[0], carried[1]);
        Value inside = b.min(next, b.index(experts - 1));
        Value first = b.toIndex(b.load(offsets, inside));
        Value isTaken = b.both(b.isLess(first, b.add(row, b.index(1))),
                               b.isLess(next, b.index(experts)));
        Value half = arith::DivUIOp::create(b, carried[1], b.index(2));
        return Values{b.select(isTaken, next, carried[0]), half};
      })[0];
}

Value buildRowsByOffsets(ScalarBuilder &b, ExpertRowsOp op) {
  int64_t experts = cast<ShapedType>(op.getVectors().getType()).getDimSize(0);
  auto body = [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
    ScalarBuilder b(loc, inner);
    Value expert = findExpert(b, op.getOffsets(), getLoop(b, 0), experts);
    return b.load(op.getVectors(), {expert, getLoop(b, 1)});
  };
  return buildGeneric(b, op.getLoc(), {},
                      {op.getOuts()[0], selectLoops(b, 2, {0, 1})}, body);
}

Value buildRowsByIds(ScalarBuilder &b, ExpertRowsOp op) {
  int64_t experts = cast<ShapedType>(op.getVectors().getType()).getDimSize(0);
  int64_t topK = cast<ShapedType>(op.getIds().getType()).getDimSize(1);
  auto body = [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
    ScalarBuilder b(loc, inner);
    Value expert = b.toIndex(b.load(op.getIds(), b.split(getLoop(b, 0), topK)));
    // Whatever a skipped pair's row holds, nobody reads it.
    if (op.getPartial())
      expert = arith::MinUIOp::create(b, expert, b.index(experts - 1));
    return b.load(op.getVectors(), {expert, getLoop(b, 1)});
  };
  return buildGeneric(b, op.getLoc(), {},
                      {op.getOuts()[0], selectLoops(b, 2, {0, 1})}, body);
}

struct ExpertRowsToLinalg : ValueFormPattern<ExpertRowsOp> {
  using ValueFormPattern::ValueFormPattern;

  Values build(ScalarBuilder &b, ExpertRowsOp op) const override {
    return {op.getOffsets() ? buildRowsByOffsets(b, op)
                            : buildRowsByIds(b, op)};
  }
};

struct CombineRowsToLinalg : ValueFormPattern<CombineRowsOp> {
  using ValueFormPattern::ValueFormPattern;

  Values build(ScalarBuilder &b, CombineRowsOp op) const override {
    AffineMap pair = selectLoops(b, 3, {0, 1});
    AffineMap element = selectLoops(b, 3, {0, 2});
    SmallVector<LinalgOperand> inputs = {{op.getWeights(), pair}};
    if (Value places = op.getInverse() ? op.getInverse() : op.getIds())
      inputs.push_back({places, pair});
    if (op.getSkipped())
      inputs.push_back({op.getSkipped(), element});

    Value init = op.getInit();
    if (init) {
      init = castTo(b, b.getLoc(), init, op.getResult(0).getType());
    } else {
      init =
          linalg::FillOp::create(b, b.f32(0.0f), op.getOuts()[0]).getResult(0);
    }
    // Places from here on (rows, or ids) belong to skipped pairs.
    Value limit;
    if (op.getOffsets()) {
      Value size = tensor::DimOp::create(b, op.getOffsets(), 0);
      limit = b.load(op.getOffsets(), b.sub(size, b.index(1)));
    } else if (op.getExperts()) {
      limit = b.i32(*op.getExperts());
    }

    int64_t topK = cast<ShapedType>(op.getWeights().getType()).getDimSize(1);
    auto body = [&](OpBuilder &inner, Location loc, ValueRange args) -> Value {
      ScalarBuilder b(loc, inner);
      Value row;
      if (op.getInverse()) {
        row = b.toIndex(args[1]);
      } else {
        Value first = arith::MulIOp::create(b, getLoop(b, 0), b.index(topK));
        row = b.add(first, getLoop(b, 1));
      }
      Value value = b.load(op.getRows(), {row, getLoop(b, 2)});
      Value isKept = limit ? b.isLess(args[1], limit) : Value();
      if (op.getSkipped())
        value = b.select(isKept, value, args[2]);
      Value sum = b.ops.fma(args[0], value, args.back());
      if (isKept && !op.getSkipped())
        sum = b.select(isKept, sum, args.back());
      return sum;
    };
    return {buildGeneric(b, op.getLoc(), inputs, {init, element}, body)};
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
