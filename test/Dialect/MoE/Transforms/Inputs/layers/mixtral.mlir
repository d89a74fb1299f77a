// Mixtral: two of eight experts, weights of sum 1.
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, n) -> (r, n)>
#column = affine_map<(r, n) -> (n)>
moe.weight @router : tensor<8x12xf32> from #moe.random<seed = 1, scale = 0.5>
moe.weight @gate : tensor<8x20x12xbf16> from #moe.random<seed = 3, scale = 0.5>
moe.weight @up : tensor<8x20x12xbf16> from #moe.random<seed = 4, scale = 0.5>
moe.weight @down : tensor<8x12x20xbf16> from #moe.random<seed = 5, scale = 0.5>
moe.weight @input : tensor<5x12xf32> from #moe.random<seed = 20, scale = 1.0>

func.func private @layer(%x: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x12xf32>
  %router = moe.get_weight @router : tensor<8x12xf32>
  %logitse = tensor.empty(%n) : tensor<?x8xf32>
  %logitsz = linalg.fill ins(%zero : f32) outs(%logitse : tensor<?x8xf32>) -> tensor<?x8xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %router : tensor<?x12xf32>, tensor<8x12xf32>) outs(%logitsz : tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %gate = moe.get_weight @gate : tensor<8x20x12xbf16>
  %up = moe.get_weight @up : tensor<8x20x12xbf16>
  %down = moe.get_weight @down : tensor<8x12x20xbf16>
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x12xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%gate, %up, %down : tensor<8x20x12xbf16>, tensor<8x20x12xbf16>, tensor<8x12x20xbf16>) {
  ^bb0(%r: tensor<?x12xf32>, %gate1: tensor<20x12xbf16>, %up1: tensor<20x12xbf16>, %down1: tensor<12x20xbf16>):
    %m = tensor.dim %r, %c0 : tensor<?x12xf32>
    %e_ae = tensor.empty(%m) : tensor<?x20xf32>
    %e_az = linalg.fill ins(%zero : f32) outs(%e_ae : tensor<?x20xf32>) -> tensor<?x20xf32>
    %e_a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %gate1 : tensor<?x12xf32>, tensor<20x12xbf16>) outs(%e_az : tensor<?x20xf32>) -> tensor<?x20xf32>
    %e_be = tensor.empty(%m) : tensor<?x20xf32>
    %e_bz = linalg.fill ins(%zero : f32) outs(%e_be : tensor<?x20xf32>) -> tensor<?x20xf32>
    %e_b = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %up1 : tensor<?x12xf32>, tensor<20x12xbf16>) outs(%e_bz : tensor<?x20xf32>) -> tensor<?x20xf32>
    %e_he = tensor.empty(%m) : tensor<?x20xf32>
    %e_h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%e_a, %e_b : tensor<?x20xf32>, tensor<?x20xf32>) outs(%e_he : tensor<?x20xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %neg = arith.negf %p : f32
    %exp = math.exp %neg : f32
    %den = arith.addf %one, %exp : f32
    %act = arith.divf %p, %den : f32
    %v = arith.mulf %act, %q : f32
    linalg.yield %v : f32
    } -> tensor<?x20xf32>
    %e_ye = tensor.empty(%m) : tensor<?x12xf32>
    %e_yz = linalg.fill ins(%zero : f32) outs(%e_ye : tensor<?x12xf32>) -> tensor<?x12xf32>
    %e_y = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%e_h, %down1 : tensor<?x20xf32>, tensor<12x20xbf16>) outs(%e_yz : tensor<?x12xf32>) -> tensor<?x12xf32>
    moe.yield %e_y : tensor<?x12xf32>
  } : tensor<?x12xf32>, !moe.plan<8 x 2> -> tensor<?x12xf32>
  %out = moe.combine %y, %plan, %w residual(%x : tensor<?x12xf32>) : tensor<?x12xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x12xf32>
  return %out : tensor<?x12xf32>
}

func.func @tokens() -> tensor<?x12xi32> {
  %x = moe.get_weight @input : tensor<5x12xf32>
  %any = tensor.cast %x : tensor<5x12xf32> to tensor<?x12xf32>
  %y = call @layer(%any) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  %bits = arith.bitcast %y : tensor<?x12xf32> to tensor<?x12xi32>
  return %bits : tensor<?x12xi32>
}

func.func @prefill(%x: tensor<?x12xf32> {moe.name = "x", moe.max_shape = array<i64: 40, 12>}) -> (tensor<?x12xf32> {moe.name = "y", moe.max_shape = array<i64: 40, 12>}) {
  %y = call @layer(%x) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

func.func @decode(%x: tensor<1x12xf32> {moe.name = "x"}) -> (tensor<1x12xf32> {moe.name = "y"}) {
  %any = tensor.cast %x : tensor<1x12xf32> to tensor<?x12xf32>
  %y = call @layer(%any) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  %one = tensor.cast %y : tensor<?x12xf32> to tensor<1x12xf32>
  return %one : tensor<1x12xf32>
}
