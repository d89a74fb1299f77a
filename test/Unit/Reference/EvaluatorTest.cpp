// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The evaluator as its callers see it: arguments, caches that live from call to
// call, errors. What each operation computes is tested in test/Reference.
#include "moe/Reference/Evaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::moe;
using namespace mlir::moe::reference;

namespace {

class EvaluatorTest : public testing::Test {
protected:
  EvaluatorTest() {
    context.loadDialect<MoEDialect, arith::ArithDialect, func::FuncDialect,
                        tensor::TensorDialect>();
    context.getDiagEngine().registerHandler(
        [this](Diagnostic &diagnostic) { message = diagnostic.str(); });
  }

  void parse(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << message;
    evaluator.emplace(*module);
  }

  static Tensor vector(ArrayRef<float> values) {
    Tensor result(ElementKind::F32, {static_cast<int64_t>(values.size())});
    llvm::copy(values, result.mutableFloats().begin());
    return result;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::optional<Evaluator> evaluator;
  std::string message;
};

TEST_F(EvaluatorTest, TakesArgumentsOfAnyExtent) {
  parse(R"(func.func @twice(%x: tensor<?xf32>) -> tensor<?xf32> {
    %y = arith.addf %x, %x : tensor<?xf32>
    return %y : tensor<?xf32>
  })");
  for (int64_t n : {0, 1, 5}) {
    auto results =
        evaluator->call("twice", {vector(std::vector<float>(n, 1.5f))});
    ASSERT_TRUE(succeeded(results));
    EXPECT_EQ(std::get<Tensor>(results->front()).floats().vec(),
              std::vector<float>(n, 3.0f));
  }
}

TEST_F(EvaluatorTest, RefusesOtherArguments) {
  parse(R"(func.func @f(%x: tensor<2xf32>) { return })");
  EXPECT_TRUE(failed(evaluator->call("f", {vector({1, 2, 3})})));
  EXPECT_EQ(message, "'func.func' op expected argument 0 of type "
                     "'tensor<2xf32>', got tensor<3xf32>");
  EXPECT_TRUE(failed(evaluator->call("f", {})));
  EXPECT_EQ(message, "'func.func' op expected number of arguments 1, got 0");
  EXPECT_TRUE(
      failed(evaluator->call("f", {Scalar::makeInteger(ElementKind::I32, 1)})));
  EXPECT_TRUE(failed(evaluator->call("g", {})));
  EXPECT_EQ(message, "expected a function called g, got none");
  EXPECT_FALSE(evaluator->metUnsupported());
}

TEST_F(EvaluatorTest, TellsUnsupportedFromWrong) {
  parse(R"(
    func.func @unsupported() { %x = arith.constant 1.0 : f64 return }
    func.func @wrong() -> i32 {
      %zero = arith.constant 0 : i32
      %x = arith.divsi %zero, %zero : i32
      return %x : i32
    })");
  EXPECT_TRUE(failed(evaluator->call("unsupported", {})));
  EXPECT_TRUE(evaluator->metUnsupported());
  EXPECT_TRUE(failed(evaluator->call("wrong", {})));
  EXPECT_FALSE(evaluator->metUnsupported());
}

/// The window is applied when reading, so positions may go on for ever.
TEST_F(EvaluatorTest, CachesLiveFromCallToCall) {
  parse(R"(
    !cache = !moe.kv_cache<sliding_window<3>, 1 x 1 x f32>
    func.func @step(%x: tensor<1x1x1xf32>, %pos: tensor<1xi32>, %cache: !cache) -> tensor<1x1x1xf32> {
      %k = arith.constant dense<0.0> : tensor<1x1x1xf32>
      moe.kv_append %cache, %k, %x at %pos : !cache, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1xi32>
      %a = moe.attention %x, %cache at %pos scale(1.0) : tensor<1x1x1xf32>, !cache, tensor<1xi32> -> tensor<1x1x1xf32>
      return %a : tensor<1x1x1xf32>
    })");
  auto function = *module->getOps<func::FuncOp>().begin();
  Cache cache(cast<KVCacheType>(function.getArgumentTypes().back()));
  auto step = [&](int64_t position, float value) {
    auto results = evaluator->call(
        "step",
        {Tensor::filled({1, 1, 1}, Scalar::makeFloat(ElementKind::F32, value)),
         Tensor::filled({1}, Scalar::makeInteger(ElementKind::I32, position)),
         &cache});
    EXPECT_TRUE(succeeded(results)) << message;
    return std::get<Tensor>(results->front()).get(0).f;
  };
  for (int64_t position = 0; position < 100; ++position) {
    float seen = std::min<int64_t>(position + 1, 3);
    float mean = position - (seen - 1) / 2;
    EXPECT_NEAR(step(position, position), mean, 1e-4);
  }
  cache.clear();
  EXPECT_EQ(step(0, 7), 7);
}

} // namespace
