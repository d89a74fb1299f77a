// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// CHECK-LABEL: sort_tokens result 0: 5xi32 [0, 1, 2, 4, 4]
// CHECK: sort_tokens result 1: 4xi32 [1, 3, 0, 2]
// CHECK: sort_tokens result 2: 2x2xi32 {{\[\[}}2, 0], [3, 1]]
func.func @sort_tokens() -> (tensor<5xi32>, tensor<4xi32>, tensor<2x2xi32>) {
  %ids = arith.constant dense<[[2, 0], [2, 1]]> : tensor<2x2xi32>
  %out0 = tensor.empty() : tensor<5xi32>
  %out1 = tensor.empty() : tensor<4xi32>
  %out2 = tensor.empty() : tensor<2x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(4) outs(%out0, %out1, %out2 : tensor<5xi32>, tensor<4xi32>, tensor<2x2xi32>)
      : tensor<2x2xi32>
  return %offsets, %order, %inverse : tensor<5xi32>, tensor<4xi32>, tensor<2x2xi32>
}

// Expert 0 has no row, expert 1 both: rows times [[1, 2], [3, 4], [5, 6]].
// CHECK-LABEL: by_offsets result 0: 2x3xf32 {{\[\[}}1, 3, 5], [12, 34, 56]]
func.func @by_offsets() -> tensor<2x3xf32> {
  %x = arith.constant dense<[[1.0, 0.0], [10.0, 1.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[[9.0, 9.0], [9.0, 9.0], [9.0, 9.0]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]> : tensor<2x3x2xf32>
  %offsets = arith.constant dense<[0, 0, 2]> : tensor<3xi32>
  %out0 = tensor.empty() : tensor<2x3xf32>
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<3xi32>) outs(%out0 : tensor<2x3xf32>) : tensor<2x2xf32>, tensor<2x3x2xf32>
  return %y : tensor<2x3xf32>
}

// One input row a token, k = 2 results; and one input row a pair.
// CHECK-LABEL: by_ids result 0: 2x1xf32 {{\[\[}}6], [3]]
// CHECK: by_ids result 1: 2x1xf32 {{\[\[}}6], [5]]
func.func @by_ids() -> (tensor<2x1xf32>, tensor<2x1xf32>) {
  %w = arith.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %ids = arith.constant dense<[[1, 0]]> : tensor<1x2xi32>
  %token = arith.constant dense<[[3.0]]> : tensor<1x1xf32>
  %pairs = arith.constant dense<[[3.0], [5.0]]> : tensor<2x1xf32>
  %out0 = tensor.empty() : tensor<2x1xf32>
  %a = moe.grouped_matmul %token, %w ids(%ids : tensor<1x2xi32>) broadcast outs(%out0 : tensor<2x1xf32>) : tensor<1x1xf32>, tensor<2x1x1xf32>
  %out1 = tensor.empty() : tensor<2x1xf32>
  %b = moe.grouped_matmul %pairs, %w ids(%ids : tensor<1x2xi32>) outs(%out1 : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<2x1x1xf32>
  return %a, %b : tensor<2x1xf32>, tensor<2x1xf32>
}

moe.weight @plain : tensor<2x5x3xbf16> from #moe.random<seed = 3, scale = 1.0>
moe.weight @panels : tensor<2x5x3xbf16> from #moe.random<seed = 3, scale = 1.0> layout #moe.panel<width = 4, pair = 2>

// Packing changes no bit of a product, with N and J that fill neither panels nor pairs.
// CHECK-LABEL: packing result 0: 2x5xi1 {{\[\[}}1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
func.func @packing() -> tensor<2x5xi1> {
  %x = arith.constant dense<[[0.1, 0.2, 0.3], [-1.0, 3.0, 0.7]]> : tensor<2x3xf32>
  %ids = arith.constant dense<[[0, 1]]> : tensor<1x2xi32>
  %plain = moe.get_weight @plain : tensor<2x5x3xbf16>
  %panels = moe.get_weight @panels : tensor<2x2x2x4x2xbf16>
  %out0 = tensor.empty() : tensor<2x5xf32>
  %a = moe.grouped_matmul %x, %plain ids(%ids : tensor<1x2xi32>) outs(%out0 : tensor<2x5xf32>) : tensor<2x3xf32>, tensor<2x5x3xbf16>
  %out1 = tensor.empty() : tensor<2x5xf32>
  %b = moe.grouped_matmul %x, %panels ids(%ids : tensor<1x2xi32>) panel <width = 4, pair = 2> outs(%out1 : tensor<2x5xf32>)
      : tensor<2x3xf32>, tensor<2x2x2x4x2xbf16>
  %same = arith.cmpf oeq, %a, %b : tensor<2x5xf32>
  return %same : tensor<2x5xi1>
}

moe.weight @matrix : tensor<3x2xf32> from dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32> layout #moe.panel<width = 2, pair = 1>

// Two panels of two rows, the last padded.
// CHECK-LABEL: packed_matmul result 0: 2x2x2xf32 {{\[\[\[}}1, 3], [2, 4]], {{\[\[}}5, 0], [6, 0]]]
// CHECK: packed_matmul result 1: 1x3xf32 {{\[\[}}12, 34, 56]]
func.func @packed_matmul() -> (tensor<2x2x2xf32>, tensor<1x3xf32>) {
  %x = arith.constant dense<[[10.0, 1.0]]> : tensor<1x2xf32>
  %w = moe.get_weight @matrix : tensor<2x2x2xf32>
  %out0 = tensor.empty() : tensor<1x3xf32>
  %y = moe.packed_matmul %x, %w panel <width = 2, pair = 1> outs(%out0 : tensor<1x3xf32>) : tensor<1x2xf32>, tensor<2x2x2xf32>
  return %w, %y : tensor<2x2x2xf32>, tensor<1x3xf32>
}

// A fused multiply-add keeps 2^-46 of (1 + 2^-23)^2 - (1 + 2^-22); a rounded product would leave 0.
// CHECK-LABEL: fused result 0: 1x1xf32 {{\[\[}}1.42109e-14]]
func.func @fused() -> tensor<1x1xf32> {
  %x = arith.constant dense<[[-1.0000002384185791015625, 1.00000011920928955078125]]> : tensor<1x2xf32>
  %w = arith.constant dense<[[1.0, 1.00000011920928955078125]]> : tensor<1x2xf32>
  %e = tensor.empty() : tensor<1x1xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x1xf32>) -> tensor<1x1xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<1x2xf32>, tensor<1x2xf32>) outs(%init : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
