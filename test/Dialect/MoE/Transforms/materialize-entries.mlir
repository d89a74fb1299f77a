// RUN: moe-opt %s --moe-materialize-entries --split-input-file | FileCheck %s

// Weights lie at multiples of 64 bytes in module order, and one that nobody reads is dropped. The entries' i-th
// caches are one; an entry may have fewer of them.
// CHECK: module attributes {moe.kv_bytes = 5120 : i64, moe.kv_caches = [!moe.kv_cache<static<16>, 2 x 8 x f32>, !moe.kv_cache<static<32>, 1 x 16 x bf16, values = 8>], moe.weights_bytes = 192 : i64}
// CHECK-NEXT: moe.weight @a : tensor<3x7xbf16> {{.*}} offset 0{{$}}
// CHECK-NEXT: moe.weight @b : tensor<1x2xf32> {{.*}} layout <width = 16, pair = 1> offset 64{{$}}
!keep = !moe.kv_cache<static<16>, 2 x 8 x f32>
!other = !moe.kv_cache<static<32>, 1 x 16 x bf16, values = 8>
moe.weight @a : tensor<3x7xbf16> from #moe.random<seed = 1, scale = 1.0>
moe.weight @unused : tensor<1000xf32> from #moe.random<seed = 2, scale = 1.0>
moe.weight @b : tensor<1x2xf32> from #moe.random<seed = 3, scale = 1.0> layout <width = 16, pair = 1>

// Tensors come in the order of the arguments, whatever stands between them; results behind them.
// CHECK-LABEL: func.func @caches
// CHECK-SAME: %[[W:[a-z0-9]+]]: memref<?xi8>, %[[KV:[a-z0-9]+]]: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>,
// CHECK-SAME: %[[P:[a-z0-9]+]]: memref<4xi32> {moe.name = "p"}, %[[K:[a-z0-9]+]]: memref<4x2x8xf32>) attributes {moe.entry = 2 : i64}
// CHECK-DAG: %[[FIRST:.*]] = memref.view %[[KV]][%c0{{.*}}][] : memref<?xi8> to memref<3072xi8>
// CHECK-DAG: %[[SECOND:.*]] = memref.view %[[KV]][%c3072{{.*}}][] : memref<?xi8> to memref<2048xi8>
// CHECK-DAG: %[[CACHE:.*]] = moe.kv_view %[[FIRST]]
// CHECK-DAG: moe.kv_view %[[SECOND]]
// CHECK-DAG: %[[KEYS:.*]] = bufferization.to_tensor %[[K]] restrict : memref<4x2x8xf32> to tensor<4x2x8xf32>
// CHECK-DAG: %[[POS:.*]] = bufferization.to_tensor %[[P]] restrict : memref<4xi32> to tensor<4xi32>
// CHECK: moe.kv_append %[[CACHE]], %[[KEYS]], %[[KEYS]] at %[[POS]]
// CHECK: return{{$}}
func.func @caches(%p: tensor<4xi32> {moe.name = "p"}, %0: !keep, %k: tensor<4x2x8xf32>, %1: !other) {
  moe.kv_append %0, %k, %k at %p : !keep, tensor<4x2x8xf32>, tensor<4x2x8xf32>, tensor<4xi32>
  return
}

// Weights are read where they lie; a result is written to memory of the caller's, its bound carried over.
// CHECK-LABEL: func.func @weights
// CHECK-SAME: %[[W:[a-z0-9]+]]: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>,
// CHECK-SAME: %[[A:[a-z0-9]+]]: memref<3x7xbf16> {moe.name = "a"}, %[[B:[a-z0-9]+]]: memref<1x2x16xf32>) attributes {moe.entry = 0 : i64}
// CHECK: %[[AT0:.*]] = memref.view %[[W]][%c0{{.*}}][] : memref<?xi8> to memref<3x7xbf16>
// CHECK: %[[A0:.*]] = bufferization.to_tensor %[[AT0]] restrict :
// CHECK: %[[AT64:.*]] = memref.view %[[W]][%c64{{.*}}][] : memref<?xi8> to memref<1x2x16xf32>
// CHECK: %[[B0:.*]] = bufferization.to_tensor %[[AT64]] restrict :
// CHECK: bufferization.materialize_in_destination %[[A0]] in restrict writable %[[A]]
// CHECK: bufferization.materialize_in_destination %[[B0]] in restrict writable %[[B]]
func.func @weights() -> (tensor<3x7xbf16> {moe.name = "a"}, tensor<1x2x16xf32>) {
  %a = moe.get_weight @a : tensor<3x7xbf16>
  %b = moe.get_weight @b : tensor<1x2x16xf32>
  return %a, %b : tensor<3x7xbf16>, tensor<1x2x16xf32>
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

// Bounds of results: as given; of an argument; of a part of it; of a product's rows. A private function stays.
// CHECK: module attributes {moe.kv_bytes = 0 : i64, moe.kv_caches = [], moe.weights_bytes = 0 : i64}
// CHECK-LABEL: func.func @bounds
// CHECK-SAME: memref<?x4xf32> {moe.max_shape = array<i64: 9, 4>}, %{{[a-z0-9]+}}: memref<?xf32> {moe.max_shape = array<i64: 5>}, %{{[a-z0-9]+}}: memref<?x4xf32> {moe.max_shape = array<i64: 9, 4>}, %{{[a-z0-9]+}}: memref<?x2xf32> {moe.max_shape = array<i64: 9, 2>}, %{{[a-z0-9]+}}: memref<?xf32> {moe.max_shape = array<i64: 36>}, %{{[a-z0-9]+}}: memref<?x2xf32> {moe.max_shape = array<i64: 9, 2>}) attributes
func.func @bounds(%x: tensor<?x4xf32> {moe.max_shape = array<i64: 9, 4>})
    -> (tensor<?xf32> {moe.max_shape = array<i64: 5>}, tensor<?x4xf32>, tensor<?x2xf32>, tensor<?xf32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %data = func.call @data_dependent() : () -> index
  %0 = tensor.empty(%data) : tensor<?xf32>
  %1 = tensor.extract_slice %x[0, 1] [%t, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
  %2 = tensor.collapse_shape %x [[0, 1]] : tensor<?x4xf32> into tensor<?xf32>
  %w = tensor.empty() : tensor<2x4xf32>
  %3 = tensor.empty(%t) : tensor<?x2xf32>
  %4 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<?x4xf32>, tensor<2x4xf32>) outs(%3 : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %0, %x, %1, %2, %4 : tensor<?xf32>, tensor<?x4xf32>, tensor<?x2xf32>, tensor<?xf32>, tensor<?x2xf32>
}

// CHECK: func.func private @data_dependent() -> index
func.func private @data_dependent() -> index {
  %c3 = arith.constant 3 : index
  return %c3 : index
}

// -----

// A module without entries.
// CHECK: module attributes {moe.kv_bytes = 0 : i64, moe.kv_caches = [], moe.weights_bytes = 0 : i64}
module {}
