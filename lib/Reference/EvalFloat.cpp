// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// arith on floats. Fast-math flags allow other results; they ask for none, so
// they are ignored.
#include "ScalarOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

namespace mlir::moe::reference {
namespace {

using Args = const Scalar *;

/// IEEE 754 maximum and minimum: NaN if either is, and -0 below +0.
float maximum(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return a + b;
  return a == b ? (std::signbit(a) ? b : a) : std::max(a, b);
}
float minimum(float a, float b) { return -maximum(-a, -b); }

bool compare(arith::CmpFPredicate predicate, float a, float b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("unknown predicate");
}

/// Truncation toward zero; undefined where the integer cannot hold it.
Scalar toInteger(const ScalarOp &op, float value, bool isSigned) {
  unsigned width = getBitWidth(op.kind);
  double truncated = std::trunc(value);
  double low = isSigned ? -std::ldexp(1.0, width - 1) : 0.0;
  double high = std::ldexp(1.0, isSigned ? width - 1 : width);
  if (!(truncated >= low && truncated < high))
    return Scalar::undefined();
  return op.integer(
      isSigned ? static_cast<int64_t>(truncated)
               : static_cast<int64_t>(static_cast<uint64_t>(truncated)));
}

Scalar bitcast(const ScalarOp &op, Args a) {
  if (isFloat(a[0].kind) == isFloat(op.kind)) {
    Scalar result = a[0];
    result.kind = op.kind;
    return result;
  }
  if (isFloat(op.kind)) {
    auto bits = static_cast<uint32_t>(a[0].getUnsigned());
    return op.number(llvm::bit_cast<float>(
        op.kind == ElementKind::BF16 ? bits << 16 : bits));
  }
  auto bits = llvm::bit_cast<uint32_t>(a[0].f);
  return op.integer(a[0].kind == ElementKind::BF16 ? bits >> 16 : bits);
}

} // namespace

void addFloatOps(ScalarTable &t) {
  using Op = const ScalarOp &;
  t["arith.addf"] = [](Op op, Args a) { return op.number(a[0].f + a[1].f); };
  t["arith.subf"] = [](Op op, Args a) { return op.number(a[0].f - a[1].f); };
  t["arith.mulf"] = [](Op op, Args a) { return op.number(a[0].f * a[1].f); };
  t["arith.divf"] = [](Op op, Args a) { return op.number(a[0].f / a[1].f); };
  t["arith.remf"] = [](Op op, Args a) {
    return op.number(std::fmod(a[0].f, a[1].f));
  };
  t["arith.negf"] = [](Op op, Args a) { return op.number(-a[0].f); };
  t["arith.maximumf"] = [](Op op, Args a) {
    return op.number(maximum(a[0].f, a[1].f));
  };
  t["arith.minimumf"] = [](Op op, Args a) {
    return op.number(minimum(a[0].f, a[1].f));
  };
  t["arith.maxnumf"] = [](Op op, Args a) {
    return op.number(std::fmax(a[0].f, a[1].f));
  };
  t["arith.minnumf"] = [](Op op, Args a) {
    return op.number(std::fmin(a[0].f, a[1].f));
  };
  t["arith.cmpf"] = [](Op op, Args a) {
    return op.integer(compare(static_cast<arith::CmpFPredicate>(op.predicate),
                              a[0].f, a[1].f));
  };
  t["arith.extf"] =
      t["arith.truncf"] = [](Op op, Args a) { return op.number(a[0].f); };
  t["arith.sitofp"] = [](Op op, Args a) {
    return op.number(static_cast<float>(a[0].getSigned()));
  };
  t["arith.uitofp"] = [](Op op, Args a) {
    return op.number(static_cast<float>(a[0].getUnsigned()));
  };
  t["arith.fptosi"] = [](Op op, Args a) { return toInteger(op, a[0].f, true); };
  t["arith.fptoui"] = [](Op op, Args a) {
    return toInteger(op, a[0].f, false);
  };
  t["arith.bitcast"] = bitcast;
}

} // namespace mlir::moe::reference
