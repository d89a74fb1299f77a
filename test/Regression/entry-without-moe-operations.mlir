// Passes make moe operations even where the input has none, so they load the dialect themselves.
// RUN: moe-opt %s --moe-to-llvm-pipeline | FileCheck %s

// CHECK: llvm.func @moe_entry_exp(
func.func @exp(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
