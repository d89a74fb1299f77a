// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derivatives of the scalar operations that bodies of linalg operations are
// made of.
#include "Adjoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::moe;

namespace {
/// Arithmetic at one point.
struct ScalarBuilder : ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value number(double value) {
    return createF32(*this, getLoc(), static_cast<float>(value));
  }
  Value add(Value lhs, Value rhs) {
    return arith::AddFOp::create(*this, lhs, rhs);
  }
  Value sub(Value lhs, Value rhs) {
    return arith::SubFOp::create(*this, lhs, rhs);
  }
  Value mul(Value lhs, Value rhs) {
    return arith::MulFOp::create(*this, lhs, rhs);
  }
  Value div(Value lhs, Value rhs) {
    return arith::DivFOp::create(*this, lhs, rhs);
  }
  Value neg(Value value) { return arith::NegFOp::create(*this, value); }
  Value selectIf(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(*this, condition, yes, no);
  }
  Value compare(arith::CmpFPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpFOp::create(*this, predicate, lhs, rhs);
  }
};
} // namespace

/// The derivative of a function of one number times `g`. `op` is the rebuilt
/// operation; null where there is no rule.
static Value pullBackUnary(ScalarBuilder &b, Operation *op, Value g) {
  Value x = op->getOperand(0), y = op->getResult(0);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::NegFOp) { return b.neg(g); })
      .Case([&](arith::ExtFOp) {
        return arith::TruncFOp::create(b, x.getType(), g).getResult();
      })
      .Case([&](arith::TruncFOp) {
        return arith::ExtFOp::create(b, x.getType(), g).getResult();
      })
      .Case([&](math::ExpOp) { return b.mul(g, y); })
      .Case([&](math::LogOp) { return b.div(g, x); })
      .Case([&](math::Log1pOp) { return b.div(g, b.add(b.number(1.0), x)); })
      .Case([&](math::SqrtOp) { return b.div(b.mul(g, b.number(0.5)), y); })
      .Case([&](math::RsqrtOp) {
        return b.mul(b.mul(g, b.number(-0.5)), b.mul(y, b.mul(y, y)));
      })
      .Case([&](math::TanhOp) {
        return b.mul(g, b.sub(b.number(1.0), b.mul(y, y)));
      })
      .Case([&](math::ErfOp) {
        Value bell = math::ExpOp::create(b, b.neg(b.mul(x, x)));
        return b.mul(g, b.mul(b.number(M_2_SQRTPI), bell));
      })
      .Case([&](math::SinOp) { return b.mul(g, math::CosOp::create(b, x)); })
      .Case([&](math::CosOp) {
        return b.neg(b.mul(g, math::SinOp::create(b, x)));
      })
      .Case([&](math::AbsFOp) {
        // 0 at 0.
        Value zero = b.number(0.0);
        Value below = b.compare(arith::CmpFPredicate::OLT, x, zero);
        Value above = b.compare(arith::CmpFPredicate::OGT, x, zero);
        return b.selectIf(above, g, b.selectIf(below, b.neg(g), zero));
      })
      .Default([](Operation *) { return Value(); });
}

/// The adjoint that operand i of the rebuilt operation gets; null where there
/// is no rule.
static Value pullBackOperand(ScalarBuilder &b, Operation *op, unsigned i,
                             Value g) {
  auto other = [&] { return op->getOperand(1 - i); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::AddFOp) { return g; })
      .Case([&](arith::SubFOp) { return i == 0 ? g : b.neg(g); })
      .Case([&](arith::MulFOp) { return b.mul(g, other()); })
      .Case([&](arith::DivFOp) {
        Value quotient = b.div(g, op->getOperand(1));
        return i == 0 ? quotient : b.neg(b.mul(quotient, op->getResult(0)));
      })
      .Case([&](math::FmaOp) {
        return i == 2 ? g : b.mul(g, op->getOperand(1 - i));
      })
      .Case([&](arith::SelectOp select) {
        Value zero = b.number(0.0);
        return i == 1 ? b.selectIf(select.getCondition(), g, zero)
                      : b.selectIf(select.getCondition(), zero, g);
      })
      .Case<arith::MaximumFOp, arith::MaxNumFOp, arith::MinimumFOp,
            arith::MinNumFOp>([&](Operation *) {
        // Where both are equal, the first operand counts as the chosen one.
        Value first = b.compare(arith::CmpFPredicate::OEQ, op->getResult(0),
                                op->getOperand(0));
        Value zero = b.number(0.0);
        return i == 0 ? b.selectIf(first, g, zero) : b.selectIf(first, zero, g);
      })
      .Default([&](Operation *) {
        return op->getNumOperands() == 1 ? pullBackUnary(b, op, g) : Value();
      });
}

FailureOr<Value> moe::pullBackScalar(OpBuilder &builder, Block &body,
                                     ValueRange arguments, Value value,
                                     BlockArgument argument, Value seed) {
  ScalarBuilder b(seed.getLoc(), builder);
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);

  // Only what depends on the argument has an adjoint.
  llvm::DenseSet<Value> dependent = {argument};
  SmallVector<std::pair<Operation *, Operation *>> path;
  for (Operation &op : body.without_terminator()) {
    Operation *rebuilt = b.clone(op, mapping);
    bool depends = llvm::any_of(op.getOperands(), [&](Value operand) {
      return dependent.contains(operand);
    });
    if (!depends || op.getNumResults() != 1 ||
        !isa<FloatType>(op.getResult(0).getType()))
      continue;
    dependent.insert(op.getResult(0));
    path.push_back({&op, rebuilt});
  }
  if (!dependent.contains(value))
    return Value();

  DenseMap<Value, Value> adjoints = {{value, seed}};
  for (auto [op, rebuilt] : llvm::reverse(path)) {
    Value g = adjoints.lookup(op->getResult(0));
    if (!g)
      continue;
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      if (!dependent.contains(operand))
        continue;
      Value share = pullBackOperand(b, rebuilt, i, g);
      if (!share) {
        refuse(op) << "there is no rule for it";
        return failure();
      }
      Value &adjoint = adjoints[operand];
      adjoint = adjoint ? b.add(adjoint, share) : share;
    }
  }
  return adjoints.lookup(argument);
}
