// What must be checked at run time, and what each check says; a message that ends in "got" gets the numbers when it fails.
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-check-shapes))" | FileCheck %s

// CHECK-LABEL: @given_ids
func.func @given_ids(%z: tensor<?x8xf32>, %forced: tensor<?x2xi32>) -> tensor<?x2xi32> {
  // CHECK: cf.assert {{.*}}, "moe.route of layer 3: expected forced ids to have as many rows as logits, got"
  // CHECK: scf.for
  // CHECK: %[[END:.*]] = arith.cmpi ult, %{{.*}}, %c8_i32
  // CHECK-NEXT: cf.assert %[[END]], "moe.route of layer 3: expected forced ids to be 0 to 7, got"
  // CHECK: moe.route
  %w, %i = moe.route %z forced(%forced : tensor<?x2xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32> loc("layer 3")
  return %i : tensor<?x2xi32>
}

// CHECK-LABEL: @given_null_ids
func.func @given_null_ids(%z: tensor<3x8xf32>, %forced: tensor<3x2xi32>) -> tensor<3x2xi32> {
  // The last two columns are null experts, which may be given too.
  // CHECK-NOT: as many rows
  // CHECK: expected forced ids to be 0 to 7, got
  %w, %i = moe.route %z forced(%forced : tensor<3x2xi32>) top_k(2) score(softmax) null_experts<2, skip> : tensor<3x8xf32> -> tensor<3x2xf32>, tensor<3x2xi32> loc("layer 3")
  return %i : tensor<3x2xi32>
}

// CHECK-LABEL: @table
func.func @table(%z: tensor<?x8xf32>, %table: tensor<?x2xi32>, %tokens: tensor<?xi32>) -> tensor<?x2xi32> {
  // CHECK: cf.assert {{.*}}, "moe.route of layer 3: expected tokens to have as many rows as logits, got"
  // CHECK: cf.assert {{.*}}, "moe.route of layer 3: expected tokens to be rows of the table, got"
  // The table is read by tokens that are known to be rows of it.
  // CHECK: scf.for
  // CHECK: tensor.extract %arg1
  // CHECK: cf.assert {{.*}}, "moe.route of layer 3: expected ids of the table to be 0 to 7, got"
  %w, %i = moe.route %z table(%table[%tokens] : tensor<?x2xi32>, tensor<?xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32> loc("layer 3")
  return %i : tensor<?x2xi32>
}

// CHECK-LABEL: @shared_weights
func.func @shared_weights(%z: tensor<?x8xf32>, %s: tensor<?x1xf32>) -> tensor<?x3xi32> {
  // CHECK: cf.assert {{.*}}, "moe.route of layer 3: expected shared_weights to have as many rows as logits, got"
  %w, %i = moe.route %z shared_weights(%s : tensor<?x1xf32>) top_k(2) score(softmax) shared_experts<1, given> : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32> loc("layer 3")
  return %i : tensor<?x3xi32>
}

// CHECK-LABEL: @layer
func.func @layer(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %scale: tensor<?x2xf32>, %w: tensor<?x2xf32>, %r: tensor<?x4xf32>, %s: tensor<?x4xf32>, %m: tensor<5x4xf32>) -> tensor<?x4xf32> {
  // CHECK: cf.assert {{.*}}, "moe.dispatch of layer 3: expected input to have as many rows as ids, got"
  // CHECK: cf.assert {{.*}}, "moe.dispatch of layer 3: expected scale to have as many rows as ids, got"
  // CHECK: cf.assert {{.*}}, "moe.dispatch of layer 3: expected ids to be 0 to 5, got"
  %rows, %plan = moe.dispatch %x, %ids experts(5) partial scale(%scale : tensor<?x2xf32>) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<5 x 2> loc("layer 3")
  // The rows are those of the plan: nothing to check, and nothing inside of it.
  // CHECK-NOT: cf.assert
  // CHECK: moe.expert
  %y = moe.expert %rows, %plan weights(%m : tensor<5x4xf32>) {
  ^bb0(%block: tensor<?x4xf32>, %v: tensor<4xf32>):
    moe.yield %block : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<5 x 2> -> tensor<?x4xf32> loc("layer 3")
  // CHECK-NOT: moe.combine of layer 3: expected rows
  // CHECK: cf.assert {{.*}}, "moe.combine of layer 3: expected ids of the plan to have as many rows as weights, got"
  // CHECK: cf.assert {{.*}}, "moe.combine of layer 3: expected residual to have as many rows as weights, got"
  // CHECK: cf.assert {{.*}}, "moe.combine of layer 3: expected skipped to have as many rows as weights, got"
  %out = moe.combine %y, %plan, %w residual(%r : tensor<?x4xf32>) skipped(%s : tensor<?x4xf32>) : tensor<?x4xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x4xf32> loc("layer 3")
  return %out : tensor<?x4xf32>
}

// CHECK-LABEL: @rows_from_elsewhere
func.func @rows_from_elsewhere(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %rows: tensor<?x4xf32>, %w: tensor<?x2xf32>, %m: tensor<5x4xf32>) -> tensor<?x4xf32> {
  %unused, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<5 x 2> loc("layer 3")
  // CHECK: cf.assert {{.*}}, "moe.expert of layer 3: expected rows to have 2 times as many rows as ids of the plan, got"
  %y = moe.expert %rows, %plan weights(%m : tensor<5x4xf32>) {
  ^bb0(%block: tensor<?x4xf32>, %v: tensor<4xf32>):
    moe.yield %block : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<5 x 2> -> tensor<?x4xf32> loc("layer 3")
  %out = moe.combine %y, %plan, %w : tensor<?x4xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x4xf32> loc("layer 3")
  return %out : tensor<?x4xf32>
}

// CHECK-LABEL: @routed
func.func @routed(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // All of it follows from the program.
  // CHECK-NOT: cf.assert
  %w, %ids = moe.route %x top_k(2) score(softmax) : tensor<?x5xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>, !moe.plan<5 x 2>
  %out = moe.combine %rows, %plan, %w residual(%x : tensor<?x5xf32>) : tensor<?x5xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x5xf32>
  return %out : tensor<?x5xf32>
}

// CHECK-LABEL: @losses
func.func @losses(%ids: tensor<?x2xi32>, %scores: tensor<?x8xf32>, %other: tensor<?x8xf32>, %mask: tensor<?xi32>) -> tensor<f32> {
  // CHECK: cf.assert {{.*}}, "moe.count_experts of losses: expected mask to have as many rows as ids, got"
  %counts = moe.count_experts %ids experts(8) mask(%mask : tensor<?xi32>) : tensor<?x2xi32> -> tensor<8xi32> loc("losses")
  // CHECK: cf.assert {{.*}}, "moe.balance_loss of losses: expected mask to have as many rows as scores, got"
  %a = moe.balance_loss %scores, %counts top_k(2) mask(%mask : tensor<?xi32>) scale(1.0) : tensor<?x8xf32>, tensor<8xi32> loc("losses")
  // CHECK: cf.assert {{.*}}, "moe.variation_loss of losses: expected mask to have as many rows as values, got"
  %b = moe.variation_loss %other mask(%mask : tensor<?xi32>) scale(0.5) : tensor<?x8xf32> loc("losses")
  // CHECK: cf.assert {{.*}}, "moe.win_probability of losses: expected noisy to have as many rows as logits, got"
  %p = moe.win_probability %scores, %other top_k(2) : tensor<?x8xf32> loc("losses")
  %c = arith.addf %a, %b : tensor<f32>
  %d = moe.variation_loss %p scale(0.5) : tensor<?x8xf32>
  %e = arith.addf %c, %d : tensor<f32>
  return %e : tensor<f32>
}

// CHECK-LABEL: @z_loss
func.func @z_loss(%logits: tensor<?x8xf32>, %mask: tensor<?xi32>) -> tensor<f32> {
  // CHECK: cf.assert {{.*}}, "moe.z_loss of losses: expected mask to have as many rows as logits, got"
  %l = moe.z_loss %logits mask(%mask : tensor<?xi32>) scale(0.001) : tensor<?x8xf32> loc("losses")
  return %l : tensor<f32>
}

// CHECK-LABEL: @sequences
func.func @sequences(%scores: tensor<?x?x8xf32>, %counts: tensor<?x8xi32>, %mask: tensor<?x?xi32>) -> tensor<f32> {
  // CHECK: cf.assert {{.*}}, "moe.balance_loss of losses: expected mask to have as many rows as scores, got"
  // CHECK: cf.assert {{.*}}, "moe.balance_loss of losses: expected mask to have as many columns as scores, got"
  // CHECK: cf.assert {{.*}}, "moe.balance_loss of losses: expected counts to have as many rows as scores, got"
  %l = moe.balance_loss %scores, %counts top_k(2) mask(%mask : tensor<?x?xi32>) scale(1.0) : tensor<?x?x8xf32>, tensor<?x8xi32> loc("losses")
  return %l : tensor<f32>
}

// CHECK-LABEL: @cache
func.func @cache(%cache: !moe.kv_cache<static<16>, 2 x 8 x f32>, %q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %v: tensor<?x2x8xf32>, %p: tensor<?xi32>, %s: tensor<?xi32>) -> tensor<?x4x8xf32> {
  // CHECK: cf.assert {{.*}}, "moe.kv_append of layer 3: expected values to have as many rows as keys, got"
  // CHECK: cf.assert {{.*}}, "moe.kv_append of layer 3: expected positions to have as many rows as keys, got"
  // CHECK: cf.assert {{.*}}, "moe.kv_append of layer 3: expected sequences to have as many rows as keys, got"
  moe.kv_append %cache, %k, %v at %p of %s : tensor<?xi32> : !moe.kv_cache<static<16>, 2 x 8 x f32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?xi32> loc("layer 3")
  // CHECK: cf.assert {{.*}}, "moe.attention of layer 3: expected positions to have as many rows as query, got"
  // CHECK: cf.assert {{.*}}, "moe.attention of layer 3: expected sequences to have as many rows as query, got"
  %out = moe.attention %q, %cache at %p of %s : tensor<?xi32> scale(0.125) : tensor<?x4x8xf32>, !moe.kv_cache<static<16>, 2 x 8 x f32>, tensor<?xi32> -> tensor<?x4x8xf32> loc("layer 3")
  return %out : tensor<?x4x8xf32>
}
