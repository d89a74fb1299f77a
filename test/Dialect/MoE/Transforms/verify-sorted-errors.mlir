// RUN: moe-opt %s --moe-verify-sorted --split-input-file --verify-diagnostics

func.func @dispatch(%x: tensor<2x8xf32>, %ids: tensor<2x2xi32>) -> tensor<4x8xf32> {
  // expected-error @below {{'moe.dispatch' op is of the graph level; run moe-sort-tokens first}}
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<2x8xf32>, tensor<2x2xi32> -> tensor<4x8xf32>, !moe.plan<5 x 2>
  return %rows : tensor<4x8xf32>
}

// -----

// A plan that comes from elsewhere.
func.func @expert(%rows: tensor<4x8xf32>, %plan: !moe.plan<5 x 2>) -> tensor<4x8xf32> {
  // expected-error @below {{'moe.expert' op is of the graph level; run moe-sort-tokens first}}
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  } : tensor<4x8xf32>, !moe.plan<5 x 2> -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

func.func @combine(%rows: tensor<4x8xf32>, %plan: !moe.plan<5 x 2>, %w: tensor<2x2xf32>) -> tensor<2x8xf32> {
  // expected-error @below {{'moe.combine' op is of the graph level; run moe-sort-tokens first}}
  %y = moe.combine %rows, %plan, %w : tensor<4x8xf32>, !moe.plan<5 x 2>, tensor<2x2xf32> -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @offsets_from_nowhere(%x: tensor<4x7xf32>, %w: tensor<5x3x7xf32>, %offsets: tensor<6xi32>) -> tensor<4x3xf32> {
  %out0 = tensor.empty() : tensor<4x3xf32>
  // expected-error @below {{'moe.grouped_matmul' op expected offsets of a moe.sort_tokens}}
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<6xi32>) outs(%out0 : tensor<4x3xf32>) : tensor<4x7xf32>, tensor<5x3x7xf32>
  return %y : tensor<4x3xf32>
}

// -----

// The order of five pairs has the shape of the offsets of four experts.
func.func @order_for_offsets(%ids: tensor<5x1xi32>, %x: tensor<5x7xf32>, %w: tensor<4x3x7xf32>) -> tensor<5x3xf32> {
  %out0 = tensor.empty() : tensor<5xi32>
  %out1 = tensor.empty() : tensor<5xi32>
  %out2 = tensor.empty() : tensor<5x1xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(4) outs(%out0, %out1, %out2 : tensor<5xi32>, tensor<5xi32>, tensor<5x1xi32>) : tensor<5x1xi32>
  %out3 = tensor.empty() : tensor<5x3xf32>
  // expected-error @below {{'moe.grouped_matmul' op expected offsets of a moe.sort_tokens}}
  %y = moe.grouped_matmul %x, %w offsets(%order : tensor<5xi32>) outs(%out3 : tensor<5x3xf32>) : tensor<5x7xf32>, tensor<4x3x7xf32>
  return %y : tensor<5x3xf32>
}

// -----

// Dynamic offsets, so that the operation's own verifier cannot tell.
func.func @other_experts(%ids: tensor<2x2xi32>, %x: tensor<4x7xf32>, %w: tensor<5x3x7xf32>, %out0: tensor<?xi32>, %out1: tensor<4xi32>, %out2: tensor<2x2xi32>) -> tensor<4x3xf32> {
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(4) outs(%out0, %out1, %out2 : tensor<?xi32>, tensor<4xi32>, tensor<2x2xi32>) : tensor<2x2xi32>
  %out3 = tensor.empty() : tensor<4x3xf32>
  // expected-error @below {{'moe.grouped_matmul' op expected rows sorted for 5 experts, got 4}}
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<?xi32>) outs(%out3 : tensor<4x3xf32>) : tensor<4x7xf32>, tensor<5x3x7xf32>
  return %y : tensor<4x3xf32>
}
