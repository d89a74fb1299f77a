// RUN: moe-opt %s --one-shot-bufferize --canonicalize | FileCheck %s

// Row operations write where their destinations are, copy nothing, and read none of it.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[V:[a-z0-9]+]]: memref<5x8xf32>, %[[W:[a-z0-9]+]]: memref<?x2xf32>, %[[IDS:[a-z0-9]+]]: memref<?x2xi32>, %[[Y:[a-z0-9]+]]: memref<?x8xf32>)
// CHECK: %[[ROWS:.*]] = memref.alloc(
// CHECK: moe.gather_rows %[[X]] top_k(2) scale(%[[W]] : memref<?x2xf32>) outs(%[[ROWS]] : memref<?x8xf32>)
// CHECK: %[[VECTORS:.*]] = memref.alloc(
// CHECK: moe.expert_rows %[[V]] ids(%[[IDS]] : memref<?x2xi32>) partial outs(%[[VECTORS]] : memref<?x8xf32>)
// CHECK: linalg.add ins(%[[ROWS]], %[[VECTORS]] : memref<?x8xf32>, memref<?x8xf32>) outs(%[[ROWS]] :
// CHECK-NOT: memref.copy
// CHECK: moe.combine_rows %[[ROWS]], %[[W]] ids(%[[IDS]] : memref<?x2xi32>) experts(5) skipped(%[[X]] : memref<?x8xf32>) init(%[[X]] : memref<?x8xf32>) outs(%[[OUT:.*]] : memref<?x8xf32>)
func.func @rows(%xm: memref<?x8xf32>, %vm: memref<5x8xf32>, %wm: memref<?x2xf32>, %im: memref<?x2xi32>, %ym: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %x = bufferization.to_tensor %xm restrict : memref<?x8xf32> to tensor<?x8xf32>
  %v = bufferization.to_tensor %vm restrict : memref<5x8xf32> to tensor<5x8xf32>
  %w = bufferization.to_tensor %wm restrict : memref<?x2xf32> to tensor<?x2xf32>
  %ids = bufferization.to_tensor %im restrict : memref<?x2xi32> to tensor<?x2xi32>
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %r = arith.muli %t, %c2 : index
  %e0 = tensor.empty(%r) : tensor<?x8xf32>
  %rows = moe.gather_rows %x top_k(2) scale(%w : tensor<?x2xf32>) outs(%e0 : tensor<?x8xf32>) : tensor<?x8xf32>
  %e1 = tensor.empty(%r) : tensor<?x8xf32>
  %vectors = moe.expert_rows %v ids(%ids : tensor<?x2xi32>) partial outs(%e1 : tensor<?x8xf32>) : tensor<5x8xf32>
  %sum = linalg.add ins(%rows, %vectors : tensor<?x8xf32>, tensor<?x8xf32>) outs(%rows : tensor<?x8xf32>) -> tensor<?x8xf32>
  %e2 = tensor.empty(%t) : tensor<?x8xf32>
  %y = moe.combine_rows %sum, %w ids(%ids : tensor<?x2xi32>) experts(5) skipped(%x : tensor<?x8xf32>) init(%x : tensor<?x8xf32>)
      outs(%e2 : tensor<?x8xf32>) : tensor<?x8xf32>, tensor<?x2xf32>
  bufferization.materialize_in_destination %y in restrict writable %ym : (tensor<?x8xf32>, memref<?x8xf32>) -> ()
  return
}
