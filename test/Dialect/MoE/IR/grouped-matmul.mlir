// RUN: moe-opt %s --verify-roundtrip | FileCheck %s
// RUN: moe-opt %s --canonicalize | FileCheck %s --check-prefix=CANON

#bias = affine_map<(r, n, e, t, s) -> (e, n)>
#element = affine_map<(r, n, e, t, s) -> (r, n)>

// CHECK-LABEL: @products
func.func @products(%x: tensor<?x32xf32>, %gate: tensor<8x64x32xbf16>, %up: tensor<8x64x32xbf16>, %off: tensor<9xi32>, %order: tensor<?xi32>,
                    %a: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: %grouped, %grouped_0 = moe.grouped_matmul %{{.*}}, %{{.*}}, %{{.*}} offsets(%{{.*}} : tensor<9xi32>) order(%{{.*}} : tensor<?xi32>) top_k(2) broadcast partial outs(%{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<?x64xf32>) : tensor<?x32xf32>, tensor<8x64x32xbf16>, tensor<8x64x32xbf16>
  %p:2 = moe.grouped_matmul %x, %gate, %up offsets(%off : tensor<9xi32>) order(%order : tensor<?xi32>) top_k(2) broadcast partial
      outs(%a, %a : tensor<?x64xf32>, tensor<?x64xf32>) : tensor<?x32xf32>, tensor<8x64x32xbf16>, tensor<8x64x32xbf16>
  return %p#0, %p#1 : tensor<?x64xf32>, tensor<?x64xf32>
}

// The epilogue reads what is outside, and constants.
// CHECK-LABEL: @epilogue
func.func @epilogue(%x: tensor<?x32xf32>, %w: tensor<8x64x32xf32>, %ids: tensor<?x2xi32>, %bias: tensor<8x64xbf16>, %y: tensor<?x64xf32>, %c: f32,
                    %a: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<?x2xi32>) broadcast epilogue(%{{.*}}, %{{.*}} : tensor<8x64xbf16>, tensor<?x64xf32>) maps([#{{.*}}, #{{.*}}]) outs(%{{.*}} : tensor<?x64xf32>) {
  // CHECK-NEXT: ^bb0(%[[P:.*]]: f32, %[[B:.*]]: bf16, %[[Y:.*]]: f32):
  // CHECK: moe.yield %{{.*}} : f32
  // CHECK-NEXT: } : tensor<?x32xf32>, tensor<8x64x32xf32>
  %h = moe.grouped_matmul %x, %w ids(%ids : tensor<?x2xi32>) broadcast epilogue(%bias, %y : tensor<8x64xbf16>, tensor<?x64xf32>) maps([#bias, #element])
      outs(%a : tensor<?x64xf32>) {
  ^bb0(%p: f32, %b: bf16, %v: f32):
    %b32 = arith.extf %b : bf16 to f32
    %0 = arith.addf %p, %b32 : f32
    %1 = math.fma %0, %v, %c : f32
    moe.yield %1 : f32
  } : tensor<?x32xf32>, tensor<8x64x32xf32>
  return %h : tensor<?x64xf32>
}

// CHECK-LABEL: @combined
func.func @combined(%h: tensor<?x64xf32>, %w: tensor<8x32x64xf32>, %off: tensor<9xi32>, %weights: tensor<?x2xf32>, %inverse: tensor<?x2xi32>,
                    %x: tensor<?x32xf32>, %a: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: %combined = moe.grouped_matmul %{{.*}}, %{{.*}} offsets(%{{.*}} : tensor<9xi32>) partial combine(%{{.*}} : tensor<?x2xf32>) inverse(%{{.*}} : tensor<?x2xi32>) skipped(%{{.*}} : tensor<?x32xf32>) init(%{{.*}} : tensor<?x32xf32>) outs(%{{.*}} : tensor<?x32xf32>) : tensor<?x64xf32>, tensor<8x32x64xf32>
  %y = moe.grouped_matmul %h, %w offsets(%off : tensor<9xi32>) partial combine(%weights : tensor<?x2xf32>) inverse(%inverse : tensor<?x2xi32>)
      skipped(%x : tensor<?x32xf32>) init(%x : tensor<?x32xf32>) outs(%a : tensor<?x32xf32>) : tensor<?x64xf32>, tensor<8x32x64xf32>
  return %y : tensor<?x32xf32>
}

// CHECK-LABEL: @buffers
func.func @buffers(%h: memref<?x64xf32>, %w: memref<8x2x64x16xf32>, %off: memref<9xi32>, %weights: memref<?x2xf32>, %inverse: memref<?x2xi32>,
                   %s: memref<2x?x16xf32>, %a: memref<?x20xf32>) {
  // CHECK: moe.grouped_matmul %{{.*}} panel <width = 16, pair = 1> combine(%{{.*}}) inverse(%{{.*}}) scratch(%{{.*}} : memref<2x?x16xf32>) outs(%{{.*}} : memref<?x20xf32>) : memref<?x64xf32>, memref<8x2x64x16xf32>
  moe.grouped_matmul %h, %w offsets(%off : memref<9xi32>) panel <width = 16, pair = 1> combine(%weights : memref<?x2xf32>)
      inverse(%inverse : memref<?x2xi32>) scratch(%s : memref<2x?x16xf32>) outs(%a : memref<?x20xf32>) : memref<?x64xf32>, memref<8x2x64x16xf32>
  return
}

// What the epilogue does not use is dropped, and so is an epilogue that does nothing then.
// CANON-LABEL: func.func @unused
func.func @unused(%x: tensor<?x32xf32>, %w: tensor<8x64x32xf32>, %ids: tensor<?x2xi32>, %bias: tensor<8x64xf32>, %a: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CANON: %[[BIASED:.*]] = moe.grouped_matmul {{.*}} epilogue(%[[BIAS:.*]] : tensor<8x64xf32>) maps([#{{[a-z0-9]+}}]) outs(
  // CANON-NEXT: ^bb0(%[[P:.*]]: f32, %[[B:.*]]: f32):
  // CANON-NEXT: arith.addf %[[P]], %[[B]]
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<?x2xi32>) broadcast epilogue(%a, %bias : tensor<?x64xf32>, tensor<8x64xf32>) maps([#element, #bias])
      outs(%a : tensor<?x64xf32>) {
  ^bb0(%p: f32, %v: f32, %b: f32):
    %1 = arith.addf %p, %b : f32
    moe.yield %1 : f32
  } : tensor<?x32xf32>, tensor<8x64x32xf32>
  // CANON: %[[PLAIN:.*]] = moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<?x2xi32>) broadcast outs(%{{.*}} : tensor<?x64xf32>) : tensor<?x32xf32>, tensor<8x64x32xf32>
  %2 = moe.grouped_matmul %x, %w ids(%ids : tensor<?x2xi32>) broadcast epilogue(%bias : tensor<8x64xf32>) maps([#bias]) outs(%a : tensor<?x64xf32>) {
  ^bb0(%p: f32, %b: f32):
    moe.yield %p : f32
  } : tensor<?x32xf32>, tensor<8x64x32xf32>
  // CANON: return %[[BIASED]], %[[PLAIN]]
  return %0, %2 : tensor<?x64xf32>, tensor<?x64xf32>
}

// Products in another order, or one twice, stay.
// CANON-LABEL: func.func @swapped
func.func @swapped(%x: tensor<6x32xf32>, %w: tensor<8x64x32xf32>, %v: tensor<8x64x32xf32>, %ids: tensor<3x2xi32>, %a: tensor<6x64xf32>)
    -> (tensor<6x64xf32>, tensor<6x64xf32>) {
  // CANON: moe.yield %{{.*}}, %{{.*}} : f32, f32
  %0:2 = moe.grouped_matmul %x, %w, %v ids(%ids : tensor<3x2xi32>) outs(%a, %a : tensor<6x64xf32>, tensor<6x64xf32>) {
  ^bb0(%p: f32, %q: f32):
    moe.yield %q, %p : f32, f32
  } : tensor<6x32xf32>, tensor<8x64x32xf32>, tensor<8x64x32xf32>
  return %0#0, %0#1 : tensor<6x64xf32>, tensor<6x64xf32>
}
