// RUN: moe-opt %s --pass-pipeline="builtin.module(moe-fuse-shared-experts)" --remarks-filter="moe-fuse-shared-experts" -o %t.mlir 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=KEPT --input-file=%t.mlir

// KEPT-NOT: shared_experts
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, n) -> (r, n)>
moe.weight @up : tensor<4x3x2xf32> from #moe.checkpoint<"demo", ["e.0.up", "e.1.up", "e.2.up", "e.3.up"]>
moe.weight @down : tensor<4x2x3xf32> from #moe.checkpoint<"demo", ["e.0.down", "e.1.down", "e.2.down", "e.3.down"]>
moe.weight @shared_up : tensor<3x2xf32> from #moe.checkpoint<"demo", ["shared_up"]>
moe.weight @shared_down : tensor<2x3xf32> from #moe.checkpoint<"demo", ["shared_down"]>
moe.weight @wide_up : tensor<6x2xf32> from #moe.checkpoint<"demo", ["wide_up"]>
moe.weight @wide_down : tensor<2x6xf32> from #moe.checkpoint<"demo", ["wide_down"]>
moe.weight @other_way_up : tensor<3x2xf32> from #moe.random<seed = 1, scale = 1.0> transposed

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since the sum over slots starts from it, and would end with it
func.func @first(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
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
  %routed = moe.combine %y, %plan, %w residual(%sy : tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x2xf32>
  return %routed : tensor<?x2xf32>
}

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since its 'linalg.generic' is not as wide as an expert's
func.func @wide(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %up = moe.get_weight @up : tensor<4x3x2xf32>
  %down = moe.get_weight @down : tensor<4x2x3xf32>
  %su = moe.get_weight @wide_up : tensor<6x2xf32>
  %sd = moe.get_weight @wide_down : tensor<2x6xf32>
  %sn = tensor.dim %x, %c0 : tensor<?x2xf32>
  %se = tensor.empty(%sn) : tensor<?x6xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<?x6xf32>) -> tensor<?x6xf32>
  %sa = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %su : tensor<?x2xf32>, tensor<6x2xf32>) outs(%sz : tensor<?x6xf32>) -> tensor<?x6xf32>
  %sh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sa : tensor<?x6xf32>) outs(%se : tensor<?x6xf32>) {
  ^bb0(%v: f32, %o: f32):
    %c = math.absf %v : f32
    linalg.yield %c : f32
  } -> tensor<?x6xf32>
  %sf = tensor.empty(%sn) : tensor<?x2xf32>
  %sy0 = linalg.fill ins(%zero : f32) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  %sy = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%sh, %sd : tensor<?x6xf32>, tensor<2x6xf32>) outs(%sy0 : tensor<?x2xf32>) -> tensor<?x2xf32>
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

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since its 'linalg.generic' computes something else than an expert's
func.func @activation(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
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
    %c = math.exp %v : f32
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

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since it works on other rows than the experts
func.func @rows(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %up = moe.get_weight @up : tensor<4x3x2xf32>
  %down = moe.get_weight @down : tensor<4x2x3xf32>
  %su = moe.get_weight @shared_up : tensor<3x2xf32>
  %sd = moe.get_weight @shared_down : tensor<2x3xf32>
  %sn = tensor.dim %other, %c0 : tensor<?x2xf32>
  %se = tensor.empty(%sn) : tensor<?x3xf32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<?x3xf32>) -> tensor<?x3xf32>
  %sa = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%other, %su : tensor<?x2xf32>, tensor<3x2xf32>) outs(%sz : tensor<?x3xf32>) -> tensor<?x3xf32>
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

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since the choice of experts has more to it
func.func @counted(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
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
  %w, %ids, %counts = moe.route %logits top_k(2) score(sigmoid) with_counts : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<4xi32>
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

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since a weight of it cannot be stacked with the experts'
func.func @source(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %up = moe.get_weight @up : tensor<4x3x2xf32>
  %down = moe.get_weight @down : tensor<4x2x3xf32>
  %su = moe.get_weight @other_way_up : tensor<3x2xf32>
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

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since the choice or the rows of experts have other uses
func.func @used(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
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
  %n = tensor.dim %rows, %c0 : tensor<?x2xf32>
  %m = tensor.empty(%n) : tensor<?x2xf32>
  %sum2 = linalg.add ins(%sum, %m : tensor<?x2xf32>, tensor<?x2xf32>) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %sum2 : tensor<?x2xf32>
}

// CHECK: [Missed] shared-expert | {{.*}}a shared expert stays on its own, since the experts become a loop, whose products round otherwise
func.func @loop(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
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
  %sy = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%sh, %sd : tensor<?x3xf32>, tensor<2x3xf32>) outs(%x : tensor<?x2xf32>) -> tensor<?x2xf32>
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
    %ey = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%eh, %d : tensor<?x3xf32>, tensor<2x3xf32>) outs(%r : tensor<?x2xf32>) -> tensor<?x2xf32>
    moe.yield %ey : tensor<?x2xf32>
  } : tensor<?x2xf32>, !moe.plan<4 x 2> -> tensor<?x2xf32>
  %routed = moe.combine %y, %plan, %w : tensor<?x2xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x2xf32>
  %sum = linalg.add ins(%routed, %sy : tensor<?x2xf32>, tensor<?x2xf32>) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %sum : tensor<?x2xf32>
}

// A residual that is added is no expert, and not worth a word.
// CHECK-NOT: shared-expert
func.func @residual(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
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
  %sum = linalg.add ins(%routed, %other : tensor<?x2xf32>, tensor<?x2xf32>) outs(%sf : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %sum : tensor<?x2xf32>
}
