// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-remove-dead-results))" --remarks-filter="moe-remove-dead-results" -o %t.mlir 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: FileCheck %s --input-file=%t.mlir

// REMARK: [Passed] dead-result | {{.*}}nothing reads the scores, so they are gone
// REMARK: [Passed] dead-result | {{.*}}nothing reads the counts, so they are gone
// CHECK-LABEL: func.func @both
// CHECK: %[[W:.*]], %[[IDS:.*]] = moe.route %{{.*}} top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
// CHECK: return %[[W]], %[[IDS]]
func.func @both(%z: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %w, %ids, %scores, %counts = moe.route %z top_k(2) score(softmax) with_scores with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  return %w, %ids : tensor<?x2xf32>, tensor<?x2xi32>
}

// A loss that nobody reads keeps nothing; the counts have a reader of their own.
// REMARK: [Passed] dead-result | {{.*}}nothing reads the scores, so they are gone
// REMARK: [Missed] dead-result | {{.*}}the counts are computed, since 'func.return' reads them
// CHECK-LABEL: func.func @dead_loss
// CHECK: %{{.*}}, %{{.*}}, %[[COUNTS:.*]] = moe.route %{{.*}} with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<8xi32>
// CHECK-NOT: moe.z_loss
// CHECK: return %{{.*}}, %[[COUNTS]]
func.func @dead_loss(%z: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<8xi32>) {
  %w, %ids, %scores, %counts = moe.route %z top_k(2) score(softmax) with_scores with_counts : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>, tensor<8xi32>
  %loss = moe.z_loss %scores scale(1.0) : tensor<?x8xf32>
  return %w, %counts : tensor<?x2xf32>, tensor<8xi32>
}

// REMARK: [Missed] dead-result | {{.*}}the scores are computed, since 'func.return' reads them
// CHECK-LABEL: func.func @read
// CHECK: moe.route %{{.*}} with_scores : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>
func.func @read(%z: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x8xf32>) {
  %w, %ids, %scores = moe.route %z top_k(2) score(softmax) with_scores : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>
  return %w, %scores : tensor<?x2xf32>, tensor<?x8xf32>
}

// Weights and ids are what a route is for; without aux results there is nothing to say.
// REMARK-NOT: dead-result
// CHECK-LABEL: func.func @plain
// CHECK: moe.route
func.func @plain(%z: tensor<?x8xf32>) -> tensor<?x2xi32> {
  %w, %ids = moe.route %z top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %ids : tensor<?x2xi32>
}
