// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s

// CHECK: moe.weight @embed : tensor<16x8xbf16> from #moe.checkpoint<"demo", ["embed"]>
moe.weight @embed : tensor<16x8xbf16> from #moe.checkpoint<"demo", ["embed"]>
// CHECK: moe.weight @stack : tensor<2x16x8xf32> from #moe.checkpoint<"demo", ["a", "b"]>
moe.weight @stack : tensor<2x16x8xf32> from #moe.checkpoint<"demo", ["a", "b"]>
// CHECK: moe.weight @packed : tensor<4x32x16xf32> from #moe.random<seed = 1, scale = 1.000000e-01> layout <width = 32, pair = 1> offset 64
moe.weight @packed : tensor<4x32x16xf32> from #moe.random<seed = 1, scale = 0.1> layout <width = 32, pair = 1> offset 64
// CHECK: moe.weight @bias : tensor<2xi32> from dense<[1, 2]> : tensor<2xi32>
moe.weight @bias : tensor<2xi32> from dense<[1, 2]> : tensor<2xi32>

// CHECK-LABEL: @weights
func.func @weights() -> (tensor<16x8xbf16>, tensor<4x1x16x32xf32>) {
  // CHECK: moe.get_weight @embed : tensor<16x8xbf16>
  %0 = moe.get_weight @embed : tensor<16x8xbf16>
  // CHECK: moe.get_weight @packed : tensor<4x1x16x32xf32>
  %1 = moe.get_weight @packed : tensor<4x1x16x32xf32>
  return %0, %1 : tensor<16x8xbf16>, tensor<4x1x16x32xf32>
}

// CHECK-LABEL: @route
func.func @route(%logits: tensor<?x64xf32>, %bias: tensor<64xf32>) {
  // CHECK: moe.route %{{.*}} top_k(8) score(softmax) normalize(0.000000e+00) : tensor<?x64xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  %0:2 = moe.route %logits top_k(8) score(softmax) normalize(0.0) : tensor<?x64xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  // CHECK: moe.route %{{.*}} bias(%{{.*}} : tensor<64xf32>) top_k(8) score(sigmoid) normalize(5.000000e-01) scale(2.500000e+00)
  %1:2 = moe.route %logits bias(%bias : tensor<64xf32>) top_k(8) score(sigmoid) normalize(0.5) scale(2.5)
      : tensor<?x64xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  // A scale of 1 is not printed.
  // CHECK: moe.route %{{.*}} top_k(1) score(softmax_topk) : tensor<?x64xf32>
  %2:2 = moe.route %logits top_k(1) score(softmax_topk) scale(1.0) : tensor<?x64xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  return
}

// CHECK-LABEL: @layer
func.func @layer(%x: tensor<?x32xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %up: tensor<8x32x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: moe.dispatch %{{.*}}, %{{.*}} experts(8) : tensor<?x32xf32>, tensor<?x2xi32> -> tensor<?x32xf32>, !moe.plan<8 x 2>
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x32xf32>, tensor<?x2xi32> -> tensor<?x32xf32>, !moe.plan<8 x 2>
  // CHECK: moe.expert %{{.*}}, %{{.*}} weights(%{{.*}} : tensor<8x32x32xf32>) {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x32xf32>, %{{.*}}: tensor<32x32xf32>):
  // CHECK-NEXT: moe.yield %{{.*}} : tensor<?x32xf32>
  // CHECK-NEXT: } : tensor<?x32xf32>, !moe.plan<8 x 2> -> tensor<?x32xf32>
  %y = moe.expert %rows, %plan weights(%up : tensor<8x32x32xf32>) {
  ^bb0(%r: tensor<?x32xf32>, %u: tensor<32x32xf32>):
    moe.yield %r : tensor<?x32xf32>
  } : tensor<?x32xf32>, !moe.plan<8 x 2> -> tensor<?x32xf32>
  // An expert without weights.
  // CHECK: moe.expert %{{.*}}, %{{.*}} {
  %z = moe.expert %y, %plan {
  ^bb0(%r: tensor<?x32xf32>):
    moe.yield %r : tensor<?x32xf32>
  } : tensor<?x32xf32>, !moe.plan<8 x 2> -> tensor<?x32xf32>
  // CHECK: moe.combine %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x32xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x32xf32>
  %a = moe.combine %y, %plan, %w : tensor<?x32xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x32xf32>
  // CHECK: moe.combine %{{.*}}, %{{.*}}, %{{.*}} residual(%{{.*}} : tensor<?x32xf32>) :
  %b = moe.combine %z, %plan, %w residual(%x : tensor<?x32xf32>)
      : tensor<?x32xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x32xf32>
  return %a, %b : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: @cache
func.func @cache(%cache: !moe.kv_cache<static<512>, 2 x 32 x f32>, %q: tensor<?x8x32xf32>, %k: tensor<?x2x32xf32>,
                 %pos: tensor<?xi32>, %bytes: memref<8192xi8>) -> (tensor<?x8x32xf32>, tensor<?x8x32xf32>) {
  // CHECK: moe.kv_append %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} : !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?xi32>
  moe.kv_append %cache, %k, %k at %pos : !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?xi32>
  // CHECK: moe.kv_append {{.*}} at %{{.*}} of %{{.*}} : tensor<?xi32> :
  moe.kv_append %cache, %k, %k at %pos of %pos : tensor<?xi32> : !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?xi32>
  // CHECK: moe.attention %{{.*}}, %{{.*}} at %{{.*}} scale(1.250000e-01) : tensor<?x8x32xf32>, !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?xi32> -> tensor<?x8x32xf32>
  %0 = moe.attention %q, %cache at %pos scale(0.125) : tensor<?x8x32xf32>, !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?xi32> -> tensor<?x8x32xf32>
  // CHECK: moe.attention %{{.*}}, %{{.*}} at %{{.*}} of %{{.*}} : tensor<?xi32> scale
  %1 = moe.attention %q, %cache at %pos of %pos : tensor<?xi32> scale(0.125) : tensor<?x8x32xf32>, !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?xi32> -> tensor<?x8x32xf32>
  // CHECK: moe.kv_view %{{.*}} : memref<8192xi8> -> !moe.kv_cache<static<16>, 2 x 32 x f32>
  %view = moe.kv_view %bytes : memref<8192xi8> -> !moe.kv_cache<static<16>, 2 x 32 x f32>
  return %0, %1 : tensor<?x8x32xf32>, tensor<?x8x32xf32>
}

// CHECK-LABEL: @sorted
func.func @sorted(%x: tensor<?x32xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x64x32xbf16>, %packed: tensor<4x256x32xf32>, %y: tensor<?x256xf32>, %out0: tensor<9xi32>, %out1: tensor<?xi32>, %out2: tensor<?x2xi32>, %out3: tensor<?x64xf32>, %out4: tensor<?x64xf32>, %out5: tensor<?x100xf32>) {
  // CHECK: moe.sort_tokens %{{.*}} experts(8) outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  // CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} offsets(%{{.*}} : tensor<9xi32>) outs(%{{.*}} : tensor<?x64xf32>) : tensor<?x32xf32>, tensor<8x64x32xbf16>
  %0 = moe.grouped_matmul %x, %w offsets(%offsets : tensor<9xi32>) outs(%out3 : tensor<?x64xf32>) : tensor<?x32xf32>, tensor<8x64x32xbf16>
  // CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<?x2xi32>) broadcast outs(%{{.*}} : tensor<?x64xf32>) :
  %1 = moe.grouped_matmul %x, %w ids(%ids : tensor<?x2xi32>) broadcast outs(%out4 : tensor<?x64xf32>) : tensor<?x32xf32>, tensor<8x64x32xbf16>
  // CHECK: moe.packed_matmul %{{.*}}, %{{.*}} panel <width = 32, pair = 1> outs(%{{.*}} : tensor<?x100xf32>) : tensor<?x256xf32>, tensor<4x256x32xf32>
  %2 = moe.packed_matmul %y, %packed panel <width = 32, pair = 1> outs(%out5 : tensor<?x100xf32>) : tensor<?x256xf32>, tensor<4x256x32xf32>
  return
}

// CHECK-LABEL: @buffers
func.func @buffers(%logits: memref<?x8xf32>, %w: memref<?x2xf32>, %ids: memref<?x2xi32>, %x: memref<?x32xf32>, %weights: memref<8x2x32x32xf32>,
                   %offsets: memref<9xi32>, %order: memref<?xi32>, %y: memref<?x64xf32>) {
  // CHECK: moe.route %{{.*}} top_k(2) score(softmax) outs(%{{.*}}, %{{.*}} : memref<?x2xf32>, memref<?x2xi32>) : memref<?x8xf32>
  moe.route %logits top_k(2) score(softmax) outs(%w, %ids : memref<?x2xf32>, memref<?x2xi32>) : memref<?x8xf32>
  // CHECK: moe.sort_tokens %{{.*}} experts(8) outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<9xi32>, memref<?xi32>, memref<?x2xi32>) : memref<?x2xi32>
  moe.sort_tokens %ids experts(8) outs(%offsets, %order, %ids : memref<9xi32>, memref<?xi32>, memref<?x2xi32>) : memref<?x2xi32>
  // CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} offsets(%{{.*}} : memref<9xi32>) panel <width = 32, pair = 1> outs(%{{.*}} : memref<?x64xf32>) : memref<?x32xf32>, memref<8x2x32x32xf32>
  moe.grouped_matmul %x, %weights offsets(%offsets : memref<9xi32>) panel <width = 32, pair = 1> outs(%y : memref<?x64xf32>) : memref<?x32xf32>, memref<8x2x32x32xf32>
  return
}

// CHECK-LABEL: @launch
func.func @launch(%n: index, %x: memref<?xf32>) {
  // CHECK: moe.launch @kernel units(%{{.*}}) grain(4) (%{{.*}} : memref<?xf32>)
  moe.launch @kernel units(%n) grain(4) (%x : memref<?xf32>)
  // CHECK: moe.launch @bare units(%{{.*}}) grain(1) ()
  moe.launch @bare units(%n) grain(1) ()
  return
}
func.func private @kernel(index, index, memref<?xf32>)
func.func private @bare(index, index)
