// A layer of experts and its schedule: sorted by expert, the product in tiles of 32 columns, tiles as loops.
#rows = affine_map<(m, n, k) -> (m, k)>
#weights = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

func.func @layer(%x: tensor<?x64xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %up: tensor<8x128x64xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<8x128x64xf32>) {
  ^bb0(%r: tensor<?x64xf32>, %u: tensor<128x64xf32>):
    %n = tensor.dim %r, %c0 : tensor<?x64xf32>
    %e = tensor.empty(%n) : tensor<?x128xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x128xf32>) -> tensor<?x128xf32>
    %h = linalg.matmul indexing_maps = [#rows, #weights, #out] ins(%r, %u : tensor<?x64xf32>, tensor<128x64xf32>) outs(%z : tensor<?x128xf32>) -> tensor<?x128xf32>
    moe.yield %h : tensor<?x128xf32>
  } : tensor<?x64xf32>, !moe.plan<8 x 2> -> tensor<?x128xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x128xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x128xf32>
  return %out : tensor<?x128xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %layers = transform.structured.match ops{["moe.dispatch"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.moe.sort_tokens %layers form("sorted") : !transform.any_op
    %products = transform.structured.match ops{["moe.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiles, %loops = transform.structured.tile_using_for %products tile_sizes [32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %functions = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %functions {
      transform.apply_patterns.moe.to_linalg
    } : !transform.any_op
    transform.yield
  }
}
