// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// Pairs (t, s) = 0..3 go to experts 2, 0, 2, 1: rows are the pairs 1, 3, 0, 2; expert 3 has none.
// CHECK-LABEL: dispatch result 0: 4x1xf32 {{\[\[}}10], [20], [10], [20]]
func.func @dispatch() -> tensor<4x1xf32> {
  %x = arith.constant dense<[[10.0], [20.0]]> : tensor<2x1xf32>
  %ids = arith.constant dense<[[2, 0], [2, 1]]> : tensor<2x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<2x1xf32>, tensor<2x2xi32> -> tensor<4x1xf32>, !moe.plan<4 x 2>
  return %rows : tensor<4x1xf32>
}

// Expert e multiplies by its weight e + 1: 10 goes to experts 2 and 0, 20 to 2 and 1.
// Token 0: 0.5 * 30 + 2 * 10 + 1000; token 1: 1 * 60 + 4 * 40 + 2000.
// CHECK-LABEL: layer result 0: 2x1xf32 {{\[\[}}1035], [2220]]
func.func @layer() -> tensor<2x1xf32> {
  %x = arith.constant dense<[[10.0], [20.0]]> : tensor<2x1xf32>
  %residual = arith.constant dense<[[1000.0], [2000.0]]> : tensor<2x1xf32>
  %ids = arith.constant dense<[[2, 0], [2, 1]]> : tensor<2x2xi32>
  %w = arith.constant dense<[[0.5, 2.0], [1.0, 4.0]]> : tensor<2x2xf32>
  %scales = arith.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<2x1xf32>, tensor<2x2xi32> -> tensor<4x1xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%scales : tensor<4x1x1xf32>) {
  ^bb0(%block: tensor<?x1xf32>, %scale: tensor<1x1xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %block, %c0 : tensor<?x1xf32>
    %empty = tensor.empty(%n) : tensor<?x1xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x1xf32>) -> tensor<?x1xf32>
    %o = linalg.matmul ins(%block, %scale : tensor<?x1xf32>, tensor<1x1xf32>) outs(%init : tensor<?x1xf32>) -> tensor<?x1xf32>
    moe.yield %o : tensor<?x1xf32>
  } : tensor<4x1xf32>, !moe.plan<4 x 2> -> tensor<4x1xf32>
  %out = moe.combine %y, %plan, %w residual(%residual : tensor<2x1xf32>)
      : tensor<4x1xf32>, !moe.plan<4 x 2>, tensor<2x2xf32> -> tensor<2x1xf32>
  return %out : tensor<2x1xf32>
}

// Without a residual the sum starts from 0; no token at all is fine.
// CHECK-LABEL: no_tokens result 0: 0x1xf32 []
func.func @no_tokens() -> tensor<0x1xf32> {
  %x = tensor.empty() : tensor<0x1xf32>
  %ids = tensor.empty() : tensor<0x2xi32>
  %w = tensor.empty() : tensor<0x2xf32>
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<0x1xf32>, tensor<0x2xi32> -> tensor<0x1xf32>, !moe.plan<3 x 2>
  %y = moe.expert %rows, %plan {
  ^bb0(%block: tensor<?x1xf32>):
    moe.yield %block : tensor<?x1xf32>
  } : tensor<0x1xf32>, !moe.plan<3 x 2> -> tensor<0x1xf32>
  %out = moe.combine %y, %plan, %w : tensor<0x1xf32>, !moe.plan<3 x 2>, tensor<0x2xf32> -> tensor<0x1xf32>
  return %out : tensor<0x1xf32>
}

// Slot order: (2^24 + 1) + 1 in f32 stays 2^24, (1 + 1) + 2^24 does not.
// CHECK-LABEL: slot_order result 0: 2x1xf32 {{\[\[}}1.67772e+07], [1.67772e+07]]
// CHECK: slot_order result 1: 2x1xi1 {{\[\[}}0], [1]]
func.func @slot_order() -> (tensor<2x1xf32>, tensor<2x1xi1>) {
  %x = arith.constant dense<1.0> : tensor<2x1xf32>
  %ids = arith.constant dense<[[2, 1, 0], [0, 1, 2]]> : tensor<2x3xi32>
  %w = arith.constant dense<[[16777216.0, 1.0, 1.0], [1.0, 1.0, 16777216.0]]> : tensor<2x3xf32>
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<2x1xf32>, tensor<2x3xi32> -> tensor<6x1xf32>, !moe.plan<3 x 3>
  %out = moe.combine %rows, %plan, %w : tensor<6x1xf32>, !moe.plan<3 x 3>, tensor<2x3xf32> -> tensor<2x1xf32>
  %limit = arith.constant dense<16777216.0> : tensor<2x1xf32>
  %above = arith.cmpf ogt, %out, %limit : tensor<2x1xf32>
  return %out, %above : tensor<2x1xf32>, tensor<2x1xi1>
}

// Token 0 goes to expert 1 and to nobody, token 1 to nobody twice. Factors before the experts; x times 10 at the expert.
// Rows: 3 * 2 * 10 of pair 0. A skipped pair adds nothing, or its weight times the token's row.
// CHECK-LABEL: skipped result 0: 4x1xf32 {{\[\[}}6], [15], [49], [77]]
// CHECK: skipped result 1: 2x1xf32 {{\[\[}}120], [0]]
// CHECK: skipped result 2: 2x1xf32 {{\[\[}}130], [37]]
func.func @skipped() -> (tensor<4x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>) {
  %x = arith.constant dense<[[3.0], [7.0]]> : tensor<2x1xf32>
  %ids = arith.constant dense<[[1, 2], [2, 2]]> : tensor<2x2xi32>
  %scale = arith.constant dense<[[2.0, 5.0], [7.0, 11.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[2.0, 3.0], [2.0, 3.0]]> : tensor<2x2xf32>
  %init = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %matrices = arith.constant dense<[[[0.0]], [[10.0]]]> : tensor<2x1x1xf32>
  %rows, %plan = moe.dispatch %x, %ids experts(2) partial scale(%scale : tensor<2x2xf32>)
      : tensor<2x1xf32>, tensor<2x2xi32> -> tensor<4x1xf32>, !moe.plan<2 x 2>
  %y = moe.expert %rows, %plan weights(%matrices : tensor<2x1x1xf32>) {
  ^bb0(%block: tensor<?x1xf32>, %m: tensor<1x1xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %block, %c0 : tensor<?x1xf32>
    %empty = tensor.empty(%n) : tensor<?x1xf32>
    %z = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x1xf32>) -> tensor<?x1xf32>
    %o = linalg.matmul ins(%block, %m : tensor<?x1xf32>, tensor<1x1xf32>) outs(%z : tensor<?x1xf32>) -> tensor<?x1xf32>
    moe.yield %o : tensor<?x1xf32>
  } : tensor<4x1xf32>, !moe.plan<2 x 2> -> tensor<4x1xf32>
  %nothing = moe.combine %y, %plan, %w : tensor<4x1xf32>, !moe.plan<2 x 2>, tensor<2x2xf32> -> tensor<2x1xf32>
  %tokens = moe.combine %y, %plan, %w residual(%init : tensor<2x1xf32>) skipped(%x : tensor<2x1xf32>)
      : tensor<4x1xf32>, !moe.plan<2 x 2>, tensor<2x2xf32> -> tensor<2x1xf32>
  return %rows, %nothing, %tokens : tensor<4x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}

// Experts of widths 2 and 1 in a stack of width 2, padded with zeros: (2 * x + 1) * 10 + (3 * x + 1) * 100, and
// (4 * x + 1) * 1000, although the activation gives 1 for the padded 0.
// CHECK-LABEL: widths result 0: 2x1xf32 {{\[\[}}430], [5000]]
func.func @widths() -> tensor<2x1xf32> {
  %x = arith.constant dense<1.0> : tensor<2x1xf32>
  %ids = arith.constant dense<[[0], [1]]> : tensor<2x1xi32>
  %w = arith.constant dense<1.0> : tensor<2x1xf32>
  %up = arith.constant dense<[[[2.0], [3.0]], [[4.0], [0.0]]]> : tensor<2x2x1xf32>
  %down = arith.constant dense<[[[10.0, 100.0]], [[1000.0, 0.0]]]> : tensor<2x1x2xf32>
  %rows, %plan = moe.dispatch %x, %ids experts(2) : tensor<2x1xf32>, tensor<2x1xi32> -> tensor<2x1xf32>, !moe.plan<2 x 1>
  %y = moe.expert %rows, %plan weights(%up, %down : tensor<2x2x1xf32>, tensor<2x1x2xf32>) {
  ^bb0(%block: tensor<?x1xf32>, %u: tensor<2x1xf32>, %d: tensor<1x2xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %n = tensor.dim %block, %c0 : tensor<?x1xf32>
    %e = tensor.empty(%n) : tensor<?x2xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
    %h = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
        ins(%block, %u : tensor<?x1xf32>, tensor<2x1xf32>) outs(%z : tensor<?x2xf32>) -> tensor<?x2xf32>
    %act = linalg.generic {indexing_maps = [affine_map<(r, d) -> (r, d)>, affine_map<(r, d) -> (r, d)>], iterator_types = ["parallel", "parallel"]}
        ins(%h : tensor<?x2xf32>) outs(%e : tensor<?x2xf32>) {
    ^bb1(%p: f32, %q: f32):
      %v = arith.addf %p, %one : f32
      linalg.yield %v : f32
    } -> tensor<?x2xf32>
    %e1 = tensor.empty(%n) : tensor<?x1xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x1xf32>) -> tensor<?x1xf32>
    %o = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
        ins(%act, %d : tensor<?x2xf32>, tensor<1x2xf32>) outs(%z1 : tensor<?x1xf32>) -> tensor<?x1xf32>
    moe.yield %o : tensor<?x1xf32>
  } : tensor<2x1xf32>, !moe.plan<2 x 1> -> tensor<2x1xf32>
  %out = moe.combine %y, %plan, %w : tensor<2x1xf32>, !moe.plan<2 x 1>, tensor<2x1xf32> -> tensor<2x1xf32>
  return %out : tensor<2x1xf32>
}
