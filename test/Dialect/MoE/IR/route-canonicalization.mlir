// RUN: moe-opt %s --canonicalize | FileCheck %s

// Each clause of moe.route that has no effect goes; beside it, where it has one.

// Softmax divided by the sum of the chosen is softmax over the chosen, whatever follows.
// CHECK-LABEL: @cancel(
func.func @cancel(%l: tensor<?x8xf32>, %b: tensor<8xf32>, %f: tensor<?x2xi32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) scale(2.000000e+00) :
  %0:2 = moe.route %l top_k(2) score(softmax) normalize(0.0) scale(2.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) groups<4, keep = 2, by = top2, mask = lowest> :
  %1:2 = moe.route %l top_k(2) score(softmax) on(logits) groups<4, keep = 2, by = top2, mask = lowest> normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} bias(%{{.*}} : tensor<8xf32>) top_k(2) score(softmax_topk) :
  %2:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(softmax) on(logits) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} forced(%{{.*}} : tensor<?x2xi32>) top_k(2) score(softmax_topk) :
  %3:2 = moe.route %l forced(%f : tensor<?x2xi32>) top_k(2) score(softmax) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) :
  %4:2 = moe.route %l top_k(2) score(softmax) normalize(0.0, p = 1.0, max) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) capacity<tokens = 4, overflow = residual> :
  %5:2 = moe.route %l top_k(2) score(softmax) normalize(0.0) capacity<tokens = 4, overflow = residual> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0, %3#0, %4#0, %5#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// Biased scores and sums of scores choose otherwise than logits; weights before the division order or drop pairs.
// CHECK-LABEL: @keep_divisor(
func.func @keep_divisor(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} bias(%{{.*}} : tensor<8xf32>) top_k(2) score(softmax) normalize(0.000000e+00) :
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(softmax) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) groups<4, keep = 2, by = top2, mask = lowest> normalize(0.000000e+00) :
  %1:2 = moe.route %l top_k(2) score(softmax) groups<4, keep = 2, by = top2, mask = lowest> normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) normalize(9.99999997E-7) :
  %2:2 = moe.route %l top_k(2) score(softmax) normalize(1.0e-6) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) normalize(0.000000e+00, p = 2.000000e+00) :
  %3:2 = moe.route %l top_k(2) score(softmax) normalize(0.0, p = 2.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) normalize(0.000000e+00) :
  %4:2 = moe.route %l top_k(2) score(sigmoid) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) normalize(0.000000e+00) capacity<tokens = 4, overflow = drop, renormalize> :
  %5:2 = moe.route %l top_k(2) score(softmax) normalize(0.0) capacity<tokens = 4, overflow = drop, renormalize> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) normalize(0.000000e+00) capacity<tokens = 4, overflow = drop, first = weight> :
  %6:2 = moe.route %l top_k(2) score(softmax) normalize(0.0) capacity<tokens = 4, overflow = drop, first = weight> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) normalize(0.000000e+00) capacity<tokens = 4, overflow = drop, renormalize> :
  %7:2 = moe.route %l top_k(2) score(softmax_topk) normalize(0.0) capacity<tokens = 4, overflow = drop, renormalize> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0, %3#0, %4#0, %5#0, %6#0, %7#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// Where ids are given nothing chooses.
// CHECK-LABEL: @given(
func.func @given(%l: tensor<?x8xf32>, %b: tensor<8xf32>, %f: tensor<?x2xi32>, %v: tensor<9x2xi32>, %t: tensor<?xi32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} forced(%{{.*}} : tensor<?x2xi32>) top_k(2) score(sigmoid) :
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) forced(%f : tensor<?x2xi32>) top_k(2) score(sigmoid) on(logits) groups<4, keep = 2, by = top2, mask = lowest> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} table(%{{.*}}[%{{.*}}] : tensor<9x2xi32>, tensor<?xi32>) top_k(2) score(sigmoid) :
  %1:2 = moe.route %l bias(%b : tensor<8xf32>) table(%v[%t] : tensor<9x2xi32>, tensor<?xi32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} bias(%{{.*}} : tensor<8xf32>) top_k(2) score(sigmoid) on(logits) :
  %2:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(sigmoid) on(logits) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// Scores that are logits need not say that logits choose.
// CHECK-LABEL: @on_logits(
func.func @on_logits(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) :
  %0:2 = moe.route %l top_k(2) score(softmax_topk) on(logits) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(none) :
  %1:2 = moe.route %l top_k(2) score(none) on(logits) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sparsemixer) jitter(5.000000e-01) :
  %2:2 = moe.route %l top_k(2) score(sparsemixer) jitter(0.5) on(logits) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sqrt_softplus) on(logits) :
  %3:2 = moe.route %l top_k(2) score(sqrt_softplus) on(logits) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0, %3#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// Groups that are all kept limit nothing; softmax would be chosen on logits without them.
// CHECK-LABEL: @groups(
func.func @groups(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) :
  %0:2 = moe.route %l top_k(2) score(sigmoid) groups<1, keep = 1, by = max, mask = zero> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} bias(%{{.*}} : tensor<8xf32>) top_k(2) score(softmax) :
  %1:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(softmax) groups<4, keep = 4, by = top2, mask = zero_score> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) groups<4, keep = 3, by = max, mask = zero> :
  %2:2 = moe.route %l top_k(2) score(sigmoid) groups<4, keep = 3, by = max, mask = zero> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) groups<4, keep = 4, by = max, mask = lowest> :
  %3:2 = moe.route %l top_k(2) score(softmax) groups<4, keep = 4, by = max, mask = lowest> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0, %3#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// Constants without effect, and others.
// CHECK-LABEL: @constants(
func.func @constants(%l: tensor<?x8xf32>, %step: tensor<1xi32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %negative = arith.constant dense<-0.0> : tensor<8xf32>
  %one = arith.constant dense<1.0> : tensor<8xf32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) :
  %0:2 = moe.route %l bias(%zero : tensor<8xf32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) :
  %1:2 = moe.route %l bias(%negative : tensor<8xf32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) :
  %2:2 = moe.route %l expert_scale(%one : tensor<8xf32>) top_k(2) score(sigmoid) scale(1.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) :
  %3:2 = moe.route %l noise_step(%step : tensor<1xi32>) top_k(2) noise<seed = 1, stddev = 0.0> score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} bias(%{{.*}} : tensor<8xf32>) top_k(2) score(sigmoid) :
  %4:2 = moe.route %l bias(%one : tensor<8xf32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} bias(%{{.*}} : tensor<8xf32>) top_k(2) score(softmax) :
  %5:2 = moe.route %l bias(%zero : tensor<8xf32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} expert_scale(%{{.*}} : tensor<8xf32>) top_k(2) score(sigmoid) :
  %6:2 = moe.route %l expert_scale(%zero : tensor<8xf32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) noise<seed = 1, stddev = 5.000000e-01> score(sigmoid) :
  %7:2 = moe.route %l top_k(2) noise<seed = 1, stddev = 0.5> score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0, %3#0, %4#0, %5#0, %6#0, %7#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// The norm of order 1 is the sum, and epsilon 0 the same either way, where no weight is negative.
// CHECK-LABEL: @divisors(
func.func @divisors(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) normalize(5.000000e-01) :
  %0:2 = moe.route %l top_k(2) score(sigmoid) normalize(0.5, p = 1.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) normalize(0.000000e+00) :
  %1:2 = moe.route %l top_k(2) score(sigmoid) normalize(0.0, max) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(none) normalize(0.000000e+00, p = 1.000000e+00) :
  %2:2 = moe.route %l top_k(2) score(none) normalize(0.0, max, p = 1.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(none) normalize(0.000000e+00, max) :
  %3:2 = moe.route %l top_k(2) score(none) normalize(0.0, max) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) normalize(5.000000e-01, max) :
  %4:2 = moe.route %l top_k(2) score(sigmoid) normalize(0.5, max) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0, %3#0, %4#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// All experts chosen: the softmax over the chosen is that over all.
// CHECK-LABEL: @dense(
func.func @dense(%l: tensor<?x2xf32>, %b: tensor<2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) :
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x2xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // The bias orders the slots by scores.
  // CHECK: moe.route %{{.*}} bias(%{{.*}}) top_k(2) score(softmax) :
  %1:2 = moe.route %l bias(%b : tensor<2xf32>) top_k(2) score(softmax) : tensor<?x2xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) capacity<tokens = 4, overflow = drop, first = weight> :
  %2:2 = moe.route %l top_k(2) score(softmax) capacity<tokens = 4, overflow = drop, first = weight> : tensor<?x2xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// No expert gets more than each token once; given ids may repeat.
// CHECK-LABEL: @capacity(
func.func @capacity(%l: tensor<4x8xf32>, %d: tensor<?x8xf32>, %f: tensor<4x2xi32>) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) :
  %0:2 = moe.route %l top_k(2) score(sigmoid) capacity<tokens = 4, overflow = drop> : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) :
  %1:2 = moe.route %l top_k(2) score(sigmoid) capacity<factor = 3.0, times = 2, overflow = drop> : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) capacity<tokens = 3, overflow = drop> :
  %2:2 = moe.route %l top_k(2) score(sigmoid) capacity<tokens = 3, overflow = drop> : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  // CHECK: moe.route %{{.*}} forced(%{{.*}}) top_k(2) score(sigmoid) capacity<tokens = 7, overflow = drop> :
  %3:2 = moe.route %l forced(%f : tensor<4x2xi32>) top_k(2) score(sigmoid) capacity<tokens = 7, overflow = drop> : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) capacity<tokens = 4, overflow = drop> :
  %4:2 = moe.route %d top_k(2) score(sigmoid) capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0, %3#0, %4#0 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<?x2xf32>
}

// Only weights and ids are always there.
// CHECK-LABEL: @results(
func.func @results(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<8xi32>, tensor<?x2xi32>, tensor<?x8xf32>) {
  // CHECK: %[[W0:.*]], %{{.*}} = moe.route %{{.*}} bias(%{{.*}}) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %0:4 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(sigmoid) with_scores with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  // CHECK: %[[W1:.*]], %{{.*}}, %[[COUNTS:.*]] = moe.route %{{.*}} top_k(2) score(sigmoid) with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<8xi32>
  %1:4 = moe.route %l top_k(2) score(sigmoid) with_scores with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  // CHECK: %{{.*}}, %[[IDS:.*]], %[[SCORES:.*]] = moe.route %{{.*}} top_k(2) score(sigmoid) with_scores : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>
  %2:4 = moe.route %l top_k(2) score(sigmoid) with_scores with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  // CHECK: return %[[W0]], %[[W1]], %[[COUNTS]], %[[IDS]], %[[SCORES]]
  return %0#0, %1#0, %1#3, %2#1, %2#2 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<8xi32>, tensor<?x2xi32>, tensor<?x8xf32>
}
