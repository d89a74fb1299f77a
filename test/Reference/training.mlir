// RUN: moe-opt %s --test-moe-evaluate -split-input-file | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg{ops=training}))" -split-input-file \
// RUN:   | moe-opt --test-moe-evaluate -split-input-file | FileCheck %s
// Values that are easy to follow, of the operations and of their lowering.

// Id 3 is of no expert; the last token does not count.
// CHECK: count result 0: 3xi32 [2, 1, 0]
func.func @count() -> tensor<3xi32> {
  %ids = arith.constant dense<[[0, 1], [3, 0], [2, 2]]> : tensor<3x2xi32>
  %mask = arith.constant dense<[1, -1, 0]> : tensor<3xi32>
  %0 = moe.count_experts %ids experts(3) mask(%mask : tensor<3xi32>) : tensor<3x2xi32> -> tensor<3xi32>
  return %0 : tensor<3xi32>
}

// -----

// CHECK: sequences result 0: 2x2xi32 {{\[\[}}2, 0], [1, 1]]
func.func @sequences() -> tensor<2x2xi32> {
  %ids = arith.constant dense<[[[0], [0]], [[1], [0]]]> : tensor<2x2x1xi32>
  %0 = moe.count_experts %ids experts(2) : tensor<2x2x1xi32> -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

// 2 tokens, 2 experts: balanced gives the scale, all on one expert E times it.
// CHECK: balance result 0: f32 0.25
// CHECK: balance result 1: f32 0.5
// Nobody counts.
// CHECK: balance result 2: f32 0
func.func @balance() -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %even = arith.constant dense<0.5> : tensor<2x2xf32>
  %one_each = arith.constant dense<1> : tensor<2xi32>
  %0 = moe.balance_loss %even, %one_each top_k(1) scale(0.25) : tensor<2x2xf32>, tensor<2xi32>
  %first = arith.constant dense<[[1.0, 0.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %both = arith.constant dense<[2, 0]> : tensor<2xi32>
  %1 = moe.balance_loss %first, %both top_k(1) scale(0.25) : tensor<2x2xf32>, tensor<2xi32>
  %nobody = arith.constant dense<0> : tensor<2xi32>
  %nan = arith.constant dense<0x7FC00000> : tensor<2x2xf32>
  %2 = moe.balance_loss %nan, %nobody top_k(1) mask(%nobody : tensor<2xi32>) : tensor<2x2xf32>, tensor<2xi32>
  return %0, %1, %2 : tensor<f32>, tensor<f32>, tensor<f32>
}

// -----

// Sums 1 and 3: mean 2, variance 1. One expert, and sums of 0, give 0.
// CHECK: variation result 0: f32 0.25
// CHECK: variation result 1: f32 0
// CHECK: variation result 2: f32 0
func.func @variation() -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %s = arith.constant dense<[[1.0, 1.0], [0.0, 2.0]]> : tensor<2x2xf32>
  %0 = moe.variation_loss %s : tensor<2x2xf32>
  %one = arith.constant dense<[[3.0], [0.5]]> : tensor<2x1xf32>
  %1 = moe.variation_loss %one : tensor<2x1xf32>
  %none = arith.constant dense<0.0> : tensor<2x2xf32>
  %2 = moe.variation_loss %none : tensor<2x2xf32>
  return %0, %1, %2 : tensor<f32>, tensor<f32>, tensor<f32>
}

// -----

// The threshold itself has a chance of 1/2; a NaN comes last, so the second largest is 1.
// CHECK: win result 0: 2x3xf32 {{\[\[}}0.5, 0.841345, 0.97725], [0.158655, 0.5, nan]]
func.func @win() -> tensor<2x3xf32> {
  %l = arith.constant dense<[[0.0, 1.0, 2.0], [0.0, 1.0, 0x7FC00000]]> : tensor<2x3xf32>
  %n = arith.constant dense<[[0.0, 0.0, 2.0], [3.0, 1.0, 0x7FC00000]]> : tensor<2x3xf32>
  %0 = moe.win_probability %l, %n top_k(2) sigma(1.0) : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// ln 2 + 1000 and, not counted, a NaN.
// CHECK: z result 0: f32 1.00139e+06
// CHECK: z result 1: f32 4
func.func @z() -> (tensor<f32>, tensor<f32>) {
  %l = arith.constant dense<[[1000.0, 1000.0], [0x7FC00000, 0.0]]> : tensor<2x2xf32>
  %m = arith.constant dense<[1, 0]> : tensor<2xi32>
  %0 = moe.z_loss %l mask(%m : tensor<2xi32>) : tensor<2x2xf32>
  %one = arith.constant dense<[[-2.0]]> : tensor<1x1xf32>
  %1 = moe.z_loss %one : tensor<1x1xf32>
  return %0, %1 : tensor<f32>, tensor<f32>
}

// -----

// Mean 4/3, which no count is; then the mean is 1. Counts whose sum does not fit 32 bits.
// CHECK: update result 0: 3xf32 [-0.5, 0.5, 1.5]
// CHECK: update result 1: 3xf32 [0, 0.5, 0.5]
// CHECK: update result 2: 3xf32 [0, 0, 1]
func.func @update() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %b = arith.constant dense<[0.0, 0.0, 1.0]> : tensor<3xf32>
  %c = arith.constant dense<[3, 1, 0]> : tensor<3xi32>
  %0 = moe.update_bias %b, %c rate(0.5) : tensor<3xf32>, tensor<3xi32>
  %d = arith.constant dense<[1, 0, 2]> : tensor<3xi32>
  %1 = moe.update_bias %b, %d rate(0.5) : tensor<3xf32>, tensor<3xi32>
  %e = arith.constant dense<2000000000> : tensor<3xi32>
  %2 = moe.update_bias %b, %e rate(0.5) : tensor<3xf32>, tensor<3xi32>
  return %0, %1, %2 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
