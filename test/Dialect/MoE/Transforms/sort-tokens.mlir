// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens,canonicalize,cse))" | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=unsorted},canonicalize,cse))" \
// RUN:   | FileCheck %s --check-prefix=UNSORTED

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>

// Prefill: any number of tokens, swiglu experts.
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[$ELEMENT:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$PAIR:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @swiglu
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[GATE:.*]]: tensor<8x64x32xf32>, %[[UP:.*]]: tensor<8x64x32xbf16>, %[[DOWN:.*]]: tensor<8x32x64xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[T:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK: %[[PAIRS:.*]] = arith.muli %[[T]], %[[C2]]
// CHECK: %[[OFFSETS:.*]], %[[ORDER:.*]], %[[INVERSE:.*]] = moe.sort_tokens %[[IDS]] experts(8)
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[PAIRS]]) : tensor<?x32xf32>
// CHECK: %[[ROWS:.*]] = linalg.generic {indexing_maps = [#[[$ROW]], #[[$ELEMENT]]], iterator_types = ["parallel", "parallel"]} ins(%[[ORDER]] : tensor<?xi32>) outs(%[[EMPTY]]
// CHECK-NEXT: ^bb0(%[[Q:.*]]: i32,
// CHECK-NEXT: %[[QI:.*]] = arith.index_cast %[[Q]]
// CHECK-NEXT: %[[TOKEN:.*]] = arith.divui %[[QI]], %[[C2]]
// CHECK-NEXT: %[[D:.*]] = linalg.index 1
// CHECK-NEXT: %[[V:.*]] = tensor.extract %[[X]][%[[TOKEN]], %[[D]]]
// CHECK-NEXT: linalg.yield %[[V]]
// CHECK: %[[A:.*]] = moe.grouped_matmul %[[ROWS]], %[[GATE]] offsets(%[[OFFSETS]] : tensor<9xi32>) : tensor<?x32xf32>, tensor<8x64x32xf32> -> tensor<?x64xf32>
// CHECK: %[[B:.*]] = moe.grouped_matmul %[[ROWS]], %[[UP]] offsets(%[[OFFSETS]] : tensor<9xi32>)
// CHECK: %[[H:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[B]] :
// CHECK: %[[Y:.*]] = moe.grouped_matmul %[[H]], %[[DOWN]] offsets(%[[OFFSETS]] : tensor<9xi32>)
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[$PAIR]], #[[$PAIR]], #[[$OUT]]], iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[W]], %[[INVERSE]] : tensor<?x2xf32>, tensor<?x2xi32>) outs(%[[X]]
// CHECK-NEXT: ^bb0(%[[WEIGHT:.*]]: f32, %[[R:.*]]: i32, %[[ACC:.*]]: f32):
// CHECK-NEXT: %[[RI:.*]] = arith.index_cast %[[R]]
// CHECK-NEXT: %[[D2:.*]] = linalg.index 2
// CHECK-NEXT: %[[VALUE:.*]] = tensor.extract %[[Y]][%[[RI]], %[[D2]]]
// CHECK-NEXT: %[[FMA:.*]] = math.fma %[[WEIGHT]], %[[VALUE]], %[[ACC]]
// CHECK-NEXT: linalg.yield %[[FMA]]
// CHECK: return %[[SUM]]

// UNSORTED-LABEL: func.func @swiglu
// UNSORTED-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[GATE:.*]]: tensor<8x64x32xf32>, %[[UP:.*]]: tensor<8x64x32xbf16>, %[[DOWN:.*]]: tensor<8x32x64xf32>
// UNSORTED-NOT: moe.sort_tokens
// UNSORTED-NOT: tensor.extract
// UNSORTED: %[[A:.*]] = moe.grouped_matmul %[[X]], %[[GATE]] ids(%[[IDS]] : tensor<?x2xi32>) broadcast :
// UNSORTED: %[[B:.*]] = moe.grouped_matmul %[[X]], %[[UP]] ids(%[[IDS]] : tensor<?x2xi32>) broadcast :
// UNSORTED: %[[H:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[B]] :
// UNSORTED: %[[Y:.*]] = moe.grouped_matmul %[[H]], %[[DOWN]] ids(%[[IDS]] : tensor<?x2xi32>) :
// UNSORTED: linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[W]] : tensor<?x2xf32>) outs(%[[X]]
// UNSORTED-NEXT: ^bb0(%[[WEIGHT:.*]]: f32, %[[ACC:.*]]: f32):
// UNSORTED-NEXT: %[[T:.*]] = linalg.index 0
// UNSORTED-NEXT: %[[FIRST:.*]] = arith.muli %[[T]], %{{.*}}
// UNSORTED-NEXT: %[[S:.*]] = linalg.index 1
// UNSORTED-NEXT: %[[ROW:.*]] = arith.addi %[[FIRST]], %[[S]]
// UNSORTED-NEXT: %[[D:.*]] = linalg.index 2
// UNSORTED-NEXT: %[[V:.*]] = tensor.extract %[[Y]][%[[ROW]], %[[D]]]
// UNSORTED-NEXT: math.fma %[[WEIGHT]], %[[V]], %[[ACC]]
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
