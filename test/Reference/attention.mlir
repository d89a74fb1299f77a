// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// Keys are 0, so every visible position weighs the same: the result is the mean of the values 1, 2, 4 up to the query's
// own position. Both query heads read the one key/value head.
// CHECK-LABEL: causal result 0: 3x2x1xf32 {{\[\[\[}}1], [1]], {{\[\[}}1.5], [1.5]], {{\[\[}}2.33333], [2.33333]]]
func.func @causal(%cache: !moe.kv_cache<static<4>, 1 x 1 x f32>) -> tensor<3x2x1xf32> {
  %k = arith.constant dense<0.0> : tensor<3x1x1xf32>
  %v = arith.constant dense<[[[1.0]], [[2.0]], [[4.0]]]> : tensor<3x1x1xf32>
  %q = arith.constant dense<1.0> : tensor<3x2x1xf32>
  %pos = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  moe.kv_append %cache, %k, %v at %pos : !moe.kv_cache<static<4>, 1 x 1 x f32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3xi32>
  %a = moe.attention %q, %cache at %pos scale(1.0)
      : tensor<3x2x1xf32>, !moe.kv_cache<static<4>, 1 x 1 x f32>, tensor<3xi32> -> tensor<3x2x1xf32>
  return %a : tensor<3x2x1xf32>
}

// Scores 2 * ln 2 * (0, 1): weights 1/5 and 4/5 of the values (0, 5) and (5, 0).
// CHECK-LABEL: weighted result 0: 1x1x2xf32 {{\[\[\[}}4, 1]]]
func.func @weighted(%cache: !moe.kv_cache<static<4>, 1 x 1 x f32, values = 2>) -> tensor<1x1x2xf32> {
  %k = arith.constant dense<[[[0.0]], [[1.0]]]> : tensor<2x1x1xf32>
  %v = arith.constant dense<[[[0.0, 5.0]], [[5.0, 0.0]]]> : tensor<2x1x2xf32>
  %pos = arith.constant dense<[0, 1]> : tensor<2xi32>
  moe.kv_append %cache, %k, %v at %pos
      : !moe.kv_cache<static<4>, 1 x 1 x f32, values = 2>, tensor<2x1x1xf32>, tensor<2x1x2xf32>, tensor<2xi32>
  %q = arith.constant dense<0.6931471805599453> : tensor<1x1x1xf32>
  %last = arith.constant dense<1> : tensor<1xi32>
  %a = moe.attention %q, %cache at %last scale(2.0)
      : tensor<1x1x1xf32>, !moe.kv_cache<static<4>, 1 x 1 x f32, values = 2>, tensor<1xi32> -> tensor<1x1x2xf32>
  return %a : tensor<1x1x2xf32>
}

!ring = !moe.kv_cache<sliding_window<2>, 1 x 1 x f32, chunk = 3>

// Five positions in chunks of three and two: the mean of the last two values at each.
// CHECK-LABEL: window result 0: 3x1x1xf32 {{\[\[\[}}1]], {{\[\[}}1.5]], {{\[\[}}3]]]
// CHECK: window result 1: 2x1x1xf32 {{\[\[\[}}6]], {{\[\[}}12]]]
func.func @window(%cache: !ring) -> (tensor<3x1x1xf32>, tensor<2x1x1xf32>) {
  %k3 = arith.constant dense<0.0> : tensor<3x1x1xf32>
  %v3 = arith.constant dense<[[[1.0]], [[2.0]], [[4.0]]]> : tensor<3x1x1xf32>
  %pos3 = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  moe.kv_append %cache, %k3, %v3 at %pos3 : !ring, tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3xi32>
  %a = moe.attention %k3, %cache at %pos3 scale(1.0) : tensor<3x1x1xf32>, !ring, tensor<3xi32> -> tensor<3x1x1xf32>
  %k2 = arith.constant dense<0.0> : tensor<2x1x1xf32>
  %v2 = arith.constant dense<[[[8.0]], [[16.0]]]> : tensor<2x1x1xf32>
  %pos2 = arith.constant dense<[3, 4]> : tensor<2xi32>
  moe.kv_append %cache, %k2, %v2 at %pos2 : !ring, tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2xi32>
  %b = moe.attention %k2, %cache at %pos2 scale(1.0) : tensor<2x1x1xf32>, !ring, tensor<2xi32> -> tensor<2x1x1xf32>
  return %a, %b : tensor<3x1x1xf32>, tensor<2x1x1xf32>
}

!pair = !moe.kv_cache<static<4>, 1 x 1 x bf16, batch = 2>

// Sequences do not see each other; 1.00390625 is stored as the bf16 1.
// CHECK-LABEL: sequences result 0: 3x1x1xf32 {{\[\[\[}}1]], {{\[\[}}10]], {{\[\[}}2]]]
func.func @sequences(%cache: !pair) -> tensor<3x1x1xf32> {
  %k = arith.constant dense<0.0> : tensor<3x1x1xf32>
  %v = arith.constant dense<[[[1.00390625]], [[10.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %pos = arith.constant dense<[0, 0, 1]> : tensor<3xi32>
  %seq = arith.constant dense<[0, 1, 0]> : tensor<3xi32>
  moe.kv_append %cache, %k, %v at %pos of %seq : tensor<3xi32> : !pair, tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3xi32>
  %a = moe.attention %k, %cache at %pos of %seq : tensor<3xi32> scale(1.0) : tensor<3x1x1xf32>, !pair, tensor<3xi32> -> tensor<3x1x1xf32>
  return %a : tensor<3x1x1xf32>
}
