// Entries call private functions and each other; the calls are inlined before entries get their memory.
// RUN: moe-opt %s --moe-to-llvm-pipeline | FileCheck %s

// CHECK-NOT: @helper
// CHECK: llvm.func @moe_entry_one(
// CHECK: llvm.func @moe_entry_two(
// CHECK-NOT: @helper
func.func private @helper(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = func.call @helper(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @two(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = func.call @one(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %z = func.call @helper(%y) : (tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}
