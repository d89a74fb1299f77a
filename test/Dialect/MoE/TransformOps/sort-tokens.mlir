// RUN: moe-opt %s --transform-interpreter --split-input-file --verify-diagnostics | FileCheck %s

// One layer of two is sorted, the other is not; which is for the schedule to say.
// CHECK-LABEL: func.func @layers
// CHECK: moe.sort_tokens
// CHECK-NOT: moe.sort_tokens
// CHECK: return
func.func @layers(%x: tensor<6x4xf32>, %w: tensor<6x2xf32>, %ids: tensor<6x2xi32>) -> tensor<6x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(4) {first} : tensor<6x4xf32>, tensor<6x2xi32> -> tensor<12x4xf32>, !moe.plan<4 x 2>
  %y = moe.combine %rows, %plan, %w : tensor<12x4xf32>, !moe.plan<4 x 2>, tensor<6x2xf32> -> tensor<6x4xf32>
  %rows1, %plan1 = moe.dispatch %y, %ids experts(4) {second} : tensor<6x4xf32>, tensor<6x2xi32> -> tensor<12x4xf32>, !moe.plan<4 x 2>
  %z = moe.combine %rows1, %plan1, %w : tensor<12x4xf32>, !moe.plan<4 x 2>, tensor<6x2xf32> -> tensor<6x4xf32>
  return %z : tensor<6x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %first = transform.structured.match attributes {first} in %root : (!transform.any_op) -> !transform.any_op
    transform.moe.sort_tokens %first form("sorted") : !transform.any_op
    %second = transform.structured.match attributes {second} in %root : (!transform.any_op) -> !transform.any_op
    transform.moe.sort_tokens %second form("unsorted") : !transform.any_op
    transform.yield
  }
}

// -----

// A schedule: sort, tile the product by columns, lower the tiles.
// CHECK-LABEL: func.func @schedule
// CHECK: scf.for
// CHECK-NOT: moe.grouped_matmul
// CHECK: math.fma
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
func.func @schedule(%x: tensor<6x4xf32>, %w: tensor<6x2xf32>, %ids: tensor<6x2xi32>, %up: tensor<4x4x4xf32>) -> tensor<6x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<6x4xf32>, tensor<6x2xi32> -> tensor<12x4xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<4x4x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    %h = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %u : tensor<?x4xf32>, tensor<4x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %h : tensor<?x4xf32>
  } : tensor<12x4xf32>, !moe.plan<4 x 2> -> tensor<12x4xf32>
  %z = moe.combine %y, %plan, %w : tensor<12x4xf32>, !moe.plan<4 x 2>, tensor<6x2xf32> -> tensor<6x4xf32>
  return %z : tensor<6x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %layer = transform.structured.match ops{["moe.dispatch"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.moe.sort_tokens %layer form("sorted") : !transform.any_op
    %product = transform.structured.match ops{["moe.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tile, %loop = transform.structured.tile_using_for %product tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %function = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %function {
      transform.apply_patterns.moe.to_linalg
    } : !transform.any_op
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    // expected-error @below {{expected form auto, sorted or unsorted, got blocks}}
    transform.moe.sort_tokens %root form("blocks") : !transform.any_op
    transform.yield
  }
}
