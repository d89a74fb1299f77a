// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens,canonicalize,cse))" | FileCheck %s

// A body that is a call: a loop over experts, each on its slice of the rows.
// CHECK-LABEL: func.func @prefill
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[UP:.*]]: tensor<8x3x4xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK: %[[PAIRS:.*]] = arith.muli
// CHECK: %[[OFFSETS:.*]], %[[ORDER:.*]], %[[INVERSE:.*]] = moe.sort_tokens %[[IDS]]
// CHECK: %[[ROWS:.*]] = moe.gather_rows %{{.*}} order(%[[ORDER]] :
// CHECK: %[[INIT:.*]] = tensor.empty(%[[PAIRS]]) : tensor<?x3xf32>
// CHECK: %[[Y:.*]] = scf.for %[[E:.*]] = %[[C0]] to %[[C8]] step %[[C1]] iter_args(%[[ACC:.*]] = %[[INIT]]) -> (tensor<?x3xf32>) {
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[E]], %[[C1]]
// CHECK-NEXT: %[[B:.*]] = tensor.extract %[[OFFSETS]][%[[E]]]
// CHECK-NEXT: %[[BEGIN:.*]] = arith.index_cast %[[B]]
// CHECK-NEXT: %[[F:.*]] = tensor.extract %[[OFFSETS]][%[[NEXT]]]
// CHECK-NEXT: %[[END:.*]] = arith.index_cast %[[F]]
// CHECK-NEXT: %[[SIZE:.*]] = arith.subi %[[END]], %[[BEGIN]]
// The number of rows is bounded by all rows.
// CHECK-NEXT: %[[N:.*]] = arith.minsi %[[SIZE]], %[[PAIRS]]
// CHECK-DAG: %[[WEIGHT:.*]] = tensor.extract_slice %[[UP]][%[[E]], 0, 0] [1, 3, 4] [1, 1, 1] : tensor<8x3x4xf32> to tensor<3x4xf32>
// CHECK-DAG: %[[BLOCK:.*]] = tensor.extract_slice %[[ROWS]][%[[BEGIN]], 0] [%[[N]], 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
// CHECK: %[[O:.*]] = func.call @ffn(%[[BLOCK]], %[[WEIGHT]])
// CHECK-NEXT: %[[INSERTED:.*]] = tensor.insert_slice %[[O]] into %[[ACC]][%[[BEGIN]], 0] [%[[N]], 3] [1, 1]
// CHECK-NEXT: scf.yield %[[INSERTED]]
// CHECK: moe.combine_rows %[[Y]],
func.func @prefill(%x: tensor<?x4xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %up: tensor<8x3x4xf32>) -> tensor<?x3xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<8x3x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<3x4xf32>):
    %o = func.call @ffn(%r, %u) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
    moe.yield %o : tensor<?x3xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x3xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x3xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x3xf32>
  return %out : tensor<?x3xf32>
}

// Few tokens: a loop over pairs, so that experts without rows cost nothing.
// CHECK-LABEL: func.func @decode
// CHECK-SAME: %[[X:.*]]: tensor<1x4xf32>, %[[W:.*]]: tensor<1x2xf32>, %[[IDS:.*]]: tensor<1x2xi32>, %[[UP:.*]]: tensor<8x3x4xf32>
// CHECK-NOT: moe.sort_tokens
// CHECK: scf.for %[[Q:.*]] = %{{.*}} to %[[C2:.*]] step
// CHECK-NEXT: %[[T:.*]] = arith.divui %[[Q]], %[[C2]]
// CHECK-NEXT: %[[S:.*]] = arith.remui %[[Q]], %[[C2]]
// CHECK-NEXT: %[[ID:.*]] = tensor.extract %[[IDS]][%[[T]], %[[S]]]
// CHECK-NEXT: %[[E:.*]] = arith.index_cast %[[ID]]
// CHECK-DAG: %[[WEIGHT:.*]] = tensor.extract_slice %[[UP]][%[[E]], 0, 0] [1, 3, 4]
// CHECK-DAG: %[[ROW:.*]] = tensor.extract_slice %[[X]][%[[T]], 0] [1, 4] [1, 1] : tensor<1x4xf32> to tensor<1x4xf32>
// CHECK-DAG: %[[BLOCK:.*]] = tensor.cast %[[ROW]] : tensor<1x4xf32> to tensor<?x4xf32>
// CHECK: %[[O:.*]] = func.call @ffn(%[[BLOCK]], %[[WEIGHT]])
// CHECK-NEXT: %[[OUT:.*]] = tensor.cast %[[O]] : tensor<?x3xf32> to tensor<1x3xf32>
// CHECK-NEXT: tensor.insert_slice %[[OUT]] into %{{.*}}[%[[Q]], 0] [1, 3] [1, 1] : tensor<1x3xf32> into tensor<2x3xf32>
func.func @decode(%x: tensor<1x4xf32>, %w: tensor<1x2xf32>, %ids: tensor<1x2xi32>, %up: tensor<8x3x4xf32>) -> tensor<1x3xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<1x4xf32>, tensor<1x2xi32> -> tensor<2x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<8x3x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<3x4xf32>):
    %o = func.call @ffn(%r, %u) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
    moe.yield %o : tensor<?x3xf32>
  } : tensor<2x4xf32>, !moe.plan<8 x 2> -> tensor<2x3xf32>
  %out = moe.combine %y, %plan, %w : tensor<2x3xf32>, !moe.plan<8 x 2>, tensor<1x2xf32> -> tensor<1x3xf32>
  return %out : tensor<1x3xf32>
}
func.func private @ffn(tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>

// A layer in an expert of a layer: the outer one is a loop, the inner one is sorted inside.
// CHECK-LABEL: func.func @nested
// CHECK: moe.sort_tokens %{{.*}} experts(8)
// CHECK: scf.for
// CHECK: %[[WEIGHTS:.*]], %[[IDS:.*]] = moe.route
// CHECK: moe.sort_tokens %[[IDS]] experts(4)
// CHECK: scf.yield
func.func @nested(%x: tensor<?x4xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %router: tensor<8x4x4xf32>) -> tensor<?x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%router : tensor<8x4x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>):
    %logits = func.call @router(%r, %u) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %iw, %i = moe.route %logits top_k(1) score(softmax) : tensor<?x4xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
    %irows, %iplan = moe.dispatch %r, %i experts(4) : tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x4xf32>, !moe.plan<4 x 1>
    %io = moe.combine %irows, %iplan, %iw : tensor<?x4xf32>, !moe.plan<4 x 1>, tensor<?x1xf32> -> tensor<?x4xf32>
    moe.yield %io : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}
func.func private @router(tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>

// The region yields its argument.
// CHECK-LABEL: func.func @identity
// CHECK-NOT: moe.expert
func.func @identity(%x: tensor<?x4xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>) -> tensor<?x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}
