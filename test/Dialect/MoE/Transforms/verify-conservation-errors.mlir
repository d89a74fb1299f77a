// Each rule of conservation on the moe operations themselves, broken once.
// RUN: moe-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(func.func(moe-verify-conservation))"

func.func @never_combined(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %r: tensor<6x2xf32>) -> tensor<6xi32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  // expected-error@+1 {{expected the rows in this order to be combined; they are lost}}
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%r : tensor<6x2xf32>) : tensor<3x2xf32>
  return %order : tensor<6xi32>
}

// -----

func.func @offsets_from_elsewhere(%rows: tensor<6x2xf32>, %w: tensor<3x1x2xf32>, %offsets: tensor<4xi32>) -> tensor<6x1xf32> {
  %e = tensor.empty() : tensor<6x1xf32>
  // expected-error@+1 {{expected offsets of a moe.sort_tokens}}
  %y = moe.grouped_matmul %rows, %w offsets(%offsets : tensor<4xi32>) outs(%e : tensor<6x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<6x1xf32>
}

// -----

func.func @order_from_elsewhere(%x: tensor<3x2xf32>, %order: tensor<6xi32>) -> tensor<6x2xf32> {
  %e = tensor.empty() : tensor<6x2xf32>
  // expected-error@+1 {{expected the order of a moe.sort_tokens}}
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%e : tensor<6x2xf32>) : tensor<3x2xf32>
  return %rows : tensor<6x2xf32>
}

// -----

func.func @pairs_gathered(%x: tensor<3x2xf32>) -> tensor<12x2xf32> {
  %e6 = tensor.empty() : tensor<6x2xf32>
  %e12 = tensor.empty() : tensor<12x2xf32>
  %rows = moe.gather_rows %x top_k(2) outs(%e6 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected token rows, got rows of pairs}}
  %again = moe.gather_rows %rows top_k(2) outs(%e12 : tensor<12x2xf32>) : tensor<6x2xf32>
  return %again : tensor<12x2xf32>
}

// -----

func.func @skipped_rows_computed(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x1x2xf32>) -> tensor<6x1xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f61 = tensor.empty() : tensor<6x1xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) partial outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected 'partial', since pairs of the moe.sort_tokens may be skipped}}
  %y = moe.grouped_matmul %rows, %w offsets(%offsets : tensor<4xi32>) outs(%f61 : tensor<6x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<6x1xf32>
}

// -----

func.func @order_and_offsets(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %other: tensor<3x2xi32>, %w: tensor<3x1x2xf32>) -> tensor<6x1xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f61 = tensor.empty() : tensor<6x1xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %offsets2, %order2, %inverse2 = moe.sort_tokens %other experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  // expected-error@+1 {{expected order and offsets of one moe.sort_tokens}}
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) order(%order2 : tensor<6xi32>) top_k(2) broadcast outs(%f61 : tensor<6x1xf32>) : tensor<3x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<6x1xf32>
}

// -----

func.func @pairs_broadcast(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %ids2: tensor<6x2xi32>, %w: tensor<3x1x2xf32>) -> tensor<12x1xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f121 = tensor.empty() : tensor<12x1xf32>
  %rows = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected token rows to broadcast, got rows of pairs}}
  %y = moe.grouped_matmul %rows, %w ids(%ids2 : tensor<6x2xi32>) broadcast outs(%f121 : tensor<12x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<12x1xf32>
}

// -----

func.func @order_of_the_input(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x1x2xf32>) -> tensor<6x1xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f61 = tensor.empty() : tensor<6x1xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected rows in the order of its offsets or ids}}
  %y = moe.grouped_matmul %rows, %w offsets(%offsets : tensor<4xi32>) outs(%f61 : tensor<6x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<6x1xf32>
}

// -----

// The rows of two experts are read by the product of three.
func.func @rows_of_fewer_experts(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %w: tensor<2x2x2xf32>, %v: tensor<3x1x2xf32>) -> tensor<6x1xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f61 = tensor.empty() : tensor<6x1xf32>
  %h = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) broadcast partial outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>, tensor<2x2x2xf32>
  // expected-error@+1 {{expected input rows that are written; some are not}}
  %y = moe.grouped_matmul %h, %v ids(%ids : tensor<3x2xi32>) partial outs(%f61 : tensor<6x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<6x1xf32>
}

// -----

func.func @input_unwritten(%ids: tensor<3x2xi32>, %w: tensor<3x1x2xf32>) -> tensor<6x1xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f61 = tensor.empty() : tensor<6x1xf32>
  // expected-error@+1 {{expected input rows that are written; none is}}
  %y = moe.grouped_matmul %f62, %w ids(%ids : tensor<3x2xi32>) outs(%f61 : tensor<6x1xf32>) : tensor<6x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<6x1xf32>
}

// -----

func.func @epilogue_unwritten(%rows: tensor<6x2xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x1x2xf32>) -> tensor<6x1xf32> {
  %f61 = tensor.empty() : tensor<6x1xf32>
  %bias = tensor.empty() : tensor<3x1xf32>
  // expected-error@+1 {{expected operands of the epilogue that are written}}
  %y = moe.grouped_matmul %rows, %w ids(%ids : tensor<3x2xi32>) epilogue(%bias : tensor<3x1xf32>) maps([affine_map<(r, n, e, t, s) -> (e, n)>]) outs(%f61 : tensor<6x1xf32>) {
  ^bb0(%p: f32, %b: f32):
    %s = arith.addf %p, %b : f32
    moe.yield %s : f32
  } : tensor<6x2xf32>, tensor<3x1x2xf32>
  return %y : tensor<6x1xf32>
}

// -----

func.func @epilogue_by_expert(%x: tensor<3x2xf32>, %one: tensor<3x1xf32>, %ids: tensor<3x1xi32>, %w: tensor<3x2x2xf32>) -> tensor<3x2xf32> {
  %f32 = tensor.empty() : tensor<3x2xf32>
  %rows = moe.gather_rows %x top_k(1) outs(%f32 : tensor<3x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected rows of pairs to be read by row in the epilogue}}
  %y = moe.grouped_matmul %x, %w ids(%ids : tensor<3x1xi32>) broadcast epilogue(%rows : tensor<3x2xf32>) maps([affine_map<(r, n, e, t, s) -> (e, n)>]) outs(%f32 : tensor<3x2xf32>) {
  ^bb0(%p: f32, %b: f32):
    %s = arith.addf %p, %b : f32
    moe.yield %s : f32
  } : tensor<3x2xf32>, tensor<3x2x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

func.func @epilogue_of_another_order(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x2x2xf32>) -> tensor<6x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected rows of the epilogue in the order of its offsets or ids}}
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) order(%order : tensor<6xi32>) top_k(2) broadcast epilogue(%rows : tensor<6x2xf32>) maps([affine_map<(r, n, e, t, s) -> (r, n)>]) outs(%f62 : tensor<6x2xf32>) {
  ^bb0(%p: f32, %b: f32):
    %s = arith.addf %p, %b : f32
    moe.yield %s : f32
  } : tensor<3x2xf32>, tensor<3x2x2xf32>
  return %y : tensor<6x2xf32>
}

// -----

func.func @epilogue_of_skipped_rows(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x2x2xf32>) -> tensor<6x2xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %h = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) broadcast partial outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>, tensor<3x2x2xf32>
  // expected-error@+1 {{expected rows of the epilogue that are written; some are not}}
  %y = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) broadcast epilogue(%h : tensor<6x2xf32>) maps([affine_map<(r, n, e, t, s) -> (r, n)>]) outs(%f62 : tensor<6x2xf32>) {
  ^bb0(%p: f32, %b: f32):
    %s = arith.addf %p, %b : f32
    moe.yield %s : f32
  } : tensor<3x2xf32>, tensor<3x2x2xf32>
  return %y : tensor<6x2xf32>
}

// -----

func.func @combined_unwritten(%weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  // expected-error@+1 {{expected rows that are written; none is}}
  %out = moe.combine_rows %f62, %weights outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @added_to_unwritten(%rows: tensor<6x2xf32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %f32 = tensor.empty() : tensor<3x2xf32>
  // expected-error@+1 {{expected init and skipped rows that are written}}
  %out = moe.combine_rows %rows, %weights init(%f32 : tensor<3x2xf32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @inverse_of_another_order(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %other: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %offsets2, %order2, %inverse2 = moe.sort_tokens %other experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected the inverse of the order that the rows are in}}
  %out = moe.combine_rows %rows, %weights inverse(%inverse2 : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @inverse_of_no_order(%x: tensor<3x2xf32>, %inverse: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %rows = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected sorted rows for an inverse, got rows in token-slot order}}
  %out = moe.combine_rows %rows, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @offsets_of_another_order(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %other: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) partial outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %offsets2, %order2, %inverse2 = moe.sort_tokens %other experts(3) partial outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected the offsets of the order that the rows are in}}
  %out = moe.combine_rows %rows, %weights inverse(%inverse : tensor<3x2xi32>) offsets(%offsets2 : tensor<4xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @ids_of_another_routing(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %other: tensor<3x2xi32>, %w: tensor<3x2x2xf32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %rows = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) broadcast partial outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>, tensor<3x2x2xf32>
  // expected-error@+1 {{expected the ids that the rows were computed with}}
  %out = moe.combine_rows %rows, %weights ids(%other : tensor<3x2xi32>) experts(3) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @skipped_rows_read(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x2x2xf32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %rows = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) broadcast partial outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>, tensor<3x2x2xf32>
  // expected-error@+1 {{expected all rows to be written; those of skipped pairs are not}}
  %out = moe.combine_rows %rows, %weights outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @weights_of_another_routing(%x: tensor<3x2xf32>, %z: tensor<3x3xf32>, %z2: tensor<3x3xf32>, %w: tensor<3x2x2xf32>) -> tensor<3x2xf32> {
  %weights, %ids = moe.route %z top_k(2) score(softmax) : tensor<3x3xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %weights2, %ids2 = moe.route %z2 top_k(2) score(softmax) : tensor<3x3xf32> -> tensor<3x2xf32>, tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %rows = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) broadcast outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>, tensor<3x2x2xf32>
  // expected-error@+1 {{expected weights and ids of one moe.route}}
  %out = moe.combine_rows %rows, %weights2 outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @combined_twice(%x: tensor<3x2xf32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %rows = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %once = moe.combine_rows %rows, %weights outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  // expected-warning@+1 {{adds rows that init has already}}
  %twice = moe.combine_rows %rows, %weights init(%once : tensor<3x2xf32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %twice : tensor<3x2xf32>
}
