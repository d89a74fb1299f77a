// RUN: moe-opt %s --moe-verify-buffers | FileCheck %s
// RUN: moe-opt %s --moe-verify-buffers=max-copy-bytes=0 | FileCheck %s

// Weights into a result, and activations of any size to anywhere.
// CHECK-LABEL: func.func @copies
// CHECK-COUNT-3: memref.copy
func.func @copies(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x1024xf32>, %y: memref<?x1024xf32>, %w: memref<1024xf32>)
    attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %t = memref.dim %x, %c0 : memref<?x1024xf32>
  %scratch = memref.view %arena[%c0][%t] : memref<?xi8> to memref<?x1024xf32>
  memref.copy %x, %scratch : memref<?x1024xf32> to memref<?x1024xf32>
  memref.copy %scratch, %y : memref<?x1024xf32> to memref<?x1024xf32>
  %row = memref.view %weights[%c0][] : memref<?xi8> to memref<1024xf32>
  memref.copy %row, %w : memref<1024xf32> to memref<1024xf32>
  return
}
