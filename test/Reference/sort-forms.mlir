// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-split-sort),test-moe-evaluate)" -o /dev/null | FileCheck %s

// Skipped pairs follow the last expert, in token-slot order.
// CHECK-LABEL: partial result 0: 4xi32 [0, 1, 2, 3]
// CHECK: partial result 1: 6xi32 [5, 1, 2, 0, 3, 4]
// CHECK: partial result 2: 3x2xi32 {{\[\[}}3, 1], [2, 4], [5, 0]]
func.func @partial() -> (tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) {
  %ids = arith.constant dense<[[3, 1], [2, 3], [3, 0]]> : tensor<3x2xi32>
  %a = tensor.empty() : tensor<4xi32>
  %b = tensor.empty() : tensor<6xi32>
  %c = tensor.empty() : tensor<3x2xi32>
  %0:3 = moe.sort_tokens %ids experts(3) partial chunk(4) outs(%a, %b, %c : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return %0#0, %0#1, %0#2 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>
}

// Expert 0 has three rows and one of padding, expert 1 none, expert 2 one; 6 rows are for other ids.
// CHECK-LABEL: block result 0: 4xi32 [0, 4, 4, 6]
// CHECK: block result 1: 8xi32 [0, 1, 3, -1, 2, -1, -1, -1]
// CHECK: block result 2: 2x2xi32 {{\[\[}}0, 1], [4, 2]]
func.func @block() -> (tensor<4xi32>, tensor<8xi32>, tensor<2x2xi32>) {
  %ids = arith.constant dense<[[0, 0], [2, 0]]> : tensor<2x2xi32>
  %a = tensor.empty() : tensor<4xi32>
  %b = tensor.empty() : tensor<8xi32>
  %c = tensor.empty() : tensor<2x2xi32>
  %0:3 = moe.sort_tokens %ids experts(3) block(2) chunk(2) outs(%a, %b, %c : tensor<4xi32>, tensor<8xi32>, tensor<2x2xi32>) : tensor<2x2xi32>
  return %0#0, %0#1, %0#2 : tensor<4xi32>, tensor<8xi32>, tensor<2x2xi32>
}

// Both: skipped pairs start at a multiple too.
// CHECK-LABEL: both result 0: 3xi32 [0, 0, 2]
// CHECK: both result 1: 6xi32 [1, -1, 0, 2, -1, -1]
// CHECK: both result 2: 3x1xi32 {{\[\[}}2], [0], [3]]
func.func @both() -> (tensor<3xi32>, tensor<6xi32>, tensor<3x1xi32>) {
  %ids = arith.constant dense<[[2], [1], [2]]> : tensor<3x1xi32>
  %a = tensor.empty() : tensor<3xi32>
  %b = tensor.empty() : tensor<6xi32>
  %c = tensor.empty() : tensor<3x1xi32>
  %0:3 = moe.sort_tokens %ids experts(2) partial block(2) chunk(3) outs(%a, %b, %c : tensor<3xi32>, tensor<6xi32>, tensor<3x1xi32>) : tensor<3x1xi32>
  return %0#0, %0#1, %0#2 : tensor<3xi32>, tensor<6xi32>, tensor<3x1xi32>
}

// No token: all rows are padding.
// CHECK-LABEL: nothing result 0: 3xi32 [0, 0, 0]
// CHECK: nothing result 1: 6xi32 [-1, -1, -1, -1, -1, -1]
func.func @nothing() -> (tensor<3xi32>, tensor<6xi32>) {
  %ids = tensor.empty() : tensor<0x2xi32>
  %a = tensor.empty() : tensor<3xi32>
  %b = tensor.empty() : tensor<6xi32>
  %c = tensor.empty() : tensor<0x2xi32>
  %0:3 = moe.sort_tokens %ids experts(2) block(3) chunk(8) outs(%a, %b, %c : tensor<3xi32>, tensor<6xi32>, tensor<0x2xi32>) : tensor<0x2xi32>
  return %0#0, %0#1 : tensor<3xi32>, tensor<6xi32>
}
