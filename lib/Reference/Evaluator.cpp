// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Reference/Evaluator.h"

#include "Frame.h"
#include "WeightStore.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ScopeExit.h"

namespace mlir::moe::reference {

/// Calls deeper than this are taken for endless recursion.
static constexpr unsigned mostNestedCalls = 256;

Evaluator::Evaluator(ModuleOp module, StringRef baseDirectory)
    : module(module), weights(std::make_unique<WeightStore>(baseDirectory)) {}
Evaluator::~Evaluator() = default;

FailureOr<SmallVector<Datum>> Evaluator::call(StringRef name,
                                              ArrayRef<Datum> arguments) {
  unsupported = false;
  return call(module, name, arguments);
}

FailureOr<SmallVector<Datum>> Evaluator::call(Operation *caller, StringRef name,
                                              ArrayRef<Datum> arguments) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function) {
    caller->emitError("expected a function called ") << name << ", got none";
    return failure();
  }
  Frame frame(*this);
  if (!llvm::hasSingleElement(function.getBody())) {
    frame.unsupported(function, "is not evaluated by the reference: it has ")
        << function.getBody().getBlocks().size() << " blocks, not one";
    return failure();
  }
  if (failed(checkEqual(function, "number of arguments",
                        function.getNumArguments(), arguments.size())))
    return failure();
  for (auto [i, argument] : llvm::enumerate(arguments))
    if (failed(checkType(function, "argument " + Twine(i),
                         function.getArgumentTypes()[i], argument)))
      return failure();
  if (depth == mostNestedCalls) {
    caller->emitError("calls nest deeper than ") << mostNestedCalls;
    return failure();
  }
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  return frame.run(function.getBody().front(), arguments);
}

} // namespace mlir::moe::reference
