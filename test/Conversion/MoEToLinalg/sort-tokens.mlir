// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg,canonicalize))" | FileCheck %s

// CHECK-LABEL: func.func @sort
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x2xi32>
// CHECK: %[[PAIRS:.*]] = arith.muli
// Histogram, skipped pairs included.
// CHECK: %[[ZEROS:.*]] = linalg.fill ins(%c0_i32
// CHECK: %[[COUNTS:.*]] = scf.for {{.*}} to %[[PAIRS]] {{.*}} = %[[ZEROS]]) -> (tensor<9xi32>)
// CHECK: tensor.extract %[[IDS]]
// Scan: counts become cursors.
// CHECK: %[[SCANNED:.*]]:3 = scf.for {{.*}} = %[[COUNTS]]) -> (index, tensor<9xi32>, tensor<9xi32>)
// Stable scatter.
// CHECK: %[[SORTED:.*]]:3 = scf.for {{.*}} = %[[SCANNED]]#2, {{.*}}) -> (tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>)
// CHECK: return %[[SCANNED]]#1, %[[SORTED]]#1, %[[SORTED]]#2
func.func @sort(%ids: tensor<?x2xi32>, %a: tensor<9xi32>, %b: tensor<?xi32>, %c: tensor<?x2xi32>) -> (tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) {
  %0:3 = moe.sort_tokens %ids experts(8) outs(%a, %b, %c : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  return %0#0, %0#1, %0#2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>
}

// CHECK-LABEL: func.func @static
// CHECK: scf.for {{.*}} -> (tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>)
func.func @static(%ids: tensor<3x2xi32>) -> (tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) {
  %a = tensor.empty() : tensor<9xi32>
  %b = tensor.empty() : tensor<6xi32>
  %c = tensor.empty() : tensor<3x2xi32>
  %0:3 = moe.sort_tokens %ids experts(8) outs(%a, %b, %c : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return %0#0, %0#1, %0#2 : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>
}

// Blocks of 4: rows are rounded up, and those without a pair are -1. How the sort is cut in chunks does not matter.
// CHECK-LABEL: func.func @block
// CHECK: arith.ceildivui %{{.*}}, %c4
// CHECK: linalg.fill ins(%c-1_i32 : i32) outs(%{{.*}} : tensor<32xi32>)
func.func @block(%ids: tensor<3x2xi32>, %a: tensor<9xi32>, %b: tensor<32xi32>, %c: tensor<3x2xi32>) -> tensor<32xi32> {
  %0:3 = moe.sort_tokens %ids experts(8) partial block(4) chunk(2) outs(%a, %b, %c : tensor<9xi32>, tensor<32xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return %0#1 : tensor<32xi32>
}

// Buffer form is for kernels.
// CHECK-LABEL: func.func @buffers
// CHECK: moe.sort_tokens
func.func @buffers(%ids: memref<3x2xi32>, %a: memref<9xi32>, %b: memref<6xi32>, %c: memref<3x2xi32>) {
  moe.sort_tokens %ids experts(8) outs(%a, %b, %c : memref<9xi32>, memref<6xi32>, memref<3x2xi32>) : memref<3x2xi32>
  return
}
