// RUN: moe-opt %s -test-moe-evaluate -verify-diagnostics -split-input-file -o /dev/null

func.func @skipped_without_partial() -> tensor<3xi32> {
  %ids = arith.constant dense<[[0, 2]]> : tensor<1x2xi32>
  %a = tensor.empty() : tensor<3xi32>
  %b = tensor.empty() : tensor<2xi32>
  %c = tensor.empty() : tensor<1x2xi32>
  // expected-error @below {{expected expert ids 0 to 1, got 2 for token 0, slot 1}}
  %0:3 = moe.sort_tokens %ids experts(2) outs(%a, %b, %c : tensor<3xi32>, tensor<2xi32>, tensor<1x2xi32>) : tensor<1x2xi32>
  return %0#0 : tensor<3xi32>
}

// -----

func.func @beyond_skipped() -> tensor<3xi32> {
  %ids = arith.constant dense<[[0, 3]]> : tensor<1x2xi32>
  %a = tensor.empty() : tensor<3xi32>
  %b = tensor.empty() : tensor<2xi32>
  %c = tensor.empty() : tensor<1x2xi32>
  // expected-error @below {{expected expert ids 0 to 2, got 3 for token 0, slot 1}}
  %0:3 = moe.sort_tokens %ids experts(2) partial outs(%a, %b, %c : tensor<3xi32>, tensor<2xi32>, tensor<1x2xi32>) : tensor<1x2xi32>
  return %0#0 : tensor<3xi32>
}

// -----

func.func @no_column() -> tensor<1x3xi32> {
  %ids = arith.constant dense<[[0, 3]]> : tensor<1x2xi32>
  %a = tensor.empty() : tensor<1x3xi32>
  // expected-error @below {{expected expert ids 0 to 2, got 3 for pair 1}}
  %0 = moe.count_pairs %ids chunk(4) outs(%a : tensor<1x3xi32>) : tensor<1x2xi32>
  return %0 : tensor<1x3xi32>
}

// -----

func.func @starts_beyond() -> tensor<2xi32> {
  %ids = arith.constant dense<[[0, 1]]> : tensor<1x2xi32>
  %starts = arith.constant dense<[[0, 2, 2]]> : tensor<1x3xi32>
  %offsets = arith.constant dense<[0, 2, 2]> : tensor<3xi32>
  %a = tensor.empty() : tensor<2xi32>
  %b = tensor.empty() : tensor<1x2xi32>
  // expected-error @below {{expected rows of pairs below 2, got starts that lead beyond}}
  %0:2 = moe.place_pairs %ids, %starts, %offsets chunk(4) outs(%a, %b : tensor<2xi32>, tensor<1x2xi32>) : tensor<1x2xi32>, tensor<1x3xi32>, tensor<3xi32>
  return %0#0 : tensor<2xi32>
}
