// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SharedExpert.h"

#include "RowwiseRegion.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::moe;

/// Whether the operation adds its two inputs, element by element.
static bool isSum(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !linalg::isElementwise(linalgOp) ||
      linalgOp.getNumDpsInputs() != 2 || linalgOp.getNumDpsInits() != 1 ||
      !llvm::all_of(linalgOp.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return false;
  Block &body = *linalgOp.getBlock();
  auto add = dyn_cast<arith::AddFOp>(body.front());
  return add && add.getResult() == body.getTerminator()->getOperand(0) &&
         isa<BlockArgument>(add.getLhs()) && isa<BlockArgument>(add.getRhs()) &&
         add.getLhs() != add.getRhs() &&
         linalgOp.getMatchingBlockArgument(linalgOp.getDpsInitOperand(0))
             .use_empty();
}

/// Whether two values come from operations of one kind.
static bool endAlike(Value a, Value b) {
  Operation *first = a.getDefiningOp(), *second = b.getDefiningOp();
  return first && second && first->getName() == second->getName();
}

SharedExpert::SharedExpert(CombineOp combine)
    : combine(combine), expert(combine.getRows().getDefiningOp<ExpertOp>()) {
  if (!expert)
    return;
  findSum();
  if (!output || !reason.empty() || !checkLayer())
    return;
  weights.assign(expert.getWeights().size(), Value());
  if (match(expert.getBody().front().getTerminator()->getOperand(0), output) &&
      RowwiseRegion(expert).getMismatch())
    fail("the experts become a loop, whose products round otherwise");
}

bool SharedExpert::fail(const Twine &why) {
  reason = why.str();
  return false;
}

void SharedExpert::findSum() {
  Value yielded = expert.getBody().front().getTerminator()->getOperand(0);
  if (combine.getResidual() && endAlike(yielded, combine.getResidual())) {
    output = combine.getResidual();
    fail("the sum over slots starts from it, and would end with it");
    return;
  }
  if (!combine.getResult().hasOneUse())
    return;
  Operation *user = *combine->user_begin();
  if (!isSum(user))
    return;
  Value other =
      user->getOperand(user->getOperand(0) == combine.getResult() ? 1 : 0);
  if (!endAlike(yielded, other))
    return;
  sum = user;
  output = other;
}

bool SharedExpert::checkLayer() {
  dispatch = expert.getPlan().getDefiningOp<DispatchOp>();
  if (!dispatch || combine.getPlan() != dispatch.getPlan() ||
      expert.getRows() != dispatch.getRows())
    return fail("the experts do not work on a dispatch's rows");
  route = dispatch.getIds().getDefiningOp<RouteOp>();
  if (!route || route->getNumResults() == 0 ||
      dispatch.getIds() != route->getResult(1) ||
      combine.getWeights() != route->getResult(0))
    return fail("the experts are not chosen by one moe.route");
  if (route.getSharedExperts() || route.getExpertChoice() ||
      route.getWithCounts())
    return fail("the choice of experts has more to it");
  if (!route->getResult(0).hasOneUse() || !route->getResult(1).hasOneUse() ||
      !dispatch.getRows().hasOneUse() || !expert.getResult().hasOneUse() ||
      llvm::range_size(dispatch.getPlan().getUses()) != 2)
    return fail("the choice or the rows of experts have other uses");
  if (sum->getResult(0).getType() != combine.getResult().getType())
    return fail("the sum has another type than the combination");
  return true;
}

/// Whether both values are the same function of rows and weights.
bool SharedExpert::match(Value inExpert, Value outside) {
  auto [it, isNew] = matched.try_emplace(inExpert, outside);
  if (!isNew)
    return it->second == outside ||
           fail("it uses different values where an expert uses one");
  Block &body = expert.getBody().front();
  if (auto argument = dyn_cast<BlockArgument>(inExpert);
      argument && argument.getOwner() == &body) {
    if (argument.getArgNumber() == 0)
      return outside == dispatch.getInput() ||
             fail("it works on other rows than the experts");
    weights[argument.getArgNumber() - 1] = outside;
    return true;
  }
  Operation *inner = inExpert.getDefiningOp(), *outer = outside.getDefiningOp();
  if (inExpert == outside)
    return true;
  if (!inner || !outer ||
      cast<OpResult>(inExpert).getResultNumber() !=
          cast<OpResult>(outside).getResultNumber())
    return fail("it uses other values than the experts");
  return matchOperations(inner, outer);
}

/// Whether both take the same columns of the same rows. A number of rows that
/// is known outside is none of an expert's, which takes all of its own.
bool SharedExpert::matchSlices(tensor::ExtractSliceOp inner,
                               tensor::ExtractSliceOp outer) {
  OpFoldResult innerRows = inner.getMixedSizes().front(),
               rows = outer.getMixedSizes().front();
  bool sameRows =
      getConstantIntValue(rows) == outer.getSourceType().getDimSize(0);
  if (auto count = dyn_cast<Value>(rows))
    sameRows = isa<Value>(innerRows) && match(cast<Value>(innerRows), count);
  auto areSame = [](ArrayRef<OpFoldResult> a, ArrayRef<OpFoldResult> b) {
    return isEqualConstantIntOrValueArray(a, b);
  };
  if (!sameRows || !areSame(inner.getMixedOffsets(), outer.getMixedOffsets()) ||
      !areSame(inner.getMixedStrides(), outer.getMixedStrides()) ||
      !areSame(ArrayRef(inner.getMixedSizes()).drop_front(),
               ArrayRef(outer.getMixedSizes()).drop_front()))
    return fail("it takes other columns than an expert");
  return match(inner.getSource(), outer.getSource());
}

bool SharedExpert::matchOperations(Operation *inner, Operation *outer) {
  StringRef name = outer->getName().getStringRef();
  if (inner->getName() != outer->getName())
    return fail("its '" + name + "' stands where an expert has '" +
                inner->getName().getStringRef() + "'");
  for (auto [a, b] :
       llvm::zip_equal(inner->getResultTypes(), outer->getResultTypes())) {
    auto rows = dyn_cast<RankedTensorType>(a),
         others = dyn_cast<RankedTensorType>(b);
    if (!rows && a == b)
      continue;
    // The number of rows may differ.
    if (!rows || !others || rows.getRank() != others.getRank() ||
        rows.getElementType() != others.getElementType() ||
        rows.getShape().drop_front() != others.getShape().drop_front())
      return fail("its '" + name + "' is not as wide as an expert's");
  }
  // Where rows are not known, their number is an operand more.
  if (isa<tensor::EmptyOp>(inner))
    return true;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(inner))
    return matchSlices(slice, cast<tensor::ExtractSliceOp>(outer));
  if (inner->getNumOperands() != outer->getNumOperands() ||
      inner->getRawDictionaryAttrs() != outer->getRawDictionaryAttrs() ||
      inner->getPropertiesAsAttribute() != outer->getPropertiesAsAttribute())
    return fail("its '" + name + "' is another one than an expert's");
  for (auto [a, b] :
       llvm::zip_equal(inner->getOperands(), outer->getOperands()))
    if (!match(a, b))
      return false;
  auto sameCapture = [](Value a, Value b) {
    Attribute first, second;
    return success(a == b ||
                   (matchPattern(a, m_Constant(&first)) &&
                    matchPattern(b, m_Constant(&second)) && first == second));
  };
  for (auto [a, b] :
       llvm::zip_equal(inner->getRegions(), outer->getRegions())) {
    DenseMap<Value, Value> same;
    auto check = [&](Value x, Value y) -> LogicalResult {
      auto it = same.find(x);
      return it != same.end() ? success(it->second == y) : sameCapture(x, y);
    };
    auto mark = [&](Value x, Value y) { same[x] = y; };
    if (!OperationEquivalence::isRegionEquivalentTo(
            &a, &b, check, mark, OperationEquivalence::IgnoreLocations))
      return fail("its '" + name +
                  "' computes something else than an expert's");
  }
  return true;
}
