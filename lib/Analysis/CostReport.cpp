// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Analysis/CostReport.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::moe;

/// `file.mlir:12`, or what else the location names.
static std::string describeLocation(Location loc) {
  if (auto file = loc->findInstanceOf<FileLineColLoc>())
    return (llvm::sys::path::filename(file.getFilename()) + ":" +
            Twine(file.getLine()))
        .str();
  if (auto name = loc->findInstanceOf<NameLoc>())
    return name.getName().str();
  return "-";
}

/// The symbols of the weights that an operation reads, else where it is.
static std::vector<std::string> describeSubject(Operation *op) {
  llvm::SmallSetVector<StringRef, 4> names;
  op->walk([&](Operation *user) {
    for (Value operand : user->getOperands())
      if (auto weight = operand.getDefiningOp<GetWeightOp>())
        names.insert(weight.getWeight());
  });
  if (names.empty())
    return {describeLocation(op->getLoc())};
  return {names.begin(), names.end()};
}

static bool isDynamic(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped && shaped.hasRank() && !shaped.hasStaticShape();
}

void CostReport::addWeights(ModuleOp module) {
  for (auto weight : module.getOps<WeightOp>()) {
    RankedTensorType type = weight.getTensorType();
    ++numWeights;
    parameters += type.getNumElements();
    weightBytes += type.getNumElements() * type.getElementTypeBitWidth() / 8;
  }
}

LogicalResult CostReport::addOperations(FunctionOpInterface function,
                                        std::optional<int64_t> tokens) {
  CostModel model(options.profile, options.context);
  FunctionReport report;
  report.name = function.getName().str();
  report.tokens = tokens;
  WalkResult result =
      function.walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
        if (!CostModel::isCosted(op))
          return WalkResult::advance();
        FailureOr<std::optional<OpCost>> cost = model.getCost(op);
        if (failed(cost))
          return WalkResult::interrupt();
        report.operations.push_back(
            {op->getName().getStringRef().str(), describeSubject(op), *cost});
        // The cost of an expert is that of its region.
        return WalkResult::skip();
      });
  functions.push_back(std::move(report));
  return failure(result.wasInterrupted());
}

/// Analyses each number of tokens as the bound of all dynamic extents of the
/// arguments, which is exact, as extents grow with it.
LogicalResult CostReport::addFunction(FunctionOpInterface function) {
  SmallVector<unsigned> dynamic;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (isDynamic(type))
      dynamic.push_back(i);
  if (dynamic.empty())
    return addOperations(function, std::nullopt);

  SmallVector<int64_t> counts = options.tokens;
  int64_t largest = -1;
  for (unsigned i : dynamic) {
    auto type = cast<ShapedType>(function.getArgumentTypes()[i]);
    auto bound = function.getArgAttrOfType<DenseI64ArrayAttr>(i, kMaxShapeAttr);
    if (!bound && counts.empty())
      return function.emitError("expected the option tokens, as argument ")
             << i << " of '" << function.getName() << "' has no "
             << kMaxShapeAttr << ", got " << type;
    if (bound)
      for (int64_t dim : llvm::seq(type.getRank()))
        if (type.isDynamicDim(dim))
          largest = std::max(largest, bound[dim]);
  }
  if (counts.empty())
    counts.push_back(largest);

  SmallVector<Attribute> saved;
  for (unsigned i : dynamic)
    saved.push_back(function.getArgAttr(i, kMaxShapeAttr));
  llvm::scope_exit restore([&] {
    for (auto [i, attribute] : llvm::zip_equal(dynamic, saved))
      if (attribute)
        function.setArgAttr(i, kMaxShapeAttr, attribute);
      else
        function.removeArgAttr(
            i, StringAttr::get(function->getContext(), kMaxShapeAttr));
  });
  for (int64_t count : counts) {
    for (unsigned i : dynamic) {
      auto type = cast<ShapedType>(function.getArgumentTypes()[i]);
      SmallVector<int64_t> bound(type.getShape());
      llvm::replace(bound, ShapedType::kDynamic, count);
      function.setArgAttr(
          i, kMaxShapeAttr,
          DenseI64ArrayAttr::get(function->getContext(), bound));
    }
    if (failed(addOperations(function, count)))
      return failure();
  }
  return success();
}

FailureOr<CostReport> CostReport::create(ModuleOp module,
                                         CostReportOptions options) {
  CostReport report(std::move(options));
  report.addWeights(module);
  for (auto function : module.getOps<FunctionOpInterface>())
    if (function.isPublic() && !function.isExternal() &&
        failed(report.addFunction(function)))
      return failure();
  return report;
}
