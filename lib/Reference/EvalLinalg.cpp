// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// linalg operations: the body at every point of the domain, in order, first
// dimension slowest. Contractions such as `linalg.matmul` accumulate f32 by
// fused multiply-adds in that order, as `moe.packed_matmul` does, to which the
// compiler takes them; a `linalg.generic` is evaluated as it is written.
#include "Frame.h"
#include "ScalarProgram.h"

#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cmath>

namespace mlir::moe::reference {
namespace {

/// The elements of one operand along the domain: at position p, element
/// `start + sum of strides[i] * p[i]`. A scalar operand is a tensor of rank 0.
struct Access {
  Tensor tensor;
  int64_t start = 0;
  SmallVector<int64_t> strides;

  int64_t offset(ArrayRef<int64_t> position) const {
    int64_t result = start;
    for (auto [stride, i] : llvm::zip_equal(strides, position))
      result += stride * i;
    return result;
  }
};

/// `constant + sum of coefficients[i] * d_i`, or nothing for other expressions.
struct LinearExpr {
  SmallVector<int64_t> coefficients;
  int64_t constant = 0;

  static std::optional<LinearExpr> read(AffineExpr expr, unsigned numDims) {
    SmallVector<int64_t> flat;
    if (failed(getFlattenedAffineExpr(expr, numDims, 0, &flat)) ||
        flat.size() != numDims + 1)
      return std::nullopt;
    return LinearExpr{SmallVector<int64_t>(ArrayRef(flat).drop_back()),
                      flat.back()};
  }

  /// Least and greatest value over a domain that is not empty.
  std::pair<int64_t, int64_t> range(ArrayRef<int64_t> extents) const {
    int64_t low = constant, high = constant;
    for (auto [c, extent] : llvm::zip_equal(coefficients, extents))
      (c < 0 ? low : high) += c * (extent - 1);
    return {low, high};
  }
};

/// A linalg operation with its operands, ready to run.
class Domain {
public:
  static FailureOr<Domain> read(linalg::LinalgOp op, Frame &frame);

  bool isEmpty() const { return llvm::is_contained(extents, 0); }
  ArrayRef<int64_t> getExtents() const { return extents; }

  /// Operands in order; the last ones are written in place.
  SmallVector<Access> accesses;

private:
  LogicalResult findExtents(linalg::LinalgOp op, ArrayRef<Tensor> operands);
  LogicalResult addAccess(linalg::LinalgOp op, AffineMap map, Tensor tensor,
                          Frame &frame);

  SmallVector<int64_t> extents;
};

LogicalResult Domain::findExtents(linalg::LinalgOp op,
                                  ArrayRef<Tensor> operands) {
  extents.assign(op.getNumLoops(), -1);
  for (auto [map, tensor] :
       llvm::zip_equal(op.getIndexingMapsArray(), operands))
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        continue;
      int64_t &extent = extents[dim.getPosition()];
      if (extent < 0)
        extent = tensor.getDim(i);
      if (failed(checkEqual(op, "extent of loop " + Twine(dim.getPosition()),
                            extent, tensor.getDim(i))))
        return failure();
    }
  return success();
}

LogicalResult Domain::addAccess(linalg::LinalgOp op, AffineMap map,
                                Tensor tensor, Frame &frame) {
  Access access;
  access.strides.assign(extents.size(), 0);
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    std::optional<LinearExpr> linear = LinearExpr::read(expr, map.getNumDims());
    if (!linear)
      return frame.unsupported(op, "is not evaluated by the reference: not a "
                                   "linear indexing map: ")
             << AffineMapAttr::get(map);
    int64_t extent = tensor.getDim(i);
    auto [low, high] = linear->range(extents);
    if (!isEmpty() && (low < 0 || high >= extent))
      return op.emitOpError("expected indices 0 to ")
             << extent - 1 << " in dimension " << i << " of "
             << formatType(tensor) << ", got " << low << " to " << high;
    access.start = access.start * extent + linear->constant;
    for (auto [stride, c] :
         llvm::zip_equal(access.strides, linear->coefficients))
      stride = stride * extent + c;
  }
  access.tensor = std::move(tensor);
  accesses.push_back(std::move(access));
  return success();
}

FailureOr<Domain> Domain::read(linalg::LinalgOp op, Frame &frame) {
  SmallVector<Tensor> operands;
  for (Value value : op->getOperands()) {
    Datum datum = frame.lookup(value);
    auto *scalar = std::get_if<Scalar>(&datum);
    operands.push_back(scalar ? Tensor::filled({}, *scalar)
                              : std::get<Tensor>(datum));
  }
  Domain domain;
  if (failed(domain.findExtents(op, operands)))
    return failure();
  for (auto [i, extent] : llvm::enumerate(domain.extents))
    if (extent < 0) {
      frame.unsupported(op, "is not evaluated by the reference: no operand "
                            "gives the extent of loop ")
          << i;
      return failure();
    }
  for (auto [map, tensor] :
       llvm::zip_equal(op.getIndexingMapsArray(), operands))
    if (failed(domain.addAccess(op, map, tensor, frame)))
      return failure();
  return domain;
}

/// An f32 product of float operands under one of the contraction operations.
bool isFloatContraction(linalg::LinalgOp op, const Domain &domain) {
  return isa<linalg::ContractionOpInterface>(op.getOperation()) &&
         domain.accesses.size() == 3 && !domain.getExtents().empty() &&
         isFloat(domain.accesses[0].tensor.getKind()) &&
         isFloat(domain.accesses[1].tensor.getKind()) &&
         domain.accesses[2].tensor.getKind() == ElementKind::F32;
}

void contract(Domain &domain) {
  const Access &a = domain.accesses[0], &b = domain.accesses[1];
  Access &out = domain.accesses[2];
  ArrayRef<float> lhs = a.tensor.floats(), rhs = b.tensor.floats();
  MutableArrayRef<float> sums = out.tensor.mutableFloats();
  ArrayRef<int64_t> outer = domain.getExtents().drop_back();
  int64_t inner = domain.getExtents().back();
  SmallVector<int64_t> position(domain.getExtents().size(), 0);
  do {
    int64_t l = a.offset(position), r = b.offset(position),
            o = out.offset(position);
    for (int64_t i = 0; i < inner; ++i) {
      sums[o] = std::fma(lhs[l], rhs[r], sums[o]);
      l += a.strides.back();
      r += b.strides.back();
      o += out.strides.back();
    }
  } while (advance(MutableArrayRef(position).drop_back(), outer));
}

/// The body by way of a scalar program.
LogicalResult runProgram(Domain &domain, ScalarProgram &program,
                         ArrayRef<unsigned> argumentOperands,
                         unsigned firstOutput) {
  SmallVector<int64_t> position(domain.getExtents().size(), 0);
  do {
    for (auto [argument, operand] : llvm::enumerate(argumentOperands)) {
      const Access &access = domain.accesses[operand];
      program.argument(argument) = access.tensor.get(access.offset(position));
    }
    if (failed(program.run(position)))
      return failure();
    for (unsigned i = firstOutput; i < domain.accesses.size(); ++i) {
      Access &access = domain.accesses[i];
      access.tensor.set(access.offset(position),
                        program.yielded(i - firstOutput));
    }
  } while (advance(position, domain.getExtents()));
  return success();
}

/// The body op by op, for what a scalar program cannot hold.
LogicalResult runBlock(Domain &domain, Block &body,
                       ArrayRef<unsigned> argumentOperands,
                       unsigned firstOutput, Frame &frame) {
  SmallVector<int64_t> position(domain.getExtents().size(), 0);
  do {
    SmallVector<Datum> arguments;
    for (unsigned operand : argumentOperands) {
      const Access &access = domain.accesses[operand];
      arguments.push_back(access.tensor.get(access.offset(position)));
    }
    frame.domainPositions.push_back(position);
    FailureOr<SmallVector<Datum>> yielded = frame.run(body, arguments);
    frame.domainPositions.pop_back();
    if (failed(yielded))
      return failure();
    for (unsigned i = firstOutput; i < domain.accesses.size(); ++i) {
      Access &access = domain.accesses[i];
      access.tensor.set(access.offset(position),
                        std::get<Scalar>((*yielded)[i - firstOutput]));
    }
  } while (advance(position, domain.getExtents()));
  return success();
}

LogicalResult evaluateIndex(linalg::IndexOp op, Frame &frame) {
  int64_t index = frame.domainPositions.back()[op.getDim()];
  frame.bind(op, Scalar::makeInteger(ElementKind::Index, index));
  return success();
}

LogicalResult runDomain(linalg::LinalgOp op, Domain &domain, Frame &frame) {
  if (domain.isEmpty())
    return success();
  if (isFloatContraction(op, domain)) {
    contract(domain);
    return success();
  }
  SmallVector<unsigned> argumentOperands = llvm::map_to_vector(
      op.getOpOperandsMatchingBBargs(),
      [](OpOperand *operand) { return operand->getOperandNumber(); });
  Block &body = *op.getBlock();
  unsigned firstOutput = op.getNumDpsInputs();
  if (std::optional<ScalarProgram> program =
          ScalarProgram::compile(body, frame))
    return runProgram(domain, *program, argumentOperands, firstOutput);
  return runBlock(domain, body, argumentOperands, firstOutput, frame);
}

} // namespace

LogicalResult evaluateLinalg(Operation *op, Frame &frame) {
  auto linalgOp = cast<linalg::LinalgOp>(op);
  if (!linalgOp.hasPureTensorSemantics())
    return frame.unsupported(op,
                             "is not evaluated by the reference on memrefs");
  FailureOr<Domain> domain = Domain::read(linalgOp, frame);
  if (failed(domain) || failed(runDomain(linalgOp, *domain, frame)))
    return failure();
  unsigned firstOutput = linalgOp.getNumDpsInputs();
  for (OpResult result : op->getResults())
    frame.bind(result,
               domain->accesses[firstOutput + result.getResultNumber()].tensor);
  return success();
}

void addLinalgHandlers(HandlerTable &table) {
  addHandler<linalg::IndexOp, evaluateIndex>(table);
}

} // namespace mlir::moe::reference
