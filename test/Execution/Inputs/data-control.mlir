// What data decide: an expert that looks at all of its rows, in a layer inside each expert; then branches and loops.
#id = affine_map<(r, d) -> (r, d)>
#row = affine_map<(r, d) -> (r)>
#column = affine_map<(r, d) -> (d)>
#by_column = affine_map<(d, r) -> (r, d)>
#of_column = affine_map<(d, r) -> (d)>
#none = affine_map<(r, d) -> ()>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
moe.weight @outer : tensor<5x12xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @inner : tensor<5x3x12xf32> from #moe.random<seed = 2, scale = 1.0>
moe.weight @mix : tensor<5x3x12x12xbf16> from #moe.random<seed = 3, scale = 0.5>

// A row less the mean of the expert's rows, times its matrix, added to the row.
func.func private @expert(%r: tensor<?x12xf32>, %w: tensor<12x12xbf16>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %r, %c0 : tensor<?x12xf32>
  %count = arith.index_cast %n : index to i32
  %rows = arith.sitofp %count : i32 to f32
  %me = tensor.empty() : tensor<12xf32>
  %mz = linalg.fill ins(%zero : f32) outs(%me : tensor<12xf32>) -> tensor<12xf32>
  %sum = linalg.generic {indexing_maps = [#by_column, #of_column], iterator_types = ["parallel", "reduction"]}
      ins(%r : tensor<?x12xf32>) outs(%mz : tensor<12xf32>) {
  ^bb0(%a: f32, %s: f32):
    %v = arith.addf %s, %a : f32
    linalg.yield %v : f32
  } -> tensor<12xf32>
  %e = tensor.empty(%n) : tensor<?x12xf32>
  %centred = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%r, %sum : tensor<?x12xf32>, tensor<12xf32>) outs(%e : tensor<?x12xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %m = arith.divf %s, %rows : f32
    %v = arith.subf %a, %m : f32
    linalg.yield %v : f32
  } -> tensor<?x12xf32>
  %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%centred, %w : tensor<?x12xf32>, tensor<12x12xbf16>)
      outs(%r : tensor<?x12xf32>) -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

func.func private @route(%x: tensor<?x12xf32>, %router: tensor<?x12xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x12xf32>
  %experts = tensor.dim %router, %c0 : tensor<?x12xf32>
  %e = tensor.empty(%t, %experts) : tensor<?x?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %router : tensor<?x12xf32>, tensor<?x12xf32>)
      outs(%z : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

func.func private @layer(%x: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %outer = moe.get_weight @outer : tensor<5x12xf32>
  %inner = moe.get_weight @inner : tensor<5x3x12xf32>
  %mix = moe.get_weight @mix : tensor<5x3x12x12xbf16>
  %router = tensor.cast %outer : tensor<5x12xf32> to tensor<?x12xf32>
  %any = call @route(%x, %router) : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x?xf32>
  %logits = tensor.cast %any : tensor<?x?xf32> to tensor<?x5xf32>
  %w, %ids = moe.route %logits top_k(2) score(none) : tensor<?x5xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x12xf32>, tensor<?x2xi32> -> tensor<?x12xf32>, !moe.plan<5 x 2>
  %y = moe.expert %rows, %plan weights(%inner, %mix : tensor<5x3x12xf32>, tensor<5x3x12x12xbf16>) {
  ^bb0(%r: tensor<?x12xf32>, %router1: tensor<3x12xf32>, %mix1: tensor<3x12x12xbf16>):
    %router2 = tensor.cast %router1 : tensor<3x12xf32> to tensor<?x12xf32>
    %any1 = func.call @route(%r, %router2) : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x?xf32>
    %logits1 = tensor.cast %any1 : tensor<?x?xf32> to tensor<?x3xf32>
    %w1, %ids1 = moe.route %logits1 top_k(3) score(none) : tensor<?x3xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
    %rows1, %plan1 = moe.dispatch %r, %ids1 experts(3) : tensor<?x12xf32>, tensor<?x3xi32> -> tensor<?x12xf32>, !moe.plan<3 x 3>
    %y1 = moe.expert %rows1, %plan1 weights(%mix1 : tensor<3x12x12xbf16>) {
    ^bb1(%r2: tensor<?x12xf32>, %mix2: tensor<12x12xbf16>):
      %y2 = func.call @expert(%r2, %mix2) : (tensor<?x12xf32>, tensor<12x12xbf16>) -> tensor<?x12xf32>
      moe.yield %y2 : tensor<?x12xf32>
    } : tensor<?x12xf32>, !moe.plan<3 x 3> -> tensor<?x12xf32>
    %z1 = moe.combine %y1, %plan1, %w1 : tensor<?x12xf32>, !moe.plan<3 x 3>, tensor<?x3xf32> -> tensor<?x12xf32>
    moe.yield %z1 : tensor<?x12xf32>
  } : tensor<?x12xf32>, !moe.plan<5 x 2> -> tensor<?x12xf32>
  %z = moe.combine %y, %plan, %w residual(%x : tensor<?x12xf32>) : tensor<?x12xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x12xf32>
  return %z : tensor<?x12xf32>
}

// The rows are doubled where their sum is positive, and made smaller as often as they have positive ends; a number
// carried around and one returned by a branch are added at last.
func.func private @control(%x: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c11 = arith.constant 11 : index
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %t = tensor.dim %x, %c0 : tensor<?x12xf32>
  %se = tensor.empty() : tensor<f32>
  %sz = linalg.fill ins(%zero : f32) outs(%se : tensor<f32>) -> tensor<f32>
  %sums = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x12xf32>) outs(%sz : tensor<f32>) {
  ^bb0(%a: f32, %s: f32):
    %v = arith.addf %s, %a : f32
    linalg.yield %v : f32
  } -> tensor<f32>
  %sum = tensor.extract %sums[] : tensor<f32>
  %isPositive = arith.cmpf ogt, %sum, %zero : f32
  %doubled, %number = scf.if %isPositive -> (tensor<?x12xf32>, f32) {
    %d = linalg.add ins(%x, %x : tensor<?x12xf32>, tensor<?x12xf32>) outs(%x : tensor<?x12xf32>) -> tensor<?x12xf32>
    %v = tensor.extract %d[%c0, %c1] : tensor<?x12xf32>
    scf.yield %d, %v : tensor<?x12xf32>, f32
  } else {
    scf.yield %x, %half : tensor<?x12xf32>, f32
  }
  %ends = scf.for %i = %c0 to %t step %c1 iter_args(%n = %c0) -> index {
    %v = tensor.extract %x[%i, %c11] : tensor<?x12xf32>
    %is = arith.cmpf ogt, %v, %zero : f32
    %more = arith.addi %n, %c1 : index
    %next = arith.select %is, %more, %n : index
    scf.yield %next : index
  }
  %bound = arith.minui %ends, %t : index
  %smaller, %carried = scf.for %i = %c0 to %bound step %c1 iter_args(%y = %doubled, %s = %zero) -> (tensor<?x12xf32>, f32) {
    %next = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%y : tensor<?x12xf32>) {
    ^bb0(%o: f32):
      %v = arith.mulf %o, %half : f32
      %w = arith.subf %v, %s : f32
      linalg.yield %w : f32
    } -> tensor<?x12xf32>
    %v = tensor.extract %next[%i, %c0] : tensor<?x12xf32>
    scf.yield %next, %v : tensor<?x12xf32>, f32
  }
  %result = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%smaller : tensor<?x12xf32>) {
  ^bb0(%o: f32):
    %v = arith.addf %o, %carried : f32
    %w = arith.addf %v, %number : f32
    linalg.yield %w : f32
  } -> tensor<?x12xf32>
  return %result : tensor<?x12xf32>
}

func.func @prefill(%x: tensor<?x12xf32> {moe.name = "x", moe.max_shape = array<i64: 40, 12>})
    -> (tensor<?x12xf32> {moe.name = "y", moe.max_shape = array<i64: 40, 12>}, tensor<?x12xf32> {moe.name = "z", moe.max_shape = array<i64: 40, 12>}) {
  %y = call @layer(%x) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  %z = call @control(%x) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  return %y, %z : tensor<?x12xf32>, tensor<?x12xf32>
}

func.func @decode(%x: tensor<1x12xf32> {moe.name = "x"}) -> (tensor<1x12xf32> {moe.name = "y"}, tensor<1x12xf32> {moe.name = "z"}) {
  %any = tensor.cast %x : tensor<1x12xf32> to tensor<?x12xf32>
  %y = call @layer(%any) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  %z = call @control(%any) : (tensor<?x12xf32>) -> tensor<?x12xf32>
  %y1 = tensor.cast %y : tensor<?x12xf32> to tensor<1x12xf32>
  %z1 = tensor.cast %z : tensor<?x12xf32> to tensor<1x12xf32>
  return %y1, %z1 : tensor<1x12xf32>, tensor<1x12xf32>
}
