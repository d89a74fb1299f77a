// RUN: moe-opt %s --eliminate-empty-tensors --one-shot-bufferize --canonicalize | FileCheck %s

// Operations of the graph write new buffers of the shape that their operands give.
// CHECK-LABEL: func.func @graph
// CHECK-SAME: %[[LOGITS:[a-z0-9]+]]: memref<?x5xf32>, %[[BIAS:[a-z0-9]+]]: memref<5xf32>, %[[Y:[a-z0-9]+]]: memref<?x2xf32>)
// CHECK: %[[T:.*]] = memref.dim %[[LOGITS]], %c0
// CHECK: %[[WEIGHTS:.*]] = memref.alloc(%[[T]]) {{.*}} : memref<?x2xf32>
// CHECK: %[[IDS:.*]] = memref.alloc(%[[T]]) {{.*}} : memref<?x2xi32>
// CHECK: moe.route %[[LOGITS]] bias(%[[BIAS]] : memref<5xf32>) top_k(2) score(sigmoid) outs(%[[WEIGHTS]], %[[IDS]] : memref<?x2xf32>, memref<?x2xi32>) {mark} : memref<?x5xf32>
// CHECK: memref.copy %[[WEIGHTS]], %[[Y]]
func.func @graph(%lm: memref<?x5xf32>, %bm: memref<5xf32>, %ym: memref<?x2xf32>) {
  %logits = bufferization.to_tensor %lm restrict : memref<?x5xf32> to tensor<?x5xf32>
  %bias = bufferization.to_tensor %bm restrict : memref<5xf32> to tensor<5xf32>
  %weights, %ids = moe.route %logits bias(%bias : tensor<5xf32>) top_k(2) score(sigmoid) {mark} : tensor<?x5xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  bufferization.materialize_in_destination %weights in restrict writable %ym : (tensor<?x2xf32>, memref<?x2xf32>) -> ()
  return
}

// Below the graph they write where outs say, which is the final place if nothing else needs it.
// CHECK-LABEL: func.func @sorted
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: memref<?x2xi32>, %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[W:[a-z0-9]+]]: memref<2x8x32xf32>, %[[E:[a-z0-9]+]]: memref<5x8x8xf32>, %[[Y:[a-z0-9]+]]: memref<?x33xf32>, %[[Z:[a-z0-9]+]]: memref<?x8xf32>)
// CHECK: %[[OFFSETS:.*]] = memref.alloc() {{.*}} : memref<6xi32>
// CHECK: %[[ORDER:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?xi32>
// CHECK: %[[INVERSE:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x2xi32>
// CHECK: moe.sort_tokens %[[IDS]] experts(5) outs(%[[OFFSETS]], %[[ORDER]], %[[INVERSE]] :
// CHECK-NOT: memref.alloc
// CHECK: moe.packed_matmul %[[X]], %[[W]] panel <width = 32, pair = 1> outs(%[[Y]] : memref<?x33xf32>) {mark} :
// CHECK: moe.grouped_matmul %[[X]], %[[E]] offsets(%[[OFFSETS]] : memref<6xi32>) outs(%[[Z]] : memref<?x8xf32>)
// CHECK-NOT: memref.copy
// CHECK: return
func.func @sorted(%im: memref<?x2xi32>, %xm: memref<?x8xf32>, %wm: memref<2x8x32xf32>, %em: memref<5x8x8xf32>, %ym: memref<?x33xf32>, %zm: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %ids = bufferization.to_tensor %im restrict : memref<?x2xi32> to tensor<?x2xi32>
  %x = bufferization.to_tensor %xm restrict : memref<?x8xf32> to tensor<?x8xf32>
  %w = bufferization.to_tensor %wm restrict : memref<2x8x32xf32> to tensor<2x8x32xf32>
  %experts = bufferization.to_tensor %em restrict : memref<5x8x8xf32> to tensor<5x8x8xf32>
  %tokens = tensor.dim %ids, %c0 : tensor<?x2xi32>
  %rows = tensor.dim %x, %c0 : tensor<?x8xf32>
  %a = tensor.empty() : tensor<6xi32>
  %b = tensor.empty(%rows) : tensor<?xi32>
  %c = tensor.empty(%tokens) : tensor<?x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(5) outs(%a, %b, %c : tensor<6xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %d = tensor.empty(%rows) : tensor<?x33xf32>
  %y = moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%d : tensor<?x33xf32>) {mark} : tensor<?x8xf32>, tensor<2x8x32xf32>
  bufferization.materialize_in_destination %y in restrict writable %ym : (tensor<?x33xf32>, memref<?x33xf32>) -> ()
  %e = tensor.empty(%rows) : tensor<?x8xf32>
  %z = moe.grouped_matmul %x, %experts offsets(%offsets : tensor<6xi32>) outs(%e : tensor<?x8xf32>) : tensor<?x8xf32>, tensor<5x8x8xf32>
  bufferization.materialize_in_destination %z in restrict writable %zm : (tensor<?x8xf32>, memref<?x8xf32>) -> ()
  return
}

// An out that is read later is left as it is, and is not copied, since its contents are overwritten.
// CHECK-LABEL: func.func @kept
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<2x8xf32>, %[[W:[a-z0-9]+]]: memref<1x8x32xf32>, %[[OLD:[a-z0-9]+]]: memref<2x8xf32>
// CHECK: %[[NEW:.*]] = memref.alloc() {{.*}} : memref<2x8xf32>
// CHECK-NEXT: moe.packed_matmul %[[X]], %[[W]] panel <width = 32, pair = 1> outs(%[[NEW]] : memref<2x8xf32>)
// CHECK: memref.copy %[[NEW]]
// CHECK: memref.copy %[[OLD]]
func.func @kept(%xm: memref<2x8xf32>, %wm: memref<1x8x32xf32>, %om: memref<2x8xf32>, %ym: memref<2x8xf32>, %zm: memref<2x8xf32>) {
  %x = bufferization.to_tensor %xm restrict : memref<2x8xf32> to tensor<2x8xf32>
  %w = bufferization.to_tensor %wm restrict : memref<1x8x32xf32> to tensor<1x8x32xf32>
  %old = bufferization.to_tensor %om restrict writable : memref<2x8xf32> to tensor<2x8xf32>
  %y = moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%old : tensor<2x8xf32>) : tensor<2x8xf32>, tensor<1x8x32xf32>
  bufferization.materialize_in_destination %y in restrict writable %ym : (tensor<2x8xf32>, memref<2x8xf32>) -> ()
  bufferization.materialize_in_destination %old in restrict writable %zm : (tensor<2x8xf32>, memref<2x8xf32>) -> ()
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

// Scores and counts have shapes of their own.
// CHECK-LABEL: func.func @route_all(
func.func @route_all(%logits: tensor<?x8xf32>, %table: tensor<9x2xi32>, %tokens: tensor<?xi32>) -> (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>) {
  // CHECK-DAG: %[[SCORES:.*]] = memref.alloc(%{{.*}}) {{.*}}: memref<?x8xf32>
  // CHECK-DAG: %[[COUNTS:.*]] = memref.alloc() {{.*}}: memref<8xi32>
  // CHECK: moe.route %{{.*}} table(%{{.*}}[%{{.*}}] : memref<9x2xi32, {{.*}}>, memref<?xi32, {{.*}}>) top_k(2) score(softmax) with_scores with_counts outs(%{{.*}}, %{{.*}}, %[[SCORES]], %[[COUNTS]] : memref<?x2xf32>, memref<?x2xi32>, memref<?x8xf32>, memref<8xi32>) : memref<?x8xf32{{.*}}>
  %0:4 = moe.route %logits table(%table[%tokens] : tensor<9x2xi32>, tensor<?xi32>) top_k(2) score(softmax) with_scores with_counts
      : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  return %0#0, %0#1, %0#2, %0#3 : tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
}
