// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @panel_alone(%z: tensor<2x4xf32>) {
  // expected-error @below {{'moe.route' op expected a gate with columns or panel, got none}}
  %0:2 = moe.route %z panel <width = 16, pair = 1> top_k(2) score(softmax) : tensor<2x4xf32> -> tensor<2x2xf32>, tensor<2x2xi32>
  return
}

// -----

func.func @inner(%x: tensor<2x8xf32>, %w: tensor<4x7xf32>) {
  // expected-error @below {{'moe.route' op expected columns of a weight matrix to be 8, got 7}}
  %0:2 = moe.route %x gate(%w : tensor<4x7xf32>) columns(4) top_k(2) score(softmax) : tensor<2x8xf32> -> tensor<2x2xf32>, tensor<2x2xi32>
  return
}

// -----

func.func @columns(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @below {{'moe.route' op expected rows of a weight matrix to be 5, got 4}}
  %0:2 = moe.route %x gate(%w : tensor<4x8xf32>) columns(5) top_k(2) score(softmax) : tensor<2x8xf32> -> tensor<2x2xf32>, tensor<2x2xi32>
  return
}

// -----

func.func @packed(%x: tensor<2x8xf32>, %w: tensor<2x8x16xf32>) {
  // expected-error @below {{'moe.route' op expected packed weights 'tensor<1x8x16xf32>', got 'tensor<2x8x16xf32>'}}
  %0:2 = moe.route %x gate(%w : tensor<2x8x16xf32>) columns(5) panel <width = 16, pair = 1> top_k(2) score(softmax) : tensor<2x8xf32> -> tensor<2x2xf32>, tensor<2x2xi32>
  return
}

// -----

func.func @no_columns(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @below {{'moe.route' op expected columns with a gate, got none}}
  %0:2 = "moe.route"(%x, %w) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 1, 0>, score = 0 : i32, topK = 2 : i64}>
      : (tensor<2x8xf32>, tensor<4x8xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}
