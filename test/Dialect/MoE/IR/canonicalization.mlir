// RUN: moe-opt %s --canonicalize | FileCheck %s

// The divisors cancel: softmax over the chosen.
// CHECK-LABEL: @normalized_softmax
func.func @normalized_softmax(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) scale(2.000000e+00) :
  %w, %i = moe.route %l top_k(2) score(softmax) normalize(0.0) scale(2.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi32>
}

// Weights that sum to 1 are not divided again.
// CHECK-LABEL: @normalized_twice
func.func @normalized_twice(%l: memref<?x8xf32>, %w: memref<?x2xf32>, %i: memref<?x2xi32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax_topk) outs
  moe.route %l top_k(2) score(softmax_topk) normalize(0.0) outs(%w, %i : memref<?x2xf32>, memref<?x2xi32>) : memref<?x8xf32>
  return
}

// A bias is added to scores, not to logits; an epsilon stays; sigmoids do not sum to 1.
// CHECK-LABEL: @other_routers
func.func @other_routers(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.route %{{.*}} bias(%{{.*}}) top_k(2) score(softmax) normalize(0.000000e+00)
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(softmax) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) normalize(1.000000e-03)
  %1:2 = moe.route %l top_k(2) score(softmax) normalize(1.0e-3) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route %{{.*}} top_k(2) score(sigmoid) normalize(0.000000e+00)
  %2:2 = moe.route %l top_k(2) score(sigmoid) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %1#0, %2#0 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// A layer whose result nobody reads goes as a whole.
// CHECK-LABEL: @dead_layer
func.func @dead_layer(%l: tensor<?x8xf32>, %x: tensor<?x4xf32>) {
  // CHECK-NEXT: return
  %w, %i = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %i experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  return
}

// An expert that writes memory stays.
// CHECK-LABEL: @expert_with_effects
func.func @expert_with_effects(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>, %m: memref<f32>, %v: f32) {
  %rows, %plan = moe.dispatch %x, %i experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  // CHECK: moe.expert
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    memref.store %v, %m[] : memref<f32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return
}

// An append is an effect; attention reads and goes when unused.
// CHECK-LABEL: @caches
func.func @caches(%c: !moe.kv_cache<static<16>, 1 x 8 x f32>, %k: tensor<?x1x8xf32>, %p: tensor<?xi32>) {
  // CHECK-NEXT: moe.kv_append
  moe.kv_append %c, %k, %k at %p : !moe.kv_cache<static<16>, 1 x 8 x f32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?xi32>
  // CHECK-NEXT: return
  %a = moe.attention %k, %c at %p scale(1.0) : tensor<?x1x8xf32>, !moe.kv_cache<static<16>, 1 x 8 x f32>, tensor<?xi32> -> tensor<?x1x8xf32>
  return
}

// CHECK-LABEL: @unused_weights
// CHECK-SAME: %{{.*}}: tensor<?x4xf32>, %{{.*}}: tensor<?x2xi32>, %[[A:.*]]: tensor<8x4xf32>, %[[B:.*]]: tensor<8x4x4xf32>
func.func @unused_weights(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>, %a: tensor<8x4xf32>, %b: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
  %rows, %plan = moe.dispatch %x, %i experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  // CHECK: moe.expert %{{.*}}, %{{.*}} weights(%[[B]] : tensor<8x4x4xf32>)
  // CHECK-NEXT: ^bb0(%[[R:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<4x4xf32>):
  // CHECK-NEXT: func.call @ffn(%[[R]], %[[W]])
  %y = moe.expert %rows, %plan weights(%a, %b, %a : tensor<8x4xf32>, tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4xf32>, %v: tensor<4x4xf32>, %t: tensor<4xf32>):
    %o = func.call @ffn(%r, %v) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
func.func private @ffn(tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>

// With one slot a token, pairs are tokens.
// CHECK-LABEL: @one_slot
func.func @one_slot(%x: tensor<3x4xf32>, %i: tensor<3x1xi32>, %j: tensor<3x2xi32>, %w: tensor<8x4x4xf32>) -> (tensor<3x4xf32>, tensor<6x4xf32>) {
  // CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<3x1xi32>) outs(
  %out0 = tensor.empty() : tensor<3x4xf32>
  %0 = moe.grouped_matmul %x, %w ids(%i : tensor<3x1xi32>) broadcast outs(%out0 : tensor<3x4xf32>) : tensor<3x4xf32>, tensor<8x4x4xf32>
  // CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<3x2xi32>) broadcast outs(
  %out1 = tensor.empty() : tensor<6x4xf32>
  %1 = moe.grouped_matmul %x, %w ids(%j : tensor<3x2xi32>) broadcast outs(%out1 : tensor<6x4xf32>) : tensor<3x4xf32>, tensor<8x4x4xf32>
  return %0, %1 : tensor<3x4xf32>, tensor<6x4xf32>
}

// Casts fold into operands and destinations, with and without an epilogue.
// CHECK-LABEL: func.func @grouped_casts
// CHECK-SAME: %[[X:.*]]: tensor<6x4xf32>, %[[W:.*]]: tensor<8x4x4xf32>, %[[O:.*]]: tensor<9xi32>)
// CHECK: %[[A:.*]] = moe.grouped_matmul %[[X]], %[[W]] offsets(%[[O]] : tensor<9xi32>) outs(%{{.*}} : tensor<6x4xf32>) : tensor<6x4xf32>, tensor<8x4x4xf32>
// CHECK: %[[B:.*]] = moe.grouped_matmul %[[X]], %[[W]] offsets(%[[O]] : tensor<9xi32>) outs(%{{.*}} : tensor<6x4xf32>) {
// CHECK: arith.negf
// CHECK: return %[[A]], %[[B]] : tensor<6x4xf32>, tensor<6x4xf32>
func.func @grouped_casts(%x: tensor<6x4xf32>, %w: tensor<8x4x4xf32>, %o: tensor<9xi32>) -> (tensor<6x4xf32>, tensor<6x4xf32>) {
  %empty = tensor.empty() : tensor<6x4xf32>
  %rows = tensor.cast %x : tensor<6x4xf32> to tensor<?x4xf32>
  %out = tensor.cast %empty : tensor<6x4xf32> to tensor<?x4xf32>
  %0 = moe.grouped_matmul %rows, %w offsets(%o : tensor<9xi32>) outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  %1 = moe.grouped_matmul %rows, %w offsets(%o : tensor<9xi32>) outs(%out : tensor<?x4xf32>) {
  ^bb0(%p: f32):
    %n = arith.negf %p : f32
    moe.yield %n : f32
  } : tensor<?x4xf32>, tensor<8x4x4xf32>
  %2 = tensor.cast %0 : tensor<?x4xf32> to tensor<6x4xf32>
  %3 = tensor.cast %1 : tensor<?x4xf32> to tensor<6x4xf32>
  return %2, %3 : tensor<6x4xf32>, tensor<6x4xf32>
}
