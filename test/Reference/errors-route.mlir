// RUN: moe-opt %s -test-moe-evaluate -split-input-file -verify-diagnostics -o /dev/null

func.func @forced_id() -> tensor<2x1xf32> {
  %l = arith.constant dense<0.0> : tensor<2x3xf32>
  %f = arith.constant dense<[[2], [3]]> : tensor<2x1xi32>
  // expected-error @below {{expected the id of token 1, slot 0 to be 0 to 2, got 3}}
  %w, %i = moe.route %l forced(%f : tensor<2x1xi32>) top_k(1) score(softmax) : tensor<2x3xf32> -> tensor<2x1xf32>, tensor<2x1xi32>
  return %w : tensor<2x1xf32>
}

// -----

func.func @table_row() -> tensor<2x1xf32> {
  %l = arith.constant dense<0.0> : tensor<2x3xf32>
  %v = arith.constant dense<[[2], [1], [0]]> : tensor<3x1xi32>
  %t = arith.constant dense<[2, -1]> : tensor<2xi32>
  // expected-error @below {{expected token 1 to be 0 to 2, a row of the table, got -1}}
  %w, %i = moe.route %l table(%v[%t] : tensor<3x1xi32>, tensor<2xi32>) top_k(1) score(softmax) : tensor<2x3xf32> -> tensor<2x1xf32>, tensor<2x1xi32>
  return %w : tensor<2x1xf32>
}

// -----

func.func private @replay(%l: tensor<?x3xf32>, %f: tensor<?x1xi32>) -> tensor<?x1xf32> {
  // expected-error @below {{expected tokens of forced ids 2, got 3}}
  %w, %i = moe.route %l forced(%f : tensor<?x1xi32>) top_k(1) score(softmax) : tensor<?x3xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  return %w : tensor<?x1xf32>
}
func.func @forced_tokens() -> tensor<?x1xf32> {
  %l = arith.constant dense<0.0> : tensor<2x3xf32>
  %f = arith.constant dense<0> : tensor<3x1xi32>
  %dl = tensor.cast %l : tensor<2x3xf32> to tensor<?x3xf32>
  %df = tensor.cast %f : tensor<3x1xi32> to tensor<?x1xi32>
  %w = call @replay(%dl, %df) : (tensor<?x3xf32>, tensor<?x1xi32>) -> tensor<?x1xf32>
  return %w : tensor<?x1xf32>
}

// -----

func.func private @hash(%l: tensor<?x3xf32>, %v: tensor<4x1xi32>, %t: tensor<?xi32>) -> tensor<?x1xf32> {
  // expected-error @below {{expected length of tokens 2, got 3}}
  %w, %i = moe.route %l table(%v[%t] : tensor<4x1xi32>, tensor<?xi32>) top_k(1) score(softmax) : tensor<?x3xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  return %w : tensor<?x1xf32>
}
func.func @table_tokens() -> tensor<?x1xf32> {
  %l = arith.constant dense<0.0> : tensor<2x3xf32>
  %v = arith.constant dense<0> : tensor<4x1xi32>
  %t = arith.constant dense<0> : tensor<3xi32>
  %dl = tensor.cast %l : tensor<2x3xf32> to tensor<?x3xf32>
  %dt = tensor.cast %t : tensor<3xi32> to tensor<?xi32>
  %w = call @hash(%dl, %v, %dt) : (tensor<?x3xf32>, tensor<4x1xi32>, tensor<?xi32>) -> tensor<?x1xf32>
  return %w : tensor<?x1xf32>
}

// -----

func.func private @gated(%l: tensor<?x3xf32>, %s: tensor<?x1xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{expected tokens of shared_weights 2, got 3}}
  %w, %i = moe.route %l shared_weights(%s : tensor<?x1xf32>) top_k(1) score(softmax) shared_experts<1, given> : tensor<?x3xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %w : tensor<?x2xf32>
}
func.func @shared_tokens() -> tensor<?x2xf32> {
  %l = arith.constant dense<0.0> : tensor<2x3xf32>
  %s = arith.constant dense<0.0> : tensor<3x1xf32>
  %dl = tensor.cast %l : tensor<2x3xf32> to tensor<?x3xf32>
  %ds = tensor.cast %s : tensor<3x1xf32> to tensor<?x1xf32>
  %w = call @gated(%dl, %ds) : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}
