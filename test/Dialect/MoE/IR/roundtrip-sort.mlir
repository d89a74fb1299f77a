// RUN: moe-opt %s --verify-roundtrip | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// CHECK-LABEL: func.func @forms
// CHECK: %offsets, %order, %inverse = moe.sort_tokens %{{.*}} experts(8) partial outs(
// CHECK: moe.sort_tokens %{{.*}} experts(8) block(4) outs(
// CHECK: moe.sort_tokens %{{.*}} experts(8) partial block(4) chunk(16) outs(
func.func @forms(%ids: tensor<?x2xi32>, %a: tensor<9xi32>, %b: tensor<?xi32>, %c: tensor<?x2xi32>) {
  %0:3 = moe.sort_tokens %ids experts(8) partial outs(%a, %b, %c : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %1:3 = moe.sort_tokens %ids experts(8) block(4) outs(%a, %b, %c : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %2:3 = moe.sort_tokens %ids experts(8) partial block(4) chunk(16) outs(%a, %b, %c : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  return
}

// CHECK-LABEL: func.func @steps
// CHECK: %counts = moe.count_pairs %{{.*}} chunk(16) outs(
// CHECK: %offsets, %starts = moe.scan_counts %counts block(4) outs(
// CHECK: %order, %inverse = moe.place_pairs %{{.*}}, %starts, %offsets chunk(16) outs(
func.func @steps(%ids: tensor<?x2xi32>, %n: tensor<?x9xi32>, %a: tensor<9xi32>, %b: tensor<?xi32>, %c: tensor<?x2xi32>) {
  %0 = moe.count_pairs %ids chunk(16) outs(%n : tensor<?x9xi32>) : tensor<?x2xi32>
  %1:2 = moe.scan_counts %0 block(4) outs(%a, %n : tensor<9xi32>, tensor<?x9xi32>) : tensor<?x9xi32>
  %2:2 = moe.place_pairs %ids, %1#1, %1#0 chunk(16) outs(%b, %c : tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>, tensor<?x9xi32>, tensor<9xi32>
  return
}

// CHECK-LABEL: func.func @buffers
func.func @buffers(%ids: memref<?x2xi32>, %n: memref<?x9xi32>, %m: memref<?x9xi32>, %a: memref<9xi32>, %b: memref<?xi32>, %c: memref<?x2xi32>) {
  // CHECK: moe.count_pairs
  moe.count_pairs %ids chunk(16) outs(%n : memref<?x9xi32>) : memref<?x2xi32>
  // CHECK: moe.scan_counts
  moe.scan_counts %n outs(%a, %m : memref<9xi32>, memref<?x9xi32>) : memref<?x9xi32>
  // CHECK: moe.place_pairs
  moe.place_pairs %ids, %m, %a chunk(16) outs(%b, %c : memref<?xi32>, memref<?x2xi32>) : memref<?x2xi32>, memref<?x9xi32>, memref<9xi32>
  return
}
