// RUN: moe-opt %s --pass-pipeline="builtin.module(moe-fuse-shared-experts)" | FileCheck %s

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, n) -> (r, n)>

// Experts' data, then the shared expert's; nobody else uses the old weights, but for one.
// CHECK-DAG: moe.weight @up.with_shared : tensor<5x3x2xf32> from #moe.stack<[4, 1] of [#moe.checkpoint<"demo", ["e.0.up", "e.1.up", "e.2.up", "e.3.up"]>, #moe.checkpoint<"demo", ["shared_up"]>]>
// CHECK-DAG: moe.weight @down.with_shared : tensor<5x2x3xf32> from #moe.stack<[4, 1] of [#moe.checkpoint<"demo", ["e.0.down", "e.1.down", "e.2.down", "e.3.down"]>, #moe.checkpoint<"demo", ["shared_down"]>]>
// CHECK-DAG: moe.weight @up : tensor<4x3x2xf32>
// CHECK-NOT: moe.weight @down :
// CHECK-NOT: moe.weight @shared_up
moe.weight @up : tensor<4x3x2xf32> from #moe.checkpoint<"demo", ["e.0.up", "e.1.up", "e.2.up", "e.3.up"]>
moe.weight @down : tensor<4x2x3xf32> from #moe.checkpoint<"demo", ["e.0.down", "e.1.down", "e.2.down", "e.3.down"]>
moe.weight @shared_up : tensor<3x2xf32> from #moe.checkpoint<"demo", ["shared_up"]>
moe.weight @shared_down : tensor<2x3xf32> from #moe.checkpoint<"demo", ["shared_down"]>

// CHECK-LABEL: func.func @prefill
// CHECK-NOT: linalg.matmul
// CHECK: %[[W:.*]], %[[IDS:.*]] = moe.route %{{.*}} top_k(2) score(sigmoid) shared_experts<1, one> : tensor<?x4xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
// CHECK: %[[ROWS:.*]], %[[PLAN:.*]] = moe.dispatch %{{.*}}, %[[IDS]] experts(5) : tensor<?x2xf32>, tensor<?x3xi32> -> tensor<?x2xf32>, !moe.plan<5 x 3>
// CHECK-DAG: %[[UP:.*]] = moe.get_weight @up.with_shared : tensor<5x3x2xf32>
// CHECK-DAG: %[[DOWN:.*]] = moe.get_weight @down.with_shared : tensor<5x2x3xf32>
// CHECK: %[[Y:.*]] = moe.expert %[[ROWS]], %[[PLAN]] weights(%[[UP]], %[[DOWN]] : tensor<5x3x2xf32>, tensor<5x2x3xf32>) {
// CHECK: } : tensor<?x2xf32>, !moe.plan<5 x 3> -> tensor<?x2xf32>
// CHECK: %[[OUT:.*]] = moe.combine %[[Y]], %[[PLAN]], %[[W]] : tensor<?x2xf32>, !moe.plan<5 x 3>, tensor<?x3xf32> -> tensor<?x2xf32>
// CHECK-NOT: linalg.add
// CHECK: return %[[OUT]]
func.func @prefill(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %up = moe.get_weight @up : tensor<4x3x2xf32>
  %down = moe.get_weight @down : tensor<4x2x3xf32>
  %su = moe.get_weight @shared_up : tensor<3x2xf32>
  %sd = moe.get_weight @shared_down : tensor<2x3xf32>
  %sn = tensor.dim %x, %c0 : tensor<?x2xf32>
  %se = tensor.empty(%sn) : tensor<?x3xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<?x3xf32>) -> tensor<?x3xf32>
  %sa = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %su : tensor<?x2xf32>, tensor<3x2xf32>) outs(%sz : tensor<?x3xf32>) -> tensor<?x3xf32>
  %sh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sa : tensor<?x3xf32>) outs(%se : tensor<?x3xf32>) {
  ^bb0(%v: f32, %o: f32):
    %c = math.absf %v : f32
    linalg.yield %c : f32
  } -> tensor<?x3xf32>
  %sf = tensor.empty(%sn) : tensor<?x2xf32>
  %sy0 = linalg.fill ins(%zero : f32) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  %sy = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%sh, %sd : tensor<?x3xf32>, tensor<2x3xf32>) outs(%sy0 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %ids = moe.route %logits top_k(2) score(sigmoid) : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<?x2xf32>, tensor<?x2xi32> -> tensor<?x2xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%up, %down : tensor<4x3x2xf32>, tensor<4x2x3xf32>) {
  ^bb0(%r: tensor<?x2xf32>, %u: tensor<3x2xf32>, %d: tensor<2x3xf32>):
    %en = tensor.dim %r, %c0 : tensor<?x2xf32>
    %ee = tensor.empty(%en) : tensor<?x3xf32>
    %ez = linalg.fill ins(%zero : f32) outs(%ee : tensor<?x3xf32>) -> tensor<?x3xf32>
    %ea = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %u : tensor<?x2xf32>, tensor<3x2xf32>) outs(%ez : tensor<?x3xf32>) -> tensor<?x3xf32>
    %eh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%ea : tensor<?x3xf32>) outs(%ee : tensor<?x3xf32>) {
    ^bb0(%v: f32, %o: f32):
      %c = math.absf %v : f32
      linalg.yield %c : f32
    } -> tensor<?x3xf32>
    %ef = tensor.empty(%en) : tensor<?x2xf32>
    %ey0 = linalg.fill ins(%zero : f32) outs(%ef : tensor<?x2xf32>) -> tensor<?x2xf32>
    %ey = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%eh, %d : tensor<?x3xf32>, tensor<2x3xf32>) outs(%ey0 : tensor<?x2xf32>) -> tensor<?x2xf32>
    moe.yield %ey : tensor<?x2xf32>
  } : tensor<?x2xf32>, !moe.plan<4 x 2> -> tensor<?x2xf32>
  %routed = moe.combine %y, %plan, %w : tensor<?x2xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x2xf32>
  %sum = linalg.add ins(%routed, %sy : tensor<?x2xf32>, tensor<?x2xf32>) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %sum : tensor<?x2xf32>
}

// Another entry shares the stacked weights; what is added to may start from a residual, and stand second.
// CHECK-LABEL: func.func @decode
// CHECK: moe.get_weight @up.with_shared
// CHECK: moe.combine %{{.*}} residual(%{{.*}} : tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<5 x 3>
// CHECK-NOT: linalg.add
func.func @decode(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %up = moe.get_weight @up : tensor<4x3x2xf32>
  %down = moe.get_weight @down : tensor<4x2x3xf32>
  %su = moe.get_weight @shared_up : tensor<3x2xf32>
  %sd = moe.get_weight @shared_down : tensor<2x3xf32>
  %sn = tensor.dim %x, %c0 : tensor<?x2xf32>
  %se = tensor.empty(%sn) : tensor<?x3xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<?x3xf32>) -> tensor<?x3xf32>
  %sa = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %su : tensor<?x2xf32>, tensor<3x2xf32>) outs(%sz : tensor<?x3xf32>) -> tensor<?x3xf32>
  %sh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sa : tensor<?x3xf32>) outs(%se : tensor<?x3xf32>) {
  ^bb0(%v: f32, %o: f32):
    %c = math.absf %v : f32
    linalg.yield %c : f32
  } -> tensor<?x3xf32>
  %sf = tensor.empty(%sn) : tensor<?x2xf32>
  %sy0 = linalg.fill ins(%zero : f32) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  %sy = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%sh, %sd : tensor<?x3xf32>, tensor<2x3xf32>) outs(%sy0 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %ids = moe.route %logits top_k(2) score(sigmoid) : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<?x2xf32>, tensor<?x2xi32> -> tensor<?x2xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%up, %down : tensor<4x3x2xf32>, tensor<4x2x3xf32>) {
  ^bb0(%r: tensor<?x2xf32>, %u: tensor<3x2xf32>, %d: tensor<2x3xf32>):
    %en = tensor.dim %r, %c0 : tensor<?x2xf32>
    %ee = tensor.empty(%en) : tensor<?x3xf32>
    %ez = linalg.fill ins(%zero : f32) outs(%ee : tensor<?x3xf32>) -> tensor<?x3xf32>
    %ea = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %u : tensor<?x2xf32>, tensor<3x2xf32>) outs(%ez : tensor<?x3xf32>) -> tensor<?x3xf32>
    %eh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%ea : tensor<?x3xf32>) outs(%ee : tensor<?x3xf32>) {
    ^bb0(%v: f32, %o: f32):
      %c = math.absf %v : f32
      linalg.yield %c : f32
    } -> tensor<?x3xf32>
    %ef = tensor.empty(%en) : tensor<?x2xf32>
    %ey0 = linalg.fill ins(%zero : f32) outs(%ef : tensor<?x2xf32>) -> tensor<?x2xf32>
    %ey = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%eh, %d : tensor<?x3xf32>, tensor<2x3xf32>) outs(%ey0 : tensor<?x2xf32>) -> tensor<?x2xf32>
    moe.yield %ey : tensor<?x2xf32>
  } : tensor<?x2xf32>, !moe.plan<4 x 2> -> tensor<?x2xf32>
  %routed = moe.combine %y, %plan, %w residual(%other : tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x2xf32>
  %sum = linalg.add ins(%sy, %routed : tensor<?x2xf32>, tensor<?x2xf32>) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %sum : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @keeps
func.func @keeps() -> tensor<4x3x2xf32> {
  %up = moe.get_weight @up : tensor<4x3x2xf32>
  return %up : tensor<4x3x2xf32>
}
