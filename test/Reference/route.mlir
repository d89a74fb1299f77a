// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// Of equal values the lower expert id comes first, and k = E orders all.
// CHECK-LABEL: ties result 0: 1x4xf32 {{\[\[}}0.25, 0.25, 0.25, 0.25]]
// CHECK: ties result 1: 1x4xi32 {{\[\[}}0, 1, 2, 3]]
func.func @ties() -> (tensor<1x4xf32>, tensor<1x4xi32>) {
  %logits = arith.constant dense<3.0> : tensor<1x4xf32>
  %w, %ids = moe.route %logits top_k(4) score(softmax) : tensor<1x4xf32> -> tensor<1x4xf32>, tensor<1x4xi32>
  return %w, %ids : tensor<1x4xf32>, tensor<1x4xi32>
}

// exp(0), exp(ln 2), exp(ln 4) = 1, 2, 4, so the scores are sevenths.
// CHECK-LABEL: softmax result 0: 1x2xf32 {{\[\[}}0.571429, 0.285714]]
// CHECK: softmax result 1: 1x2xi32 {{\[\[}}2, 1]]
func.func @softmax() -> (tensor<1x2xf32>, tensor<1x2xi32>) {
  %logits = arith.constant dense<[[0.0, 0.6931471805599453, 1.3862943611198906]]> : tensor<1x3xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax) : tensor<1x3xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %w, %ids : tensor<1x2xf32>, tensor<1x2xi32>
}

// The softmax of the two chosen logits: 4/6 and 2/6.
// CHECK-LABEL: softmax_topk result 0: 1x2xf32 {{\[\[}}0.666667, 0.333333]]
// CHECK: softmax_topk result 1: 1x2xi32 {{\[\[}}2, 1]]
func.func @softmax_topk() -> (tensor<1x2xf32>, tensor<1x2xi32>) {
  %logits = arith.constant dense<[[0.0, 0.6931471805599453, 1.3862943611198906]]> : tensor<1x3xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax_topk) : tensor<1x3xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %w, %ids : tensor<1x2xf32>, tensor<1x2xi32>
}

// The bias chooses expert 0, whose weight stays sigmoid(0) = 1/2; sigmoid(ln 3) = 3/4.
// (1/2, 3/4) / (5/4 + 3/4) * 2.
// CHECK-LABEL: bias_normalize_scale result 0: 1x2xf32 {{\[\[}}0.5, 0.75]]
// CHECK: bias_normalize_scale result 1: 1x2xi32 {{\[\[}}0, 2]]
func.func @bias_normalize_scale() -> (tensor<1x2xf32>, tensor<1x2xi32>) {
  %logits = arith.constant dense<[[0.0, 1.0, 1.0986122886681098]]> : tensor<1x3xf32>
  %bias = arith.constant dense<[1.0, -1.0, 0.0]> : tensor<3xf32>
  %w, %ids = moe.route %logits bias(%bias : tensor<3xf32>) top_k(2) score(sigmoid) normalize(0.75) scale(2.0)
      : tensor<1x3xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %w, %ids : tensor<1x2xf32>, tensor<1x2xi32>
}

// NaN ranks below -inf; where all are NaN the ids are still valid.
// CHECK: nan result 1: 2x2xi32 {{\[\[}}2, 1], [0, 1]]
func.func @nan() -> (tensor<2x2xf32>, tensor<2x2xi32>) {
  %logits = arith.constant dense<[[0x7FC00000, 0xFF800000, 5.0], [0x7FC00000, 0xFFC00000, 0x7FC00000]]> : tensor<2x3xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax_topk) : tensor<2x3xf32> -> tensor<2x2xf32>, tensor<2x2xi32>
  return %w, %ids : tensor<2x2xf32>, tensor<2x2xi32>
}

// CHECK-LABEL: one_expert result 0: 2x1xf32 {{\[\[}}1], [1]]
// CHECK: one_expert result 1: 2x1xi32 {{\[\[}}0], [0]]
func.func @one_expert() -> (tensor<2x1xf32>, tensor<2x1xi32>) {
  %logits = arith.constant dense<[[-7.0], [100.0]]> : tensor<2x1xf32>
  %w, %ids = moe.route %logits top_k(1) score(softmax) normalize(0.0) : tensor<2x1xf32> -> tensor<2x1xf32>, tensor<2x1xi32>
  return %w, %ids : tensor<2x1xf32>, tensor<2x1xi32>
}

// CHECK-LABEL: no_tokens result 0: 0x2xf32 []
func.func @no_tokens() -> tensor<0x2xf32> {
  %logits = tensor.empty() : tensor<0x3xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax) : tensor<0x3xf32> -> tensor<0x2xf32>, tensor<0x2xi32>
  return %w : tensor<0x2xf32>
}
