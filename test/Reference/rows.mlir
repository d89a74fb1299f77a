// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// Pairs (token 0: q = 0, 1; token 1: q = 2, 3) in an order, then in their own, scaled.
// CHECK-LABEL: gather result 0: 4x2xf32 {{\[\[}}3, 4], [1, 2], [3, 4], [1, 2]]
// CHECK: gather result 1: 4x2xf32 {{\[\[}}1, 2], [10, 20], [300, 400], [3000, 4000]]
func.func @gather() -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %order = arith.constant dense<[3, 0, 2, 1]> : tensor<4xi32>
  %scale = arith.constant dense<[[1.0, 10.0], [100.0, 1000.0]]> : tensor<2x2xf32>
  %out = tensor.empty() : tensor<4x2xf32>
  %0 = moe.gather_rows %x order(%order : tensor<4xi32>) top_k(2) outs(%out : tensor<4x2xf32>) : tensor<2x2xf32>
  %1 = moe.gather_rows %x top_k(2) scale(%scale : tensor<2x2xf32>) outs(%out : tensor<4x2xf32>) : tensor<2x2xf32>
  return %0, %1 : tensor<4x2xf32>, tensor<4x2xf32>
}

// Nobody chose expert 1; the last pair, or the pair of id 3, is skipped.
// CHECK-LABEL: vectors result 0: 4x1xbf16 {{\[\[}}1], [3], [3], [3]]
// CHECK: vectors result 1: 4x1xbf16 {{\[\[}}1], [3], [3], [nan]]
// CHECK: vectors result 2: 4x1xbf16 {{\[\[}}3], [1], [nan], [2]]
func.func @vectors() -> (tensor<4x1xbf16>, tensor<4x1xbf16>, tensor<4x1xbf16>) {
  %v = arith.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xbf16>
  %all = arith.constant dense<[0, 1, 1, 4]> : tensor<4xi32>
  %some = arith.constant dense<[0, 1, 1, 3]> : tensor<4xi32>
  %ids = arith.constant dense<[[2, 0], [3, 1]]> : tensor<2x2xi32>
  %out = tensor.empty() : tensor<4x1xbf16>
  %0 = moe.expert_rows %v offsets(%all : tensor<4xi32>) outs(%out : tensor<4x1xbf16>) : tensor<3x1xbf16>
  %1 = moe.expert_rows %v offsets(%some : tensor<4xi32>) partial outs(%out : tensor<4x1xbf16>) : tensor<3x1xbf16>
  %2 = moe.expert_rows %v ids(%ids : tensor<2x2xi32>) partial outs(%out : tensor<4x1xbf16>) : tensor<3x1xbf16>
  return %0, %1, %2 : tensor<4x1xbf16>, tensor<4x1xbf16>, tensor<4x1xbf16>
}

// Row 3 belongs to no expert: it adds nothing, or weight 4 or 1 times what stands for it.
// CHECK-LABEL: combine result 0: 2x1xf32 {{\[\[}}4301], [802]]
// CHECK: combine result 1: 2x1xf32 {{\[\[}}301], [802]]
// CHECK: combine result 2: 2x1xf32 {{\[\[}}324], [800]]
// CHECK: combine result 3: 2x1xf32 {{\[\[}}1100], [607]]
func.func @combine() -> (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>) {
  %y = arith.constant dense<[[100.0], [200.0], [300.0], [1000.0]]> : tensor<4x1xf32>
  %unwritten = arith.constant dense<[[100.0], [200.0], [300.0], [0x7FC00000]]> : tensor<4x1xf32>
  %w = arith.constant dense<[[3.0, 4.0], [2.0, 1.0]]> : tensor<2x2xf32>
  %init = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %x = arith.constant dense<[[6.0], [7.0]]> : tensor<2x1xf32>
  %inverse = arith.constant dense<[[0, 3], [2, 1]]> : tensor<2x2xi32>
  %offsets = arith.constant dense<[0, 2, 3]> : tensor<3xi32>
  %ids = arith.constant dense<[[0, 1], [1, 2]]> : tensor<2x2xi32>
  %out = tensor.empty() : tensor<2x1xf32>
  %0 = moe.combine_rows %y, %w inverse(%inverse : tensor<2x2xi32>) init(%init : tensor<2x1xf32>) outs(%out : tensor<2x1xf32>)
      : tensor<4x1xf32>, tensor<2x2xf32>
  %1 = moe.combine_rows %unwritten, %w inverse(%inverse : tensor<2x2xi32>) offsets(%offsets : tensor<3xi32>) init(%init : tensor<2x1xf32>)
      outs(%out : tensor<2x1xf32>) : tensor<4x1xf32>, tensor<2x2xf32>
  %2 = moe.combine_rows %unwritten, %w inverse(%inverse : tensor<2x2xi32>) offsets(%offsets : tensor<3xi32>) skipped(%x : tensor<2x1xf32>)
      outs(%out : tensor<2x1xf32>) : tensor<4x1xf32>, tensor<2x2xf32>
  %3 = moe.combine_rows %unwritten, %w ids(%ids : tensor<2x2xi32>) experts(2) skipped(%x : tensor<2x1xf32>) outs(%out : tensor<2x1xf32>)
      : tensor<4x1xf32>, tensor<2x2xf32>
  return %0, %1, %2, %3 : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}
