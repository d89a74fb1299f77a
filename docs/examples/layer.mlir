// A Mixture-of-Experts layer: 8 experts, 2 a token, each `down(relu(up(row)))`.
#rows = affine_map<(m, n, k) -> (m, k)>
#weights = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

moe.weight @router : tensor<8x64xf32> from #moe.random<seed = 1, scale = 0.1>
moe.weight @up : tensor<8x128x64xf32> from #moe.random<seed = 2, scale = 0.1>
moe.weight @down : tensor<8x64x128xf32> from #moe.random<seed = 3, scale = 0.1>

func.func @layer(%x: tensor<?x64xf32> {moe.name = "x", moe.max_shape = array<i64: 256, 64>})
    -> (tensor<?x64xf32> {moe.name = "y"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x64xf32>
  %router = moe.get_weight @router : tensor<8x64xf32>
  %up = moe.get_weight @up : tensor<8x128x64xf32>
  %down = moe.get_weight @down : tensor<8x64x128xf32>

  %e = tensor.empty(%t) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %logits = linalg.matmul indexing_maps = [#rows, #weights, #out] ins(%x, %router : tensor<?x64xf32>, tensor<8x64xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%up, %down : tensor<8x128x64xf32>, tensor<8x64x128xf32>) {
  ^bb0(%r: tensor<?x64xf32>, %u: tensor<128x64xf32>, %d: tensor<64x128xf32>):
    %n = tensor.dim %r, %c0 : tensor<?x64xf32>
    %e1 = tensor.empty(%n) : tensor<?x128xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x128xf32>) -> tensor<?x128xf32>
    %h = linalg.matmul indexing_maps = [#rows, #weights, #out] ins(%r, %u : tensor<?x64xf32>, tensor<128x64xf32>) outs(%z1 : tensor<?x128xf32>) -> tensor<?x128xf32>
    %a = linalg.max ins(%h, %z1 : tensor<?x128xf32>, tensor<?x128xf32>) outs(%e1 : tensor<?x128xf32>) -> tensor<?x128xf32>
    %e2 = tensor.empty(%n) : tensor<?x64xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x64xf32>) -> tensor<?x64xf32>
    %o = linalg.matmul indexing_maps = [#rows, #weights, #out] ins(%a, %d : tensor<?x128xf32>, tensor<64x128xf32>) outs(%z2 : tensor<?x64xf32>) -> tensor<?x64xf32>
    moe.yield %o : tensor<?x64xf32>
  } : tensor<?x64xf32>, !moe.plan<8 x 2> -> tensor<?x64xf32>
  %out = moe.combine %y, %plan, %w residual(%x : tensor<?x64xf32>) : tensor<?x64xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x64xf32>
  return %out : tensor<?x64xf32>
}
