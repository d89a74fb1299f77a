// A layer at the sorted level, whose rows are counted in the running code.
func.func @layer(%x: tensor<?x4xf32> {moe.max_shape = array<i64: 16, 4>}, %ids: tensor<?x2xi32> {moe.max_shape = array<i64: 16, 2>}, %other: tensor<?x2xi32> {moe.max_shape = array<i64: 16, 2>}, %w: tensor<?x2xf32> {moe.max_shape = array<i64: 16, 2>}) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %pairs = arith.muli %t, %c2 : index
  %e0 = tensor.empty() : tensor<4xi32>
  %e1 = tensor.empty(%pairs) : tensor<?xi32>
  %e2 = tensor.empty(%t) : tensor<?x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e0, %e1, %e2 : tensor<4xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32> loc("layer 3")
  %memory = tensor.empty(%pairs) : tensor<?x4xf32>
  %rows = moe.gather_rows %x order(%order : tensor<?xi32>) top_k(2) outs(%memory : tensor<?x4xf32>) : tensor<?x4xf32> loc("layer 3")
  %result = tensor.empty(%t) : tensor<?x4xf32>
  %out = moe.combine_rows %rows, %w inverse(%inverse : tensor<?x2xi32>) outs(%result : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<?x2xf32> loc("layer 3")
  return %out : tensor<?x4xf32>
}
