// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @route_results(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected 2 results and no outs, or 2 outs and no results; got 1 results and 0 outs}}
  %w = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>
  return
}

// -----

func.func @route_both_forms(%l: tensor<?x8xf32>, %w: memref<?x2xf32>, %i: memref<?x2xi32>) {
  // expected-error @below {{got 2 results and 2 outs}}
  %0:2 = moe.route %l top_k(2) score(softmax) outs(%w, %i : memref<?x2xf32>, memref<?x2xi32>) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_memref_in_value_form(%l: memref<?x8xf32>) {
  // expected-error @below {{expected tensor operands with tensor results, got 'memref<?x8xf32>'}}
  %0:2 = moe.route %l top_k(2) score(softmax) : memref<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_tensor_in_buffer_form(%l: tensor<?x8xf32>, %w: memref<?x2xf32>, %i: memref<?x2xi32>) {
  // expected-error @below {{expected memref operands with outs, got 'tensor<?x8xf32>'}}
  moe.route %l top_k(2) score(softmax) outs(%w, %i : memref<?x2xf32>, memref<?x2xi32>) : tensor<?x8xf32>
  return
}

// -----

func.func @route_element_type(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected ids of element type 'i32', got 'tensor<?x2xi64>'}}
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi64>
  return
}

// -----

func.func @route_rank_of_result(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected weights of rank 2, got 'tensor<?xf32>'}}
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_rank_of_logits(%l: tensor<8xf32>) {
  // expected-error @below {{expected logits of rank 2, got 'tensor<8xf32>'}}
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_dynamic_experts(%l: tensor<?x?xf32>) {
  // expected-error @below {{expected a static number of experts, got 'tensor<?x?xf32>'}}
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x?xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_top_k(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected top_k to be 1 to 8, got 9}}
  %0:2 = moe.route %l top_k(9) score(softmax) : tensor<?x8xf32> -> tensor<?x9xf32>, tensor<?x9xi32>
  return
}

// -----

func.func @route_no_slots(%l: tensor<?x8xf32>) {
  // expected-error @below {{attribute 'topK' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %0:2 = moe.route %l top_k(0) score(softmax) : tensor<?x8xf32> -> tensor<?x0xf32>, tensor<?x0xi32>
  return
}

// -----

func.func @route_bias(%l: tensor<?x8xf32>, %b: tensor<7xf32>) {
  // expected-error @below {{expected length of bias to be 8, got 7}}
  %0:2 = moe.route %l bias(%b : tensor<7xf32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_bias_rank(%l: tensor<?x8xf32>, %b: tensor<1x8xf32>) {
  // expected-error @below {{expected bias of rank 1, got 'tensor<1x8xf32>'}}
  %0:2 = moe.route %l bias(%b : tensor<1x8xf32>) top_k(2) score(sigmoid) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_tokens(%l: tensor<4x8xf32>) {
  // expected-error @below {{expected tokens of ids to be 4, got 5}}
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<4x8xf32> -> tensor<4x2xf32>, tensor<5x2xi32>
  return
}

// -----

func.func @route_slots(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected slots of weights to be 2, got 3}}
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @route_score(%l: tensor<?x8xf32>) {
  // expected-error @below {{softmax}}
  %0:2 = moe.route %l top_k(2) score(relu) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @dispatch_dynamic_slots(%x: tensor<?x4xf32>, %i: tensor<?x?xi32>) {
  // expected-error @below {{expected a static number of slots, got 'tensor<?x?xi32>'}}
  %0:2 = moe.dispatch %x, %i experts(8) : tensor<?x4xf32>, tensor<?x?xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  return
}

// -----

func.func @dispatch_experts(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{expected experts of the plan to be 8, got 4}}
  %0:2 = moe.dispatch %x, %i experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<4 x 2>
  return
}

// -----

func.func @dispatch_slots(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{expected slots of the plan to be 2, got 1}}
  %0:2 = moe.dispatch %x, %i experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 1>
  return
}

// -----

func.func @dispatch_tokens(%x: tensor<3x4xf32>, %i: tensor<4x2xi32>) {
  // expected-error @below {{expected tokens of ids to be 3, got 4}}
  %0:2 = moe.dispatch %x, %i experts(8) : tensor<3x4xf32>, tensor<4x2xi32> -> tensor<6x4xf32>, !moe.plan<8 x 2>
  return
}

// -----

func.func @dispatch_width(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{expected width of rows to be 4, got 5}}
  %0:2 = moe.dispatch %x, %i experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x5xf32>, !moe.plan<8 x 2>
  return
}

// -----

func.func @dispatch_rows(%x: tensor<3x4xf32>, %i: tensor<3x2xi32>) {
  // expected-error @below {{expected number of rows to be 6, got 3}}
  %0:2 = moe.dispatch %x, %i experts(8) : tensor<3x4xf32>, tensor<3x2xi32> -> tensor<3x4xf32>, !moe.plan<8 x 2>
  return
}

// -----

func.func @combine_slots(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<?x3xf32>) {
  // expected-error @below {{expected slots of weights to be 2, got 3}}
  %0 = moe.combine %r, %p, %w : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x3xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @combine_tokens(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<3x2xf32>) {
  // expected-error @below {{expected tokens of the result to be 3, got 4}}
  %0 = moe.combine %r, %p, %w : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<3x2xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @combine_width(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<?x2xf32>) {
  // expected-error @below {{expected width of the result to be 4, got 5}}
  %0 = moe.combine %r, %p, %w : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x5xf32>
  return
}

// -----

func.func @combine_residual(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<?x2xf32>, %x: tensor<3x4xf32>) {
  // expected-error @below {{expected residual of type 'tensor<?x4xf32>', got 'tensor<3x4xf32>'}}
  %0 = moe.combine %r, %p, %w residual(%x : tensor<3x4xf32>) : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @combine_rows(%r: tensor<5x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<3x2xf32>) {
  // expected-error @below {{expected number of rows to be 6, got 5}}
  %0 = moe.combine %r, %p, %w : tensor<5x4xf32>, !moe.plan<8 x 2>, tensor<3x2xf32> -> tensor<3x4xf32>
  return
}
