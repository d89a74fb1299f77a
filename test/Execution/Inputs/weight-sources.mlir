// Weights made of others, stored as rows, transposed and in panels.
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
moe.weight @rows : tensor<5x3x2xf32> from #moe.stack<[4, 1] of [#moe.random<seed = 1, scale = 1.0>, #moe.random<seed = 2, scale = 1.0>]>
moe.weight @columns : tensor<5x2x3xbf16> from #moe.stack<[4, 1] of [#moe.random<seed = 1, scale = 1.0>, #moe.random<seed = 2, scale = 1.0>]> transposed
moe.weight @vector : tensor<5xf32> from #moe.stack<[0, 2, 3] of [#moe.random<seed = 9, scale = 1.0>, dense<[1.0, 2.0]> : tensor<2xf32>, #moe.random<seed = 2, scale = 1.0>]>
moe.weight @odd : tensor<3x5x7xf32> from #moe.slice<#moe.random<seed = 3, scale = 1.0>, dim = 1, extent = 10, first = 1, step = 2>
moe.weight @half : tensor<3x5x7xbf16> from #moe.slice<#moe.random<seed = 3, scale = 1.0>, dim = 2, extent = 10, first = 5, step = 1> transposed
moe.weight @last : tensor<3x5xf32> from #moe.slice<#moe.random<seed = 4, scale = 1.0>, dim = 1, extent = 10, first = 0, step = 2>
moe.weight @outer : tensor<2x4xf32> from #moe.slice<#moe.random<seed = 5, scale = 1.0>, dim = 0, extent = 7, first = 2, step = 3>
moe.weight @both : tensor<6x5x7xf32> from #moe.stack<[3, 3] of [#moe.slice<#moe.random<seed = 3, scale = 1.0>, dim = 1, extent = 10, first = 0, step = 2>, #moe.random<seed = 6, scale = 1.0>]>
moe.weight @x : tensor<4x37xf32> from #moe.random<seed = 7, scale = 1.0>
moe.weight @panels : tensor<45x37xf32> from #moe.slice<#moe.stack<[20, 70] of [#moe.random<seed = 3, scale = 1.0>, #moe.random<seed = 4, scale = 1.0>]>, dim = 0, extent = 90, first = 1, step = 2>
// Transposes of squares have the type of their sources.
moe.weight @square : tensor<2x3x3xf32> from #moe.random<seed = 8, scale = 1.0> transposed
moe.weight @matrix : tensor<3x3xf32> from #moe.random<seed = 8, scale = 1.0> transposed
moe.weight @square_panels : tensor<37x37xf32> from #moe.random<seed = 8, scale = 1.0> transposed

func.func @stacks() -> (tensor<5x3x2xf32>, tensor<5x2x3xbf16>, tensor<5xf32>) {
  %a = moe.get_weight @rows : tensor<5x3x2xf32>
  %b = moe.get_weight @columns : tensor<5x2x3xbf16>
  %c = moe.get_weight @vector : tensor<5xf32>
  return %a, %b, %c : tensor<5x3x2xf32>, tensor<5x2x3xbf16>, tensor<5xf32>
}

func.func @slices() -> (tensor<3x5x7xf32>, tensor<3x5x7xbf16>, tensor<3x5xf32>, tensor<2x4xf32>) {
  %a = moe.get_weight @odd : tensor<3x5x7xf32>
  %b = moe.get_weight @half : tensor<3x5x7xbf16>
  %c = moe.get_weight @last : tensor<3x5xf32>
  %d = moe.get_weight @outer : tensor<2x4xf32>
  return %a, %b, %c, %d : tensor<3x5x7xf32>, tensor<3x5x7xbf16>, tensor<3x5xf32>, tensor<2x4xf32>
}

func.func @nested() -> tensor<6x5x7xf32> {
  %a = moe.get_weight @both : tensor<6x5x7xf32>
  return %a : tensor<6x5x7xf32>
}

func.func @product() -> tensor<4x45xf32> {
  %zero = arith.constant 0.0 : f32
  %x = moe.get_weight @x : tensor<4x37xf32>
  %w = moe.get_weight @panels : tensor<45x37xf32>
  %e = tensor.empty() : tensor<4x45xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4x45xf32>) -> tensor<4x45xf32>
  %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<4x37xf32>, tensor<45x37xf32>) outs(%z : tensor<4x45xf32>) -> tensor<4x45xf32>
  return %y : tensor<4x45xf32>
}

func.func @squares() -> (tensor<2x3x3xf32>, tensor<3x3xf32>, tensor<4x37xf32>) {
  %zero = arith.constant 0.0 : f32
  %a = moe.get_weight @square : tensor<2x3x3xf32>
  %b = moe.get_weight @matrix : tensor<3x3xf32>
  %x = moe.get_weight @x : tensor<4x37xf32>
  %w = moe.get_weight @square_panels : tensor<37x37xf32>
  %e = tensor.empty() : tensor<4x37xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4x37xf32>) -> tensor<4x37xf32>
  %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<4x37xf32>, tensor<37x37xf32>) outs(%z : tensor<4x37xf32>) -> tensor<4x37xf32>
  return %a, %b, %y : tensor<2x3x3xf32>, tensor<3x3xf32>, tensor<4x37xf32>
}
