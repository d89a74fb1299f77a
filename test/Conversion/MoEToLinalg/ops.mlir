// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg{ops=route,grouped_matmul}))" | FileCheck %s
// RUN: not moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg{ops=combine}))" 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: error: convert-moe-to-linalg: expected ops to be of route, sort_tokens, grouped_matmul, gather_rows, expert_rows, combine_rows, training, products, got combine

// Only what is named is converted.
// CHECK-LABEL: func.func @some
// CHECK-NOT: moe.route
// CHECK: moe.sort_tokens
func.func @some(%l: tensor<?x8xf32>, %out0: tensor<9xi32>, %out1: tensor<?xi32>, %out2: tensor<?x2xi32>) -> tensor<?xi32> {
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %1:3 = moe.sort_tokens %0#1 experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  return %1#1 : tensor<?xi32>
}
