// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg,canonicalize))" | FileCheck %s

// Softmax, then for each slot the expert that ranks next; ids and weights are carried through the loops.
// CHECK-LABEL: func.func @softmax
// CHECK-SAME: %[[L:.*]]: tensor<?x8xf32>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[L]]
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: %[[SCORES:.*]] = linalg.generic
// CHECK: arith.divf
// CHECK: scf.for {{.*}} -> (tensor<?x2xf32>, tensor<?x2xi32>) {
// CHECK: scf.for {{.*}} -> (tensor<?x2xf32>, tensor<?x2xi32>, index, f32) {
// CHECK: scf.for {{.*}} -> (index, f32) {
// CHECK: tensor.extract %[[SCORES]]
// CHECK: arith.cmpf ogt
// CHECK: arith.cmpf oeq
// CHECK: arith.cmpf uno
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @softmax(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// Chosen by score + bias, weighed by the score; then divided by sum + epsilon and scaled.
// CHECK-LABEL: func.func @sigmoid
// CHECK: %[[SCORES:.*]] = linalg.generic
// CHECK: math.exp
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}} ins(%[[SCORES]], %{{.*}} : tensor<?x8xf32>, tensor<8xf32>)
// CHECK: scf.for
// CHECK: tensor.extract %[[KEYS]]
// CHECK: tensor.extract %[[SCORES]]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]}
// CHECK: arith.divf
// CHECK: arith.mulf
func.func @sigmoid(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(sigmoid) normalize(0.5) scale(2.5) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// Softmax over the chosen logits only.
// CHECK-LABEL: func.func @softmax_topk
// CHECK-SAME: %[[L:.*]]: tensor<4x8xf32>
// CHECK-NOT: math.exp
// CHECK: scf.for {{.*}} -> (tensor<4x2xf32>, tensor<4x2xi32>)
// CHECK: math.exp
func.func @softmax_topk(%l: tensor<4x8xf32>) -> (tensor<4x2xf32>, tensor<4x2xi32>) {
  %0:2 = moe.route %l top_k(2) score(softmax_topk) : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  return %0#0, %0#1 : tensor<4x2xf32>, tensor<4x2xi32>
}

// Buffer form is for kernels.
// CHECK-LABEL: func.func @buffers
// CHECK: moe.route
func.func @buffers(%l: memref<?x8xf32>, %w: memref<?x2xf32>, %i: memref<?x2xi32>) {
  moe.route %l top_k(2) score(softmax) outs(%w, %i : memref<?x2xf32>, memref<?x2xi32>) : memref<?x8xf32>
  return
}
