// RUN: moe-opt %s --moe-pack-weights | FileCheck %s

// CHECK: moe.weight @gate : tensor<2x5x3xf32> {{.*}} layout <width = 32, pair = 1>
// CHECK: moe.weight @up : tensor<2x5x3xf32> {{.*}} layout <width = 32, pair = 1>
// CHECK: moe.weight @half : tensor<2x5x3xf32> from #moe.random<seed = 3, scale = 1.000000e+00>
moe.weight @gate : tensor<2x5x3xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @up : tensor<2x5x3xf32> from #moe.random<seed = 2, scale = 1.0>
moe.weight @half : tensor<2x5x3xf32> from #moe.random<seed = 3, scale = 1.0>

// CHECK-LABEL: func.func @both
// CHECK: moe.grouped_matmul %{{.*}}, %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<1x2xi32>) panel <width = 32, pair = 1> outs({{.*}}) : tensor<2x3xf32>, tensor<2x1x3x32xf32>, tensor<2x1x3x32xf32>
func.func @both(%x: tensor<2x3xf32>, %ids: tensor<1x2xi32>, %a: tensor<2x5xf32>) -> (tensor<2x5xf32>, tensor<2x5xf32>) {
  %gate = moe.get_weight @gate : tensor<2x5x3xf32>
  %up = moe.get_weight @up : tensor<2x5x3xf32>
  %y:2 = moe.grouped_matmul %x, %gate, %up ids(%ids : tensor<1x2xi32>) outs(%a, %a : tensor<2x5xf32>, tensor<2x5xf32>)
      : tensor<2x3xf32>, tensor<2x5x3xf32>, tensor<2x5x3xf32>
  return %y#0, %y#1 : tensor<2x5xf32>, tensor<2x5xf32>
}

// One of the two is an argument and cannot be packed ahead of time, so neither is.
// CHECK-LABEL: func.func @one
// CHECK: moe.grouped_matmul %{{.*}}, %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<1x2xi32>) outs({{.*}}) : tensor<2x3xf32>, tensor<2x5x3xf32>, tensor<2x5x3xf32>
func.func @one(%x: tensor<2x3xf32>, %up: tensor<2x5x3xf32>, %ids: tensor<1x2xi32>, %a: tensor<2x5xf32>) -> (tensor<2x5xf32>, tensor<2x5xf32>) {
  %half = moe.get_weight @half : tensor<2x5x3xf32>
  %y:2 = moe.grouped_matmul %x, %half, %up ids(%ids : tensor<1x2xi32>) outs(%a, %a : tensor<2x5xf32>, tensor<2x5xf32>)
      : tensor<2x3xf32>, tensor<2x5x3xf32>, tensor<2x5x3xf32>
  return %y#0, %y#1 : tensor<2x5xf32>, tensor<2x5xf32>
}
