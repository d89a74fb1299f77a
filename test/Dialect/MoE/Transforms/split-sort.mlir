// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-split-sort))" | FileCheck %s

// 6 pairs in chunks of 4: two, the last of 2.
// CHECK-LABEL: func.func @static
// CHECK-SAME: %[[IDS:.*]]: tensor<3x2xi32>, %[[A:.*]]: tensor<9xi32>, %[[B:.*]]: tensor<6xi32>, %[[C:.*]]: tensor<3x2xi32>
// CHECK: %[[E1:.*]] = tensor.empty() : tensor<2x9xi32>
// CHECK: %[[COUNTS:.*]] = moe.count_pairs %[[IDS]] chunk(4) outs(%[[E1]] : tensor<2x9xi32>) : tensor<3x2xi32>
// CHECK: %[[E2:.*]] = tensor.empty() : tensor<2x9xi32>
// CHECK: %[[OFFSETS:.*]], %[[STARTS:.*]] = moe.scan_counts %[[COUNTS]] outs(%[[A]], %[[E2]] : tensor<9xi32>, tensor<2x9xi32>) : tensor<2x9xi32>
// CHECK: %[[ORDER:.*]], %[[INVERSE:.*]] = moe.place_pairs %[[IDS]], %[[STARTS]], %[[OFFSETS]] chunk(4) outs(%[[B]], %[[C]] : tensor<6xi32>, tensor<3x2xi32>)
// CHECK: return %[[OFFSETS]], %[[ORDER]], %[[INVERSE]]
func.func @static(%ids: tensor<3x2xi32>, %a: tensor<9xi32>, %b: tensor<6xi32>, %c: tensor<3x2xi32>) -> (tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) {
  %0:3 = moe.sort_tokens %ids experts(8) chunk(4) outs(%a, %b, %c : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return %0#0, %0#1, %0#2 : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>
}

// Pairs that fill their chunks leave an empty chunk, so that there is always one that marks the padding.
// CHECK-LABEL: func.func @full
// CHECK: moe.count_pairs %{{.*}} chunk(3) outs(%{{.*}} : tensor<3x9xi32>)
// CHECK: moe.scan_counts %{{.*}} block(4) outs
func.func @full(%ids: tensor<3x2xi32>, %a: tensor<9xi32>, %b: tensor<32xi32>, %c: tensor<3x2xi32>) -> tensor<32xi32> {
  %0:3 = moe.sort_tokens %ids experts(8) block(4) chunk(3) outs(%a, %b, %c : tensor<9xi32>, tensor<32xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return %0#1 : tensor<32xi32>
}

// CHECK-LABEL: func.func @dynamic
// CHECK: %[[PAIRS:.*]] = arith.muli
// CHECK: %[[WHOLE:.*]] = arith.divui %[[PAIRS]], %{{.*}}
// CHECK: %[[CHUNKS:.*]] = arith.addi %[[WHOLE]], %{{.*}}
// CHECK: tensor.empty(%[[CHUNKS]]) : tensor<?x9xi32>
func.func @dynamic(%ids: tensor<?x2xi32>, %a: tensor<9xi32>, %b: tensor<?xi32>, %c: tensor<?x2xi32>) -> tensor<?xi32> {
  %0:3 = moe.sort_tokens %ids experts(8) partial chunk(4) outs(%a, %b, %c : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  return %0#1 : tensor<?xi32>
}

// A sort in one pass and one on memory stay.
// CHECK-LABEL: func.func @stays
// CHECK-COUNT-2: moe.sort_tokens
// CHECK-NOT: moe.count_pairs
func.func @stays(%ids: tensor<3x2xi32>, %a: tensor<9xi32>, %b: tensor<6xi32>, %c: tensor<3x2xi32>,
                 %mids: memref<3x2xi32>, %ma: memref<9xi32>, %mb: memref<6xi32>, %mc: memref<3x2xi32>) -> tensor<6xi32> {
  %0:3 = moe.sort_tokens %ids experts(8) outs(%a, %b, %c : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  moe.sort_tokens %mids experts(8) chunk(4) outs(%ma, %mb, %mc : memref<9xi32>, memref<6xi32>, memref<3x2xi32>) : memref<3x2xi32>
  return %0#1 : tensor<6xi32>
}
