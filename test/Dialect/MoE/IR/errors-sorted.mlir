// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @sort_rank(%i: tensor<?xi32>, %out0: tensor<9xi32>, %out1: tensor<?xi32>, %out2: tensor<?x2xi32>) {
  // expected-error @below {{expected ids of rank 2, got 'tensor<?xi32>'}}
  %0:3 = moe.sort_tokens %i experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?xi32>
  return
}

// -----

func.func @sort_dynamic_slots(%i: tensor<?x?xi32>, %out0: tensor<9xi32>, %out1: tensor<?xi32>, %out2: tensor<?x2xi32>) {
  // expected-error @below {{expected a static number of slots, got 'tensor<?x?xi32>'}}
  %0:3 = moe.sort_tokens %i experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x?xi32>
  return
}

// -----

func.func @sort_offsets(%i: tensor<?x2xi32>, %out0: tensor<8xi32>, %out1: tensor<?xi32>, %out2: tensor<?x2xi32>) {
  // expected-error @below {{expected number of offsets to be 9, got 8}}
  %0:3 = moe.sort_tokens %i experts(8) outs(%out0, %out1, %out2 : tensor<8xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  return
}

// -----

func.func @sort_order(%i: tensor<3x2xi32>) {
  %out0 = tensor.empty() : tensor<9xi32>
  %out1 = tensor.empty() : tensor<3xi32>
  %out2 = tensor.empty() : tensor<3x2xi32>
  // expected-error @below {{expected length of order to be 6, got 3}}
  %0:3 = moe.sort_tokens %i experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<3xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return
}

// -----

func.func @sort_inverse_tokens(%i: tensor<3x2xi32>) {
  %out0 = tensor.empty() : tensor<9xi32>
  %out1 = tensor.empty() : tensor<6xi32>
  %out2 = tensor.empty() : tensor<2x2xi32>
  // expected-error @below {{expected tokens of inverse to be 3, got 2}}
  %0:3 = moe.sort_tokens %i experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<6xi32>, tensor<2x2xi32>) : tensor<3x2xi32>
  return
}

// -----

func.func @sort_inverse_slots(%i: tensor<?x2xi32>, %out0: tensor<9xi32>, %out1: tensor<?xi32>, %out2: tensor<?x3xi32>) {
  // expected-error @below {{expected slots of inverse to be 2, got 3}}
  %0:3 = moe.sort_tokens %i experts(8) outs(%out0, %out1, %out2 : tensor<9xi32>, tensor<?xi32>, tensor<?x3xi32>) : tensor<?x2xi32>
  return
}

// -----

func.func @grouped_input_rank(%x: tensor<?xf32>, %w: tensor<8x4x4xf32>, %o: tensor<9xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected input of rank 2, got 'tensor<?xf32>'}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_neither(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected either offsets or ids}}
  %0 = moe.grouped_matmul %x, %w outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_both(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %o: tensor<9xi32>, %i: tensor<?x2xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected either offsets or ids}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) ids(%i : tensor<?x2xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_broadcast(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %o: tensor<9xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected ids or order with broadcast}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) broadcast outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_experts(%x: tensor<?x4xf32>, %w: tensor<?x4x4xf32>, %o: tensor<9xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected weights with a static number of experts, got 'tensor<?x4x4xf32>'}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<?x4x4xf32>
  return
}

// -----

func.func @grouped_weight_rank(%x: tensor<?x4xf32>, %w: tensor<8x1x4x4xf32>, %o: tensor<9xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected weights of rank 3, got 'tensor<8x1x4x4xf32>'}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x1x4x4xf32>
  return
}

// -----

func.func @grouped_outer(%x: tensor<?x4xf32>, %w: tensor<8x5x4xf32>, %o: tensor<9xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected rows of a weight matrix to be 4, got 5}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x5x4xf32>
  return
}

// -----

func.func @grouped_inner(%x: tensor<?x4xf32>, %w: tensor<8x4x5xf32>, %o: tensor<9xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected columns of a weight matrix to be 4, got 5}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x5xf32>
  return
}

// -----

func.func @grouped_offsets_rank(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %o: tensor<9x1xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected offsets of rank 1, got 'tensor<9x1xi32>'}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9x1xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_offsets(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %o: tensor<8xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected number of offsets to be 9, got 8}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<8xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_rows(%x: tensor<6x4xf32>, %w: tensor<8x4x4xf32>, %o: tensor<9xi32>) {
  %out0 = tensor.empty() : tensor<5x4xf32>
  // expected-error @below {{expected rows of the result to be 6, got 5}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) outs(%out0 : tensor<5x4xf32>) : tensor<6x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_ids_rank(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %i: tensor<?xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected ids of rank 2, got 'tensor<?xi32>'}}
  %0 = moe.grouped_matmul %x, %w ids(%i : tensor<?xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_dynamic_slots(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %i: tensor<?x?xi32>, %out0: tensor<?x4xf32>) {
  // expected-error @below {{expected a static number of slots, got 'tensor<?x?xi32>'}}
  %0 = moe.grouped_matmul %x, %w ids(%i : tensor<?x?xi32>) outs(%out0 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_broadcast_rows(%x: tensor<6x4xf32>, %w: tensor<8x4x4xf32>, %i: tensor<3x2xi32>) {
  %out0 = tensor.empty() : tensor<6x4xf32>
  // expected-error @below {{expected rows of the input to be 3, got 6}}
  %0 = moe.grouped_matmul %x, %w ids(%i : tensor<3x2xi32>) broadcast outs(%out0 : tensor<6x4xf32>) : tensor<6x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_pair_rows(%x: tensor<3x4xf32>, %w: tensor<8x4x4xf32>, %i: tensor<3x2xi32>) {
  %out0 = tensor.empty() : tensor<6x4xf32>
  // expected-error @below {{expected rows of the input to be 6, got 3}}
  %0 = moe.grouped_matmul %x, %w ids(%i : tensor<3x2xi32>) outs(%out0 : tensor<6x4xf32>) : tensor<3x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_result_rows(%x: tensor<3x4xf32>, %w: tensor<8x4x4xf32>, %i: tensor<3x2xi32>) {
  %out0 = tensor.empty() : tensor<3x4xf32>
  // expected-error @below {{expected rows of the result to be 6, got 3}}
  %0 = moe.grouped_matmul %x, %w ids(%i : tensor<3x2xi32>) broadcast outs(%out0 : tensor<3x4xf32>) : tensor<3x4xf32>, tensor<8x4x4xf32>
  return
}

// -----

func.func @grouped_packed(%x: tensor<?x4xf32>, %w: tensor<8x1x4x16xf32>, %o: tensor<9xi32>, %out0: tensor<?x20xf32>) {
  // expected-error @below {{expected packed weights 'tensor<8x2x4x16xf32>', got 'tensor<8x1x4x16xf32>'}}
  %0 = moe.grouped_matmul %x, %w offsets(%o : tensor<9xi32>) panel <width = 16, pair = 1> outs(%out0 : tensor<?x20xf32>) : tensor<?x4xf32>, tensor<8x1x4x16xf32>
  return
}

// -----

func.func @packed_rows(%x: tensor<3x4xf32>, %w: tensor<1x4x16xf32>) {
  %out0 = tensor.empty() : tensor<4x16xf32>
  // expected-error @below {{expected rows of the result to be 3, got 4}}
  %0 = moe.packed_matmul %x, %w panel <width = 16, pair = 1> outs(%out0 : tensor<4x16xf32>) : tensor<3x4xf32>, tensor<1x4x16xf32>
  return
}

// -----

func.func @packed_rank(%x: tensor<4xf32>, %w: tensor<1x4x16xf32>) {
  %out0 = tensor.empty() : tensor<1x16xf32>
  // expected-error @below {{expected input of rank 2, got 'tensor<4xf32>'}}
  %0 = moe.packed_matmul %x, %w panel <width = 16, pair = 1> outs(%out0 : tensor<1x16xf32>) : tensor<4xf32>, tensor<1x4x16xf32>
  return
}

// -----

func.func @packed_dynamic(%x: tensor<3x?xf32>, %w: tensor<1x4x16xf32>) {
  %out0 = tensor.empty() : tensor<3x16xf32>
  // expected-error @below {{expected static inner and outer extents with packed weights}}
  %0 = moe.packed_matmul %x, %w panel <width = 16, pair = 1> outs(%out0 : tensor<3x16xf32>) : tensor<3x?xf32>, tensor<1x4x16xf32>
  return
}

// -----

func.func @launch_symbol(%n: index) {
  // expected-error @below {{expected a kernel function, got @missing}}
  moe.launch @missing units(%n) grain(1) ()
  return
}

// -----

func.func private @kernel(index, index)
func.func @launch_type(%n: index, %x: memref<4xf32>) {
  // expected-error @below {{expected kernel of type '(index, index, memref<4xf32>) -> ()', got '(index, index) -> ()'}}
  moe.launch @kernel units(%n) grain(1) (%x : memref<4xf32>)
  return
}

// -----

func.func private @kernel(index, index)
func.func @launch_grain(%n: index) {
  // expected-error @below {{attribute 'grain' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  moe.launch @kernel units(%n) grain(0) ()
  return
}

// -----

func.func @outs_count(%i: tensor<3x2xi32>, %a: tensor<9xi32>) {
  // expected-error @below {{'moe.sort_tokens' op expected 3 outs, got 1}}
  %0 = moe.sort_tokens %i experts(8) outs(%a : tensor<9xi32>) : tensor<3x2xi32>
  return
}

// -----

func.func @outs_none(%x: tensor<3x4xf32>, %w: tensor<1x4x16xf32>) {
  // expected-error @below {{'moe.packed_matmul' op expected 1 outs, got 0}}
  "moe.packed_matmul"(%x, %w) {panel = #moe.panel<width = 16, pair = 1>} : (tensor<3x4xf32>, tensor<1x4x16xf32>) -> ()
  return
}

// -----

func.func @outs_rank(%x: tensor<3x4xf32>, %w: tensor<1x4x16xf32>, %a: tensor<16xf32>) {
  // expected-error @below {{'moe.packed_matmul' op expected result of rank 2, got 'tensor<16xf32>'}}
  %0 = moe.packed_matmul %x, %w panel <width = 16, pair = 1> outs(%a : tensor<16xf32>) : tensor<3x4xf32>, tensor<1x4x16xf32>
  return
}

// -----

func.func @outs_result(%x: tensor<3x4xf32>, %w: tensor<1x4x16xf32>, %a: tensor<3x16xf32>) {
  // expected-error @below {{'moe.packed_matmul' op expected type of operand #2 ('tensor<3x16xf32>') to match type of corresponding result ('tensor<?x16xf32>')}}
  %0 = "moe.packed_matmul"(%x, %w, %a) {panel = #moe.panel<width = 16, pair = 1>} : (tensor<3x4xf32>, tensor<1x4x16xf32>, tensor<3x16xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @memref_out(%x: tensor<3x4xf32>, %w: tensor<1x4x16xf32>, %a: memref<3x16xf32>) {
  // expected-error @below {{'moe.packed_matmul' op expected operands that are all memrefs like outs, got 'tensor<3x4xf32>'}}
  moe.packed_matmul %x, %w panel <width = 16, pair = 1> outs(%a : memref<3x16xf32>) : tensor<3x4xf32>, tensor<1x4x16xf32>
  return
}

// -----

func.func @tensor_out(%x: memref<3x4xf32>, %w: tensor<1x4x16xf32>, %a: tensor<3x16xf32>) {
  // expected-error @below {{'moe.packed_matmul' op expected operands that are all tensors like outs, got 'memref<3x4xf32>'}}
  %0 = moe.packed_matmul %x, %w panel <width = 16, pair = 1> outs(%a : tensor<3x16xf32>) : memref<3x4xf32>, tensor<1x4x16xf32>
  return
}
