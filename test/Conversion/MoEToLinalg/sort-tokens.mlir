// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg,canonicalize))" | FileCheck %s

// CHECK-LABEL: func.func @sort
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x2xi32>
// CHECK: %[[PAIRS:.*]] = arith.muli
// Histogram, skipped pairs included.
// CHECK: %[[ZEROS:.*]] = linalg.fill ins(%c0_i32
// CHECK: %[[COUNTS:.*]] = scf.for {{.*}} to %[[PAIRS]] {{.*}} = %[[ZEROS]]) -> (tensor<1x9xi32>)
// CHECK: tensor.extract %[[IDS]]
// Scan: first rows.
// CHECK: %[[SCANNED:.*]]:3 = scf.for {{.*}} -> (i32, tensor<9xi32>, tensor<1x9xi32>)
// CHECK: tensor.extract %[[COUNTS]]
// Stable scatter: first rows become cursors.
// CHECK: %[[SORTED:.*]]:3 = scf.for {{.*}} = %[[SCANNED]]#2, {{.*}}) -> (tensor<1x9xi32>, tensor<?xi32>, tensor<?x2xi32>)
// CHECK: return %[[SCANNED]]#1, %[[SORTED]]#1, %[[SORTED]]#2
func.func @sort(%ids: tensor<?x2xi32>, %a: tensor<9xi32>, %b: tensor<?xi32>, %c: tensor<?x2xi32>) -> (tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) {
  %0:3 = moe.sort_tokens %ids experts(8) outs(%a, %b, %c : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  return %0#0, %0#1, %0#2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>
}

// CHECK-LABEL: func.func @static
// CHECK: scf.for {{.*}} -> (tensor<1x9xi32>, tensor<6xi32>, tensor<3x2xi32>)
func.func @static(%ids: tensor<3x2xi32>) -> (tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) {
  %a = tensor.empty() : tensor<9xi32>
  %b = tensor.empty() : tensor<6xi32>
  %c = tensor.empty() : tensor<3x2xi32>
  %0:3 = moe.sort_tokens %ids experts(8) outs(%a, %b, %c : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return %0#0, %0#1, %0#2 : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>
}

// Blocks of 4: rows are rounded up, and those without a pair are -1. How the sort is cut in chunks does not matter.
// CHECK-LABEL: func.func @block
// CHECK: arith.ceildivui %{{.*}}, %c4_i32
// CHECK: linalg.fill ins(%c-1_i32 : i32) outs(%{{.*}} : tensor<32xi32>)
func.func @block(%ids: tensor<3x2xi32>, %a: tensor<9xi32>, %b: tensor<32xi32>, %c: tensor<3x2xi32>) -> tensor<32xi32> {
  %0:3 = moe.sort_tokens %ids experts(8) partial block(4) chunk(2) outs(%a, %b, %c : tensor<9xi32>, tensor<32xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return %0#1 : tensor<32xi32>
}

// The steps of a sort by chunks.
// CHECK-LABEL: func.func @steps
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x2xi32>, %[[A:.*]]: tensor<?x9xi32>, %[[B:.*]]: tensor<9xi32>, %[[C:.*]]: tensor<?x9xi32>,
// CHECK: %[[ZEROS:.*]] = linalg.fill ins(%c0_i32 : i32) outs(%[[A]]
// CHECK: %[[COUNTS:.*]] = scf.for {{.*}} = %[[ZEROS]])
// CHECK: %[[CHUNK:.*]] = arith.divui %{{.*}}, %c16
// CHECK: tensor.extract %{{.*}}[%[[CHUNK]], %{{.*}}]
// CHECK: %[[CHUNKS:.*]] = tensor.dim %[[COUNTS]], %c0
// CHECK: %[[SCANNED:.*]]:3 = scf.for {{.*}}%[[B]], {{.*}}%[[C]])
// CHECK: scf.for {{.*}} to %[[CHUNKS]]
// CHECK: linalg.fill ins(%c-1_i32
// CHECK: scf.for {{.*}} = %[[SCANNED]]#2
// CHECK-NOT: moe.
func.func @steps(%ids: tensor<?x2xi32>, %a: tensor<?x9xi32>, %b: tensor<9xi32>, %c: tensor<?x9xi32>, %d: tensor<?xi32>, %e: tensor<?x2xi32>) -> (tensor<?xi32>, tensor<?x2xi32>) {
  %0 = moe.count_pairs %ids chunk(16) outs(%a : tensor<?x9xi32>) : tensor<?x2xi32>
  %1:2 = moe.scan_counts %0 outs(%b, %c : tensor<9xi32>, tensor<?x9xi32>) : tensor<?x9xi32>
  %2:2 = moe.place_pairs %ids, %1#1, %1#0 chunk(16) outs(%d, %e : tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>, tensor<?x9xi32>, tensor<9xi32>
  return %2#0, %2#1 : tensor<?xi32>, tensor<?x2xi32>
}

// Buffer form is for kernels.
// CHECK-LABEL: func.func @buffers
// CHECK: moe.sort_tokens
func.func @buffers(%ids: memref<3x2xi32>, %a: memref<9xi32>, %b: memref<6xi32>, %c: memref<3x2xi32>) {
  moe.sort_tokens %ids experts(8) outs(%a, %b, %c : memref<9xi32>, memref<6xi32>, memref<3x2xi32>) : memref<3x2xi32>
  return
}
