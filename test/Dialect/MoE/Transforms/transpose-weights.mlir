// RUN: moe-opt %s --moe-transpose-weights | FileCheck %s

// CHECK-DAG: #[[$LHS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$RHS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK: moe.weight @once : tensor<3x4x2xf32> from #moe.random<seed = 1, scale = 1.000000e+00> transposed
moe.weight @once : tensor<3x2x4xf32> from #moe.random<seed = 1, scale = 1.0>
// Read both ways: a twin.
// CHECK: moe.weight @twice : tensor<2x4xbf16> from #moe.random<seed = 2, scale = 1.000000e+00>{{$}}
// CHECK: moe.weight @twice.transposed : tensor<4x2xbf16> from #moe.random<seed = 2, scale = 1.000000e+00> transposed
moe.weight @twice : tensor<2x4xbf16> from #moe.random<seed = 2, scale = 1.0>
// Transposed once more, a weight is as its source has it.
// CHECK: moe.weight @back : tensor<2x4xf32> from #moe.random<seed = 3, scale = 1.000000e+00>{{$}}
moe.weight @back : tensor<4x2xf32> from #moe.random<seed = 3, scale = 1.0> transposed
// Another permutation is none of matrices.
// CHECK: moe.weight @other : tensor<3x2x4xf32> from #moe.random<seed = 4, scale = 1.000000e+00>{{$}}
moe.weight @other : tensor<3x2x4xf32> from #moe.random<seed = 4, scale = 1.0>
// CHECK: moe.weight @packed : {{.*}} layout
moe.weight @packed : tensor<2x4xf32> from #moe.random<seed = 5, scale = 1.0> layout <width = 2, pair = 1>
// CHECK: moe.weight @turned : tensor<4x2xf32> from #moe.random<seed = 6, scale = 1.000000e+00>{{$}}
moe.weight @turned : tensor<4x2xf32> from #moe.random<seed = 6, scale = 1.0>

// CHECK-LABEL: func.func @transposes
// CHECK-DAG: %[[ONCE:.*]] = moe.get_weight @once : tensor<3x4x2xf32>
// CHECK-DAG: %[[BACK:.*]] = moe.get_weight @back : tensor<2x4xf32>
// CHECK: %[[OTHER:.*]] = linalg.transpose
// CHECK: return %[[ONCE]], %[[BACK]], %[[OTHER]]
func.func @transposes() -> (tensor<3x4x2xf32>, tensor<2x4xf32>, tensor<4x2x3xf32>) {
  %a = moe.get_weight @once : tensor<3x2x4xf32>
  %b = moe.get_weight @back : tensor<4x2xf32>
  %c = moe.get_weight @other : tensor<3x2x4xf32>
  %ae = tensor.empty() : tensor<3x4x2xf32>
  %be = tensor.empty() : tensor<2x4xf32>
  %ce = tensor.empty() : tensor<4x2x3xf32>
  %at = linalg.transpose ins(%a : tensor<3x2x4xf32>) outs(%ae : tensor<3x4x2xf32>) permutation = [0, 2, 1]
  %bt = linalg.transpose ins(%b : tensor<4x2xf32>) outs(%be : tensor<2x4xf32>) permutation = [1, 0]
  %ct = linalg.transpose ins(%c : tensor<3x2x4xf32>) outs(%ce : tensor<4x2x3xf32>) permutation = [2, 1, 0]
  return %at, %bt, %ct : tensor<3x4x2xf32>, tensor<2x4xf32>, tensor<4x2x3xf32>
}

// A product with [K, N] weights becomes one with [N, K] weights.
// CHECK-LABEL: func.func @product
// CHECK-DAG: %[[PLAIN:.*]] = moe.get_weight @twice : tensor<2x4xbf16>
// CHECK-DAG: %[[TWIN:.*]] = moe.get_weight @twice.transposed : tensor<4x2xbf16>
// CHECK: %[[Y:.*]] = linalg.matmul indexing_maps = [#[[$LHS]], #[[$RHS]], #{{.*}}] ins(%{{.*}}, %[[TWIN]] : tensor<?x2xf32>, tensor<4x2xbf16>)
// CHECK: return %[[Y]], %[[PLAIN]]
func.func @product(%x: tensor<?x2xf32>, %z: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<2x4xbf16>) {
  %w = moe.get_weight @twice : tensor<2x4xbf16>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x4xbf16>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %w : tensor<?x4xf32>, tensor<2x4xbf16>
}

// A product with the transpose of [N, K] weights reads them as they are.
// CHECK-LABEL: func.func @product_of_transpose
// CHECK: %[[W:.*]] = moe.get_weight @turned : tensor<4x2xf32>
// CHECK-NOT: linalg.transpose
// CHECK: linalg.matmul indexing_maps = [#[[$LHS]], #[[$RHS]], #{{.*}}] ins(%{{.*}}, %[[W]] : tensor<?x2xf32>, tensor<4x2xf32>)
func.func @product_of_transpose(%x: tensor<?x2xf32>, %z: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = moe.get_weight @turned : tensor<4x2xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %t = linalg.transpose ins(%w : tensor<4x2xf32>) outs(%e : tensor<2x4xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %t : tensor<?x2xf32>, tensor<2x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
