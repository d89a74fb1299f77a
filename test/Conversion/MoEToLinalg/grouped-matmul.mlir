// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg,canonicalize))" | FileCheck %s

// CHECK-LABEL: func.func @offsets
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<8x3x4xbf16>, %[[OFFSETS:.*]]: tensor<9xi32>
// CHECK: scf.for %[[E:[^ ]+]] = {{.*}} -> (tensor<?x3xf32>)
// CHECK: tensor.extract %[[OFFSETS]][%[[E]]]
// CHECK: %[[N:.*]] = arith.minsi
// CHECK-DAG: tensor.extract_slice %[[W]][%[[E]], 0, 0] [1, 3, 4] [1, 1, 1] : tensor<8x3x4xbf16> to tensor<3x4xbf16>
// CHECK-DAG: tensor.extract_slice %[[X]][%{{.*}}, 0] [%[[N]], 4]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: bf16, %[[ACC:.*]]: f32):
// CHECK-NEXT: %[[BX:.*]] = arith.extf %[[B]]
// CHECK-NEXT: math.fma %[[A]], %[[BX]], %[[ACC]]
// CHECK: tensor.insert_slice
func.func @offsets(%x: tensor<?x4xf32>, %w: tensor<8x3x4xbf16>, %o: tensor<9xi32>, %out0: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) outs(%out0 : tensor<?x3xf32>) : tensor<?x4xf32>, tensor<8x3x4xbf16>
  return %0 : tensor<?x3xf32>
}

// Each pair reads its token's row.
// CHECK-LABEL: func.func @broadcast
// CHECK-SAME: %[[X:.*]]: tensor<1x4xf32>, %[[W:.*]]: tensor<8x3x4xf32>, %[[IDS:.*]]: tensor<1x2xi32>
// CHECK: scf.for %[[Q:[^ ]+]] =
// CHECK: %[[T:.*]] = arith.divui %[[Q]]
// CHECK: tensor.extract %[[IDS]][%[[T]],
// CHECK-DAG: tensor.extract_slice %[[X]][%[[T]], 0] [1, 4]
// CHECK-DAG: tensor.extract_slice %[[W]][%{{.*}}, 0, 0] [1, 3, 4]
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%[[Q]], 0] [1, 3]
func.func @broadcast(%x: tensor<1x4xf32>, %w: tensor<8x3x4xf32>, %ids: tensor<1x2xi32>) -> tensor<2x3xf32> {
  %out0 = tensor.empty() : tensor<2x3xf32>
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) broadcast outs(%out0 : tensor<2x3xf32>) : tensor<1x4xf32>, tensor<8x3x4xf32>
  return %0 : tensor<2x3xf32>
}

// Packed weights and buffer form are for kernels.
// CHECK-LABEL: func.func @kernels
// CHECK: moe.grouped_matmul
// CHECK: moe.grouped_matmul
func.func @kernels(%x: tensor<?x4xf32>, %w: tensor<8x1x4x16xf32>, %o: tensor<9xi32>, %a: memref<?x4xf32>, %b: memref<8x3x4xf32>,
                   %c: memref<9xi32>, %d: memref<?x3xf32>, %out0: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) panel <width = 16, pair = 1> outs(%out0 : tensor<?x3xf32>) : tensor<?x4xf32>, tensor<8x1x4x16xf32>
  moe.grouped_matmul %a, %b offsets(%c : memref<9xi32>) outs(%d : memref<?x3xf32>) : memref<?x4xf32>, memref<8x3x4xf32>
  return %0 : tensor<?x3xf32>
}
