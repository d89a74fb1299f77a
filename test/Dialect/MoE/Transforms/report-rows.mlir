// RUN: moe-opt %s --moe-report=tokens=2 -o /dev/null | FileCheck %s

// Operations on rows: two tokens with two slots have four rows and three of four experts. Found by ids, each row reads a
// vector, by offsets each active expert's is read once.

moe.weight @bias : tensor<4x3xf32> from #moe.random<seed = 1, scale = 1.0>

// CHECK-LABEL: rows, T = 2
// CHECK-NEXT: operation
// CHECK-NEXT: moe.sort_tokens report-rows.mlir:{{[0-9]+}} 0 0 68 0 3.00
// CHECK-NEXT: moe.gather_rows report-rows.mlir:{{[0-9]+}} 0 0 136 0
// CHECK-NEXT: moe.gather_rows report-rows.mlir:{{[0-9]+}} 0 0 136 20
// CHECK-NEXT: moe.expert_rows bias 9 36 68 0 3.00
// CHECK-NEXT: moe.expert_rows bias 12 48 64 0 3.00
// CHECK-NEXT: moe.combine_rows report-rows.mlir:{{[0-9]+}} 0 0 104 24
// CHECK-NEXT: total 21 84 576 44
func.func @rows(%x: tensor<?x5xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
  %n = arith.muli %t, %c2 : index
  %bias = moe.get_weight @bias : tensor<4x3xf32>
  %e0 = tensor.empty() : tensor<5xi32>
  %e1 = tensor.empty(%n) : tensor<?xi32>
  %e2 = tensor.empty(%t) : tensor<?x2xi32>
  %e3 = tensor.empty(%n) : tensor<?x5xf32>
  %e4 = tensor.empty(%n) : tensor<?x3xf32>
  %e5 = tensor.empty(%t) : tensor<?x3xf32>
  %s:3 = moe.sort_tokens %ids experts(4) outs(%e0, %e1, %e2 : tensor<5xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %a = moe.gather_rows %x order(%s#1 : tensor<?xi32>) top_k(2) outs(%e3 : tensor<?x5xf32>) : tensor<?x5xf32>
  %b = moe.gather_rows %x top_k(2) scale(%w : tensor<?x2xf32>) outs(%e3 : tensor<?x5xf32>) : tensor<?x5xf32>
  %c = moe.expert_rows %bias offsets(%s#0 : tensor<5xi32>) outs(%e4 : tensor<?x3xf32>) : tensor<4x3xf32>
  %d = moe.expert_rows %bias ids(%ids : tensor<?x2xi32>) outs(%e4 : tensor<?x3xf32>) : tensor<4x3xf32>
  %o = moe.combine_rows %d, %w inverse(%s#2 : tensor<?x2xi32>) outs(%e5 : tensor<?x3xf32>) : tensor<?x3xf32>, tensor<?x2xf32>
  return %o : tensor<?x3xf32>
}
