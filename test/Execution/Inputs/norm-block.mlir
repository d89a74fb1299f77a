// Rows alone: a residual and its norm, a norm of each head, a rotation, and the next residual's norm.
#id = affine_map<(r, n) -> (r, n)>
#row = affine_map<(r, n) -> (r)>
#column = affine_map<(r, n) -> (n)>
#id3 = affine_map<(r, h, n) -> (r, h, n)>
#head = affine_map<(r, h, n) -> (r, h)>
#column3 = affine_map<(r, h, n) -> (n)>
moe.weight @w : tensor<12xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @h : tensor<4xf32> from #moe.random<seed = 2, scale = 1.0>

func.func private @layer(%x: tensor<?x12xf32>) -> (tensor<?x12xf32>, tensor<?x12xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %width = arith.constant 12.0 : f32
  %head_width = arith.constant 4.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x12xf32>
  %w = moe.get_weight @w : tensor<12xf32>
  %h = moe.get_weight @h : tensor<4xf32>
  %e = tensor.empty(%n) : tensor<?x12xf32>
  %se = tensor.empty(%n) : tensor<?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%se : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<?x12xf32>, tensor<12xf32>) outs(%e : tensor<?x12xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x12xf32>
  %squares = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%sum : tensor<?x12xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %a : f32
    %v = arith.addf %o, %s : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %norm = linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %squares, %w : tensor<?x12xf32>, tensor<?xf32>, tensor<12xf32>) outs(%e : tensor<?x12xf32>) {
  ^bb0(%a: f32, %q: f32, %b: f32, %o: f32):
    %m = arith.divf %q, %width : f32
    %m1 = arith.addf %m, %eps : f32
    %r = math.sqrt %m1 : f32
    %i = arith.divf %a, %r : f32
    %v = arith.mulf %i, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x12xf32>
  %heads = tensor.expand_shape %norm [[0], [1, 2]] output_shape [%n, 3, 4] : tensor<?x12xf32> into tensor<?x3x4xf32>
  %he = tensor.empty(%n) : tensor<?x3xf32>
  %hz = linalg.fill ins(%zero : f32) outs(%he : tensor<?x3xf32>) -> tensor<?x3xf32>
  %head_squares = linalg.generic {indexing_maps = [#id3, #head], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%heads : tensor<?x3x4xf32>) outs(%hz : tensor<?x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %a : f32
    %v = arith.addf %o, %s : f32
    linalg.yield %v : f32
  } -> tensor<?x3xf32>
  %ne = tensor.empty(%n) : tensor<?x3x4xf32>
  %head_norm = linalg.generic {indexing_maps = [#id3, #head, #column3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%heads, %head_squares, %h : tensor<?x3x4xf32>, tensor<?x3xf32>, tensor<4xf32>) outs(%ne : tensor<?x3x4xf32>) {
  ^bb0(%a: f32, %q: f32, %b: f32, %o: f32):
    %m = arith.divf %q, %head_width : f32
    %m1 = arith.addf %m, %eps : f32
    %r = math.sqrt %m1 : f32
    %i = arith.divf %a, %r : f32
    %v = arith.mulf %i, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x3x4xf32>
  %rotated = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%head_norm : tensor<?x3x4xf32>) outs(%ne : tensor<?x3x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %c3 = arith.constant 3 : index
    %r = linalg.index 0 : index
    %k = linalg.index 1 : index
    %j = linalg.index 2 : index
    %other = arith.subi %c3, %j : index
    %p = tensor.extract %head_norm[%r, %k, %other] : tensor<?x3x4xf32>
    %v = arith.subf %a, %p : f32
    linalg.yield %v : f32
  } -> tensor<?x3x4xf32>
  %flat = tensor.collapse_shape %rotated [[0], [1, 2]] : tensor<?x3x4xf32> into tensor<?x12xf32>
  return %sum, %flat : tensor<?x12xf32>, tensor<?x12xf32>
}

func.func @prefill(%x: tensor<?x12xf32> {moe.name = "x", moe.max_shape = array<i64: 40, 12>})
    -> (tensor<?x12xf32> {moe.name = "rotated", moe.max_shape = array<i64: 40, 12>}, tensor<?x12xf32> {moe.name = "sum", moe.max_shape = array<i64: 40, 12>}) {
  %s, %r = call @layer(%x) : (tensor<?x12xf32>) -> (tensor<?x12xf32>, tensor<?x12xf32>)
  return %r, %s : tensor<?x12xf32>, tensor<?x12xf32>
}

func.func @decode(%x: tensor<1x12xf32> {moe.name = "x"}) -> (tensor<1x12xf32> {moe.name = "rotated"}, tensor<1x12xf32> {moe.name = "sum"}) {
  %any = tensor.cast %x : tensor<1x12xf32> to tensor<?x12xf32>
  %s, %r = call @layer(%any) : (tensor<?x12xf32>) -> (tensor<?x12xf32>, tensor<?x12xf32>)
  %s1 = tensor.cast %s : tensor<?x12xf32> to tensor<1x12xf32>
  %r1 = tensor.cast %r : tensor<?x12xf32> to tensor<1x12xf32>
  return %r1, %s1 : tensor<1x12xf32>, tensor<1x12xf32>
}
