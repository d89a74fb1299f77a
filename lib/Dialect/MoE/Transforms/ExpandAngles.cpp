// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sine and cosine of f32 where there is no C library: both from one reduction
// of the angle to [-pi/4, pi/4] and a polynomial of each, in f64. Rotary angles
// grow with the position; pi/2 in two parts of 53 bits keeps the reduction
// exact to the last bits of an f32 for angles up to 2^30.
#include "ExpandAngles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

/// Taylor's coefficients, highest power first; they end below half a unit in
/// the last place of an f32 by a factor of 10^7.
static constexpr double sineSeries[] = {1.0 / 6227020800, -1.0 / 39916800,
                                        1.0 / 362880,     -1.0 / 5040,
                                        1.0 / 120,        -1.0 / 6};
static constexpr double cosineSeries[] = {
    -1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320,
    -1.0 / 720,         1.0 / 24,        -1.0 / 2};

namespace {
struct AngleBuilder : ImplicitLocOpBuilder {
  AngleBuilder(Location loc, OpBuilder &b, Type type)
      : ImplicitLocOpBuilder(loc, b), type(type) {}

  Value constant(double value) {
    TypedAttr attr = getFloatAttr(getElementTypeOrSelf(type), value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      attr = DenseElementsAttr::get(shaped, attr);
    return arith::ConstantOp::create(*this, attr);
  }
  Value mul(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
  Value fma(Value a, Value b, Value c) {
    return math::FmaOp::create(*this, a, b, c);
  }
  Value isAbove(Value a, double bound) {
    return arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a,
                                 constant(bound));
  }
  /// c0 x^n + .. + cn x^0, n + 1 being the number of coefficients.
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value sum = constant(coefficients.front());
    for (double next : coefficients.drop_front())
      sum = fma(sum, x, constant(next));
    return sum;
  }

  Type type;
};

/// sin(x + quarters * pi/2)
template <typename OpTy>
struct ExpandAngle : OpRewritePattern<OpTy> {
  ExpandAngle(MLIRContext *context, int64_t quarters)
      : OpRewritePattern<OpTy>(context), quarters(quarters) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Type narrow = op.getType();
    if (!getElementTypeOrSelf(narrow).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    Type wide = rewriter.getF64Type();
    if (auto shaped = dyn_cast<ShapedType>(narrow))
      wide = shaped.clone(wide);
    AngleBuilder b(op.getLoc(), rewriter, wide);
    Value x = arith::ExtFOp::create(b, wide, op.getOperand());
    Value turns = math::RoundEvenOp::create(
        b, b.mul(x, b.constant(0.63661977236758134308)));
    Value r = b.fma(turns, b.constant(-1.57079632679489655800), x);
    r = b.fma(turns, b.constant(-6.12323399573676603587e-17), r);
    Value square = b.mul(r, r);
    Value sine = b.fma(b.mul(b.polynomial(square, sineSeries), square), r, r);
    Value cosine =
        b.fma(b.polynomial(square, cosineSeries), square, b.constant(1.0));
    // The quarter that the angle is in: 0, 1, 2 or 3.
    turns = arith::AddFOp::create(b, turns, b.constant(quarters));
    Value whole = math::FloorOp::create(b, b.mul(turns, b.constant(0.25)));
    Value quarter = b.fma(whole, b.constant(-4.0), turns);
    Value isNegative = b.isAbove(quarter, 1.5);
    Value inHalf = arith::SelectOp::create(
        b, isNegative, arith::SubFOp::create(b, quarter, b.constant(2.0)),
        quarter);
    Value result =
        arith::SelectOp::create(b, b.isAbove(inHalf, 0.5), cosine, sine);
    Value negated = arith::NegFOp::create(b, result);
    result = arith::SelectOp::create(b, isNegative, negated, result);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, narrow, result);
    return success();
  }

  int64_t quarters;
};
} // namespace

void moe::populateExpandAnglesPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandAngle<math::SinOp>>(patterns.getContext(), 0);
  patterns.add<ExpandAngle<math::CosOp>>(patterns.getContext(), 1);
}
