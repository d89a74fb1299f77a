// Entries whose arguments break what is checked at run time; check_failures.py calls them.

func.func @forced(%z: tensor<?x8xf32> {moe.max_shape = array<i64: 16, 8>}, %forced: tensor<?x2xi32> {moe.max_shape = array<i64: 16, 2>}) -> tensor<?x2xi32> {
  %w, %i = moe.route %z forced(%forced : tensor<?x2xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32> loc("layer 3")
  return %i : tensor<?x2xi32>
}

func.func @table(%z: tensor<?x8xf32> {moe.max_shape = array<i64: 16, 8>}, %table: tensor<5x2xi32>, %tokens: tensor<?xi32> {moe.max_shape = array<i64: 16>}) -> tensor<?x2xi32> {
  %w, %i = moe.route %z table(%table[%tokens] : tensor<5x2xi32>, tensor<?xi32>) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32> loc("layer 4")
  return %i : tensor<?x2xi32>
}

func.func @shared(%z: tensor<?x8xf32> {moe.max_shape = array<i64: 16, 8>}, %s: tensor<?x1xf32> {moe.max_shape = array<i64: 16, 1>}) -> tensor<?x3xi32> {
  %w, %i = moe.route %z shared_weights(%s : tensor<?x1xf32>) top_k(2) score(softmax) shared_experts<1, given> : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32> loc("layer 5")
  return %i : tensor<?x3xi32>
}

func.func @layer(%x: tensor<?x4xf32> {moe.max_shape = array<i64: 16, 4>}, %ids: tensor<?x2xi32> {moe.max_shape = array<i64: 16, 2>}, %w: tensor<?x2xf32> {moe.max_shape = array<i64: 16, 2>}, %r: tensor<?x4xf32> {moe.max_shape = array<i64: 16, 4>}, %s: tensor<?x4xf32> {moe.max_shape = array<i64: 16, 4>}) -> tensor<?x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(3) partial scale(%w : tensor<?x2xf32>) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<3 x 2> loc("layer 6")
  %out = moe.combine %rows, %plan, %w residual(%r : tensor<?x4xf32>) skipped(%s : tensor<?x4xf32>) : tensor<?x4xf32>, !moe.plan<3 x 2>, tensor<?x2xf32> -> tensor<?x4xf32> loc("layer 6")
  return %out : tensor<?x4xf32>
}

func.func @counted(%x: tensor<4xi32>, %n: tensor<1xi32>) -> tensor<4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %limit = arith.constant 8 : i32
  %n0 = tensor.extract %n[%c0] : tensor<1xi32>
  %some = arith.index_cast %n0 : i32 to index
  %end = arith.minui %some, %c4 : index
  %r = scf.for %i = %c0 to %end step %c1 iter_args(%y = %x) -> tensor<4xi32> {
    %z = linalg.map { arith.addi } ins(%y, %x : tensor<4xi32>, tensor<4xi32>) outs(%y : tensor<4xi32>)
    %e = tensor.extract %z[%i] : tensor<4xi32>
    %ok = arith.cmpi ult, %e, %limit : i32
    cf.assert %ok, "sums to be 0 to 7, got"
    scf.yield %z : tensor<4xi32>
  }
  return %r : tensor<4xi32>
}

func.func @loss(%scores: tensor<?x8xf32> {moe.max_shape = array<i64: 16, 8>}, %mask: tensor<?xi32> {moe.max_shape = array<i64: 16>}) -> tensor<f32> {
  %l = moe.z_loss %scores mask(%mask : tensor<?xi32>) scale(0.5) : tensor<?x8xf32> loc("z-loss")
  return %l : tensor<f32>
}
