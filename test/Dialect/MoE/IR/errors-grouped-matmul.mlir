// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @weight_types(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %v: tensor<8x5x4xbf16>, %off: tensor<9xi32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected weights of one type, got 'tensor<8x5x4xf32>' and 'tensor<8x5x4xbf16>'}}
  %0:2 = moe.grouped_matmul %x, %w, %v offsets(%off : tensor<9xi32>) outs(%a, %a : tensor<6x5xf32>, tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>, tensor<8x5x4xbf16>
  return
}

// -----

func.func @no_weights(%x: tensor<6x4xf32>, %off: tensor<9xi32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected at least one weight}}
  %0 = "moe.grouped_matmul"(%x, %off, %a) <{operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1>}> ({}) : (tensor<6x4xf32>, tensor<9xi32>, tensor<6x5xf32>) -> tensor<6x5xf32>
  return
}

// -----

func.func @no_outs(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>) {
  // expected-error @below {{expected at least one of outs}}
  "moe.grouped_matmul"(%x, %w, %off) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0>}> ({}) : (tensor<6x4xf32>, tensor<8x5x4xf32>, tensor<9xi32>) -> ()
  return
}

// -----

func.func @order_of_ids(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %ids: tensor<3x2xi32>, %order: tensor<6xi32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected offsets with order}}
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) order(%order : tensor<6xi32>) top_k(2) outs(%a : tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @order_alone(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %order: tensor<6xi32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected order and top_k together}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) order(%order : tensor<6xi32>) outs(%a : tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @top_k_alone(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected order and top_k together}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) top_k(2) outs(%a : tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @order_rows(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected rows of the input to be 9, got 6}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) order(%off : tensor<9xi32>) top_k(2) outs(%a : tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @order_length(%w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %a: tensor<6x5xf32>, %tokens: tensor<3x4xf32>) {
  %o = tensor.empty() : tensor<4xi32>
  // expected-error @below {{expected length of order to be 6, got 4}}
  %0 = moe.grouped_matmul %tokens, %w offsets(%off : tensor<9xi32>) order(%o : tensor<4xi32>) top_k(2) broadcast outs(%a : tensor<6x5xf32>) : tensor<3x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @inverse_missing(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %weights: tensor<3x2xf32>, %res: tensor<3x5xf32>) {
  // expected-error @below {{expected inverse exactly with combine and offsets}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) combine(%weights : tensor<3x2xf32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @inverse_of_ids(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %inverse: tensor<3x2xi32>, %res: tensor<3x5xf32>) {
  // expected-error @below {{expected inverse exactly with combine and offsets}}
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) combine(%weights : tensor<3x2xf32>) inverse(%inverse : tensor<3x2xi32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @init_alone(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %res: tensor<3x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected combine with init}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) init(%res : tensor<3x5xf32>) outs(%a : tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @skipped_alone(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %weights: tensor<3x2xf32>, %inverse: tensor<3x2xi32>, %res: tensor<3x5xf32>) {
  // expected-error @below {{expected combine and partial with skipped}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) combine(%weights : tensor<3x2xf32>) inverse(%inverse : tensor<3x2xi32>) skipped(%res : tensor<3x5xf32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @scratch_of_tensors(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %weights: tensor<3x2xf32>, %inverse: tensor<3x2xi32>, %res: tensor<3x5xf32>, %s: memref<1x6x5xf32>) {
  // expected-error @below {{expected scratch exactly with combine, offsets and panel on buffers}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) combine(%weights : tensor<3x2xf32>) inverse(%inverse : tensor<3x2xi32>) scratch(%s : memref<1x6x5xf32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @region_missing(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %bias: tensor<8x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected a region with an epilogue's operands}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) epilogue(%bias : tensor<8x5xf32>) maps([affine_map<(r, n, e, t, s) -> (e, n)>]) outs(%a : tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @map_missing(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %bias: tensor<8x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected a map for each of 1 epilogue operands, got 0}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) epilogue(%bias : tensor<8x5xf32>) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32, %b: f32):
    moe.yield %p : f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @map_dims(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %bias: tensor<8x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected a map (r, n, e, t, s) to 2 indices of epilogue operand 0, got affine_map<(d0, d1) -> (d0, d1)>}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) epilogue(%bias : tensor<8x5xf32>) maps([affine_map<(e, n) -> (e, n)>]) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32, %b: f32):
    moe.yield %p : f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @map_results(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %bias: tensor<8x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected a map (r, n, e, t, s) to 2 indices of epilogue operand 0, got affine_map<(d0, d1, d2, d3, d4) -> (d2)>}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) epilogue(%bias : tensor<8x5xf32>) maps([affine_map<(r, n, e, t, s) -> (e)>]) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32, %b: f32):
    moe.yield %p : f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @map_of_unknown_tokens(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %res: tensor<3x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected ids or order with a map in tokens or slots, got affine_map<(d0, d1, d2, d3, d4) -> (d3, d1)>}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) epilogue(%res : tensor<3x5xf32>) maps([affine_map<(r, n, e, t, s) -> (t, n)>]) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32, %b: f32):
    moe.yield %p : f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @map_extent(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %bias: tensor<8x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected extent 0 of epilogue operand 0 to be 6, got 8}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) epilogue(%bias : tensor<8x5xf32>) maps([affine_map<(r, n, e, t, s) -> (r, n)>]) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32, %b: f32):
    moe.yield %p : f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @epilogue_arguments(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %bias: tensor<8x5xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected an epilogue of arguments ('f32', 'f32'), got ('f32')}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) epilogue(%bias : tensor<8x5xf32>) maps([affine_map<(r, n, e, t, s) -> (e, n)>]) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32):
    moe.yield %p : f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @epilogue_values(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected 2 outs, got 1}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32):
    moe.yield %p, %p : f32, f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @combined_values(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %weights: tensor<3x2xf32>, %inverse: tensor<3x2xi32>, %res: tensor<3x5xf32>) {
  // expected-error @below {{expected one value to combine, got 2}}
  %0 = moe.grouped_matmul %x, %w, %w offsets(%off : tensor<9xi32>) combine(%weights : tensor<3x2xf32>) inverse(%inverse : tensor<3x2xi32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @combined_slots(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %ids: tensor<3x2xi32>, %res: tensor<3x5xf32>) {
  %c = tensor.empty() : tensor<3x3xf32>
  // expected-error @below {{expected slots of combine to be 2, got 3}}
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) combine(%c : tensor<3x3xf32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @combined_rank(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %ids: tensor<3x2xi32>, %res: tensor<3x5xf32>) {
  %c = tensor.empty() : tensor<3xf32>
  // expected-error @below {{expected combine of rank 2, got 'tensor<3xf32>'}}
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) combine(%c : tensor<3xf32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @inverse_tokens(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %weights: tensor<3x2xf32>, %res: tensor<3x5xf32>) {
  %c = tensor.empty() : tensor<2x2xi32>
  // expected-error @below {{expected tokens of inverse to be 3, got 2}}
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) combine(%weights : tensor<3x2xf32>) inverse(%c : tensor<2x2xi32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @init_width(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %res: tensor<3x5xf32>, %tokens: tensor<3x4xf32>) {
  // expected-error @below {{expected width of init to be 5, got 4}}
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) combine(%weights : tensor<3x2xf32>) init(%tokens : tensor<3x4xf32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @skipped_width(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %res: tensor<3x5xf32>, %tokens: tensor<3x4xf32>) {
  // expected-error @below {{expected width of skipped to be 5, got 4}}
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) partial combine(%weights : tensor<3x2xf32>) skipped(%tokens : tensor<3x4xf32>) outs(%res : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @combined_result(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %a: tensor<6x5xf32>) {
  // expected-error @below {{expected rows of the result to be 3, got 6}}
  %0 = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) combine(%weights : tensor<3x2xf32>) outs(%a : tensor<6x5xf32>) : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @epilogue_effects(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %a: tensor<6x5xf32>) {
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32):
    // expected-error @below {{expected scalar arithmetic in the epilogue of a moe.grouped_matmul}}
    %1 = tensor.from_elements %p : tensor<1xf32>
    moe.yield %p : f32
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @epilogue_type(%x: tensor<6x4xf32>, %w: tensor<8x5x4xf32>, %off: tensor<9xi32>, %a: tensor<6x5xf32>) {
  %0 = moe.grouped_matmul %x, %w offsets(%off : tensor<9xi32>) outs(%a : tensor<6x5xf32>) {
  ^bb0(%p: f32):
    %1 = arith.truncf %p : f32 to bf16
    // expected-error @below {{expected values of 'f32' from an epilogue, got 'bf16'}}
    moe.yield %1 : bf16
  } : tensor<6x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @scratch_shape(%x: memref<6x4xf32>, %w: memref<8x2x4x16xf32>, %off: memref<9xi32>, %weights: memref<3x2xf32>, %inverse: memref<3x2xi32>,
                         %s: memref<1x6x16xf32>, %a: memref<3x20xf32>) {
  // expected-error @below {{expected panels of scratch to be 2, got 1}}
  moe.grouped_matmul %x, %w offsets(%off : memref<9xi32>) panel <width = 16, pair = 1> combine(%weights : memref<3x2xf32>)
      inverse(%inverse : memref<3x2xi32>) scratch(%s : memref<1x6x16xf32>) outs(%a : memref<3x20xf32>) : memref<6x4xf32>, memref<8x2x4x16xf32>
  return
}
