// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

moe.weight @scaled : tensor<3xf32> from #moe.random<seed = 0, scale = 2.0>
moe.weight @unscaled : tensor<3xf32> from #moe.random<seed = 0, scale = 1.0>
moe.weight @rounded : tensor<3xbf16> from #moe.random<seed = 0, scale = 1.0>
moe.weight @ids : tensor<2xi32> from dense<[4, -5]> : tensor<2xi32>

// splitmix64(0) = 0xe220a8397b1dcdaf, (1) = 0x910a2dec89025cc1, (2) = 0x975835de1c9756ce.
// CHECK-LABEL: random result 0: 3xf32 [1.53324, 0.266246, 0.364759]
// CHECK: random result 1: 3xf32 [0.766622, 0.133123, 0.182379]
func.func @random() -> (tensor<3xf32>, tensor<3xf32>) {
  %a = moe.get_weight @scaled : tensor<3xf32>
  %b = moe.get_weight @unscaled : tensor<3xf32>
  return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: others result 0: 3xbf16 [0.765625, 0.132812, 0.182617]
// CHECK: others result 1: 2xi32 [4, -5]
func.func @others() -> (tensor<3xbf16>, tensor<2xi32>) {
  %a = moe.get_weight @rounded : tensor<3xbf16>
  %b = moe.get_weight @ids : tensor<2xi32>
  return %a, %b : tensor<3xbf16>, tensor<2xi32>
}

moe.weight @columns : tensor<2x2x3xf32> from dense<[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[7.0, 8.0], [9.0, 10.0], [11.0, 12.0]]]> : tensor<2x3x2xf32> transposed

// The source has the last two dimensions in the other order.
// CHECK-LABEL: transposed result 0: 2x2x3xf32 {{\[\[\[}}1, 3, 5], [2, 4, 6]], {{\[\[}}7, 9, 11], [8, 10, 12]]]
func.func @transposed() -> tensor<2x2x3xf32> {
  %w = moe.get_weight @columns : tensor<2x2x3xf32>
  return %w : tensor<2x2x3xf32>
}

moe.weight @stacked : tensor<3x2xf32> from #moe.stack<[2, 1] of [dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>, dense<[[5.0, 6.0]]> : tensor<1x2xf32>]>
moe.weight @stacked_columns : tensor<2x3xf32> from #moe.stack<[2, 1] of [dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>, dense<[[5.0, 6.0]]> : tensor<1x2xf32>]> transposed
moe.weight @stacked_vector : tensor<3xf32> from #moe.stack<[1, 2] of [dense<7.0> : tensor<1xf32>, dense<[8.0, 9.0]> : tensor<2xf32>]>

// One after the other, along the source's first dimension.
// CHECK-LABEL: stacks result 0: 3x2xf32 {{\[\[}}1, 2], [3, 4], [5, 6]]
// CHECK: stacks result 1: 2x3xf32 {{\[\[}}1, 3, 5], [2, 4, 6]]
// CHECK: stacks result 2: 3xf32 [7, 8, 9]
func.func @stacks() -> (tensor<3x2xf32>, tensor<2x3xf32>, tensor<3xf32>) {
  %a = moe.get_weight @stacked : tensor<3x2xf32>
  %b = moe.get_weight @stacked_columns : tensor<2x3xf32>
  %c = moe.get_weight @stacked_vector : tensor<3xf32>
  return %a, %b, %c : tensor<3x2xf32>, tensor<2x3xf32>, tensor<3xf32>
}

moe.weight @odd : tensor<2x2x3xf32> from #moe.slice<dense<[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0], [9.0, 10.0, 11.0]], [[12.0, 13.0, 14.0], [15.0, 16.0, 17.0], [18.0, 19.0, 20.0], [21.0, 22.0, 23.0]]]> : tensor<2x4x3xf32>, dim = 1, extent = 4, first = 1, step = 2>
moe.weight @last : tensor<2x2xf32> from #moe.slice<dense<[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]> : tensor<2x3xf32>, dim = 1, extent = 3, first = 1, step = 1>
moe.weight @outer : tensor<1x2xf32> from #moe.slice<dense<[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]> : tensor<3x2xf32>, dim = 0, extent = 3, first = 2, step = 5>
moe.weight @other_way : tensor<2x2xf32> from #moe.slice<dense<[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]> : tensor<3x2xf32>, dim = 0, extent = 3, first = 0, step = 2> transposed

// Steps along one of the source's dimensions.
// CHECK-LABEL: slices result 0: 2x2x3xf32 {{\[\[\[}}3, 4, 5], [9, 10, 11]], {{\[\[}}15, 16, 17], [21, 22, 23]]]
// CHECK: slices result 1: 2x2xf32 {{\[\[}}1, 2], [4, 5]]
// CHECK: slices result 2: 1x2xf32 {{\[\[}}4, 5]]
// CHECK: slices result 3: 2x2xf32 {{\[\[}}0, 4], [1, 5]]
func.func @slices() -> (tensor<2x2x3xf32>, tensor<2x2xf32>, tensor<1x2xf32>, tensor<2x2xf32>) {
  %a = moe.get_weight @odd : tensor<2x2x3xf32>
  %b = moe.get_weight @last : tensor<2x2xf32>
  %c = moe.get_weight @outer : tensor<1x2xf32>
  %d = moe.get_weight @other_way : tensor<2x2xf32>
  return %a, %b, %c, %d : tensor<2x2x3xf32>, tensor<2x2xf32>, tensor<1x2xf32>, tensor<2x2xf32>
}
