// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `test-moe-evaluate`: evaluates functions and prints what they return, so that
// tests can check numbers with FileCheck.
#include "moe/Reference/Evaluator.h"
#include "moe/Reference/TestPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

#include <deque>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::reference;

namespace {

struct TestEvaluatePass
    : PassWrapper<TestEvaluatePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestEvaluatePass)

  StringRef getArgument() const final { return "test-moe-evaluate"; }
  StringRef getDescription() const final {
    return "Evaluate the public functions that take nothing but fresh KV "
           "caches, and print their results";
  }

  void runOnOperation() final {
    Evaluator evaluator(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal() &&
          llvm::all_of(function.getArgumentTypes(), llvm::IsaPred<KVCacheType>))
        if (failed(evaluate(evaluator, function)))
          signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  static LogicalResult evaluate(Evaluator &evaluator, func::FuncOp function) {
    std::deque<Cache> caches;
    SmallVector<Datum> arguments;
    for (Type type : function.getArgumentTypes())
      arguments.push_back(&caches.emplace_back(cast<KVCacheType>(type)));
    FailureOr<SmallVector<Datum>> results =
        evaluator.call(function.getName(), arguments);
    if (failed(results))
      return failure();
    for (auto [i, result] : llvm::enumerate(*results)) {
      llvm::outs() << function.getName() << " result " << i << ": ";
      if (auto *tensor = std::get_if<Tensor>(&result))
        llvm::outs() << *tensor << "\n";
      else if (auto *scalar = std::get_if<Scalar>(&result))
        llvm::outs() << reference::getName(scalar->kind) << " " << *scalar
                     << "\n";
      else
        llvm::outs() << "neither tensor nor scalar\n";
    }
    return success();
  }
};

} // namespace

void moe::registerTestEvaluatePass() { PassRegistration<TestEvaluatePass>(); }
