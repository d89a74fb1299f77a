// DeepSeek-V3: sigmoid scores with a selection bias and groups, and a shared expert that is added.
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, n) -> (r, n)>
#column = affine_map<(r, n) -> (n)>
moe.weight @router : tensor<16x12xf32> from #moe.random<seed = 1, scale = 0.5>
moe.weight @router_bias : tensor<16xf32> from #moe.random<seed = 2, scale = 0.5>
moe.weight @gate : tensor<16x8x12xbf16> from #moe.random<seed = 3, scale = 0.5>
moe.weight @up : tensor<16x8x12xbf16> from #moe.random<seed = 4, scale = 0.5>
moe.weight @down : tensor<16x12x8xbf16> from #moe.random<seed = 5, scale = 0.5>
moe.weight @shared_gate : tensor<8x12xbf16> from #moe.random<seed = 13, scale = 0.5>
moe.weight @shared_up : tensor<8x12xbf16> from #moe.random<seed = 14, scale = 0.5>
moe.weight @shared_down : tensor<12x8xbf16> from #moe.random<seed = 15, scale = 0.5>
moe.weight @input : tensor<5x12xf32> from #moe.random<seed = 20, scale = 1.0>

func.func private @layer(%x: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x12xf32>
  %router = moe.get_weight @router : tensor<16x12xf32>
  %logitse = tensor.empty(%n) : tensor<?x16xf32>
  %logitsz = linalg.fill ins(%zero : f32) outs(%logitse : tensor<?x16xf32>) -> tensor<?x16xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %router : tensor<?x12xf32>, tensor<16x12xf32>) outs(%logitsz : tensor<?x16xf32>) -> tensor<?x16xf32>
  %router_bias = moe.get_weight @router_bias : tensor<16xf32>
  %w, %ids = moe.route %logits bias(%router_bias : tensor<16xf32>) top_k(4) score(sigmoid) groups<4, keep = 2, by = top2, mask = lowest> normalize(1.0e-20) scale(2.5) : tensor<?x16xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  %gate = moe.get_weight @gate : tensor<16x8x12xbf16>
  %up = moe.get_weight @up : tensor<16x8x12xbf16>
  %down = moe.get_weight @down : tensor<16x12x8xbf16>
  %rows, %plan = moe.dispatch %x, %ids experts(16) : tensor<?x12xf32>, tensor<?x4xi32> -> tensor<?x12xf32>, !moe.plan<16 x 4>
  %y = moe.expert %rows, %plan weights(%gate, %up, %down : tensor<16x8x12xbf16>, tensor<16x8x12xbf16>, tensor<16x12x8xbf16>) {
  ^bb0(%r: tensor<?x12xf32>, %gate1: tensor<8x12xbf16>, %up1: tensor<8x12xbf16>, %down1: tensor<12x8xbf16>):
    %m = tensor.dim %r, %c0 : tensor<?x12xf32>
    %e_ae = tensor.empty(%m) : tensor<?x8xf32>
    %e_az = linalg.fill ins(%zero : f32) outs(%e_ae : tensor<?x8xf32>) -> tensor<?x8xf32>
    %e_a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %gate1 : tensor<?x12xf32>, tensor<8x12xbf16>) outs(%e_az : tensor<?x8xf32>) -> tensor<?x8xf32>
    %e_be = tensor.empty(%m) : tensor<?x8xf32>
    %e_bz = linalg.fill ins(%zero : f32) outs(%e_be : tensor<?x8xf32>) -> tensor<?x8xf32>
    %e_b = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %up1 : tensor<?x12xf32>, tensor<8x12xbf16>) outs(%e_bz : tensor<?x8xf32>) -> tensor<?x8xf32>
    %e_he = tensor.empty(%m) : tensor<?x8xf32>
    %e_h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%e_a, %e_b : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e_he : tensor<?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %neg = arith.negf %p : f32
    %exp = math.exp %neg : f32
    %den = arith.addf %one, %exp : f32
    %act = arith.divf %p, %den : f32
    %v = arith.mulf %act, %q : f32
    linalg.yield %v : f32
    } -> tensor<?x8xf32>
    %e_ye = tensor.empty(%m) : tensor<?x12xf32>
    %e_yz = linalg.fill ins(%zero : f32) outs(%e_ye : tensor<?x12xf32>) -> tensor<?x12xf32>
    %e_y = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%e_h, %down1 : tensor<?x8xf32>, tensor<12x8xbf16>) outs(%e_yz : tensor<?x12xf32>) -> tensor<?x12xf32>
    moe.yield %e_y : tensor<?x12xf32>
  } : tensor<?x12xf32>, !moe.plan<16 x 4> -> tensor<?x12xf32>
  %shared_gate = moe.get_weight @shared_gate : tensor<8x12xbf16>
  %shared_up = moe.get_weight @shared_up : tensor<8x12xbf16>
  %shared_down = moe.get_weight @shared_down : tensor<12x8xbf16>
  %s_ae = tensor.empty(%n) : tensor<?x8xf32>
  %s_az = linalg.fill ins(%zero : f32) outs(%s_ae : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s_a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %shared_gate : tensor<?x12xf32>, tensor<8x12xbf16>) outs(%s_az : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s_be = tensor.empty(%n) : tensor<?x8xf32>
  %s_bz = linalg.fill ins(%zero : f32) outs(%s_be : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s_b = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %shared_up : tensor<?x12xf32>, tensor<8x12xbf16>) outs(%s_bz : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s_he = tensor.empty(%n) : tensor<?x8xf32>
  %s_h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s_a, %s_b : tensor<?x8xf32>, tensor<?x8xf32>) outs(%s_he : tensor<?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %neg = arith.negf %p : f32
    %exp = math.exp %neg : f32
    %den = arith.addf %one, %exp : f32
    %act = arith.divf %p, %den : f32
    %v = arith.mulf %act, %q : f32
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  %s_ye = tensor.empty(%n) : tensor<?x12xf32>
  %s_yz = linalg.fill ins(%zero : f32) outs(%s_ye : tensor<?x12xf32>) -> tensor<?x12xf32>
  %s_y = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%s_h, %shared_down : tensor<?x8xf32>, tensor<12x8xbf16>) outs(%s_yz : tensor<?x12xf32>) -> tensor<?x12xf32>
  %routed = moe.combine %y, %plan, %w : tensor<?x12xf32>, !moe.plan<16 x 4>, tensor<?x4xf32> -> tensor<?x12xf32>
  %sume = tensor.empty(%n) : tensor<?x12xf32>
  %sum = linalg.add ins(%routed, %s_y : tensor<?x12xf32>, tensor<?x12xf32>) outs(%sume : tensor<?x12xf32>) -> tensor<?x12xf32>
  return %sum : tensor<?x12xf32>
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
