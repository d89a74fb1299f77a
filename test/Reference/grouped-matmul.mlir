// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s
// Taken apart and converted, they say the same.
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg),test-moe-evaluate)" -o /dev/null | FileCheck %s

#expert = affine_map<(r, n, e, t, s) -> (e, n)>
#row = affine_map<(r, n, e, t, s) -> (r)>
#pair = affine_map<(r, n, e, t, s) -> (t, s)>
#odd = affine_map<(r, n, e, t, s) -> (2 * n + 1)>

// Pairs 1, 3, 0, 2 of tokens 0, 1, 0, 1; expert 0 has no row. Two weights, a result each.
// CHECK-LABEL: gathered result 0: 4x1xf32 {{\[\[}}6], [10], [9], [15]]
// CHECK: gathered result 1: 4x1xf32 {{\[\[}}-3], [-5], [-6], [-10]]
func.func @gathered() -> (tensor<4x1xf32>, tensor<4x1xf32>) {
  %x = arith.constant dense<[[3.0], [5.0]]> : tensor<2x1xf32>
  %w = arith.constant dense<[[[9.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %v = arith.constant dense<[[[9.0]], [[-1.0]], [[-2.0]]]> : tensor<3x1x1xf32>
  %offsets = arith.constant dense<[0, 0, 2, 4]> : tensor<4xi32>
  %order = arith.constant dense<[1, 3, 0, 2]> : tensor<4xi32>
  %a = tensor.empty() : tensor<4x1xf32>
  %y:2 = moe.grouped_matmul %x, %w, %v offsets(%offsets : tensor<4xi32>) order(%order : tensor<4xi32>) top_k(2) broadcast
      outs(%a, %a : tensor<4x1xf32>, tensor<4x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>
  return %y#0, %y#1 : tensor<4x1xf32>, tensor<4x1xf32>
}

// Products 6 - 3, 10 - 5, 9 - 6, 15 - 10 and the experts' 10, 10, 20, 20, times the row's number, times the pair's, plus the column's 0.5.
// CHECK-LABEL: epilogue result 0: 4x1xf32 {{\[\[}}13.5], [1500.5], [16100.5], [0.5]]
func.func @epilogue() -> tensor<4x1xf32> {
  %x = arith.constant dense<[[3.0], [5.0]]> : tensor<2x1xf32>
  %w = arith.constant dense<[[[9.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %v = arith.constant dense<[[[9.0]], [[-1.0]], [[-2.0]]]> : tensor<3x1x1xf32>
  %offsets = arith.constant dense<[0, 0, 2, 4]> : tensor<4xi32>
  %order = arith.constant dense<[1, 3, 0, 2]> : tensor<4xi32>
  %bias = arith.constant dense<[[7.0], [10.0], [20.0]]> : tensor<3x1xbf16>
  %rows = arith.constant dense<[1.0, 2.0, 7.0, 0.0]> : tensor<4xf32>
  %pairs = arith.constant dense<[[100.0, 1.0], [20.0, 50.0]]> : tensor<2x2xf32>
  %columns = arith.constant dense<[77.0, 0.5]> : tensor<2xf32>
  %a = tensor.empty() : tensor<4x1xf32>
  %y = moe.grouped_matmul %x, %w, %v offsets(%offsets : tensor<4xi32>) order(%order : tensor<4xi32>) top_k(2) broadcast
      epilogue(%bias, %rows, %pairs, %columns : tensor<3x1xbf16>, tensor<4xf32>, tensor<2x2xf32>, tensor<2xf32>) maps([#expert, #row, #pair, #odd])
      outs(%a : tensor<4x1xf32>) {
  ^bb0(%p: f32, %q: f32, %b: bf16, %r: f32, %s: f32, %c: f32):
    %b32 = arith.extf %b : bf16 to f32
    %0 = arith.addf %p, %q : f32
    %1 = arith.addf %0, %b32 : f32
    %2 = arith.mulf %1, %r : f32
    %3 = arith.mulf %2, %s : f32
    %4 = arith.addf %3, %c : f32
    moe.yield %4 : f32
  } : tensor<2x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>
  return %y : tensor<4x1xf32>
}

// The same sums sorted and by id: 100 + 0.5 * 9 + 0.25 * 6 and 200 + 2 * 15 + 1 * 10.
// CHECK-LABEL: combined result 0: 2x1xf32 {{\[\[}}106], [240]]
// CHECK: combined result 1: 2x1xf32 {{\[\[}}106], [240]]
// CHECK: combined result 2: 2x1xf32 {{\[\[}}6], [40]]
func.func @combined() -> (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>) {
  %x = arith.constant dense<[[3.0], [5.0]]> : tensor<2x1xf32>
  %w = arith.constant dense<[[[9.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %ids = arith.constant dense<[[2, 1], [2, 1]]> : tensor<2x2xi32>
  %offsets = arith.constant dense<[0, 0, 2, 4]> : tensor<4xi32>
  %order = arith.constant dense<[1, 3, 0, 2]> : tensor<4xi32>
  %inverse = arith.constant dense<[[2, 0], [3, 1]]> : tensor<2x2xi32>
  %weights = arith.constant dense<[[0.5, 0.25], [2.0, 1.0]]> : tensor<2x2xf32>
  %init = arith.constant dense<[[100.0], [200.0]]> : tensor<2x1xf32>
  %a = tensor.empty() : tensor<2x1xf32>
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) order(%order : tensor<4xi32>) top_k(2) broadcast combine(%weights : tensor<2x2xf32>)
      inverse(%inverse : tensor<2x2xi32>) init(%init : tensor<2x1xf32>) outs(%a : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>
  %z = moe.grouped_matmul %x, %w ids(%ids : tensor<2x2xi32>) broadcast combine(%weights : tensor<2x2xf32>) init(%init : tensor<2x1xf32>)
      outs(%a : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>
  %v = moe.grouped_matmul %x, %w ids(%ids : tensor<2x2xi32>) broadcast combine(%weights : tensor<2x2xf32>)
      outs(%a : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>
  return %y, %z, %v : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}

// Pair (1, 0) is skipped: it adds nothing, or its weight times what is given. Rows of nobody stay unwritten.
// CHECK-LABEL: partial result 0: 2x1xf32 {{\[\[}}6], [10]]
// CHECK: partial result 1: 2x1xf32 {{\[\[}}6], [24]]
// CHECK: partial result 2: 2x1xf32 {{\[\[}}6], [24]]
// CHECK: partial result 3: 4x1xf32 {{\[\[}}6], [10], [9], [nan]]
func.func @partial() -> (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<4x1xf32>) {
  %x = arith.constant dense<[[3.0], [5.0]]> : tensor<2x1xf32>
  %w = arith.constant dense<[[[9.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %ids = arith.constant dense<[[2, 1], [3, 1]]> : tensor<2x2xi32>
  %offsets = arith.constant dense<[0, 0, 2, 3]> : tensor<4xi32>
  %order = arith.constant dense<[1, 3, 0, 2]> : tensor<4xi32>
  %inverse = arith.constant dense<[[2, 0], [3, 1]]> : tensor<2x2xi32>
  %weights = arith.constant dense<[[0.5, 0.25], [2.0, 1.0]]> : tensor<2x2xf32>
  %identity = arith.constant dense<[[1.0], [7.0]]> : tensor<2x1xf32>
  %a = tensor.empty() : tensor<2x1xf32>
  %b = tensor.empty() : tensor<4x1xf32>
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) order(%order : tensor<4xi32>) top_k(2) broadcast partial
      combine(%weights : tensor<2x2xf32>) inverse(%inverse : tensor<2x2xi32>) outs(%a : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>
  %z = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) order(%order : tensor<4xi32>) top_k(2) broadcast partial
      combine(%weights : tensor<2x2xf32>) inverse(%inverse : tensor<2x2xi32>) skipped(%identity : tensor<2x1xf32>)
      outs(%a : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>
  %v = moe.grouped_matmul %x, %w ids(%ids : tensor<2x2xi32>) broadcast partial combine(%weights : tensor<2x2xf32>)
      skipped(%identity : tensor<2x1xf32>) outs(%a : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>
  %rows = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) order(%order : tensor<4xi32>) top_k(2) broadcast partial
      outs(%b : tensor<4x1xf32>) : tensor<2x1xf32>, tensor<3x1x1xf32>
  return %y, %z, %v, %rows : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<4x1xf32>
}

// No tokens.
// CHECK-LABEL: none result 0: 0x1xf32 []
func.func @none() -> tensor<0x1xf32> {
  %x = tensor.empty() : tensor<0x1xf32>
  %w = arith.constant dense<[[[9.0]]]> : tensor<1x1x1xf32>
  %ids = tensor.empty() : tensor<0x1xi32>
  %weights = tensor.empty() : tensor<0x1xf32>
  %o = arith.constant dense<0> : tensor<2xi32>
  %p = tensor.empty() : tensor<0xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(1) outs(%o, %p, %ids : tensor<2xi32>, tensor<0xi32>, tensor<0x1xi32>) : tensor<0x1xi32>
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<2xi32>) order(%order : tensor<0xi32>) top_k(1) broadcast combine(%weights : tensor<0x1xf32>)
      inverse(%inverse : tensor<0x1xi32>) outs(%x : tensor<0x1xf32>) : tensor<0x1xf32>, tensor<1x1x1xf32>
  return %y : tensor<0x1xf32>
}
