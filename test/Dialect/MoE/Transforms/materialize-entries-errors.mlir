// RUN: moe-opt %s --moe-materialize-entries --split-input-file --verify-diagnostics

// expected-error @below {{expected an entry of one block}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^bb1
^bb1:
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{expected a body: generated code calls nothing outside itself}}
func.func private @elsewhere(f32) -> f32

// -----

// expected-error @below {{expected argument 1 of an entry to be a ranked tensor or a cache, got 'index'}}
func.func @scalar_argument(%x: tensor<4xf32>, %n: index) { return }

// -----

// expected-error @below {{expected argument 0 of an entry to be a ranked tensor or a cache, got 'tensor<*xf32>'}}
func.func @unranked_argument(%x: tensor<*xf32>) { return }

// -----

// expected-error @below {{expected argument 0 of an entry to be a tensor of f32, bf16, i32 or i64, got 'tensor<4xf64>'}}
func.func @element_type(%x: tensor<4xf64>) { return }

// -----

// expected-error @below {{expected result 0 of an entry to be a ranked tensor or a cache, got 'f32'}}
func.func @scalar_result() -> f32 {
  %c = arith.constant 0.0 : f32
  return %c : f32
}

// -----

// expected-error @below {{expected result 1 of an entry to be a tensor of f32, bf16, i32 or i64, got 'tensor<4xi1>'}}
func.func @result_type(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi1>) {
  %y = tensor.empty() : tensor<4xi1>
  return %x, %y : tensor<4xf32>, tensor<4xi1>
}

// -----

// expected-error @below {{expected `moe.max_shape` on argument 1, whose type has dynamic extents: 'tensor<?x4xf32>'}}
func.func @no_bound(%p: tensor<4xi32>, %x: tensor<?x4xf32>) { return }

// -----

// expected-error @below {{expected `moe.max_shape` of argument 0 to fit 'tensor<?x4xf32>', got array<i64: 8>}}
func.func @bound_rank(%x: tensor<?x4xf32> {moe.max_shape = array<i64: 8>}) { return }

// -----

// expected-error @below {{expected `moe.max_shape` of argument 0 to fit 'tensor<?x4xf32>', got array<i64: 8, 5>}}
func.func @bound_of_static_extent(%x: tensor<?x4xf32> {moe.max_shape = array<i64: 8, 5>}) { return }

// -----

// expected-error @below {{expected `moe.max_shape` of argument 0 to fit 'tensor<?xf32>', got array<i64: -1>}}
func.func @negative_bound(%x: tensor<?xf32> {moe.max_shape = array<i64: -1>}) { return }

// -----

// expected-error @below {{expected `moe.max_shape` of result 0 to fit 'tensor<?xf32>', got array<i64>}}
func.func @result_bound(%x: tensor<?xf32> {moe.max_shape = array<i64: 4>}) -> (tensor<?xf32> {moe.max_shape = array<i64>}) {
  return %x : tensor<?xf32>
}

// -----

// The extent is read from a tensor.
// expected-error @below {{cannot bound extent 0 of result 0; give it `moe.max_shape`}}
func.func @data_dependent_result(%n: tensor<1xi32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %0 = tensor.extract %n[%c0] : tensor<1xi32>
  %1 = arith.index_cast %0 : i32 to index
  %2 = tensor.empty(%1) : tensor<?xf32>
  return %2 : tensor<?xf32>
}

// -----

func.func @prefill(%c: !moe.kv_cache<static<16>, 2 x 8 x f32>) { return }
// expected-error @below {{expected cache 0 to have the same type in every entry: '!moe.kv_cache<static<16>, 2 x 8 x f32>', got '!moe.kv_cache<static<32>, 2 x 8 x f32>'}}
func.func @decode(%c: !moe.kv_cache<static<32>, 2 x 8 x f32>) { return }

// -----

func.func @recursive(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected calls on tensors to be inlined before entries are made; a recursive one cannot be}}
  %y = func.call @recursive(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
