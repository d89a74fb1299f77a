// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @bad_0(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected logits of at least one expert beside 8 null or shared ones, got 8 columns}}
  %0:2 = moe.route %l top_k(2) score(softmax) null_experts<8, skip> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_1(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected logits of at least one expert beside 9 null or shared ones, got 8 columns}}
  %0:2 = moe.route %l top_k(2) score(softmax) null_experts<7, skip> shared_experts<2, scored> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_2(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected top_k to be 1 to 6, got 7}}
  %0:2 = moe.route %l top_k(7) score(softmax) shared_experts<2, scored> : tensor<?x8xf32> -> tensor<?x9xf32>, tensor<?x9xi32>
  return
}

// -----

func.func @bad_3(%l: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @below {{expected length of bias to be 6, got 8}}
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(softmax) shared_experts<2, scored> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_4(%l: tensor<?x8xf32>, %b: tensor<6xf32>) {
  // expected-error @below {{expected length of expert_scale to be 8, got 6}}
  %0:2 = moe.route %l expert_scale(%b : tensor<6xf32>) top_k(2) score(softmax) shared_experts<2, scored> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_5(%l: tensor<?x8xf32>, %b: tensor<8x1xf32>) {
  // expected-error @below {{expected expert_scale of rank 1, got 'tensor<8x1xf32>'}}
  %0:2 = moe.route %l expert_scale(%b : tensor<8x1xf32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_6(%l: tensor<4x8xf32>, %f: tensor<5x2xi32>) {
  // expected-error @below {{expected tokens of forced ids to be 4, got 5}}
  %0:2 = moe.route %l forced(%f : tensor<5x2xi32>) top_k(2) score(softmax) : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  return
}

// -----

func.func @bad_7(%l: tensor<?x8xf32>, %f: tensor<?x3xi32>) {
  // expected-error @below {{expected slots of forced ids to be 2, got 3}}
  %0:2 = moe.route %l forced(%f : tensor<?x3xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_8(%l: tensor<?x8xf32>, %f: tensor<9x3xi32>, %t: tensor<?xi32>) {
  // expected-error @below {{expected slots of table to be 2, got 3}}
  %0:2 = moe.route %l table(%f[%t] : tensor<9x3xi32>, tensor<?xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_9(%l: tensor<4x8xf32>, %f: tensor<9x2xi32>, %t: tensor<5xi32>) {
  // expected-error @below {{expected length of tokens to be 4, got 5}}
  %0:2 = moe.route %l table(%f[%t] : tensor<9x2xi32>, tensor<5xi32>) top_k(2) score(softmax) : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  return
}

// -----

func.func @bad_10(%l: tensor<?x8xf32>, %s: tensor<?x3xf32>) {
  // expected-error @below {{expected slots of shared_weights to be 2, got 3}}
  %0:2 = moe.route %l shared_weights(%s : tensor<?x3xf32>) top_k(2) score(softmax) shared_experts<2, given> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_11(%l: tensor<?x8xf32>, %s: tensor<2xi32>) {
  // expected-error @below {{expected length of noise_step to be 1, got 2}}
  %0:2 = moe.route %l noise_step(%s : tensor<2xi32>) top_k(2) noise<seed = 1, stddev = 1.0> score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_12(%l: tensor<?x8xf32>, %f: tensor<?x2xi32>, %v: tensor<9x2xi32>, %t: tensor<?xi32>) {
  // expected-error @below {{expected forced ids or a table, got both}}
  %0:2 = moe.route %l forced(%f : tensor<?x2xi32>) table(%v[%t] : tensor<9x2xi32>, tensor<?xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_13(%l: tensor<?x8xf32>, %s: tensor<1xi32>) {
  // expected-error @below {{expected noise with noise_step, got none}}
  %0:2 = moe.route %l noise_step(%s : tensor<1xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_14(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected shared_weights where shared_experts have given weights, got none}}
  %0:2 = moe.route %l top_k(2) score(softmax) shared_experts<2, given> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_15(%l: tensor<?x8xf32>, %s: tensor<?x2xf32>) {
  // expected-error @below {{expected shared_weights where shared_experts have given weights, got shared_weights without}}
  %0:2 = moe.route %l shared_weights(%s : tensor<?x2xf32>) top_k(2) score(softmax) shared_experts<2, one> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_16(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a softcap above 0, got 0}}
  %0:2 = moe.route %l top_k(2) softcap(0.0) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_17(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected jitter with score sparsemixer and no other, got score sparsemixer without}}
  %0:2 = moe.route %l top_k(2) score(sparsemixer) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_18(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected jitter with score sparsemixer and no other, got score softmax with}}
  %0:2 = moe.route %l top_k(2) score(softmax) jitter(0.5) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_19(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected another score than sparsemixer with scored shared experts}}
  %0:2 = moe.route %l top_k(2) score(sparsemixer) jitter(0.5) shared_experts<2, scored> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_20(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a number of groups that divides 8 experts, got 3}}
  %0:2 = moe.route %l top_k(2) score(softmax) groups<3, keep = 1, by = max, mask = zero> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_21(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected groups of 2 experts or more, got 1}}
  %0:2 = moe.route %l top_k(2) score(softmax) groups<8, keep = 2, by = top2, mask = zero> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_22(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected top_k to be at most the 2 experts of the groups that are kept, got 3}}
  %0:2 = moe.route %l top_k(3) score(softmax) groups<4, keep = 1, by = max, mask = zero> : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
  return
}

// -----

func.func @bad_23(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a choice on scores with mask zero_score, got score softmax_topk}}
  %0:2 = moe.route %l top_k(2) score(softmax_topk) groups<4, keep = 2, by = max, mask = zero_score> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_24(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a choice on scores with mask zero_score, got score sigmoid on logits}}
  %0:2 = moe.route %l top_k(2) score(sigmoid) on(logits) groups<4, keep = 2, by = max, mask = zero_score> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_25(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a norm of order above 0, got 0}}
  %0:2 = moe.route %l top_k(2) score(softmax) normalize(0.0, p = 0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_26(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected top_k to be 8, the number of experts, with expert_choice, got 2}}
  %0:2 = moe.route %l top_k(2) score(softmax) expert_choice capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_27(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a capacity with expert_choice}}
  %0:2 = moe.route %l top_k(8) score(softmax) expert_choice : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// -----

func.func @bad_28(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a capacity with overflow = drop and no other clause with expert_choice, got #moe.route_capacity<tokens = 4, overflow = residual>}}
  %0:2 = moe.route %l top_k(8) score(softmax) expert_choice capacity<tokens = 4, overflow = residual> : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// -----

func.func @bad_29(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected a score that does not depend on the choice with expert_choice, got softmax_topk}}
  %0:2 = moe.route %l top_k(8) score(softmax_topk) expert_choice capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// -----

func.func @bad_30(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected no groups with expert_choice}}
  %0:2 = moe.route %l top_k(8) score(softmax) groups<1, keep = 1, by = max, mask = zero> expert_choice capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// -----

func.func @bad_31(%l: tensor<?x8xf32>, %f: tensor<?x8xi32>) {
  // expected-error @below {{expected no forced with expert_choice}}
  %0:2 = moe.route %l forced(%f : tensor<?x8xi32>) top_k(8) score(softmax) expert_choice capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// -----

func.func @bad_32(%l: tensor<?x8xf32>, %v: tensor<9x8xi32>, %t: tensor<?xi32>) {
  // expected-error @below {{expected no table with expert_choice}}
  %0:2 = moe.route %l table(%v[%t] : tensor<9x8xi32>, tensor<?xi32>) top_k(8) score(softmax) expert_choice capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// -----

func.func @bad_33(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected no normalize with expert_choice}}
  %0:2 = moe.route %l top_k(8) score(softmax) normalize(0.0) expert_choice capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// -----

func.func @bad_34(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected no null_experts with expert_choice}}
  %0:2 = moe.route %l top_k(7) score(softmax) null_experts<1, skip> expert_choice capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x7xf32>, tensor<?x7xi32>
  return
}

// -----

func.func @bad_35(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected slots of weights to be 4, got 2}}
  %0:2 = moe.route %l top_k(2) score(softmax) shared_experts<2, one> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bad_36(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected experts of scores to be 8, got 7}}
  %0:3 = moe.route %l top_k(2) score(softmax) with_scores : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x7xf32>
  return
}

// -----

func.func @bad_37(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected length of counts to be 9, got 8}}
  %0:3 = moe.route %l top_k(2) score(softmax) shared_experts<1, one> with_counts : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32>, tensor<8xi32>
  return
}

// -----

func.func @bad_38(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected counts of element type 'i32', got 'tensor<8xi64>'}}
  %0:3 = moe.route %l top_k(2) score(softmax) with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<8xi64>
  return
}

// -----

func.func @bad_39(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected 3 results and no outs, or 3 outs and no results; got 2 results and 0 outs}}
  %0:2 = moe.route %l top_k(2) score(softmax) with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

// The generic form can leave out what the clauses have together.
func.func @tokens_alone(%l: tensor<?x8xf32>, %t: tensor<?xi32>) {
  // expected-error @below {{expected tokens with a table, got tokens alone}}
  %0:2 = "moe.route"(%l, %t) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 1, 0, 0, 0, 0>, score = 0 : i32, topK = 2 : i64}> : (tensor<?x8xf32>, tensor<?xi32>) -> (tensor<?x2xf32>, tensor<?x2xi32>)
  return
}

// -----

func.func @table_alone(%l: tensor<?x8xf32>, %v: tensor<9x2xi32>) {
  // expected-error @below {{expected tokens with a table, got a table alone}}
  %0:2 = "moe.route"(%l, %v) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 1, 0, 0, 0, 0, 0>, score = 0 : i32, topK = 2 : i64}> : (tensor<?x8xf32>, tensor<9x2xi32>) -> (tensor<?x2xf32>, tensor<?x2xi32>)
  return
}

// -----

func.func @divisor_alone(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected normalize with a divisor or a norm}}
  %0:2 = "moe.route"(%l) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0>, score = 0 : i32, topK = 2 : i64, divisor = 1 : i32}> : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>)
  return
}
