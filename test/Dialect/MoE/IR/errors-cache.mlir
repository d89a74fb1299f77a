// RUN: moe-opt %s -verify-diagnostics -split-input-file

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_key_rank(%c: !cache, %k: tensor<?x8xf32>, %v: tensor<?x2x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected keys of rank 3, got 'tensor<?x8xf32>'}}
  moe.kv_append %c, %k, %v at %p : !cache, tensor<?x8xf32>, tensor<?x2x8xf32>, tensor<?xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_value_rank(%c: !cache, %k: tensor<?x2x8xf32>, %v: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected values of rank 3, got 'tensor<?x8xf32>'}}
  moe.kv_append %c, %k, %v at %p : !cache, tensor<?x2x8xf32>, tensor<?x8xf32>, tensor<?xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_positions_rank(%c: !cache, %k: tensor<?x2x8xf32>, %p: tensor<?x1xi32>) {
  // expected-error @below {{expected positions of rank 1, got 'tensor<?x1xi32>'}}
  moe.kv_append %c, %k, %k at %p : !cache, tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?x1xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_key_heads(%c: !cache, %k: tensor<?x3x8xf32>, %v: tensor<?x2x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected heads of keys to be 2, got 3}}
  moe.kv_append %c, %k, %v at %p : !cache, tensor<?x3x8xf32>, tensor<?x2x8xf32>, tensor<?xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_value_heads(%c: !cache, %k: tensor<?x2x8xf32>, %v: tensor<?x3x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected heads of values to be 2, got 3}}
  moe.kv_append %c, %k, %v at %p : !cache, tensor<?x2x8xf32>, tensor<?x3x8xf32>, tensor<?xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32, values = 4>
func.func @append_key_width(%c: !cache, %k: tensor<?x2x4xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected width of keys to be 8, got 4}}
  moe.kv_append %c, %k, %k at %p : !cache, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32, values = 4>
func.func @append_value_width(%c: !cache, %k: tensor<?x2x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected width of values to be 4, got 8}}
  moe.kv_append %c, %k, %k at %p : !cache, tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_rows(%c: !cache, %k: tensor<3x2x8xf32>, %v: tensor<4x2x8xf32>, %p: tensor<3xi32>) {
  // expected-error @below {{expected rows of values to be 3, got 4}}
  moe.kv_append %c, %k, %v at %p : !cache, tensor<3x2x8xf32>, tensor<4x2x8xf32>, tensor<3xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_positions(%c: !cache, %k: tensor<3x2x8xf32>, %p: tensor<4xi32>) {
  // expected-error @below {{expected number of positions to be 3, got 4}}
  moe.kv_append %c, %k, %k at %p : !cache, tensor<3x2x8xf32>, tensor<3x2x8xf32>, tensor<4xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_sequences(%c: !cache, %k: tensor<3x2x8xf32>, %p: tensor<3xi32>, %s: tensor<1xi32>) {
  // expected-error @below {{expected number of sequences to be 3, got 1}}
  moe.kv_append %c, %k, %k at %p of %s : tensor<1xi32> : !cache, tensor<3x2x8xf32>, tensor<3x2x8xf32>, tensor<3xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @append_sequences_rank(%c: !cache, %k: tensor<3x2x8xf32>, %p: tensor<3xi32>, %s: tensor<i32>) {
  // expected-error @below {{expected sequences of rank 1, got 'tensor<i32>'}}
  moe.kv_append %c, %k, %k at %p of %s : tensor<i32> : !cache, tensor<3x2x8xf32>, tensor<3x2x8xf32>, tensor<3xi32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_rank(%c: !cache, %q: tensor<?x32xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected query of rank 3, got 'tensor<?x32xf32>'}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<?x32xf32>, !cache, tensor<?xi32> -> tensor<?x4x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_result_rank(%c: !cache, %q: tensor<?x4x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected result of rank 3, got 'tensor<?x32xf32>'}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<?x4x8xf32>, !cache, tensor<?xi32> -> tensor<?x32xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_positions_rank(%c: !cache, %q: tensor<?x4x8xf32>, %p: tensor<i32>) {
  // expected-error @below {{expected positions of rank 1, got 'tensor<i32>'}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<?x4x8xf32>, !cache, tensor<i32> -> tensor<?x4x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_heads(%c: !cache, %q: tensor<?x3x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected query heads to be a multiple of 2, got 'tensor<?x3x8xf32>'}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<?x3x8xf32>, !cache, tensor<?xi32> -> tensor<?x3x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_width(%c: !cache, %q: tensor<?x4x16xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected width of queries to be 8, got 16}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<?x4x16xf32>, !cache, tensor<?xi32> -> tensor<?x4x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_rows(%c: !cache, %q: tensor<3x4x8xf32>, %p: tensor<3xi32>) {
  // expected-error @below {{expected rows of the result to be 3, got 2}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<3x4x8xf32>, !cache, tensor<3xi32> -> tensor<2x4x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_result_heads(%c: !cache, %q: tensor<?x4x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected heads of the result to be 4, got 2}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<?x4x8xf32>, !cache, tensor<?xi32> -> tensor<?x2x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32, values = 4>
func.func @attention_result_width(%c: !cache, %q: tensor<?x4x8xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{expected width of the result to be 4, got 8}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<?x4x8xf32>, !cache, tensor<?xi32> -> tensor<?x4x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_positions(%c: !cache, %q: tensor<3x4x8xf32>, %p: tensor<2xi32>) {
  // expected-error @below {{expected number of positions to be 3, got 2}}
  %0 = moe.attention %q, %c at %p scale(1.0) : tensor<3x4x8xf32>, !cache, tensor<2xi32> -> tensor<3x4x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_sequences(%c: !cache, %q: tensor<3x4x8xf32>, %p: tensor<3xi32>, %s: tensor<2xi32>) {
  // expected-error @below {{expected number of sequences to be 3, got 2}}
  %0 = moe.attention %q, %c at %p of %s : tensor<2xi32> scale(1.0) : tensor<3x4x8xf32>, !cache, tensor<3xi32> -> tensor<3x4x8xf32>
  return
}

// -----

!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @attention_sequences_rank(%c: !cache, %q: tensor<3x4x8xf32>, %p: tensor<3xi32>, %s: tensor<i32>) {
  // expected-error @below {{expected sequences of rank 1, got 'tensor<i32>'}}
  %0 = moe.attention %q, %c at %p of %s : tensor<i32> scale(1.0) : tensor<3x4x8xf32>, !cache, tensor<3xi32> -> tensor<3x4x8xf32>
  return
}

// -----

func.func @view_dynamic(%b: memref<?xi8>) {
  // expected-error @below {{expected a buffer of static size, got 'memref<?xi8>'}}
  %0 = moe.kv_view %b : memref<?xi8> -> !moe.kv_cache<static<16>, 2 x 32 x f32>
  return
}

// -----

func.func @view_bytes(%b: memref<4096xi8>) {
  // expected-error @below {{expected bytes of the buffer to be 8192, got 4096}}
  %0 = moe.kv_view %b : memref<4096xi8> -> !moe.kv_cache<static<16>, 2 x 32 x f32>
  return
}
