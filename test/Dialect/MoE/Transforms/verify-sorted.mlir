// RUN: moe-opt %s --moe-verify-sorted | FileCheck %s

// Rows sorted for as many experts as there are weights, and rows found by id, which need no order.
// CHECK-LABEL: func.func @sorted
// CHECK: moe.sort_tokens
// CHECK-COUNT-2: moe.grouped_matmul
func.func @sorted(%ids: tensor<2x2xi32>, %x: tensor<4x7xf32>, %w: tensor<5x3x7xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(5) : tensor<2x2xi32> -> tensor<6xi32>, tensor<4xi32>, tensor<2x2xi32>
  %0 = moe.grouped_matmul %x, %w offsets(%offsets : tensor<6xi32>) : tensor<4x7xf32>, tensor<5x3x7xf32> -> tensor<4x3xf32>
  %1 = moe.grouped_matmul %x, %w ids(%ids : tensor<2x2xi32>) : tensor<4x7xf32>, tensor<5x3x7xf32> -> tensor<4x3xf32>
  return %0, %1 : tensor<4x3xf32>, tensor<4x3xf32>
}
