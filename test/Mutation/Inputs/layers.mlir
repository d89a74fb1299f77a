// Layers at the sorted and fused levels, as the passes write them; each is checked, evaluated, and broken in many ways.
#id = affine_map<(r, n) -> (r, n)>
#bias = affine_map<(r, n, e, t, s) -> (e, n)>

func.func @sorted() -> tensor<3x2xf32> {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, -4.0], [5.0, 7.0]]> : tensor<3x2xf32>
  %logits = arith.constant dense<[[3.0, 1.0, 2.0], [0.0, 4.0, 1.0], [2.0, 0.5, 1.0]]> : tensor<3x3xf32>
  %other_logits = arith.constant dense<[[1.0, 3.0, 2.0], [4.0, 0.0, 1.0], [1.0, 0.5, 2.0]]> : tensor<3x3xf32>
  %gate = arith.constant dense<[[[1.0, 2.0]], [[3.0, 5.0]], [[7.0, 11.0]]]> : tensor<3x1x2xf32>
  %down = arith.constant dense<[[[1.0], [2.0]], [[3.0], [5.0]], [[7.0], [11.0]]]> : tensor<3x2x1xf32>
  %weights, %ids = moe.route %logits top_k(2) score(softmax) : tensor<3x3xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %weights2, %ids2 = moe.route %other_logits top_k(2) score(softmax) : tensor<3x3xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f61 = tensor.empty() : tensor<6x1xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %offsets2, %order2, %inverse2 = moe.sort_tokens %ids2 experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %rows2 = moe.gather_rows %x order(%order2 : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %g = moe.grouped_matmul %rows, %gate offsets(%offsets : tensor<4xi32>) outs(%f61 : tensor<6x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  %g2 = moe.grouped_matmul %rows2, %gate offsets(%offsets2 : tensor<4xi32>) outs(%f61 : tensor<6x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%g : tensor<6x1xf32>) outs(%f61 : tensor<6x1xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.mulf %a, %a : f32
    linalg.yield %v : f32
  } -> tensor<6x1xf32>
  %y = moe.grouped_matmul %h, %down offsets(%offsets : tensor<4xi32>) outs(%f62 : tensor<6x2xf32>) : tensor<6x1xf32>, tensor<3x2x1xf32>
  %y2 = moe.grouped_matmul %g2, %down offsets(%offsets2 : tensor<4xi32>) outs(%f62 : tensor<6x2xf32>) : tensor<6x1xf32>, tensor<3x2x1xf32>
  %first = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) init(%x : tensor<3x2xf32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  %out = moe.combine_rows %y2, %weights2 inverse(%inverse2 : tensor<3x2xi32>) init(%first : tensor<3x2xf32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

func.func @fused() -> tensor<3x2xf32> {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, -4.0], [5.0, 7.0]]> : tensor<3x2xf32>
  %logits = arith.constant dense<[[3.0, 1.0, 2.0], [0.0, 4.0, 1.0], [2.0, 0.5, 1.0]]> : tensor<3x3xf32>
  %other_logits = arith.constant dense<[[1.0, 3.0, 2.0], [4.0, 0.0, 1.0], [1.0, 0.5, 2.0]]> : tensor<3x3xf32>
  %gate = arith.constant dense<[[[1.0, 2.0]], [[3.0, 5.0]], [[7.0, 11.0]]]> : tensor<3x1x2xf32>
  %up = arith.constant dense<[[[2.0, 1.0]], [[5.0, 3.0]], [[11.0, 7.0]]]> : tensor<3x1x2xf32>
  %down = arith.constant dense<[[[1.0], [2.0]], [[3.0], [5.0]], [[7.0], [11.0]]]> : tensor<3x2x1xf32>
  %bias = arith.constant dense<[[10.0], [20.0], [30.0]]> : tensor<3x1xf32>
  %weights, %ids = moe.route %logits top_k(2) score(softmax) capacity<tokens = 1, overflow = residual> : tensor<3x3xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %weights2, %ids2 = moe.route %other_logits top_k(2) score(softmax) : tensor<3x3xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f61 = tensor.empty() : tensor<6x1xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) partial outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %offsets2, %order2, %inverse2 = moe.sort_tokens %ids2 experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %rows2 = moe.gather_rows %x order(%order2 : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %other = moe.combine_rows %rows2, %weights2 inverse(%inverse2 : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  %h = moe.grouped_matmul %x, %gate, %up offsets(%offsets : tensor<4xi32>) order(%order : tensor<6xi32>) top_k(2) broadcast partial
      epilogue(%bias : tensor<3x1xf32>) maps([#bias]) outs(%f61 : tensor<6x1xf32>) {
  ^bb0(%p: f32, %q: f32, %b: f32):
    %s = arith.addf %p, %b : f32
    %v = arith.mulf %s, %q : f32
    moe.yield %v : f32
  } : tensor<3x2xf32>, tensor<3x1x2xf32>, tensor<3x1x2xf32>
  %out = moe.grouped_matmul %h, %down offsets(%offsets : tensor<4xi32>) partial combine(%weights : tensor<3x2xf32>) inverse(%inverse : tensor<3x2xi32>)
      skipped(%x : tensor<3x2xf32>) init(%other : tensor<3x2xf32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x1xf32>, tensor<3x2x1xf32>
  return %out : tensor<3x2xf32>
}

func.func @unsorted() -> tensor<1x2xf32> {
  %x = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %logits = arith.constant dense<[[3.0, 1.0, 2.0]]> : tensor<1x3xf32>
  %other_logits = arith.constant dense<[[1.0, 3.0, 2.0]]> : tensor<1x3xf32>
  %gate = arith.constant dense<[[[1.0, 2.0]], [[3.0, 5.0]], [[7.0, 11.0]]]> : tensor<3x1x2xf32>
  %down = arith.constant dense<[[[1.0], [2.0]], [[3.0], [5.0]], [[7.0], [11.0]]]> : tensor<3x2x1xf32>
  %weights, %ids = moe.route %logits top_k(2) score(softmax) : tensor<1x3xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  %weights2, %ids2 = moe.route %other_logits top_k(2) score(softmax) : tensor<1x3xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  %f21 = tensor.empty() : tensor<2x1xf32>
  %f22 = tensor.empty() : tensor<2x2xf32>
  %f12 = tensor.empty() : tensor<1x2xf32>
  %h = moe.grouped_matmul %x, %gate ids(%ids : tensor<1x2xi32>) broadcast outs(%f21 : tensor<2x1xf32>) : tensor<1x2xf32>, tensor<3x1x2xf32>
  %y = moe.grouped_matmul %h, %down ids(%ids : tensor<1x2xi32>) outs(%f22 : tensor<2x2xf32>) : tensor<2x1xf32>, tensor<3x2x1xf32>
  %out = moe.combine_rows %y, %weights outs(%f12 : tensor<1x2xf32>) : tensor<2x2xf32>, tensor<1x2xf32>
  return %out : tensor<1x2xf32>
}

func.func @loop() -> tensor<3x2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %x = arith.constant dense<[[1.0, 2.0], [3.0, -4.0], [5.0, 7.0]]> : tensor<3x2xf32>
  %ids = arith.constant dense<[[0, 2], [1, 2], [0, 1]]> : tensor<3x2xi32>
  %weights = arith.constant dense<[[0.5, 0.25], [0.75, 0.5], [1.0, 2.0]]> : tensor<3x2xf32>
  %scale = arith.constant dense<[[1.0, 2.0], [3.0, 5.0], [7.0, 11.0]]> : tensor<3x2xf32>
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %v = tensor.extract_slice %scale[%e, 0] [1, 2] [1, 1] : tensor<3x2xf32> to tensor<2xf32>
    %block = tensor.extract_slice %rows[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    %empty = tensor.empty(%size) : tensor<?x2xf32>
    %scaled = linalg.generic {indexing_maps = [#id, affine_map<(r, n) -> (n)>, #id], iterator_types = ["parallel", "parallel"]} ins(%block, %v : tensor<?x2xf32>, tensor<2xf32>) outs(%empty : tensor<?x2xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      linalg.yield %m : f32
    } -> tensor<?x2xf32>
    %more = tensor.insert_slice %scaled into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

func.func @groups() -> (tensor<1x2xf32>, tensor<1x2xi32>) {
  // All keys are below 0, and groups rank otherwise by their best expert, or without the bias.
  %logits = arith.constant dense<[[2.0, -3.0, 1.0, 1.0, -1.0, 0.0]]> : tensor<1x6xf32>
  %bias = arith.constant dense<[-2.0, -2.0, -2.0, -2.0, -2.0, -0.625]> : tensor<6xf32>
  %weights, %ids = moe.route %logits bias(%bias : tensor<6xf32>) top_k(2) score(sigmoid) groups<3, keep = 1, by = top2, mask = lowest> : tensor<1x6xf32> -> tensor<1x2xf32>, tensor<1x2xi32>
  return %weights, %ids : tensor<1x2xf32>, tensor<1x2xi32>
}
