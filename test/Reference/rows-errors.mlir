// RUN: moe-opt %s -test-moe-evaluate -split-input-file -verify-diagnostics -o /dev/null

func.func @pair() {
  %x = arith.constant dense<1.0> : tensor<1x2xf32>
  %order = arith.constant dense<[0, 2]> : tensor<2xi32>
  %out = tensor.empty() : tensor<2x2xf32>
  // expected-error @+1 {{expected a pair within 0 to 1, got 2}}
  %0 = moe.gather_rows %x order(%order : tensor<2xi32>) top_k(2) outs(%out : tensor<2x2xf32>) : tensor<1x2xf32>
  return
}

// -----

func.func @length_of_order() {
  %x = arith.constant dense<1.0> : tensor<1x2xf32>
  %three = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %order = tensor.cast %three : tensor<3xi32> to tensor<?xi32>
  %out = tensor.empty() : tensor<2x2xf32>
  // expected-error @+1 {{expected number of rows in order 2, got 3}}
  %0 = moe.gather_rows %x order(%order : tensor<?xi32>) top_k(2) outs(%out : tensor<2x2xf32>) : tensor<1x2xf32>
  return
}

// -----

func.func @factors() {
  %x = arith.constant dense<1.0> : tensor<1x2xf32>
  %two = arith.constant dense<1.0> : tensor<2x2xf32>
  %scale = tensor.cast %two : tensor<2x2xf32> to tensor<?x2xf32>
  %out = tensor.empty() : tensor<2x2xf32>
  // expected-error @+1 {{expected number of factors 2, got 4}}
  %0 = moe.gather_rows %x top_k(2) scale(%scale : tensor<?x2xf32>) outs(%out : tensor<2x2xf32>) : tensor<1x2xf32>
  return
}

// -----

func.func @skipped_row() {
  %v = arith.constant dense<1.0> : tensor<2x2xf32>
  %ids = arith.constant dense<[[0, 2]]> : tensor<1x2xi32>
  %out = tensor.empty() : tensor<2x2xf32>
  // expected-error @+1 {{expected expert ids 0 to 1, got 2 for pair 1}}
  %0 = moe.expert_rows %v ids(%ids : tensor<1x2xi32>) outs(%out : tensor<2x2xf32>) : tensor<2x2xf32>
  return
}

// -----

func.func @offsets() {
  %v = arith.constant dense<1.0> : tensor<2x2xf32>
  %offsets = arith.constant dense<[0, 2, 3]> : tensor<3xi32>
  %out = tensor.empty() : tensor<2x2xf32>
  // expected-error @+1 {{expected offsets rising from 0 to at most 2, got 0, 2, 3}}
  %0 = moe.expert_rows %v offsets(%offsets : tensor<3xi32>) partial outs(%out : tensor<2x2xf32>) : tensor<2x2xf32>
  return
}

// -----

func.func @number_of_ids() {
  %v = arith.constant dense<1.0> : tensor<2x2xf32>
  %ids = arith.constant dense<[[0, 1]]> : tensor<1x2xi32>
  %cast = tensor.cast %ids : tensor<1x2xi32> to tensor<?x2xi32>
  %out = tensor.empty() : tensor<3x2xf32>
  // expected-error @+1 {{expected number of ids 3, got 2}}
  %0 = moe.expert_rows %v ids(%cast : tensor<?x2xi32>) outs(%out : tensor<3x2xf32>) : tensor<2x2xf32>
  return
}

// -----

func.func @width() {
  %v = arith.constant dense<1.0> : tensor<2x2xf32>
  %ids = arith.constant dense<[[0, 1]]> : tensor<1x2xi32>
  %c3 = arith.constant 3 : index
  %out = tensor.empty(%c3) : tensor<2x?xf32>
  // expected-error @+1 {{expected width of the result 2, got 3}}
  %0 = moe.expert_rows %v ids(%ids : tensor<1x2xi32>) outs(%out : tensor<2x?xf32>) : tensor<2x2xf32>
  return
}

// -----

func.func @rows() {
  %y = arith.constant dense<1.0> : tensor<3x2xf32>
  %cast = tensor.cast %y : tensor<3x2xf32> to tensor<?x2xf32>
  %w = arith.constant dense<1.0> : tensor<1x2xf32>
  %out = tensor.empty() : tensor<1x2xf32>
  // expected-error @+1 {{expected number of rows 2, got 3}}
  %0 = moe.combine_rows %cast, %w outs(%out : tensor<1x2xf32>) : tensor<?x2xf32>, tensor<1x2xf32>
  return
}

// -----

func.func @inverse() {
  %y = arith.constant dense<1.0> : tensor<2x2xf32>
  %w = arith.constant dense<1.0> : tensor<1x2xf32>
  %inverse = arith.constant dense<[[0, 2]]> : tensor<1x2xi32>
  %out = tensor.empty() : tensor<1x2xf32>
  // expected-error @+1 {{expected a row within 0 to 1, got 2}}
  %0 = moe.combine_rows %y, %w inverse(%inverse : tensor<1x2xi32>) outs(%out : tensor<1x2xf32>) : tensor<2x2xf32>, tensor<1x2xf32>
  return
}

// -----

func.func @tokens_of_init() {
  %y = arith.constant dense<1.0> : tensor<2x2xf32>
  %w = arith.constant dense<1.0> : tensor<1x2xf32>
  %init = tensor.cast %y : tensor<2x2xf32> to tensor<?x2xf32>
  %out = tensor.empty() : tensor<1x2xf32>
  // expected-error @+1 {{expected tokens of init 1, got 2}}
  %0 = moe.combine_rows %y, %w init(%init : tensor<?x2xf32>) outs(%out : tensor<1x2xf32>) : tensor<2x2xf32>, tensor<1x2xf32>
  return
}
