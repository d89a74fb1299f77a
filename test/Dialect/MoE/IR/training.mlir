// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// CHECK-LABEL: @counts
func.func @counts(%ids: tensor<?x8xi32>, %mask: tensor<?xi32>, %batch: tensor<2x?x8xi32>) {
  // CHECK: %counts = moe.count_experts %{{.*}} experts(64) : tensor<?x8xi32> -> tensor<64xi32>
  %0 = moe.count_experts %ids experts(64) : tensor<?x8xi32> -> tensor<64xi32>
  // CHECK: moe.count_experts %{{.*}} experts(64) mask(%{{.*}} : tensor<?xi32>) : tensor<?x8xi32> -> tensor<64xi32>
  %1 = moe.count_experts %ids experts(64) mask(%mask : tensor<?xi32>) : tensor<?x8xi32> -> tensor<64xi32>
  // CHECK: moe.count_experts %{{.*}} experts(64) : tensor<2x?x8xi32> -> tensor<2x64xi32>
  %2 = moe.count_experts %batch experts(64) : tensor<2x?x8xi32> -> tensor<2x64xi32>
  return
}

// CHECK-LABEL: @losses
func.func @losses(%scores: tensor<?x64xf32>, %counts: tensor<64xi32>, %mask: tensor<?xi32>, %logits: tensor<?x64xf32>) -> tensor<f32> {
  // A scale of 1 is not printed.
  // CHECK: moe.balance_loss %{{.*}}, %{{.*}} top_k(8) : tensor<?x64xf32>, tensor<64xi32>
  %0 = moe.balance_loss %scores, %counts top_k(8) scale(1.0) : tensor<?x64xf32>, tensor<64xi32>
  // CHECK: moe.balance_loss %{{.*}}, %{{.*}} top_k(8) mask(%{{.*}} : tensor<?xi32>) scale(1.000000e-03) : tensor<?x64xf32>, tensor<64xi32>
  %1 = moe.balance_loss %scores, %counts top_k(8) mask(%mask : tensor<?xi32>) scale(0.001) : tensor<?x64xf32>, tensor<64xi32>
  // CHECK: moe.variation_loss %{{.*}} scale(5.000000e-01) : tensor<?x64xf32>
  %2 = moe.variation_loss %scores scale(0.5) : tensor<?x64xf32>
  // CHECK: moe.win_probability %{{.*}}, %{{.*}} top_k(2) : tensor<?x64xf32>
  %3 = moe.win_probability %logits, %logits top_k(2) : tensor<?x64xf32>
  // CHECK: moe.win_probability %{{.*}}, %{{.*}} top_k(2) sigma(2.500000e-01) : tensor<?x64xf32>
  %4 = moe.win_probability %logits, %logits top_k(2) sigma(0.25) : tensor<?x64xf32>
  // CHECK: moe.z_loss %{{.*}} mask(%{{.*}} : tensor<?xi32>) scale(1.000000e-03) : tensor<?x64xf32>
  %5 = moe.z_loss %logits mask(%mask : tensor<?xi32>) scale(0.001) : tensor<?x64xf32>
  return %5 : tensor<f32>
}

// CHECK-LABEL: @update_bias
func.func @update_bias(%bias: tensor<64xf32>, %counts: tensor<64xi32>) -> tensor<64xf32> {
  // CHECK: moe.update_bias %{{.*}}, %{{.*}} rate(1.000000e-03) : tensor<64xf32>, tensor<64xi32>
  %0 = moe.update_bias %bias, %counts rate(0.001) : tensor<64xf32>, tensor<64xi32>
  return %0 : tensor<64xf32>
}

// Losses that nobody reads have no effect.
// RUN: moe-opt %s --canonicalize | FileCheck %s --check-prefix=DEAD
// DEAD-LABEL: @losses
// DEAD-NEXT: moe.z_loss
// DEAD-NEXT: return
