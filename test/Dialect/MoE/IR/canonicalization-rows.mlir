// RUN: moe-opt %s --canonicalize | FileCheck %s

// Results without elements are their destinations; also when it is the width that is 0.
// CHECK-LABEL: func.func @empty
// CHECK-SAME: %[[OUT0:[a-z0-9]+]]: tensor<0x4xf32>, %[[OUT1:[a-z0-9]+]]: tensor<?x0xf32>)
// CHECK-NEXT: return %[[OUT0]], %[[OUT1]], %[[OUT0]]
func.func @empty(%x: tensor<0x4xf32>, %v: tensor<8x0xf32>, %ids: tensor<?x2xi32>, %w: tensor<0x2xf32>, %out0: tensor<0x4xf32>,
                 %out1: tensor<?x0xf32>) -> (tensor<0x4xf32>, tensor<?x0xf32>, tensor<0x4xf32>) {
  %0 = moe.gather_rows %x top_k(2) outs(%out0 : tensor<0x4xf32>) : tensor<0x4xf32>
  %1 = moe.expert_rows %v ids(%ids : tensor<?x2xi32>) outs(%out1 : tensor<?x0xf32>) : tensor<8x0xf32>
  %2 = moe.combine_rows %0, %w outs(%out0 : tensor<0x4xf32>) : tensor<0x4xf32>, tensor<0x2xf32>
  return %0, %1, %2 : tensor<0x4xf32>, tensor<?x0xf32>, tensor<0x4xf32>
}

// Extents that may be 0, and buffers, stay.
// CHECK-LABEL: func.func @kept
// CHECK: moe.gather_rows
// CHECK: moe.combine_rows
func.func @kept(%x: tensor<?x4xf32>, %out: tensor<?x4xf32>, %ym: memref<0x4xf32>, %wm: memref<0x2xf32>, %outm: memref<0x4xf32>) -> tensor<?x4xf32> {
  %0 = moe.gather_rows %x top_k(2) outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>
  moe.combine_rows %ym, %wm outs(%outm : memref<0x4xf32>) : memref<0x4xf32>, memref<0x2xf32>
  return %0 : tensor<?x4xf32>
}
