// RUN: moe-opt %s --pass-pipeline="builtin.module(moe-differentiate,canonicalize,cse)" | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(moe-differentiate{functions=hidden})" | FileCheck %s --check-prefix=NAMED

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

// The gradient of a product is two products, each a chain of fused multiply-adds.
// CHECK-DAG: #[[$MK:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$NK:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$MN:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @product_grad
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<3x4xf32>, %[[INIT:.*]]: tensor<?x3xf32>, %[[SEED:.*]]: tensor<?x3xf32>)
// CHECK-SAME: -> (tensor<?x3xf32>, tensor<?x4xf32>, tensor<3x4xf32>, tensor<?x3xf32>)
// CHECK: %[[Y:.*]] = linalg.matmul
// CHECK: %[[DX:.*]] = linalg.generic {indexing_maps = [#[[$NK]], #[[$MN]], #[[$MK]]], iterator_types = ["parallel", "reduction", "parallel"]}
// CHECK-SAME: ins(%[[W]], %[[SEED]]
// CHECK: math.fma
// CHECK: %[[DW:.*]] = linalg.generic {indexing_maps = [#[[$MK]], #[[$MN]], #[[$NK]]], iterator_types = ["reduction", "parallel", "parallel"]}
// CHECK-SAME: ins(%[[X]], %[[SEED]]
// CHECK: math.fma
// CHECK: return %[[Y]], %[[DX]], %[[DW]], %[[SEED]]
func.func @product(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>, %init: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<?x4xf32>, tensor<3x4xf32>) outs(%init : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// Dispatch and combine are each other's transpose.
// CHECK-LABEL: func.func @dispatch_grad
// CHECK-SAME: %[[X:.*]]: tensor<5x4xf32>, %[[IDS:.*]]: tensor<5x2xi32>, %[[SEED:.*]]: tensor<10x4xf32>
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK: %[[ROWS:.*]], %[[PLAN:.*]] = moe.dispatch %[[X]], %[[IDS]]
// CHECK: %[[ONES:.*]] = linalg.fill ins(%[[ONE]] : f32) outs(%{{.*}} : tensor<5x2xf32>)
// CHECK: %[[DX:.*]] = moe.combine %[[SEED]], %[[PLAN]], %[[ONES]] :
// CHECK: return %[[ROWS]], %[[DX]]
func.func @dispatch(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>) -> tensor<10x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<5x4xf32>, tensor<5x2xi32> -> tensor<10x4xf32>, !moe.plan<3 x 2>
  return %rows : tensor<10x4xf32>
}

// Its rows are dispatched as tokens of one slot, weighted; a weight gets a dot product. What is known of x is what comes
// from the residual and from the rows.
// CHECK-LABEL: func.func @combine_grad
// CHECK-SAME: %[[X:.*]]: tensor<5x4xf32>, %[[IDS:.*]]: tensor<5x2xi32>, %[[W:.*]]: tensor<5x2xf32>, %[[SEED:.*]]: tensor<5x4xf32>
// CHECK: %[[ROWS:.*]], %[[PLAN:.*]] = moe.dispatch %[[X]], %[[IDS]]
// CHECK: %[[PAIRS:.*]] = tensor.expand_shape %{{.*}} : tensor<10xi32> into tensor<10x1xi32>
// CHECK: linalg.generic {{.*}} ins(%[[SEED]], %[[W]]
// CHECK: arith.mulf
// CHECK: %[[DROWS:.*]], %[[SINGLE:.*]] = moe.dispatch %{{.*}}, %[[PAIRS]] experts(3) : tensor<10x4xf32>, tensor<10x1xi32> -> tensor<10x4xf32>, !moe.plan<3 x 1>
// CHECK: moe.combine %[[ROWS]], %[[SINGLE]], %{{.*}} : tensor<10x4xf32>, !moe.plan<3 x 1>, tensor<10x1xf32>
// CHECK: %[[DW:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[SEED]], %{{.*}}
// CHECK: %[[DX:.*]] = moe.combine %[[DROWS]], %[[PLAN]], %{{.*}} residual(%[[SEED]] : tensor<5x4xf32>)
// CHECK: return %{{.*}}, %[[DX]], %[[DW]]
func.func @combine(%x: tensor<5x4xf32>, %ids: tensor<5x2xi32>, %w: tensor<5x2xf32>) -> tensor<5x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<5x4xf32>, tensor<5x2xi32> -> tensor<10x4xf32>, !moe.plan<3 x 2>
  %out = moe.combine %rows, %plan, %w residual(%x : tensor<5x4xf32>) : tensor<10x4xf32>, !moe.plan<3 x 2>, tensor<5x2xf32> -> tensor<5x4xf32>
  return %out : tensor<5x4xf32>
}

// Experts run backwards on their rows, one after the other.
// CHECK-LABEL: func.func @experts_grad
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<3x4xf32>, %[[SEED:.*]]: tensor<?x4xf32>
// CHECK: moe.expert
// CHECK: %[[COUNTS:.*]] = moe.count_experts %[[IDS]] experts(3)
// CHECK: scf.for %[[E:.*]] = {{.*}} iter_args(%[[BEGIN:.*]] = %{{.*}}, %[[DROWS:.*]] = %{{.*}}, %[[DW:.*]] = %{{.*}}) -> (index, tensor<?x4xf32>, tensor<3x4xf32>)
// CHECK: tensor.extract %[[COUNTS]][%[[E]]]
// CHECK: tensor.insert_slice %{{.*}} into %[[DROWS]][%[[BEGIN]], 0]
// CHECK: tensor.insert_slice %{{.*}} into %[[DW]][%[[E]], 0] [1, 4]
// CHECK: moe.combine
func.func @experts(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<3x4xf32>) -> tensor<?x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<3 x 2>
  %y = moe.expert %rows, %plan weights(%w : tensor<3x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %v: tensor<4xf32>):
    %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
        ins(%v : tensor<4xf32>) outs(%r : tensor<?x4xf32>) {
    ^bb1(%a: f32, %b: f32):
      %1 = arith.mulf %a, %b : f32
      linalg.yield %1 : f32
    } -> tensor<?x4xf32>
    moe.yield %0 : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<3 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// The ids of a route are constants: the gradient adds up what its slots get.
// CHECK-LABEL: func.func @route_grad
// CHECK-SAME: %[[LOGITS:.*]]: tensor<?x8xf32>, %[[BIAS:.*]]: tensor<8xf32>, %[[SEED:.*]]: tensor<?x2xf32>
// CHECK: %[[WEIGHTS:.*]], %[[IDS:.*]] = moe.route
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[IDS]], %{{.*}}
// CHECK: arith.select
// CHECK: %[[ZEROS:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<8xf32>)
// CHECK: return %[[WEIGHTS]], %[[IDS]], %{{.*}}, %[[ZEROS]]
func.func @route(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// A loss by its formula; no gradient of what is declared constant, and none kept of what is not needed.
// CHECK-LABEL: func.func @loss_grad
// CHECK-SAME: (%[[S:.*]]: tensor<?x8xf32>, %{{.*}}: tensor<?x8xf32> {moe.constant}, %[[SEED:.*]]: tensor<f32>) -> (tensor<f32>, tensor<?x8xf32>)
// CHECK: moe.variation_loss %[[S]]
// CHECK-NOT: moe.variation_loss
func.func @loss(%s: tensor<?x8xf32>, %c: tensor<?x8xf32> {moe.constant}) -> tensor<f32> {
  %0 = moe.variation_loss %s : tensor<?x8xf32>
  %1 = moe.z_loss %c : tensor<?x8xf32>
  %2 = arith.addf %0, %1 : tensor<f32>
  return %2 : tensor<f32>
}

// Nothing to differentiate; bounds go to what is added.
// CHECK-LABEL: func.func @unused_grad
// CHECK-SAME: (%{{.*}}: tensor<?xf32> {moe.max_shape = array<i64: 9>}, %{{.*}}: tensor<2xi32>, %{{.*}}: tensor<?xf32> {moe.max_shape = array<i64: 7>})
// CHECK-SAME: -> (tensor<?xf32> {moe.max_shape = array<i64: 7>}, tensor<2xi32>, tensor<?xf32> {moe.max_shape = array<i64: 9>})
func.func @unused(%x: tensor<?xf32> {moe.max_shape = array<i64: 9>}, %i: tensor<2xi32>) -> (tensor<?xf32> {moe.max_shape = array<i64: 7>}, tensor<2xi32>) {
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%c3) : tensor<?xf32>
  %0 = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %0, %i : tensor<?xf32>, tensor<2xi32>
}

// CHECK-NOT: @hidden_grad
// NAMED: func.func @hidden_grad
// NAMED-NOT: _grad
func.func private @hidden(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
