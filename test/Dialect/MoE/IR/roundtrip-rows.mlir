// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// CHECK: moe.weight @turned : tensor<4x3xf32> from #moe.random<seed = 1, scale = 1.000000e+00> transposed layout <width = 32, pair = 1>
moe.weight @turned : tensor<4x3xf32> from #moe.random<seed = 1, scale = 1.0> transposed layout <width = 32, pair = 1>

// CHECK-LABEL: @skipped_pairs
func.func @skipped_pairs(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>) {
  // CHECK: moe.dispatch %{{.*}}, %{{.*}} experts(8) partial scale(%{{.*}} : tensor<?x2xf32>) :
  %rows, %plan = moe.dispatch %x, %ids experts(8) partial scale(%w : tensor<?x2xf32>)
      : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  // CHECK: moe.combine %{{.*}}, %{{.*}}, %{{.*}} residual(%{{.*}} : tensor<?x4xf32>) skipped(%{{.*}} : tensor<?x4xf32>) :
  %0 = moe.combine %rows, %plan, %w residual(%x : tensor<?x4xf32>) skipped(%x : tensor<?x4xf32>)
      : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  // CHECK: moe.combine %{{.*}}, %{{.*}}, %{{.*}} skipped(%{{.*}} : tensor<?x4xf32>) :
  %1 = moe.combine %rows, %plan, %w skipped(%x : tensor<?x4xf32>)
      : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: @gather
func.func @gather(%x: tensor<?x4xf32>, %order: tensor<?xi32>, %w: tensor<?x2xf32>, %out: tensor<?x4xf32>,
                  %xm: memref<?x4xf32>, %outm: memref<?x4xf32>) {
  // CHECK: moe.gather_rows %{{.*}} top_k(2) outs(%{{.*}} : tensor<?x4xf32>) : tensor<?x4xf32>
  %0 = moe.gather_rows %x top_k(2) outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>
  // CHECK: moe.gather_rows %{{.*}} order(%{{.*}} : tensor<?xi32>) top_k(2) scale(%{{.*}} : tensor<?x2xf32>) outs(
  %1 = moe.gather_rows %x order(%order : tensor<?xi32>) top_k(2) scale(%w : tensor<?x2xf32>) outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>
  // CHECK: moe.gather_rows %{{.*}} top_k(2) outs(%{{.*}} : memref<?x4xf32>) : memref<?x4xf32>
  moe.gather_rows %xm top_k(2) outs(%outm : memref<?x4xf32>) : memref<?x4xf32>
  return
}

// CHECK-LABEL: @vectors
func.func @vectors(%v: tensor<8x4xbf16>, %off: tensor<9xi32>, %ids: tensor<?x2xi32>, %out: tensor<?x4xbf16>,
                   %vm: memref<8x4xf32>, %offm: memref<9xi32>, %outm: memref<?x4xf32>) {
  // CHECK: moe.expert_rows %{{.*}} offsets(%{{.*}} : tensor<9xi32>) outs(%{{.*}} : tensor<?x4xbf16>) : tensor<8x4xbf16>
  %0 = moe.expert_rows %v offsets(%off : tensor<9xi32>) outs(%out : tensor<?x4xbf16>) : tensor<8x4xbf16>
  // CHECK: moe.expert_rows %{{.*}} ids(%{{.*}} : tensor<?x2xi32>) partial outs(
  %1 = moe.expert_rows %v ids(%ids : tensor<?x2xi32>) partial outs(%out : tensor<?x4xbf16>) : tensor<8x4xbf16>
  // CHECK: moe.expert_rows %{{.*}} offsets(%{{.*}} : memref<9xi32>) partial outs(%{{.*}} : memref<?x4xf32>) : memref<8x4xf32>
  moe.expert_rows %vm offsets(%offm : memref<9xi32>) partial outs(%outm : memref<?x4xf32>) : memref<8x4xf32>
  return
}

// CHECK-LABEL: @combine
func.func @combine(%y: tensor<?x4xf32>, %w: tensor<?x2xf32>, %inv: tensor<?x2xi32>, %off: tensor<9xi32>, %ids: tensor<?x2xi32>,
                   %x: tensor<?x4xf32>, %out: tensor<?x4xf32>, %ym: memref<?x4xf32>, %wm: memref<?x2xf32>, %outm: memref<?x4xf32>) {
  // CHECK: moe.combine_rows %{{.*}}, %{{.*}} outs(%{{.*}} : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<?x2xf32>
  %0 = moe.combine_rows %y, %w outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<?x2xf32>
  // CHECK: moe.combine_rows %{{.*}}, %{{.*}} inverse(%{{.*}} : tensor<?x2xi32>) init(%{{.*}} : tensor<?x4xf32>) outs(
  %1 = moe.combine_rows %y, %w inverse(%inv : tensor<?x2xi32>) init(%x : tensor<?x4xf32>) outs(%out : tensor<?x4xf32>)
      : tensor<?x4xf32>, tensor<?x2xf32>
  // CHECK: moe.combine_rows %{{.*}}, %{{.*}} inverse(%{{.*}} : tensor<?x2xi32>) offsets(%{{.*}} : tensor<9xi32>) skipped(%{{.*}} : tensor<?x4xf32>) init(
  %2 = moe.combine_rows %y, %w inverse(%inv : tensor<?x2xi32>) offsets(%off : tensor<9xi32>) skipped(%x : tensor<?x4xf32>)
      init(%x : tensor<?x4xf32>) outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<?x2xf32>
  // CHECK: moe.combine_rows %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<?x2xi32>) experts(8) outs(
  %3 = moe.combine_rows %y, %w ids(%ids : tensor<?x2xi32>) experts(8) outs(%out : tensor<?x4xf32>)
      : tensor<?x4xf32>, tensor<?x2xf32>
  // CHECK: moe.combine_rows %{{.*}}, %{{.*}} outs(%{{.*}} : memref<?x4xf32>) : memref<?x4xf32>, memref<?x2xf32>
  moe.combine_rows %ym, %wm outs(%outm : memref<?x4xf32>) : memref<?x4xf32>, memref<?x2xf32>
  return
}
