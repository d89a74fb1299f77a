// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens,canonicalize,cse))" | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=unsorted},canonicalize,cse))" \
// RUN:   | FileCheck %s --check-prefix=UNSORTED

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>

// Prefill: any number of tokens, swiglu experts.
// CHECK-LABEL: func.func @swiglu
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[GATE:.*]]: tensor<8x64x32xf32>, %[[UP:.*]]: tensor<8x64x32xbf16>, %[[DOWN:.*]]: tensor<8x32x64xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[T:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK: %[[PAIRS:.*]] = arith.muli %[[T]], %[[C2]]
// CHECK: %[[ORDER_OUT:.*]] = tensor.empty(%[[PAIRS]]) : tensor<?xi32>
// CHECK: %[[OFFSETS:.*]], %[[ORDER:.*]], %[[INVERSE:.*]] = moe.sort_tokens %[[IDS]] experts(8) outs(%{{.*}}, %[[ORDER_OUT]], %{{.*}} :
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[PAIRS]]) : tensor<?x32xf32>
// CHECK: %[[ROWS:.*]] = moe.gather_rows %[[X]] order(%[[ORDER]] : tensor<?xi32>) top_k(2) outs(%[[EMPTY]] : tensor<?x32xf32>) : tensor<?x32xf32>
// CHECK: %[[A:.*]] = moe.grouped_matmul %[[ROWS]], %[[GATE]] offsets(%[[OFFSETS]] : tensor<9xi32>) outs(%{{.*}} : tensor<?x64xf32>) : tensor<?x32xf32>, tensor<8x64x32xf32>
// CHECK: %[[B:.*]] = moe.grouped_matmul %[[ROWS]], %[[UP]] offsets(%[[OFFSETS]] : tensor<9xi32>)
// CHECK: %[[H:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[B]] :
// CHECK: %[[Y:.*]] = moe.grouped_matmul %[[H]], %[[DOWN]] offsets(%[[OFFSETS]] : tensor<9xi32>)
// CHECK: %[[RESULT:.*]] = tensor.empty(%[[T]]) : tensor<?x32xf32>
// CHECK: %[[SUM:.*]] = moe.combine_rows %[[Y]], %[[W]] inverse(%[[INVERSE]] : tensor<?x2xi32>) init(%[[X]] : tensor<?x32xf32>) outs(%[[RESULT]] : tensor<?x32xf32>) : tensor<?x32xf32>, tensor<?x2xf32>
// CHECK: return %[[SUM]]

// UNSORTED-LABEL: func.func @swiglu
// UNSORTED-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[GATE:.*]]: tensor<8x64x32xf32>, %[[UP:.*]]: tensor<8x64x32xbf16>, %[[DOWN:.*]]: tensor<8x32x64xf32>
// UNSORTED-NOT: moe.sort_tokens
// UNSORTED-NOT: moe.gather_rows
// UNSORTED: %[[A:.*]] = moe.grouped_matmul %[[X]], %[[GATE]] ids(%[[IDS]] : tensor<?x2xi32>) broadcast outs(
// UNSORTED: %[[B:.*]] = moe.grouped_matmul %[[X]], %[[UP]] ids(%[[IDS]] : tensor<?x2xi32>) broadcast outs(
// UNSORTED: %[[H:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[B]] :
// UNSORTED: %[[Y:.*]] = moe.grouped_matmul %[[H]], %[[DOWN]] ids(%[[IDS]] : tensor<?x2xi32>) outs(
// UNSORTED: moe.combine_rows %[[Y]], %[[W]] init(%[[X]] : tensor<?x32xf32>) outs(
func.func @swiglu(%x: tensor<?x32xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %gate: tensor<8x64x32xf32>,
                  %up: tensor<8x64x32xbf16>, %down: tensor<8x32x64xf32>) -> tensor<?x32xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8)
      : tensor<?x32xf32>, tensor<?x2xi32> -> tensor<?x32xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%gate, %up, %down : tensor<8x64x32xf32>, tensor<8x64x32xbf16>, tensor<8x32x64xf32>) {
  ^bb0(%r: tensor<?x32xf32>, %g: tensor<64x32xf32>, %u: tensor<64x32xbf16>, %d: tensor<32x64xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x32xf32>
    %e = tensor.empty(%n) : tensor<?x64xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %g : tensor<?x32xf32>, tensor<64x32xf32>) outs(%z : tensor<?x64xf32>) -> tensor<?x64xf32>
    %b = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %u : tensor<?x32xf32>, tensor<64x32xbf16>) outs(%z : tensor<?x64xf32>) -> tensor<?x64xf32>
    %h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a, %b : tensor<?x64xf32>, tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
    ^bb1(%p: f32, %q: f32, %o: f32):
      %neg = arith.negf %p : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %one, %exp : f32
      %act = arith.divf %p, %den : f32
      %v = arith.mulf %act, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x64xf32>
    %e2 = tensor.empty(%n) : tensor<?x32xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %y0 = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%h, %d : tensor<?x64xf32>, tensor<32x64xf32>) outs(%z2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    moe.yield %y0 : tensor<?x32xf32>
  } : tensor<?x32xf32>, !moe.plan<8 x 2> -> tensor<?x32xf32>
  %out = moe.combine %y, %plan, %w residual(%x : tensor<?x32xf32>)
      : tensor<?x32xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x32xf32>
  return %out : tensor<?x32xf32>
}
