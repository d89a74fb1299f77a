// GPT-OSS: biases of router and experts, gate and up interleaved in one projection, clamped.
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, n) -> (r, n)>
#column = affine_map<(r, n) -> (n)>
moe.weight @router : tensor<8x12xf32> from #moe.random<seed = 1, scale = 0.5>
moe.weight @router_bias : tensor<8xf32> from #moe.random<seed = 2, scale = 0.5>
moe.weight @gate_up : tensor<8x20x12xbf16> from #moe.random<seed = 3, scale = 0.5>
moe.weight @gate_up_bias : tensor<8x20xf32> from #moe.random<seed = 4, scale = 0.5>
moe.weight @down : tensor<8x12x10xbf16> from #moe.random<seed = 5, scale = 0.5>
moe.weight @down_bias : tensor<8x12xf32> from #moe.random<seed = 6, scale = 0.5>
moe.weight @input : tensor<5x12xf32> from #moe.random<seed = 7, scale = 0.5>

func.func private @layer(%x: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %limit = arith.constant 7.0 : f32
  %low = arith.constant -7.0 : f32
  %alpha = arith.constant 1.702 : f32
  %n = tensor.dim %x, %c0 : tensor<?x12xf32>
  %router = moe.get_weight @router : tensor<8x12xf32>
  %router_bias = moe.get_weight @router_bias : tensor<8xf32>
  %gate_up = moe.get_weight @gate_up : tensor<8x20x12xbf16>
  %gate_up_bias = moe.get_weight @gate_up_bias : tensor<8x20xf32>
  %down = moe.get_weight @down : tensor<8x12x10xbf16>
  %down_bias = moe.get_weight @down_bias : tensor<8x12xf32>
  %logitse = tensor.empty(%n) : tensor<?x8xf32>
  %logitsz = linalg.fill ins(%zero : f32) outs(%logitse : tensor<?x8xf32>) -> tensor<?x8xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %router : tensor<?x12xf32>, tensor<8x12xf32>) outs(%logitsz : tensor<?x8xf32>) -> tensor<?x8xf32>
  %biasede = tensor.empty(%n) : tensor<?x8xf32>
  %biased = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%logits, %router_bias : tensor<?x8xf32>, tensor<8xf32>) outs(%biasede : tensor<?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  %w, %ids = moe.route %biased top_k(4) score(softmax_topk) : tensor<?x8xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x12xf32>, tensor<?x4xi32> -> tensor<?x12xf32>, !moe.plan<8 x 4>
  %y = moe.expert %rows, %plan weights(%gate_up, %gate_up_bias, %down, %down_bias : tensor<8x20x12xbf16>, tensor<8x20xf32>, tensor<8x12x10xbf16>, tensor<8x12xf32>) {
  ^bb0(%r: tensor<?x12xf32>, %gate_up1: tensor<20x12xbf16>, %gate_up_bias1: tensor<20xf32>, %down1: tensor<12x10xbf16>, %down_bias1: tensor<12xf32>):
    %m = tensor.dim %r, %c0 : tensor<?x12xf32>
    %ge = tensor.empty(%m) : tensor<?x20xf32>
    %gz = linalg.fill ins(%zero : f32) outs(%ge : tensor<?x20xf32>) -> tensor<?x20xf32>
    %product = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %gate_up1 : tensor<?x12xf32>, tensor<20x12xbf16>) outs(%gz : tensor<?x20xf32>) -> tensor<?x20xf32>
    %both = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
        ins(%product, %gate_up_bias1 : tensor<?x20xf32>, tensor<20xf32>) outs(%ge : tensor<?x20xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %v = arith.addf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x20xf32>
    %gate = tensor.extract_slice %both[0, 0] [%m, 10] [1, 2] : tensor<?x20xf32> to tensor<?x10xf32>
    %up = tensor.extract_slice %both[0, 1] [%m, 10] [1, 2] : tensor<?x20xf32> to tensor<?x10xf32>
    %he = tensor.empty(%m) : tensor<?x10xf32>
    %h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%gate, %up : tensor<?x10xf32>, tensor<?x10xf32>) outs(%he : tensor<?x10xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %g = arith.minimumf %p, %limit : f32
      %u0 = arith.minimumf %q, %limit : f32
      %u = arith.maximumf %u0, %low : f32
      %ga = arith.mulf %g, %alpha : f32
      %neg = arith.negf %ga : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %one, %exp : f32
      %glu = arith.divf %g, %den : f32
      %u1 = arith.addf %u, %one : f32
      %v = arith.mulf %u1, %glu : f32
      linalg.yield %v : f32
    } -> tensor<?x10xf32>
    %ye = tensor.empty(%m) : tensor<?x12xf32>
    %yz = linalg.fill ins(%zero : f32) outs(%ye : tensor<?x12xf32>) -> tensor<?x12xf32>
    %down_rows = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%h, %down1 : tensor<?x10xf32>, tensor<12x10xbf16>) outs(%yz : tensor<?x12xf32>) -> tensor<?x12xf32>
    %yb = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
        ins(%down_rows, %down_bias1 : tensor<?x12xf32>, tensor<12xf32>) outs(%ye : tensor<?x12xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %v = arith.addf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x12xf32>
    moe.yield %yb : tensor<?x12xf32>
  } : tensor<?x12xf32>, !moe.plan<8 x 4> -> tensor<?x12xf32>
  %sum = moe.combine %y, %plan, %w residual(%x : tensor<?x12xf32>) : tensor<?x12xf32>, !moe.plan<8 x 4>, tensor<?x4xf32> -> tensor<?x12xf32>
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
