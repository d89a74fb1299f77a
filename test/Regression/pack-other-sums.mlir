// Packed products sum in f32 from +0.0; a sum in bf16 made an operation that does not verify, one from -0.0 other bits.
// RUN: moe-opt %s --moe-pack-weights | FileCheck %s

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
moe.weight @w : tensor<8x8xf32> from #moe.random<seed = 1, scale = 1.0>
// CHECK-LABEL: func.func @sums
// CHECK-COUNT-2: linalg.matmul
// CHECK-NOT: moe.packed_matmul
func.func @sums(%x: tensor<8x8xf32>, %e: tensor<8x8xf32>, %e16: tensor<8x8xbf16>) -> (tensor<8x8xf32>, tensor<8x8xbf16>) {
  %minus = arith.constant -0.0 : f32
  %zero = arith.constant 0.0 : bf16
  %w = moe.get_weight @w : tensor<8x8xf32>
  %m = linalg.fill ins(%minus : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
  %z = linalg.fill ins(%zero : bf16) outs(%e16 : tensor<8x8xbf16>) -> tensor<8x8xbf16>
  %0 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%m : tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%z : tensor<8x8xbf16>) -> tensor<8x8xbf16>
  return %0, %1 : tensor<8x8xf32>, tensor<8x8xbf16>
}
