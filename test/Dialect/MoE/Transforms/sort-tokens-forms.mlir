// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens,canonicalize,cse))" --remarks-filter="moe-.*" 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.err

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#column = affine_map<(r, d) -> (d)>

// Decode: one token's experts are distinct, nothing is gained by sorting.
// REMARK: [Passed] form | {{.*}}unsorted, 2 pairs for 4 experts
// CHECK-LABEL: func.func @decode
// CHECK-NOT: moe.sort_tokens
// CHECK: %[[Y:.*]] = moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<1x2xi32>) broadcast outs(%{{.*}} : tensor<2x4xf32>) : tensor<1x4xf32>, tensor<4x4x4xf32>
// CHECK: moe.combine_rows %[[Y]], %{{.*}} outs(%{{.*}} : tensor<1x4xf32>) : tensor<2x4xf32>, tensor<1x2xf32>
func.func @decode(%x: tensor<1x4xf32>, %w: tensor<1x2xf32>, %ids: tensor<1x2xi32>, %up: tensor<4x4x4xf32>) -> tensor<1x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<1x4xf32>, tensor<1x2xi32> -> tensor<2x4xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<4x4x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %u : tensor<?x4xf32>, tensor<4x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %a : tensor<?x4xf32>
  } : tensor<2x4xf32>, !moe.plan<4 x 2> -> tensor<2x4xf32>
  %out = moe.combine %y, %plan, %w : tensor<2x4xf32>, !moe.plan<4 x 2>, tensor<1x2xf32> -> tensor<1x4xf32>
  return %out : tensor<1x4xf32>
}

// Dense layer, k = E: every expert reads every token.
// REMARK: sorted, 8 pairs for 2 experts
// CHECK-LABEL: func.func @dense
// CHECK: moe.sort_tokens %{{.*}} experts(2) outs(%{{.*}} : tensor<3xi32>, tensor<8xi32>, tensor<4x2xi32>) : tensor<4x2xi32>
func.func @dense(%x: tensor<4x4xf32>, %w: tensor<4x2xf32>, %ids: tensor<4x2xi32>, %up: tensor<2x4x4xf32>) -> tensor<4x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(2) : tensor<4x4xf32>, tensor<4x2xi32> -> tensor<8x4xf32>, !moe.plan<2 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<2x4x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %u : tensor<?x4xf32>, tensor<4x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %a : tensor<?x4xf32>
  } : tensor<8x4xf32>, !moe.plan<2 x 2> -> tensor<8x4xf32>
  %out = moe.combine %y, %plan, %w : tensor<8x4xf32>, !moe.plan<2 x 2>, tensor<4x2xf32> -> tensor<4x4xf32>
  return %out : tensor<4x4xf32>
}

// One expert, no token: nothing to sort, nothing to sum up.
// REMARK: unsorted, 0 pairs for 1 experts
// CHECK-LABEL: func.func @no_tokens
// CHECK-NEXT: %[[EMPTY:.*]] = tensor.empty() : tensor<0x4xf32>
// CHECK-NEXT: return %[[EMPTY]]
func.func @no_tokens(%x: tensor<0x4xf32>, %w: tensor<0x1xf32>, %ids: tensor<0x1xi32>) -> tensor<0x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(1) : tensor<0x4xf32>, tensor<0x1xi32> -> tensor<0x4xf32>, !moe.plan<1 x 1>
  %out = moe.combine %rows, %plan, %w : tensor<0x4xf32>, !moe.plan<1 x 1>, tensor<0x1xf32> -> tensor<0x4xf32>
  return %out : tensor<0x4xf32>
}

// Whoever reads sorted rows gets sorted rows.
// REMARK: [Missed] form | {{.*}}sorted, since rows are read or made outside the layer
// CHECK-LABEL: func.func @visible_order
// CHECK: moe.sort_tokens
func.func @visible_order(%x: tensor<1x4xf32>, %ids: tensor<1x2xi32>) -> tensor<2x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(16) : tensor<1x4xf32>, tensor<1x2xi32> -> tensor<2x4xf32>, !moe.plan<16 x 2>
  return %rows : tensor<2x4xf32>
}

// Two experts one after the other, both in one order; an elementwise operation on dispatched rows copies them once;
// a product with a matrix of outside runs on all rows; a vector of outside is shared by the rows.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: %[[X:.*]]: tensor<1x4xf32>, %{{.*}}: tensor<1x2xf32>, %[[IDS:.*]]: tensor<1x2xi32>, %[[SHARED:.*]]: tensor<4x4xf32>, %[[BIAS:.*]]: tensor<4xf32>, %[[UP:.*]]: tensor<16x4x4xf32>
// CHECK: %[[ROWS:.*]] = moe.gather_rows %[[X]] top_k(2) outs(%{{.*}} : tensor<2x4xf32>) : tensor<1x4xf32>
// CHECK: %[[BIASED:.*]] = linalg.generic {{.*}} ins(%[[ROWS]], %[[BIAS]] : tensor<2x4xf32>, tensor<4xf32>)
// CHECK: %[[Z:.*]] = linalg.fill
// CHECK: %[[P:.*]] = linalg.matmul {{.*}} ins(%[[BIASED]], %[[SHARED]] : tensor<2x4xf32>, tensor<4x4xf32>) outs(%[[Z]]
// CHECK: %[[Y:.*]] = moe.grouped_matmul %[[P]], %[[UP]] ids(%[[IDS]] : tensor<1x2xi32>) outs(
// CHECK: moe.combine_rows %[[Y]],
func.func @chain(%x: tensor<1x4xf32>, %w: tensor<1x2xf32>, %ids: tensor<1x2xi32>, %shared: tensor<4x4xf32>, %bias: tensor<4xf32>,
                 %up: tensor<16x4x4xf32>) -> tensor<1x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(16) : tensor<1x4xf32>, tensor<1x2xi32> -> tensor<2x4xf32>, !moe.plan<16 x 2>
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %b = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r, %bias : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb1(%p: f32, %q: f32, %o: f32):
      %v = arith.addf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%b, %shared : tensor<?x4xf32>, tensor<4x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %a : tensor<?x4xf32>
  } : tensor<2x4xf32>, !moe.plan<16 x 2> -> tensor<2x4xf32>
  %y2 = moe.expert %y, %plan weights(%up : tensor<16x4x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %u : tensor<?x4xf32>, tensor<4x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %a : tensor<?x4xf32>
  } : tensor<2x4xf32>, !moe.plan<16 x 2> -> tensor<2x4xf32>
  %out = moe.combine %y2, %plan, %w : tensor<2x4xf32>, !moe.plan<16 x 2>, tensor<1x2xf32> -> tensor<1x4xf32>
  return %out : tensor<1x4xf32>
}
