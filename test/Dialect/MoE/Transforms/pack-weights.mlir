// RUN: moe-opt %s --moe-pack-weights --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-pack-weights=vector-bits=256 --split-input-file | FileCheck %s --check-prefix=HALF

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK: moe.weight @f32 : tensor<33x7xf32> from #moe.random<{{.*}}> layout <width = 32, pair = 1>
// CHECK: moe.weight @bf16 : tensor<33x7xbf16> from #moe.random<{{.*}}> layout <width = 32, pair = 2>
// CHECK: moe.weight @experts : tensor<5x33x7xbf16> from #moe.random<{{.*}}> layout <width = 32, pair = 2>
// HALF: moe.weight @f32 : {{.*}} layout <width = 16, pair = 1>
// HALF: moe.weight @bf16 : {{.*}} layout <width = 16, pair = 2>
// HALF: moe.weight @experts : {{.*}} layout <width = 16, pair = 2>
moe.weight @f32 : tensor<33x7xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @bf16 : tensor<33x7xbf16> from #moe.random<seed = 2, scale = 1.0>
moe.weight @experts : tensor<5x33x7xbf16> from #moe.random<seed = 3, scale = 1.0>

// An odd inner dimension is padded where elements go in pairs; rows are padded to the panel.
// CHECK-LABEL: func.func @products
// CHECK-SAME: %[[X:.*]]: tensor<?x7xf32>
// CHECK-DAG: %[[F32:.*]] = moe.get_weight @f32 : tensor<2x7x32xf32>
// CHECK-DAG: %[[BF16:.*]] = moe.get_weight @bf16 : tensor<2x4x32x2xbf16>
// CHECK: moe.packed_matmul %[[X]], %[[F32]] panel <width = 32, pair = 1> outs(%{{.*}} : tensor<?x33xf32>) : tensor<?x7xf32>, tensor<2x7x32xf32>
// CHECK: moe.packed_matmul %[[X]], %[[BF16]] panel <width = 32, pair = 2> outs(%{{.*}} : tensor<?x33xf32>) : tensor<?x7xf32>, tensor<2x4x32x2xbf16>
// CHECK-NOT: linalg.matmul
// HALF-LABEL: func.func @products
// HALF-DAG: moe.get_weight @f32 : tensor<3x7x16xf32>
// HALF-DAG: moe.get_weight @bf16 : tensor<3x4x16x2xbf16>
func.func @products(%x: tensor<?x7xf32>, %t: index) -> (tensor<?x33xf32>, tensor<?x33xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = moe.get_weight @f32 : tensor<33x7xf32>
  %b = moe.get_weight @bf16 : tensor<33x7xbf16>
  %e = tensor.empty(%t) : tensor<?x33xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x33xf32>) -> tensor<?x33xf32>
  %0 = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%x, %f : tensor<?x7xf32>, tensor<33x7xf32>) outs(%z : tensor<?x33xf32>) -> tensor<?x33xf32>
  %1 = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%x, %b : tensor<?x7xf32>, tensor<33x7xbf16>) outs(%z : tensor<?x33xf32>) -> tensor<?x33xf32>
  return %0, %1 : tensor<?x33xf32>, tensor<?x33xf32>
}

// Experts, sorted or found by id; a second entry shares the weight.
// CHECK-LABEL: func.func @grouped
// CHECK-SAME: %[[X:.*]]: tensor<4x7xf32>, %[[OFFSETS:.*]]: tensor<6xi32>, %[[IDS:.*]]: tensor<2x2xi32>
// CHECK-DAG: %[[W0:.*]] = moe.get_weight @experts : tensor<5x2x4x32x2xbf16>
// CHECK-DAG: moe.grouped_matmul %[[X]], %{{.*}} offsets(%[[OFFSETS]] : tensor<6xi32>) panel <width = 32, pair = 2> outs(%{{.*}} : tensor<4x33xf32>) : tensor<4x7xf32>, tensor<5x2x4x32x2xbf16>
// CHECK-DAG: moe.grouped_matmul %[[X]], %{{.*}} ids(%[[IDS]] : tensor<2x2xi32>) panel <width = 32, pair = 2> outs(
// CHECK-NOT: moe.get_weight @experts : tensor<5x33x7xbf16>
func.func @grouped(%x: tensor<4x7xf32>, %offsets: tensor<6xi32>, %ids: tensor<2x2xi32>) -> (tensor<4x33xf32>, tensor<4x33xf32>) {
  %w = moe.get_weight @experts : tensor<5x33x7xbf16>
  %w1 = moe.get_weight @experts : tensor<5x33x7xbf16>
  %out0 = tensor.empty() : tensor<4x33xf32>
  %0 = moe.grouped_matmul %x, %w offsets(%offsets : tensor<6xi32>) outs(%out0 : tensor<4x33xf32>) : tensor<4x7xf32>, tensor<5x33x7xbf16>
  %out1 = tensor.empty() : tensor<4x33xf32>
  %1 = moe.grouped_matmul %x, %w1 ids(%ids : tensor<2x2xi32>) outs(%out1 : tensor<4x33xf32>) : tensor<4x7xf32>, tensor<5x33x7xbf16>
  return %0, %1 : tensor<4x33xf32>, tensor<4x33xf32>
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

// A tied embedding keeps its plain form for the gather; the twin does not take a name that exists.
// CHECK: moe.weight @embed : tensor<64x8xf32> from #moe.random<seed = 1, scale = {{.*}}>{{$}}
// CHECK: moe.weight @embed.packed_0 : tensor<64x8xf32> from #moe.random<seed = 1, scale = {{.*}}> layout <width = 32, pair = 1>
// CHECK: moe.weight @embed.packed : tensor<2xf32> from #moe.random<seed = 2, scale = {{.*}}>{{$}}
// HALF: moe.weight @embed.packed_0 :
moe.weight @embed : tensor<64x8xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @embed.packed : tensor<2xf32> from #moe.random<seed = 2, scale = 1.0>
// CHECK-LABEL: func.func @tied
// CHECK-DAG: %[[PLAIN:.*]] = moe.get_weight @embed : tensor<64x8xf32>
// CHECK-DAG: %[[PACKED:.*]] = moe.get_weight @embed.packed_0 : tensor<2x8x32xf32>
// CHECK-DAG: tensor.extract %[[PLAIN]]
// CHECK-DAG: moe.packed_matmul %{{.*}}, %[[PACKED]]
func.func @tied(%x: tensor<1x8xf32>, %i: index) -> (f32, tensor<1x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %w = moe.get_weight @embed : tensor<64x8xf32>
  %v = tensor.extract %w[%i, %i] : tensor<64x8xf32>
  %e = tensor.empty() : tensor<1x64xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<1x64xf32>) -> tensor<1x64xf32>
  %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%x, %w : tensor<1x8xf32>, tensor<64x8xf32>) outs(%z : tensor<1x64xf32>) -> tensor<1x64xf32>
  return %v, %y : f32, tensor<1x64xf32>
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>

// Not what the kernel computes: another orientation, a sum that starts elsewhere (at -0.0 too), the left-hand side, sums in bf16.
// CHECK: moe.weight @w : tensor<8x8xf32> from #moe.random<{{.*}}>{{$}}
// HALF: moe.weight @w : tensor<8x8xf32> from #moe.random<{{.*}}>{{$}}
moe.weight @w : tensor<8x8xf32> from #moe.random<seed = 1, scale = 1.0>
// CHECK-LABEL: func.func @other_products
// CHECK-COUNT-5: linalg.matmul
// CHECK-NOT: moe.packed_matmul
func.func @other_products(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xbf16>) {
  %zero = arith.constant 0.0 : f32
  %minus = arith.constant -0.0 : f32
  %zero16 = arith.constant 0.0 : bf16
  %w = moe.get_weight @w : tensor<8x8xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %e16 = tensor.empty() : tensor<8x8xbf16>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
  %m = linalg.fill ins(%minus : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
  %z16 = linalg.fill ins(%zero16 : bf16) outs(%e16 : tensor<8x8xbf16>) -> tensor<8x8xbf16>
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%x : tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%m : tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%w, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  %4 = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%z16 : tensor<8x8xbf16>) -> tensor<8x8xbf16>
  return %0, %1, %2, %3, %4 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xbf16>
}

// -----

// Already packed: packing twice changes nothing.
// CHECK: moe.weight @w : tensor<8x8xf32> from #moe.random<{{.*}}> layout <width = 16, pair = 1>
// HALF: moe.weight @w : {{.*}} layout <width = 16, pair = 1>
moe.weight @w : tensor<8x8xf32> from #moe.random<seed = 1, scale = 1.0> layout <width = 16, pair = 1>
// CHECK-LABEL: func.func @packed
// CHECK: moe.packed_matmul %{{.*}}, %{{.*}} panel <width = 16, pair = 1>
func.func @packed(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %w = moe.get_weight @w : tensor<1x8x16xf32>
  %out0 = tensor.empty() : tensor<1x8xf32>
  %y = moe.packed_matmul %x, %w panel <width = 16, pair = 1> outs(%out0 : tensor<1x8xf32>) : tensor<1x8xf32>, tensor<1x8x16xf32>
  return %y : tensor<1x8xf32>
}
