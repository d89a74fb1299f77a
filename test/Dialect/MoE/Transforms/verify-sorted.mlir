// RUN: moe-opt %s --moe-verify-sorted | FileCheck %s

// Rows sorted for as many experts as there are weights, and rows found by id, which need no order.
// CHECK-LABEL: func.func @sorted
// CHECK: moe.sort_tokens
// CHECK-COUNT-2: moe.grouped_matmul
func.func @sorted(%ids: tensor<2x2xi32>, %x: tensor<4x7xf32>, %w: tensor<5x3x7xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %out0 = tensor.empty() : tensor<6xi32>
  %out1 = tensor.empty() : tensor<4xi32>
  %out2 = tensor.empty() : tensor<2x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(5) outs(%out0, %out1, %out2 : tensor<6xi32>, tensor<4xi32>, tensor<2x2xi32>) : tensor<2x2xi32>
  %out3 = tensor.empty() : tensor<4x3xf32>
  %0 = moe.grouped_matmul %x, %w offsets(%offsets : tensor<6xi32>) outs(%out3 : tensor<4x3xf32>) : tensor<4x7xf32>, tensor<5x3x7xf32>
  %out4 = tensor.empty() : tensor<4x3xf32>
  %1 = moe.grouped_matmul %x, %w ids(%ids : tensor<2x2xi32>) outs(%out4 : tensor<4x3xf32>) : tensor<4x7xf32>, tensor<5x3x7xf32>
  return %0, %1 : tensor<4x3xf32>, tensor<4x3xf32>
}
