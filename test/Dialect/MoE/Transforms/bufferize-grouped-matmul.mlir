// RUN: moe-opt %s --eliminate-empty-tensors --one-shot-bufferize --canonicalize | FileCheck %s

// Each result has a buffer of its own, even where they come from one destination.
// CHECK-LABEL: func.func @products
// CHECK: %[[A:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x8xf32>
// CHECK: %[[B:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x8xf32>
// CHECK: moe.grouped_matmul {{.*}} outs(%[[A]], %[[B]] :
func.func @products(%xm: memref<?x8xf32>, %wm: memref<5x8x8xf32>, %om: memref<6xi32>, %y0: memref<?x8xf32>, %y1: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %x = bufferization.to_tensor %xm restrict : memref<?x8xf32> to tensor<?x8xf32>
  %w = bufferization.to_tensor %wm restrict : memref<5x8x8xf32> to tensor<5x8x8xf32>
  %offsets = bufferization.to_tensor %om restrict : memref<6xi32> to tensor<6xi32>
  %rows = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%rows) : tensor<?x8xf32>
  %0:2 = moe.grouped_matmul %x, %w, %w offsets(%offsets : tensor<6xi32>) outs(%e, %e : tensor<?x8xf32>, tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<5x8x8xf32>, tensor<5x8x8xf32>
  %z = linalg.sub ins(%0#0, %0#1 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  bufferization.materialize_in_destination %z in restrict writable %y0 : (tensor<?x8xf32>, memref<?x8xf32>) -> ()
  return
}

// Rows by packed weights that are combined later wait in scratch, panel by panel.
// CHECK-LABEL: func.func @combined
// CHECK-SAME: %[[H:[a-z0-9]+]]: memref<?x8xf32>
// CHECK: %[[ROWS:.*]] = memref.dim %[[H]], %c0
// CHECK: %[[SCRATCH:.*]] = memref.alloc(%[[ROWS]]) {{.*}} : memref<2x?x16xf32>
// CHECK: moe.grouped_matmul {{.*}} scratch(%[[SCRATCH]] : memref<2x?x16xf32>) outs(%{{.*}} : memref<?x20xf32>) {
// CHECK: math.absf
func.func @combined(%hm: memref<?x8xf32>, %wm: memref<5x2x8x16xf32>, %om: memref<6xi32>, %cm: memref<?x2xf32>, %im: memref<?x2xi32>, %y: memref<?x20xf32>) {
  %c0 = arith.constant 0 : index
  %h = bufferization.to_tensor %hm restrict : memref<?x8xf32> to tensor<?x8xf32>
  %w = bufferization.to_tensor %wm restrict : memref<5x2x8x16xf32> to tensor<5x2x8x16xf32>
  %offsets = bufferization.to_tensor %om restrict : memref<6xi32> to tensor<6xi32>
  %weights = bufferization.to_tensor %cm restrict : memref<?x2xf32> to tensor<?x2xf32>
  %inverse = bufferization.to_tensor %im restrict : memref<?x2xi32> to tensor<?x2xi32>
  %tokens = tensor.dim %weights, %c0 : tensor<?x2xf32>
  %e = tensor.empty(%tokens) : tensor<?x20xf32>
  %z = moe.grouped_matmul %h, %w offsets(%offsets : tensor<6xi32>) panel <width = 16, pair = 1> combine(%weights : tensor<?x2xf32>)
      inverse(%inverse : tensor<?x2xi32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%p: f32):
    %v = math.absf %p : f32
    moe.yield %v : f32
  } : tensor<?x8xf32>, tensor<5x2x8x16xf32>
  bufferization.materialize_in_destination %z in restrict writable %y : (tensor<?x20xf32>, memref<?x20xf32>) -> ()
  return
}

// By weights as they are, each sum takes its rows one by one.
// CHECK-LABEL: func.func @combined_plain
// CHECK-NOT: memref.alloc
// CHECK: moe.grouped_matmul {{.*}} inverse(%{{.*}} : memref<?x2xi32>) outs(%{{.*}} : memref<?x20xf32>) :
func.func @combined_plain(%hm: memref<?x8xf32>, %wm: memref<5x20x8xf32>, %om: memref<6xi32>, %cm: memref<?x2xf32>, %im: memref<?x2xi32>, %y: memref<?x20xf32>) {
  %c0 = arith.constant 0 : index
  %h = bufferization.to_tensor %hm restrict : memref<?x8xf32> to tensor<?x8xf32>
  %w = bufferization.to_tensor %wm restrict : memref<5x20x8xf32> to tensor<5x20x8xf32>
  %offsets = bufferization.to_tensor %om restrict : memref<6xi32> to tensor<6xi32>
  %weights = bufferization.to_tensor %cm restrict : memref<?x2xf32> to tensor<?x2xf32>
  %inverse = bufferization.to_tensor %im restrict : memref<?x2xi32> to tensor<?x2xi32>
  %tokens = tensor.dim %weights, %c0 : tensor<?x2xf32>
  %e = tensor.empty(%tokens) : tensor<?x20xf32>
  %z = moe.grouped_matmul %h, %w offsets(%offsets : tensor<6xi32>) combine(%weights : tensor<?x2xf32>)
      inverse(%inverse : tensor<?x2xi32>) outs(%e : tensor<?x20xf32>) : tensor<?x8xf32>, tensor<5x20x8xf32>
  bufferization.materialize_in_destination %z in restrict writable %y : (tensor<?x20xf32>, memref<?x20xf32>) -> ()
  return
}
