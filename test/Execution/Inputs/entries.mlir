#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#column = affine_map<(r, d) -> (d)>

moe.weight @f32 : tensor<2x3xf32> from dense<[[1.0, -2.5, 3.0e-40], [0.1, 1.0e30, -0.0]]> : tensor<2x3xf32>
moe.weight @bf16 : tensor<2x3xbf16> from dense<[[1.0, -2.5, 3.0], [0.5, 1.0e30, -0.0]]> : tensor<2x3xbf16>
moe.weight @i32 : tensor<3xi32> from dense<[1, -2, 2147483647]> : tensor<3xi32>
moe.weight @splat : tensor<5x7xf32> from dense<2.0> : tensor<5x7xf32>
moe.weight @square : tensor<37x19xf32> from #moe.random<seed = 1, scale = 1.0>

func.func @weights() -> (tensor<2x3xf32>, tensor<2x3xbf16>, tensor<3xi32>, tensor<5x7xf32>) {
  %0 = moe.get_weight @f32 : tensor<2x3xf32>
  %1 = moe.get_weight @bf16 : tensor<2x3xbf16>
  %2 = moe.get_weight @i32 : tensor<3xi32>
  %3 = moe.get_weight @splat : tensor<5x7xf32>
  return %0, %1, %2, %3 : tensor<2x3xf32>, tensor<2x3xbf16>, tensor<3xi32>, tensor<5x7xf32>
}

func.func @constants(%x: tensor<?x4xf32> {moe.max_shape = array<i64: 40, 4>}) -> (tensor<?x4xf32>, tensor<4xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %vector = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %matrix = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]]> : tensor<3x4xf32>
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %vector : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<?x4xf32>
  %e3 = tensor.empty(%t) : tensor<?x3xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %product = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%x, %matrix : tensor<?x4xf32>, tensor<3x4xf32>) outs(%z3 : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %sum, %vector, %product : tensor<?x4xf32>, tensor<4xf32>, tensor<?x3xf32>
}

func.func @arguments(%x: tensor<?x4xf32> {moe.max_shape = array<i64: 40, 4>}) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  return %x, %x : tensor<?x4xf32>, tensor<?x4xf32>
}

// One value for two results, one read after it is a result.
func.func @twice(%x: tensor<37xf32>) -> (tensor<37xf32>, tensor<37xf32>, tensor<37xf32>) {
  %e = tensor.empty() : tensor<37xf32>
  %y = linalg.square ins(%x : tensor<37xf32>) outs(%e : tensor<37xf32>) -> tensor<37xf32>
  %z = linalg.negf ins(%y : tensor<37xf32>) outs(%e : tensor<37xf32>) -> tensor<37xf32>
  return %y, %z, %y : tensor<37xf32>, tensor<37xf32>, tensor<37xf32>
}

func.func @scalar(%x: tensor<f32>) -> tensor<f32> {
  %e = tensor.empty() : tensor<f32>
  %y = linalg.square ins(%x : tensor<f32>) outs(%e : tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

func.func @nothing() { return }

// Slices in, slices out, parts put together.
func.func @slices(%x: tensor<?x40xf32> {moe.max_shape = array<i64: 40, 40>}) -> (tensor<?x37xf32>, tensor<?x37xf32>, tensor<?x42xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x40xf32>
  %s = tensor.extract_slice %x[0, 1] [%t, 37] [1, 1] : tensor<?x40xf32> to tensor<?x37xf32>
  %every_other = tensor.extract_slice %x[0, 0] [%t, 2] [1, 2] : tensor<?x40xf32> to tensor<?x2xf32>
  %e = tensor.empty(%t) : tensor<?x37xf32>
  %y = linalg.square ins(%s : tensor<?x37xf32>) outs(%e : tensor<?x37xf32>) -> tensor<?x37xf32>
  %w = tensor.empty(%t) : tensor<?x42xf32>
  %w0 = tensor.insert_slice %x into %w[0, 0] [%t, 40] [1, 1] : tensor<?x40xf32> into tensor<?x42xf32>
  %w1 = tensor.insert_slice %every_other into %w0[0, 40] [%t, 2] [1, 1] : tensor<?x2xf32> into tensor<?x42xf32>
  return %s, %y, %w1 : tensor<?x37xf32>, tensor<?x37xf32>, tensor<?x42xf32>
}

// Products and routes of rows that are parts of wider ones.
func.func @strided(%x: tensor<?x40xf32> {moe.max_shape = array<i64: 40, 40>}) -> (tensor<?x37xf32>, tensor<?x3xf32>, tensor<?x3xi32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x40xf32>
  %w = moe.get_weight @square : tensor<37x19xf32>
  %s = tensor.extract_slice %x[0, 5] [%t, 19] [1, 1] : tensor<?x40xf32> to tensor<?x19xf32>
  %e = tensor.empty(%t) : tensor<?x37xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x37xf32>) -> tensor<?x37xf32>
  %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%s, %w : tensor<?x19xf32>, tensor<37x19xf32>) outs(%z : tensor<?x37xf32>) -> tensor<?x37xf32>
  %weights, %ids = moe.route %s top_k(3) score(sigmoid) : tensor<?x19xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
  return %y, %weights, %ids : tensor<?x37xf32>, tensor<?x3xf32>, tensor<?x3xi32>
}

// A mask in memory, read twice.
func.func @bools(%x: tensor<37xf32>) -> tensor<37xf32> {
  %zero = arith.constant 0.0 : f32
  %em = tensor.empty() : tensor<37xi1>
  %e = tensor.empty() : tensor<37xf32>
  %m = linalg.map ins(%x : tensor<37xf32>) outs(%em : tensor<37xi1>) (%v: f32, %o: i1) {
    %1 = arith.cmpf olt, %v, %zero : f32
    linalg.yield %1 : i1
  }
  %y = linalg.map ins(%m, %x : tensor<37xi1>, tensor<37xf32>) outs(%e : tensor<37xf32>) (%c: i1, %v: f32, %o: f32) {
    %1 = arith.negf %v : f32
    %2 = arith.select %c, %1, %v : f32
    linalg.yield %2 : f32
  }
  %z = linalg.map ins(%m, %y : tensor<37xi1>, tensor<37xf32>) outs(%e : tensor<37xf32>) (%c: i1, %v: f32, %o: f32) {
    %1 = arith.addf %v, %v : f32
    %2 = arith.select %c, %1, %v : f32
    linalg.yield %2 : f32
  }
  return %z : tensor<37xf32>
}

// A buffer that leaves a branch, and a function that calls another.
func.func private @negate(%x: tensor<37xf32>) -> tensor<37xf32> {
  %e = tensor.empty() : tensor<37xf32>
  %y = linalg.negf ins(%x : tensor<37xf32>) outs(%e : tensor<37xf32>) -> tensor<37xf32>
  return %y : tensor<37xf32>
}
func.func @branch(%x: tensor<37xf32>, %n: tensor<1xi64>) -> (tensor<37xf32>, tensor<37xf32>) {
  %c0 = arith.constant 0 : index
  %n0 = tensor.extract %n[%c0] : tensor<1xi64>
  %condition = arith.trunci %n0 : i64 to i1
  %r = scf.if %condition -> tensor<37xf32> {
    %y = func.call @negate(%x) : (tensor<37xf32>) -> tensor<37xf32>
    scf.yield %y : tensor<37xf32>
  } else {
    scf.yield %x : tensor<37xf32>
  }
  %z = func.call @negate(%r) : (tensor<37xf32>) -> tensor<37xf32>
  return %r, %z : tensor<37xf32>, tensor<37xf32>
}

// A loop as long as data say, over a number that it carries; and an element that data place.
func.func @counted(%x: tensor<37xf32>, %n: tensor<1xi64>) -> tensor<37xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %zero = arith.constant 0.0 : f32
  %n0 = tensor.extract %n[%c0] : tensor<1xi64>
  %some = arith.index_cast %n0 : i64 to index
  %end = arith.minui %some, %c5 : index
  %y, %last = scf.for %i = %c0 to %end step %c1 iter_args(%y = %x, %last = %zero) -> (tensor<37xf32>, f32) {
    %e = tensor.extract %y[%i] : tensor<37xf32>
    %z = linalg.map { arith.addf } ins(%y, %x : tensor<37xf32>, tensor<37xf32>) outs(%y : tensor<37xf32>)
    scf.yield %z, %e : tensor<37xf32>, f32
  }
  %z = tensor.insert %last into %y[%end] : tensor<37xf32>
  return %z : tensor<37xf32>
}

// Two results, one of which is the other one changed.
func.func @changed(%x: tensor<37xf32>) -> (tensor<37xf32>, tensor<37xf32>) {
  %e = tensor.empty() : tensor<37xf32>
  %y = linalg.negf ins(%x : tensor<37xf32>) outs(%e : tensor<37xf32>) -> tensor<37xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<37xf32>) outs(%y : tensor<37xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.mulf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<37xf32>
  return %z, %y : tensor<37xf32>, tensor<37xf32>
}

// Experts' weights that are arguments have no packed form.
func.func @weights_as_arguments(%x: tensor<?x5xf32> {moe.max_shape = array<i64: 40, 5>}, %ids: tensor<?x2xi32> {moe.max_shape = array<i64: 40, 2>},
                                %scores: tensor<?x2xf32> {moe.max_shape = array<i64: 40, 2>}, %w: tensor<3x7x5xbf16>) -> tensor<?x7xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>, !moe.plan<3 x 2>
  %y = moe.expert %rows, %plan weights(%w : tensor<3x7x5xbf16>) {
  ^bb0(%r: tensor<?x5xf32>, %u: tensor<7x5xbf16>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x5xf32>
    %e = tensor.empty(%n) : tensor<?x7xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x7xf32>) -> tensor<?x7xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %u : tensor<?x5xf32>, tensor<7x5xbf16>) outs(%z : tensor<?x7xf32>) -> tensor<?x7xf32>
    moe.yield %a : tensor<?x7xf32>
  } : tensor<?x5xf32>, !moe.plan<3 x 2> -> tensor<?x7xf32>
  %out = moe.combine %y, %plan, %scores : tensor<?x7xf32>, !moe.plan<3 x 2>, tensor<?x2xf32> -> tensor<?x7xf32>
  return %out : tensor<?x7xf32>
}
