// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg{ops=products},canonicalize))" | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg))" | FileCheck %s --check-prefix=ALL

// A product is one fused multiply-add for each step, bf16 weights being extended; nobody asked for it without a name.
// CHECK-LABEL: func.func @matmul
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-NEXT:    ^bb0(%[[A:.*]]: f32, %[[B:.*]]: bf16, %[[C:.*]]: f32):
// CHECK-NEXT:      %[[W:.*]] = arith.extf %[[B]]
// CHECK-NEXT:      %[[S:.*]] = math.fma %[[A]], %[[W]], %[[C]]
// CHECK-NEXT:      linalg.yield %[[S]]
// ALL-LABEL:   func.func @matmul
// ALL:           linalg.matmul
func.func @matmul(%x: tensor<?x8xf32>, %w: tensor<4x8xbf16>, %z: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<?x8xf32>, tensor<4x8xbf16>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Integers are no business of these.
// CHECK-LABEL: func.func @integers
// CHECK:         linalg.matmul
func.func @integers(%x: tensor<2x8xi32>, %w: tensor<8x4xi32>, %z: tensor<2x4xi32>) -> tensor<2x4xi32> {
  %y = linalg.matmul ins(%x, %w : tensor<2x8xi32>, tensor<8x4xi32>) outs(%z : tensor<2x4xi32>) -> tensor<2x4xi32>
  return %y : tensor<2x4xi32>
}

// The gate of a route stands by itself.
// CHECK-LABEL: func.func @gate
// CHECK:         %[[LOGITS:.*]] = linalg.generic
// CHECK:           math.fma
// CHECK:         moe.route %[[LOGITS]] top_k(2) score(softmax) : tensor<?x5xf32>
func.func @gate(%x: tensor<?x8xf32>, %g: tensor<5x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %w, %ids = moe.route %x gate(%g : tensor<5x8xf32>) columns(5) top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %w, %ids : tensor<?x2xf32>, tensor<?x2xi32>
}
