// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// Clauses of moe.route on numbers that a reader can follow. Published combinations: test/Execution/route.test.

// The largest logit is in the second of two groups, the larger sum of two in the first.
// CHECK-LABEL: group_scores result 0: 1x2xi32 {{\[\[}}2, 3]]
// CHECK: group_scores result 1: 1x2xi32 {{\[\[}}0, 1]]
func.func @group_scores() -> (tensor<1x2xi32>, tensor<1x2xi32>) {
  %l = arith.constant dense<[[1.0, 1.0, 2.0, -5.0]]> : tensor<1x4xf32>
  %0:2 = moe.route %l top_k(2) score(none) groups<2, keep = 1, by = max, mask = lowest> : tensor<1x4xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  %1:2 = moe.route %l top_k(2) score(none) groups<2, keep = 1, by = top2, mask = lowest> : tensor<1x4xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %0#1, %1#1 : tensor<1x2xi32>, tensor<1x2xi32>
}

// A mask of 0 ranks above a negative key; its score weighs unless it is masked too.
// CHECK-LABEL: group_masks result 0: 1x2xf32 {{\[\[}}2, 1]]
// CHECK: group_masks result 1: 1x2xi32 {{\[\[}}2, 0]]
// CHECK: group_masks result 2: 1x2xf32 {{\[\[}}2, 0]]
// CHECK: group_masks result 3: 1x2xi32 {{\[\[}}2, 0]]
// CHECK: group_masks result 4: 1x4xf32 {{\[\[}}1, 1, 2, -5]]
func.func @group_masks() -> (tensor<1x2xf32>, tensor<1x2xi32>, tensor<1x2xf32>, tensor<1x2xi32>, tensor<1x4xf32>) {
  %l = arith.constant dense<[[1.0, 1.0, 2.0, -5.0]]> : tensor<1x4xf32>
  %0:2 = moe.route %l top_k(2) score(none) groups<2, keep = 1, by = max, mask = zero> : tensor<1x4xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  %1:3 = moe.route %l top_k(2) score(none) groups<2, keep = 1, by = max, mask = zero_score> with_scores : tensor<1x4xf32> -> tensor<1x2xf32>, tensor<1x2xi32>, tensor<1x4xf32>
  return %0#0, %0#1, %1#0, %1#1, %1#2 : tensor<1x2xf32>, tensor<1x2xi32>, tensor<1x2xf32>, tensor<1x2xi32>, tensor<1x4xf32>
}

// The largest of a group has no bias; the sum of two has. Equal groups: the first. A NaN group ranks last.
// CHECK-LABEL: group_ties result 0: 1x1xi32 {{\[\[}}2]]
// CHECK: group_ties result 1: 1x1xi32 {{\[\[}}0]]
// CHECK: group_ties result 2: 1x1xi32 {{\[\[}}0]]
// CHECK: group_ties result 3: 1x2xi32 {{\[\[}}3, 2]]
func.func @group_ties() -> (tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x2xi32>) {
  %l = arith.constant dense<[[1.0, 1.0, 2.0, 0.0]]> : tensor<1x4xf32>
  %b = arith.constant dense<[9.0, 0.0, 0.0, 0.0]> : tensor<4xf32>
  %equal = arith.constant dense<3.0> : tensor<1x4xf32>
  %nan = arith.constant dense<[[0x7FC00000, 0x7FC00000, 1.0, 2.0]]> : tensor<1x4xf32>
  %0:2 = moe.route %l bias(%b : tensor<4xf32>) top_k(1) score(none) groups<2, keep = 1, by = max, mask = lowest> : tensor<1x4xf32> -> tensor<1x1xf32>, tensor<1x1xi32>
  %1:2 = moe.route %l bias(%b : tensor<4xf32>) top_k(1) score(none) groups<2, keep = 1, by = top2, mask = lowest> : tensor<1x4xf32> -> tensor<1x1xf32>, tensor<1x1xi32>
  %2:2 = moe.route %equal top_k(1) score(none) groups<2, keep = 1, by = top2, mask = lowest> : tensor<1x4xf32> -> tensor<1x1xf32>, tensor<1x1xi32>
  %3:2 = moe.route %nan top_k(2) score(none) groups<2, keep = 1, by = top2, mask = lowest> : tensor<1x4xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %0#1, %1#1, %2#1, %3#1 : tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x1xi32>, tensor<1x2xi32>
}

// Three tokens ask expert 0 first and expert 1 second, or the other way; two fit. In token order the third finds both
// full; by slot the second choices come last; by weight the largest first choice goes first.
// CHECK-LABEL: capacity result 0: 3x2xi32 {{\[\[}}0, 1], [1, 0], [2, 2]]
// CHECK: capacity result 1: 3x2xi32 {{\[\[}}0, 1], [1, 2], [0, 2]]
// CHECK: capacity result 2: 3x2xi32 {{\[\[}}0, 2], [1, 2], [0, 1]]
// CHECK: capacity result 3: 3x2xf32 {{\[\[}}2, 1], [3, 2], [0, 0]]
// CHECK: capacity result 4: 3x2xf32 {{\[\[}}2, 1], [3, 2], [4, 1]]
// CHECK: capacity result 5: 2xi32 [2, 2]
func.func @capacity() -> (tensor<3x2xi32>, tensor<3x2xi32>, tensor<3x2xi32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<2xi32>) {
  %l = arith.constant dense<[[2.0, 1.0], [2.0, 3.0], [4.0, 1.0]]> : tensor<3x2xf32>
  %0:3 = moe.route %l top_k(2) score(none) capacity<tokens = 2, overflow = drop> with_counts : tensor<3x2xf32> -> tensor<3x2xf32>, tensor<3x2xi32>, tensor<2xi32>
  %1:2 = moe.route %l top_k(2) score(none) capacity<tokens = 2, overflow = drop, first = slot> : tensor<3x2xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %2:2 = moe.route %l top_k(2) score(none) capacity<tokens = 2, overflow = drop, first = weight> : tensor<3x2xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %3:2 = moe.route %l top_k(2) score(none) capacity<factor = 1.0, overflow = residual> : tensor<3x2xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  return %0#1, %1#1, %2#1, %0#0, %3#0, %0#2 : tensor<3x2xi32>, tensor<3x2xi32>, tensor<3x2xi32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<2xi32>
}

// Dropped weights count as 0 in the sum, which without an epsilon may be 0 itself.
// CHECK-LABEL: renormalize result 0: 2x2xf32 {{\[\[}}0.75, 0.25], [0, 0]]
func.func @renormalize() -> tensor<2x2xf32> {
  %l = arith.constant dense<[[3.0, 1.0], [3.0, 1.0]]> : tensor<2x2xf32>
  %0:2 = moe.route %l top_k(2) score(none) normalize(0.0) capacity<tokens = 1, overflow = drop, renormalize> : tensor<2x2xf32> -> tensor<2x2xf32>, tensor<2x2xi32>
  return %0#0 : tensor<2x2xf32>
}

// Ids of null experts are N = E + S; they count nowhere.
// CHECK-LABEL: null_and_shared result 0: 2x4xf32 {{\[\[}}5, 4, 0.5, 0.25], [7, 6, 1, 2]]
// CHECK: null_and_shared result 1: 2x4xi32 {{\[\[}}4, 1, 2, 3], [0, 4, 2, 3]]
// CHECK: null_and_shared result 2: 2x4xf32 {{\[\[}}0, 4, 0.5, 0.25], [7, 0, 1, 2]]
// CHECK: null_and_shared result 3: 4xi32 [1, 1, 2, 2]
func.func @null_and_shared() -> (tensor<2x4xf32>, tensor<2x4xi32>, tensor<2x4xf32>, tensor<4xi32>) {
  %l = arith.constant dense<[[1.0, 4.0, 5.0], [7.0, 0.0, 6.0]]> : tensor<2x3xf32>
  %s = arith.constant dense<[[0.5, 0.25], [1.0, 2.0]]> : tensor<2x2xf32>
  %0:3 = moe.route %l shared_weights(%s : tensor<2x2xf32>) top_k(2) score(none) null_experts<1, identity> shared_experts<2, given> with_counts : tensor<2x3xf32> -> tensor<2x4xf32>, tensor<2x4xi32>, tensor<4xi32>
  %1:2 = moe.route %l shared_weights(%s : tensor<2x2xf32>) top_k(2) score(none) null_experts<1, skip> shared_experts<2, given> : tensor<2x3xf32> -> tensor<2x4xf32>, tensor<2x4xi32>
  return %0#0, %0#1, %1#0, %0#2 : tensor<2x4xf32>, tensor<2x4xi32>, tensor<2x4xf32>, tensor<4xi32>
}

// A scored shared expert joins the sum: (6, 2) of 8; with a factor of its own.
// CHECK-LABEL: scored_shared result 0: 1x2xf32 {{\[\[}}0.75, 1]]
// CHECK: scored_shared result 1: 1x2xi32 {{\[\[}}1, 2]]
func.func @scored_shared() -> (tensor<1x2xf32>, tensor<1x2xi32>) {
  %l = arith.constant dense<[[4.0, 6.0, 2.0]]> : tensor<1x3xf32>
  %f = arith.constant dense<[1.0, 1.0, 4.0]> : tensor<3xf32>
  %0:2 = moe.route %l expert_scale(%f : tensor<3xf32>) top_k(1) score(none) normalize(0.0) shared_experts<1, scored> : tensor<1x3xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %0#0, %0#1 : tensor<1x2xf32>, tensor<1x2xi32>
}

// Each of two experts takes two of three tokens, of equal keys the first.
// CHECK-LABEL: expert_choice result 0: 3x2xf32 {{\[\[}}1, 5], [1, 0], [0, 7]]
// CHECK: expert_choice result 1: 3x2xi32 {{\[\[}}0, 1], [0, 2], [2, 1]]
func.func @expert_choice() -> (tensor<3x2xf32>, tensor<3x2xi32>) {
  %l = arith.constant dense<[[1.0, 5.0], [1.0, 3.0], [1.0, 7.0]]> : tensor<3x2xf32>
  %0:2 = moe.route %l top_k(2) score(none) expert_choice capacity<tokens = 2, overflow = drop> : tensor<3x2xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  return %0#0, %0#1 : tensor<3x2xf32>, tensor<3x2xi32>
}

// More capacity than tokens, and no token at all.
// CHECK-LABEL: no_tokens result 0: 0x2xi32 []
// CHECK: no_tokens result 1: 2xi32 [0, 0]
func.func @no_tokens() -> (tensor<0x2xi32>, tensor<2xi32>) {
  %l = tensor.empty() : tensor<0x2xf32>
  %0:3 = moe.route %l top_k(2) score(softmax) expert_choice capacity<factor = 1.0, overflow = drop> with_counts : tensor<0x2xf32> -> tensor<0x2xf32>, tensor<0x2xi32>, tensor<2xi32>
  return %0#1, %0#2 : tensor<0x2xi32>, tensor<2xi32>
}

// sqrt(3^2 + 4^2) = 5; the larger of the sum 7 and 14; the norm of order 1 of (-3, 4) is 7.
// CHECK-LABEL: divisors result 0: 1x2xf32 {{\[\[}}0.8, 0.6]]
// CHECK: divisors result 1: 1x2xf32 {{\[\[}}0.285714, 0.214286]]
// CHECK: divisors result 2: 1x2xf32 {{\[\[}}0.571429, -0.428571]]
func.func @divisors() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %l = arith.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  %m = arith.constant dense<[[-3.0, 4.0]]> : tensor<1x2xf32>
  %0:2 = moe.route %l top_k(2) score(none) normalize(0.0, p = 2.0) : tensor<1x2xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  %1:2 = moe.route %l top_k(2) score(none) normalize(14.0, max) : tensor<1x2xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  %2:2 = moe.route %m top_k(2) score(none) normalize(0.0, p = 1.0) : tensor<1x2xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %0#0, %1#0, %2#0 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// The second slot's weight is among the experts that are left: logit 1.0 alone is near, 0.5 is far below it.
// CHECK-LABEL: sparsemixer result 0: 1x2xf32 {{\[\[}}1, 1]]
// CHECK: sparsemixer result 1: 1x2xi32 {{\[\[}}2, 0]]
func.func @sparsemixer() -> (tensor<1x2xf32>, tensor<1x2xi32>) {
  %l = arith.constant dense<[[1.0, 0.5, 2.0]]> : tensor<1x3xf32>
  %0:2 = moe.route %l top_k(2) score(sparsemixer) jitter(0.01) : tensor<1x3xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %0#0, %0#1 : tensor<1x2xf32>, tensor<1x2xi32>
}
