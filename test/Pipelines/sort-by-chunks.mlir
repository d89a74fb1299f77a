// RUN: moe-compile %s --compile-to=verified | FileCheck %s --check-prefix=ONE
// RUN: moe-compile %s --compile-to=kernels | FileCheck %s

// Many tokens are sorted by chunks: one operation until the layouts are chosen, then three launches, of which the first and
// the last have a unit for each chunk.

// ONE: moe.sort_tokens %{{.*}} experts(4) chunk(1024)
// CHECK-LABEL: func.func @layer
// CHECK: moe.launch @count_pairs_kernel units(%[[CHUNKS:[a-z0-9]+]]) grain(1)
// CHECK: moe.launch @scan_counts_kernel units(%c1) grain(1)
// CHECK: moe.launch @place_pairs_kernel units(%[[CHUNKS]]) grain(1)
// CHECK: moe.launch @grouped_matmul_kernel
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

moe.weight @up : tensor<4x8x8xf32> from #moe.random<seed = 1, scale = 0.1>

func.func @layer(%x: tensor<?x8xf32> {moe.max_shape = array<i64: 5000, 8>}, %ids: tensor<?x2xi32> {moe.max_shape = array<i64: 5000, 2>},
                 %w: tensor<?x2xf32> {moe.max_shape = array<i64: 5000, 2>}) -> tensor<?x8xf32> {
  %up = moe.get_weight @up : tensor<4x8x8xf32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<4x8x8xf32>) {
  ^bb0(%r: tensor<?x8xf32>, %u: tensor<8x8xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%n) : tensor<?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %a = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %u : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
    moe.yield %a : tensor<?x8xf32>
  } : tensor<?x8xf32>, !moe.plan<4 x 2> -> tensor<?x8xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x8xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x8xf32>
  return %out : tensor<?x8xf32>
}
