// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// math: the C library's functions in f32.
#include "ScalarOp.h"

#include <cmath>

namespace mlir::moe::reference {
namespace {

using Args = const Scalar *;

template <float (*function)(float)>
Scalar unary(const ScalarOp &op, Args a) {
  return op.number(function(a[0].f));
}
template <float (*function)(float, float)>
Scalar binary(const ScalarOp &op, Args a) {
  return op.number(function(a[0].f, a[1].f));
}

float rsqrtf(float x) { return 1.0f / ::sqrtf(x); }

} // namespace

void addMathOps(ScalarTable &t) {
  using Op = const ScalarOp &;
  t["math.absf"] = unary<::fabsf>;
  t["math.acos"] = unary<::acosf>;
  t["math.asin"] = unary<::asinf>;
  t["math.atan"] = unary<::atanf>;
  t["math.atan2"] = binary<::atan2f>;
  t["math.cbrt"] = unary<::cbrtf>;
  t["math.ceil"] = unary<::ceilf>;
  t["math.copysign"] = binary<::copysignf>;
  t["math.cos"] = unary<::cosf>;
  t["math.cosh"] = unary<::coshf>;
  t["math.erf"] = unary<::erff>;
  t["math.erfc"] = unary<::erfcf>;
  t["math.exp"] = unary<::expf>;
  t["math.exp2"] = unary<::exp2f>;
  t["math.expm1"] = unary<::expm1f>;
  t["math.floor"] = unary<::floorf>;
  t["math.log"] = unary<::logf>;
  t["math.log10"] = unary<::log10f>;
  t["math.log1p"] = unary<::log1pf>;
  t["math.log2"] = unary<::log2f>;
  t["math.powf"] = binary<::powf>;
  t["math.round"] = unary<::roundf>;
  t["math.roundeven"] = unary<::nearbyintf>;
  t["math.rsqrt"] = unary<rsqrtf>;
  t["math.sin"] = unary<::sinf>;
  t["math.sinh"] = unary<::sinhf>;
  t["math.sqrt"] = unary<::sqrtf>;
  t["math.tan"] = unary<::tanf>;
  t["math.tanh"] = unary<::tanhf>;
  t["math.trunc"] = unary<::truncf>;
  t["math.fma"] = [](Op op, Args a) {
    return op.number(std::fma(a[0].f, a[1].f, a[2].f));
  };
  t["math.fpowi"] = [](Op op, Args a) {
    return op.number(std::pow(a[0].f, static_cast<float>(a[1].i)));
  };
  t["math.isnan"] = [](Op op, Args a) {
    return op.integer(std::isnan(a[0].f));
  };
  t["math.isinf"] = [](Op op, Args a) {
    return op.integer(std::isinf(a[0].f));
  };
  t["math.isfinite"] = [](Op op, Args a) {
    return op.integer(std::isfinite(a[0].f));
  };
  t["math.absi"] = [](Op op, Args a) {
    int64_t value = a[0].getSigned();
    return op.integer(value < 0 ? uint64_t(0) - uint64_t(value) : value);
  };
}

} // namespace mlir::moe::reference
