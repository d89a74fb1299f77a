// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg,canonicalize))" | FileCheck %s

// What routes compute is in Execution/moe-to-linalg.mlir; here is what they are made of.
// Scores first; then for each slot the expert that ranks next; ids and weights are carried through the loops.
// CHECK-LABEL: func.func @softmax(
// CHECK-NOT: moe.route
// CHECK: linalg.generic
// CHECK: scf.for
// CHECK: return
func.func @softmax(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// Divided by sum + epsilon and scaled.
// CHECK-LABEL: func.func @sigmoid(
// CHECK-NOT: moe.route
// CHECK: arith.divf
// CHECK: arith.mulf
// CHECK: return
func.func @sigmoid(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(sigmoid) normalize(0.5) scale(2.5) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// Buffer form is for kernels.
// CHECK-LABEL: func.func @buffers
// CHECK: moe.route
func.func @buffers(%l: memref<?x8xf32>, %w: memref<?x2xf32>, %i: memref<?x2xi32>) {
  moe.route %l top_k(2) score(softmax) outs(%w, %i : memref<?x2xf32>, memref<?x2xi32>) : memref<?x8xf32>
  return
}
