// RUN: moe-opt %s | moe-opt | FileCheck %s --strict-whitespace

// Every clause of moe.route, in the order in which it prints.

// CHECK-LABEL: func.func @scores(
func.func @scores(%l: tensor<?x8xf32>, %b: tensor<8xf32>, %s: tensor<8xf32>) {
  // CHECK: moe.route %arg0 top_k(2) score(sqrt_softplus) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %0:2 = moe.route %l top_k(2) score(sqrt_softplus) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 top_k(2) score(sparsemixer) jitter(0.00999999977) :
  %1:2 = moe.route %l top_k(2) score(sparsemixer) jitter(0.01) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 top_k(2) score(none) :
  %2:2 = moe.route %l top_k(2) score(none) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 bias(%arg1 : tensor<8xf32>) expert_scale(%arg2 : tensor<8xf32>) top_k(1) softcap(3.000000e+01) score(sigmoid) on(logits) :
  %3:2 = moe.route %l bias(%b : tensor<8xf32>) expert_scale(%s : tensor<8xf32>) top_k(1) softcap(30.0) score(sigmoid) on(logits) : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  return
}

// CHECK-LABEL: func.func @noise(
func.func @noise(%l: tensor<?x8xf32>, %step: tensor<1xi32>) {
  // CHECK: moe.route %arg0 top_k(1) noise<seed = 7, stddev = 1.250000e-01> score(softmax) :
  %0:2 = moe.route %l top_k(1) noise<seed = 7, stddev = 0.125> score(softmax) : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  // CHECK: moe.route %arg0 noise_step(%arg1 : tensor<1xi32>) top_k(1) noise<seed = -1, stddev = 2.000000e+00> score(softmax) :
  %1:2 = moe.route %l noise_step(%step : tensor<1xi32>) top_k(1) noise<seed = -1, stddev = 2.0> score(softmax) : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  return
}

// CHECK-LABEL: func.func @groups(
func.func @groups(%l: tensor<?x8xf32>) {
  // CHECK: moe.route %arg0 top_k(2) score(softmax) groups<4, keep = 2, by = max, mask = zero_score> :
  %0:2 = moe.route %l top_k(2) score(softmax) groups<4, keep = 2, by = max, mask = zero_score> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 top_k(2) score(sigmoid) groups<2, keep = 1, by = top2, mask = lowest> normalize(9.99999968E-21) scale(2.500000e+00) :
  %1:2 = moe.route %l top_k(2) score(sigmoid) groups<2, keep = 1, by = top2, mask = lowest> normalize(1.0e-20) scale(2.5) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// CHECK-LABEL: func.func @normalize(
func.func @normalize(%l: tensor<?x8xf32>) {
  // CHECK: moe.route %arg0 top_k(2) score(softmax) normalize(5.000000e-01, max) :
  %0:2 = moe.route %l top_k(2) score(softmax) normalize(0.5, max) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 top_k(2) score(softmax) normalize(0.000000e+00, p = 2.000000e+00) :
  %1:2 = moe.route %l top_k(2) score(softmax) normalize(0.0, p = 2.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 top_k(2) score(softmax) normalize(5.000000e-01, max, p = 2.000000e+00) :
  %2:2 = moe.route %l top_k(2) score(softmax) normalize(0.5, p = 2.0, max) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// CHECK-LABEL: func.func @given(
func.func @given(%l: tensor<?x8xf32>, %f: tensor<?x2xi32>, %t: tensor<100x2xi32>, %tok: tensor<?xi32>) {
  // CHECK: moe.route %arg0 forced(%arg1 : tensor<?x2xi32>) top_k(2) score(softmax) :
  %0:2 = moe.route %l forced(%f : tensor<?x2xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 table(%arg2[%arg3] : tensor<100x2xi32>, tensor<?xi32>) top_k(2) score(softmax) :
  %1:2 = moe.route %l table(%t[%tok] : tensor<100x2xi32>, tensor<?xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// CHECK-LABEL: func.func @extra_experts(
func.func @extra_experts(%l: tensor<?x8xf32>, %w: tensor<?x2xf32>) {
  // CHECK: moe.route %arg0 top_k(2) score(softmax) null_experts<3, identity> :
  %0:2 = moe.route %l top_k(2) score(softmax) null_experts<3, identity> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 top_k(2) score(sigmoid) shared_experts<2, scored> :
  %1:2 = moe.route %l top_k(2) score(sigmoid) shared_experts<2, scored> : tensor<?x8xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  // CHECK: moe.route %arg0 shared_weights(%arg1 : tensor<?x2xf32>) top_k(1) score(softmax) shared_experts<2, given> :
  %2:2 = moe.route %l shared_weights(%w : tensor<?x2xf32>) top_k(1) score(softmax) shared_experts<2, given> : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
  // CHECK: %weights_{{[0-9]+}}, %ids_{{[0-9]+}}, %scores, %counts = moe.route %arg0 top_k(1) score(softmax) null_experts<1, skip> shared_experts<1, one> with_scores with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  %3:4 = moe.route %l top_k(1) score(softmax) null_experts<1, skip> shared_experts<1, one> with_scores with_counts
      : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  return
}

// CHECK-LABEL: func.func @capacity(
func.func @capacity(%l: tensor<?x8xf32>) {
  // CHECK: moe.route %arg0 top_k(1) score(softmax) capacity<factor = 1.250000e+00, overflow = drop> :
  %0:2 = moe.route %l top_k(1) score(softmax) capacity<factor = 1.25, overflow = drop> : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  // CHECK: moe.route %arg0 top_k(2) score(softmax) normalize(0.000000e+00) capacity<factor = 1.000000e+00, times = 2, overflow = drop, first = slot, renormalize> :
  %1:2 = moe.route %l top_k(2) score(softmax) normalize(0.0) capacity<factor = 1.0, times = 2, overflow = drop, renormalize, first = slot> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %arg0 top_k(2) score(softmax) capacity<tokens = 64, overflow = residual, first = weight> with_counts :
  %2:3 = moe.route %l top_k(2) score(softmax) capacity<tokens = 64, overflow = residual, first = weight> with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<8xi32>
  // CHECK: moe.route %arg0 top_k(8) score(softmax) expert_choice capacity<factor = 2.000000e+00, overflow = drop> :
  %3:2 = moe.route %l top_k(8) score(softmax) expert_choice capacity<factor = 2.0, overflow = drop> : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// CHECK-LABEL: func.func @buffers(
func.func @buffers(%l: memref<?x8xf32>, %w: memref<?x2xf32>, %i: memref<?x2xi32>, %s: memref<?x8xf32>, %c: memref<8xi32>) {
  // CHECK: moe.route %arg0 top_k(2) score(softmax) with_scores with_counts outs(%arg1, %arg2, %arg3, %arg4 : memref<?x2xf32>, memref<?x2xi32>, memref<?x8xf32>, memref<8xi32>) : memref<?x8xf32>
  moe.route %l top_k(2) score(softmax) with_scores with_counts outs(%w, %i, %s, %c : memref<?x2xf32>, memref<?x2xi32>, memref<?x8xf32>, memref<8xi32>) : memref<?x8xf32>
  return
}
