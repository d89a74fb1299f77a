// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg,canonicalize))" | FileCheck %s

// CHECK-LABEL: func.func @sort
// CHECK-SAME: %[[IDS:.*]]: tensor<?x2xi32>
// CHECK: %[[PAIRS:.*]] = arith.muli
// CHECK: %[[ZEROS:.*]] = linalg.fill
// Histogram, one place to the right.
// CHECK: %[[COUNTS:.*]] = scf.for {{.*}} to %[[PAIRS]] {{.*}} = %[[ZEROS]]) -> (tensor<9xi32>)
// CHECK: tensor.extract %[[IDS]]
// Scan.
// CHECK: %[[OFFSETS:.*]] = scf.for {{.*}} = %[[COUNTS]]) -> (tensor<9xi32>)
// Stable scatter with a cursor for each expert.
// CHECK: %[[SORTED:.*]]:3 = scf.for {{.*}} = %[[OFFSETS]], {{.*}}) -> (tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>)
// CHECK: return %[[OFFSETS]], %[[SORTED]]#1, %[[SORTED]]#2
func.func @sort(%ids: tensor<?x2xi32>) -> (tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) {
  %0:3 = moe.sort_tokens %ids experts(8) : tensor<?x2xi32> -> tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>
  return %0#0, %0#1, %0#2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>
}

// CHECK-LABEL: func.func @static
// CHECK: scf.for {{.*}} -> (tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>)
func.func @static(%ids: tensor<3x2xi32>) -> (tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) {
  %0:3 = moe.sort_tokens %ids experts(8) : tensor<3x2xi32> -> tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>
  return %0#0, %0#1, %0#2 : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>
}

// Buffer form is for kernels.
// CHECK-LABEL: func.func @buffers
// CHECK: moe.sort_tokens
func.func @buffers(%ids: memref<3x2xi32>, %a: memref<9xi32>, %b: memref<6xi32>, %c: memref<3x2xi32>) {
  moe.sort_tokens %ids experts(8) outs(%a, %b, %c : memref<9xi32>, memref<6xi32>, memref<3x2xi32>) : memref<3x2xi32>
  return
}
