// RUN: moe-opt %s --one-shot-bufferize --canonicalize | FileCheck %s

// Every compute operation writes a new buffer of the shape that its operands give.
// CHECK-LABEL: func.func @compute
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[LOGITS:[a-z0-9]+]]: memref<?x5xf32>, %[[BIAS:[a-z0-9]+]]: memref<5xf32>, %[[W:[a-z0-9]+]]: memref<2x8x32xf32>, %[[E:[a-z0-9]+]]: memref<5x8x8xf32>, %[[Y:[a-z0-9]+]]: memref<?x33xf32>, %[[Z:[a-z0-9]+]]: memref<?x8xf32>)
// CHECK: %[[T:.*]] = memref.dim %[[LOGITS]], %c0
// CHECK: %[[WEIGHTS:.*]] = memref.alloc(%[[T]]) {{.*}} : memref<?x2xf32>
// CHECK: %[[IDS:.*]] = memref.alloc(%[[T]]) {{.*}} : memref<?x2xi32>
// CHECK: moe.route %[[LOGITS]] bias(%[[BIAS]] : memref<5xf32>) top_k(2) score(sigmoid) outs(%[[WEIGHTS]], %[[IDS]] : memref<?x2xf32>, memref<?x2xi32>) {mark} : memref<?x5xf32>
// CHECK: %[[OFFSETS:.*]] = memref.alloc() {{.*}} : memref<6xi32>
// CHECK: %[[ORDER:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?xi32>
// CHECK: %[[INVERSE:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x2xi32>
// CHECK: moe.sort_tokens %[[IDS]] experts(5) outs(%[[OFFSETS]], %[[ORDER]], %[[INVERSE]] :
// CHECK: %[[PRODUCT:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x33xf32>
// CHECK: moe.packed_matmul %[[X]], %[[W]] panel <width = 32, pair = 1> outs(%[[PRODUCT]] : memref<?x33xf32>)
// CHECK: memref.copy %[[PRODUCT]], %[[Y]]
// CHECK: %[[ROWS:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x8xf32>
// CHECK: moe.grouped_matmul %[[X]], %[[E]] ids(%[[IDS]] : memref<?x2xi32>) broadcast outs(%[[ROWS]] : memref<?x8xf32>)
// CHECK: memref.copy %[[ROWS]], %[[Z]]
// CHECK-NOT: memref.copy
// CHECK: return
func.func @compute(%xm: memref<?x8xf32>, %lm: memref<?x5xf32>, %bm: memref<5xf32>, %wm: memref<2x8x32xf32>, %em: memref<5x8x8xf32>,
                   %ym: memref<?x33xf32>, %zm: memref<?x8xf32>) {
  %x = bufferization.to_tensor %xm restrict : memref<?x8xf32> to tensor<?x8xf32>
  %logits = bufferization.to_tensor %lm restrict : memref<?x5xf32> to tensor<?x5xf32>
  %bias = bufferization.to_tensor %bm restrict : memref<5xf32> to tensor<5xf32>
  %w = bufferization.to_tensor %wm restrict : memref<2x8x32xf32> to tensor<2x8x32xf32>
  %experts = bufferization.to_tensor %em restrict : memref<5x8x8xf32> to tensor<5x8x8xf32>
  %weights, %ids = moe.route %logits bias(%bias : tensor<5xf32>) top_k(2) score(sigmoid) {mark} : tensor<?x5xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(5) : tensor<?x2xi32> -> tensor<6xi32>, tensor<?xi32>, tensor<?x2xi32>
  %y = moe.packed_matmul %x, %w panel <width = 32, pair = 1> : tensor<?x8xf32>, tensor<2x8x32xf32> -> tensor<?x33xf32>
  bufferization.materialize_in_destination %y in restrict writable %ym : (tensor<?x33xf32>, memref<?x33xf32>) -> ()
  %z = moe.grouped_matmul %x, %experts ids(%ids : tensor<?x2xi32>) broadcast : tensor<?x8xf32>, tensor<5x8x8xf32> -> tensor<?x8xf32>
  bufferization.materialize_in_destination %z in restrict writable %zm : (tensor<?x8xf32>, memref<?x8xf32>) -> ()
  return
}

// The cache is updated where it is, in program order: what attention reads between two appends is neither copied nor moved.
// CHECK-LABEL: func.func @cache
// CHECK-SAME: %[[CACHE:[a-z0-9]+]]: !moe.kv_cache<static<16>, 2 x 8 x f32>, %[[K:[a-z0-9]+]]: memref<1x2x8xf32>, %[[P:[a-z0-9]+]]: memref<1xi32>, %[[Q:[a-z0-9]+]]: memref<1x4x8xf32>, %[[Y:[a-z0-9]+]]: memref<1x4x8xf32>)
// CHECK-NEXT: moe.kv_append %[[CACHE]], %[[K]], %[[K]] at %[[P]] : !moe.kv_cache<static<16>, 2 x 8 x f32>, memref<1x2x8xf32>, memref<1x2x8xf32>, memref<1xi32>
// CHECK-NEXT: %[[OUT:.*]] = memref.alloc() {{.*}} : memref<1x4x8xf32>
// CHECK-NEXT: moe.attention %[[Q]], %[[CACHE]] at %[[P]] scale(1.0{{.*}}) outs(%[[OUT]] : memref<1x4x8xf32>)
// CHECK-NEXT: moe.kv_append %[[CACHE]], %[[K]], %[[K]] at %[[P]]
// CHECK-NEXT: memref.copy %[[OUT]], %[[Y]]
// CHECK-NEXT: return
!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @cache(%c: !cache, %km: memref<1x2x8xf32>, %pm: memref<1xi32>, %qm: memref<1x4x8xf32>, %ym: memref<1x4x8xf32>) {
  %k = bufferization.to_tensor %km restrict : memref<1x2x8xf32> to tensor<1x2x8xf32>
  %p = bufferization.to_tensor %pm restrict : memref<1xi32> to tensor<1xi32>
  %q = bufferization.to_tensor %qm restrict : memref<1x4x8xf32> to tensor<1x4x8xf32>
  moe.kv_append %c, %k, %k at %p : !cache, tensor<1x2x8xf32>, tensor<1x2x8xf32>, tensor<1xi32>
  %y = moe.attention %q, %c at %p scale(1.0) : tensor<1x4x8xf32>, !cache, tensor<1xi32> -> tensor<1x4x8xf32>
  moe.kv_append %c, %k, %k at %p : !cache, tensor<1x2x8xf32>, tensor<1x2x8xf32>, tensor<1xi32>
  bufferization.materialize_in_destination %y in restrict writable %ym : (tensor<1x4x8xf32>, memref<1x4x8xf32>) -> ()
  return
}
