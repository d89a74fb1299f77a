// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// arith on integers and index. Results wrap; division by zero and shifts past
// the width are undefined.
#include "ScalarOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::moe::reference {
namespace {

using Args = const Scalar *;

bool compare(arith::CmpIPredicate predicate, Scalar a, Scalar b) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return a.i == b.i;
  case P::ne:
    return a.i != b.i;
  case P::slt:
    return a.getSigned() < b.getSigned();
  case P::sle:
    return a.getSigned() <= b.getSigned();
  case P::sgt:
    return a.getSigned() > b.getSigned();
  case P::sge:
    return a.getSigned() >= b.getSigned();
  case P::ult:
    return a.getUnsigned() < b.getUnsigned();
  case P::ule:
    return a.getUnsigned() <= b.getUnsigned();
  case P::ugt:
    return a.getUnsigned() > b.getUnsigned();
  case P::uge:
    return a.getUnsigned() >= b.getUnsigned();
  }
  llvm_unreachable("unknown predicate");
}

template <int64_t (*divide)(int64_t, int64_t)>
Scalar signedDivision(const ScalarOp &op, Args a) {
  int64_t n = a[0].getSigned(), d = a[1].getSigned();
  bool overflows = d == -1 && n == llvm::minIntN(getBitWidth(op.kind));
  if (d == 0 || overflows)
    return Scalar::undefined();
  return op.integer(divide(n, d));
}

template <uint64_t (*divide)(uint64_t, uint64_t)>
Scalar unsignedDivision(const ScalarOp &op, Args a) {
  if (a[1].i == 0)
    return Scalar::undefined();
  return op.integer(divide(a[0].getUnsigned(), a[1].getUnsigned()));
}

int64_t quotient(int64_t n, int64_t d) { return n / d; }
int64_t remainder(int64_t n, int64_t d) { return n % d; }
int64_t floorQuotient(int64_t n, int64_t d) {
  return n / d - (n % d != 0 && (n < 0) != (d < 0));
}
int64_t ceilQuotient(int64_t n, int64_t d) {
  return n / d + (n % d != 0 && (n < 0) == (d < 0));
}
uint64_t unsignedQuotient(uint64_t n, uint64_t d) { return n / d; }
uint64_t unsignedRemainder(uint64_t n, uint64_t d) { return n % d; }
uint64_t unsignedCeilQuotient(uint64_t n, uint64_t d) {
  return n / d + (n % d != 0);
}

/// A shift by the width or more is undefined.
bool isShift(const ScalarOp &op, Args a) {
  return a[1].getUnsigned() < getBitWidth(op.kind);
}

} // namespace

void addIntegerOps(ScalarTable &t) {
  using Op = const ScalarOp &;
  t["arith.addi"] = [](Op op, Args a) {
    return op.integer(uint64_t(a[0].i) + uint64_t(a[1].i));
  };
  t["arith.subi"] = [](Op op, Args a) {
    return op.integer(uint64_t(a[0].i) - uint64_t(a[1].i));
  };
  t["arith.muli"] = [](Op op, Args a) {
    return op.integer(uint64_t(a[0].i) * uint64_t(a[1].i));
  };
  t["arith.divsi"] = signedDivision<quotient>;
  t["arith.remsi"] = signedDivision<remainder>;
  t["arith.floordivsi"] = signedDivision<floorQuotient>;
  t["arith.ceildivsi"] = signedDivision<ceilQuotient>;
  t["arith.divui"] = unsignedDivision<unsignedQuotient>;
  t["arith.remui"] = unsignedDivision<unsignedRemainder>;
  t["arith.ceildivui"] = unsignedDivision<unsignedCeilQuotient>;
  t["arith.andi"] = [](Op op, Args a) { return op.integer(a[0].i & a[1].i); };
  t["arith.ori"] = [](Op op, Args a) { return op.integer(a[0].i | a[1].i); };
  t["arith.xori"] = [](Op op, Args a) { return op.integer(a[0].i ^ a[1].i); };
  t["arith.shli"] = [](Op op, Args a) {
    return isShift(op, a) ? op.integer(uint64_t(a[0].i) << a[1].i)
                          : Scalar::undefined();
  };
  t["arith.shrsi"] = [](Op op, Args a) {
    return isShift(op, a) ? op.integer(a[0].getSigned() >> a[1].i)
                          : Scalar::undefined();
  };
  t["arith.shrui"] = [](Op op, Args a) {
    return isShift(op, a) ? op.integer(a[0].getUnsigned() >> a[1].i)
                          : Scalar::undefined();
  };
  t["arith.maxsi"] = [](Op, Args a) {
    return a[0].getSigned() < a[1].getSigned() ? a[1] : a[0];
  };
  t["arith.minsi"] = [](Op, Args a) {
    return a[1].getSigned() < a[0].getSigned() ? a[1] : a[0];
  };
  t["arith.maxui"] = [](Op, Args a) {
    return a[0].getUnsigned() < a[1].getUnsigned() ? a[1] : a[0];
  };
  t["arith.minui"] = [](Op, Args a) {
    return a[1].getUnsigned() < a[0].getUnsigned() ? a[1] : a[0];
  };
  t["arith.cmpi"] = [](Op op, Args a) {
    return op.integer(
        compare(static_cast<arith::CmpIPredicate>(op.predicate), a[0], a[1]));
  };
  t["arith.select"] = [](Op, Args a) { return a[0].i ? a[1] : a[2]; };
  t["arith.extsi"] = t["arith.trunci"] = t["arith.index_cast"] =
      [](Op op, Args a) { return op.integer(a[0].getSigned()); };
  t["arith.extui"] = t["arith.index_castui"] = [](Op op, Args a) {
    return op.integer(a[0].getUnsigned());
  };
}

} // namespace mlir::moe::reference
