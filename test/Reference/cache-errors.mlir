// RUN: moe-opt %s -test-moe-evaluate -split-input-file -verify-diagnostics -o /dev/null

!cache = !moe.kv_cache<static<4>, 1 x 1 x f32>
func.func @position(%cache: !cache) {
  %k = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %pos = arith.constant dense<4> : tensor<1xi32>
  // expected-error @+1 {{'moe.kv_append' op expected positions 0 to 3, got 4 in row 0}}
  moe.kv_append %cache, %k, %k at %pos : !cache, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1xi32>
  return
}

// -----

!cache = !moe.kv_cache<sliding_window<4>, 1 x 1 x f32>
func.func @negative_position(%cache: !cache) {
  %k = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %pos = arith.constant dense<-1> : tensor<1xi32>
  // expected-error @+1 {{'moe.kv_append' op expected positions of 0 or more, got -1 in row 0}}
  moe.kv_append %cache, %k, %k at %pos : !cache, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<4>, 1 x 1 x f32, batch = 2>
func.func @sequence(%cache: !cache) {
  %k = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %pos = arith.constant dense<0> : tensor<1xi32>
  %seq = arith.constant dense<2> : tensor<1xi32>
  // expected-error @+1 {{'moe.kv_append' op expected sequences 0 to 1, got 2 in row 0}}
  moe.kv_append %cache, %k, %k at %pos of %seq : tensor<1xi32> : !cache, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<4>, 1 x 1 x f32>
func.func @order(%cache: !cache) {
  %k = arith.constant dense<0.0> : tensor<2x1x1xf32>
  %pos = arith.constant dense<[0, 2]> : tensor<2xi32>
  // expected-error @+1 {{'moe.kv_append' op expected position 1 after 0 in sequence 0, got 2 in row 1}}
  moe.kv_append %cache, %k, %k at %pos : !cache, tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2xi32>
  return
}

// -----

!cache = !moe.kv_cache<sliding_window<4>, 1 x 1 x f32>
func.func @chunk(%cache: !cache) {
  %k = arith.constant dense<0.0> : tensor<2x1x1xf32>
  %pos = arith.constant dense<[0, 1]> : tensor<2xi32>
  // expected-error @+1 {{'moe.kv_append' op expected at most 1 rows of a sequence, got more of sequence 0}}
  moe.kv_append %cache, %k, %k at %pos : !cache, tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<4>, 1 x 1 x f32>
func.func @missing(%cache: !cache) {
  %q = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %pos = arith.constant dense<1> : tensor<1xi32>
  // expected-error @+1 {{'moe.attention' op expected position 0 of sequence 0 in the cache, got none, for the query at position 1}}
  %a = moe.attention %q, %cache at %pos scale(1.0) : tensor<1x1x1xf32>, !cache, tensor<1xi32> -> tensor<1x1x1xf32>
  return
}
