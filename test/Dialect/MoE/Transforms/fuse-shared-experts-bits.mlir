// RUN: moe-opt %s --test-moe-evaluate -o %t.mlir > %t.before
// RUN: moe-opt %s --pass-pipeline="builtin.module(moe-fuse-shared-experts,test-moe-evaluate)" -o %t.mlir > %t.after
// RUN: diff %t.before %t.after
// RUN: FileCheck %s --input-file=%t.mlir

// The same bits with the shared expert among the others.
// CHECK: shared_experts<1, one>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, n) -> (r, n)>
moe.weight @up : tensor<4x3x2xf32> from dense<[[[-0.5241, 0.0885], [-0.2601, 0.2078], [0.2514, -0.8689]], [[-0.9737, 0.6749], [-0.4813, -0.5313], [0.9913, -0.0595]], [[0.6729, -0.0473], [0.2781, -0.6988], [0.2697, 0.7361]], [[0.0464, 0.4825], [0.3428, -0.8719], [0.5165, 0.1822]]]> : tensor<4x3x2xf32>
moe.weight @down : tensor<4x2x3xf32> from dense<[[[-0.3975, -0.9380, 0.7311], [-0.0545, 0.4376, 0.7576]], [[0.4283, 0.8422, -0.2101], [0.6018, -0.1108, 0.8712]], [[0.7577, -0.8051, -0.7281], [-0.5660, 0.9310, -0.1277]], [[0.2533, -0.3979, 0.0145], [-0.2283, -0.2982, 0.1701]]]> : tensor<4x2x3xf32>
moe.weight @shared_up : tensor<3x2xf32> from dense<[[0.1685, 0.8084], [0.3640, 0.8579], [0.7128, 0.9820]]> : tensor<3x2xf32>
moe.weight @shared_down : tensor<2x3xf32> from dense<[[0.3425, -0.6738, 0.7213], [0.9293, 0.8094, 0.1382]]> : tensor<2x3xf32>

func.func private @layer(%x: tensor<?x2xf32>, %logits: tensor<?x4xf32>, %other: tensor<?x2xf32>) -> tensor<?x2xf32> {
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

func.func @tokens() -> tensor<?x2xi32> {
  %x = arith.constant dense<[[0.1, 0.2], [-0.3, 0.7], [1.1, -0.9]]> : tensor<3x2xf32>
  %logits = arith.constant dense<[[0.1, 0.2, 0.3, 0.4], [4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]]> : tensor<3x4xf32>
  %xd = tensor.cast %x : tensor<3x2xf32> to tensor<?x2xf32>
  %ld = tensor.cast %logits : tensor<3x4xf32> to tensor<?x4xf32>
  %y = call @layer(%xd, %ld, %xd) : (tensor<?x2xf32>, tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %bits = arith.bitcast %y : tensor<?x2xf32> to tensor<?x2xi32>
  return %bits : tensor<?x2xi32>
}
