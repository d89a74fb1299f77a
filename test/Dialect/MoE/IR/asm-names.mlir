// RUN: moe-opt %s | FileCheck %s

moe.weight @model.norm : tensor<8xf32> from #moe.random<seed = 1, scale = 1.0>

// CHECK-LABEL: @names
func.func @names(%a: tensor<?x8xf32>, %b: tensor<8x8x8xf32>, %c: !moe.kv_cache<static<16>, 1 x 8 x f32>,
                 %d: tensor<?x1x8xf32>, %e: tensor<?xi32>, %f: tensor<1x8x8xf32>, %g: tensor<8x8xf32>, %out0: tensor<9xi32>, %out1: tensor<?xi32>, %out2: tensor<?x2xi32>, %out3: tensor<?x8xf32>, %out4: tensor<?x8xf32>) {
  // CHECK: %model.norm = moe.get_weight
  %0 = moe.get_weight @model.norm : tensor<8xf32>
  // CHECK: %weights, %ids = moe.route
  %1:2 = moe.route %a top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: %rows, %plan = moe.dispatch
  %2:2 = moe.dispatch %a, %1#1 experts(8) : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>, !moe.plan<8 x 2>
  %3 = moe.expert %2#0, %2#1 weights(%b : tensor<8x8x8xf32>) {
  // CHECK: ^bb0(%block: tensor<?x8xf32>, %w1: tensor<8x8xf32>):
  ^bb0(%r: tensor<?x8xf32>, %u: tensor<8x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  } : tensor<?x8xf32>, !moe.plan<8 x 2> -> tensor<?x8xf32>
  // CHECK: %offsets, %order, %inverse = moe.sort_tokens
  %4:3 = moe.sort_tokens %1#1 experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  // CHECK: %grouped = moe.grouped_matmul
  %5 = moe.grouped_matmul %a, %b offsets(%4#0 : tensor<9xi32>) outs(%out3 : tensor<?x8xf32>) : tensor<?x8xf32>, tensor<8x8x8xf32>
  // CHECK: %product = moe.packed_matmul
  %6 = moe.packed_matmul %a, %f panel <width = 8, pair = 1> outs(%out4 : tensor<?x8xf32>) : tensor<?x8xf32>, tensor<1x8x8xf32>
  // CHECK: %gathered = moe.gather_rows
  %gathered = moe.gather_rows %a top_k(1) outs(%out3 : tensor<?x8xf32>) : tensor<?x8xf32>
  // CHECK: %vectors = moe.expert_rows
  %vectors = moe.expert_rows %g offsets(%4#0 : tensor<9xi32>) outs(%out3 : tensor<?x8xf32>) : tensor<8x8xf32>
  // CHECK: %combined = moe.combine_rows
  %combined = moe.combine_rows %a, %a outs(%out4 : tensor<?x8xf32>) : tensor<?x8xf32>, tensor<?x8xf32>
  // CHECK: %attention = moe.attention
  %7 = moe.attention %d, %c at %e scale(1.0) : tensor<?x1x8xf32>, !moe.kv_cache<static<16>, 1 x 8 x f32>, tensor<?xi32> -> tensor<?x1x8xf32>
  return
}
