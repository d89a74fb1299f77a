// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @gather_forms(%x: tensor<?x4xf32>, %out: memref<?x4xf32>) {
  // expected-error @below {{expected operands that are all memrefs like outs, got 'tensor<?x4xf32>'}}
  moe.gather_rows %x top_k(2) outs(%out : memref<?x4xf32>) : tensor<?x4xf32>
  return
}

// -----

func.func @gather_outs(%x: tensor<?x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected 1 outs, got 2}}
  %0:2 = moe.gather_rows %x top_k(2) outs(%out, %out : tensor<?x4xf32>, tensor<?x4xf32>) : tensor<?x4xf32>
  return
}

// -----

func.func @gather_input(%x: tensor<4xf32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected input of rank 2, got 'tensor<4xf32>'}}
  %0 = moe.gather_rows %x top_k(2) outs(%out : tensor<?x4xf32>) : tensor<4xf32>
  return
}

// -----

func.func @gather_width(%x: tensor<?x4xf32>, %out: tensor<?x5xf32>) {
  // expected-error @below {{expected width of the result to be 4, got 5}}
  %0 = moe.gather_rows %x top_k(2) outs(%out : tensor<?x5xf32>) : tensor<?x4xf32>
  return
}

// -----

func.func @gather_rows(%x: tensor<3x4xf32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected rows of the result to be 6, got 3}}
  %0 = moe.gather_rows %x top_k(2) outs(%out : tensor<3x4xf32>) : tensor<3x4xf32>
  return
}

// -----

func.func @gather_order_rank(%x: tensor<?x4xf32>, %order: tensor<?x2xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected order of rank 1, got 'tensor<?x2xi32>'}}
  %0 = moe.gather_rows %x order(%order : tensor<?x2xi32>) top_k(2) outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>
  return
}

// -----

func.func @gather_order(%x: tensor<3x4xf32>, %order: tensor<5xi32>, %out: tensor<6x4xf32>) {
  // expected-error @below {{expected length of order to be 6, got 5}}
  %0 = moe.gather_rows %x order(%order : tensor<5xi32>) top_k(2) outs(%out : tensor<6x4xf32>) : tensor<3x4xf32>
  return
}

// -----

func.func @gather_scale_rank(%x: tensor<3x4xf32>, %w: tensor<6xf32>, %out: tensor<6x4xf32>) {
  // expected-error @below {{expected scale of rank 2, got 'tensor<6xf32>'}}
  %0 = moe.gather_rows %x top_k(2) scale(%w : tensor<6xf32>) outs(%out : tensor<6x4xf32>) : tensor<3x4xf32>
  return
}

// -----

func.func @gather_scale_tokens(%x: tensor<3x4xf32>, %w: tensor<2x2xf32>, %out: tensor<6x4xf32>) {
  // expected-error @below {{expected tokens of scale to be 3, got 2}}
  %0 = moe.gather_rows %x top_k(2) scale(%w : tensor<2x2xf32>) outs(%out : tensor<6x4xf32>) : tensor<3x4xf32>
  return
}

// -----

func.func @gather_scale_slots(%x: tensor<3x4xf32>, %w: tensor<3x3xf32>, %out: tensor<6x4xf32>) {
  // expected-error @below {{expected slots of scale to be 2, got 3}}
  %0 = moe.gather_rows %x top_k(2) scale(%w : tensor<3x3xf32>) outs(%out : tensor<6x4xf32>) : tensor<3x4xf32>
  return
}

// -----

func.func @vectors_rank(%v: tensor<4xf32>, %o: tensor<5xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected vectors of rank 2, got 'tensor<4xf32>'}}
  %0 = moe.expert_rows %v offsets(%o : tensor<5xi32>) outs(%out : tensor<?x4xf32>) : tensor<4xf32>
  return
}

// -----

func.func @vectors_experts(%v: tensor<?x4xf32>, %o: tensor<5xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected vectors of a static number of experts, got 'tensor<?x4xf32>'}}
  %0 = moe.expert_rows %v offsets(%o : tensor<5xi32>) outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>
  return
}

// -----

func.func @vectors_neither(%v: tensor<4x4xf32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected either offsets or ids}}
  %0 = moe.expert_rows %v outs(%out : tensor<?x4xf32>) : tensor<4x4xf32>
  return
}

// -----

func.func @vectors_element_type(%v: tensor<4x4xbf16>, %o: tensor<5xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected a result of element type 'bf16', got 'tensor<?x4xf32>'}}
  %0 = moe.expert_rows %v offsets(%o : tensor<5xi32>) outs(%out : tensor<?x4xf32>) : tensor<4x4xbf16>
  return
}

// -----

func.func @vectors_width(%v: tensor<4x3xf32>, %o: tensor<5xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected width of the result to be 3, got 4}}
  %0 = moe.expert_rows %v offsets(%o : tensor<5xi32>) outs(%out : tensor<?x4xf32>) : tensor<4x3xf32>
  return
}

// -----

func.func @vectors_offsets_rank(%v: tensor<4x4xf32>, %o: tensor<5x1xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected offsets of rank 1, got 'tensor<5x1xi32>'}}
  %0 = moe.expert_rows %v offsets(%o : tensor<5x1xi32>) outs(%out : tensor<?x4xf32>) : tensor<4x4xf32>
  return
}

// -----

func.func @vectors_offsets(%v: tensor<4x4xf32>, %o: tensor<4xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected number of offsets to be 5, got 4}}
  %0 = moe.expert_rows %v offsets(%o : tensor<4xi32>) outs(%out : tensor<?x4xf32>) : tensor<4x4xf32>
  return
}

// -----

func.func @vectors_ids_rank(%v: tensor<4x4xf32>, %i: tensor<?xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected ids of rank 2, got 'tensor<?xi32>'}}
  %0 = moe.expert_rows %v ids(%i : tensor<?xi32>) outs(%out : tensor<?x4xf32>) : tensor<4x4xf32>
  return
}

// -----

func.func @vectors_slots(%v: tensor<4x4xf32>, %i: tensor<?x?xi32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected a static number of slots, got 'tensor<?x?xi32>'}}
  %0 = moe.expert_rows %v ids(%i : tensor<?x?xi32>) outs(%out : tensor<?x4xf32>) : tensor<4x4xf32>
  return
}

// -----

func.func @vectors_pairs(%v: tensor<4x4xf32>, %i: tensor<3x2xi32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected rows of the result to be 6, got 3}}
  %0 = moe.expert_rows %v ids(%i : tensor<3x2xi32>) outs(%out : tensor<3x4xf32>) : tensor<4x4xf32>
  return
}

// -----

func.func @combine_slots(%y: tensor<?x4xf32>, %w: tensor<?x?xf32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected a static number of slots, got 'tensor<?x?xf32>'}}
  %0 = moe.combine_rows %y, %w outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<?x?xf32>
  return
}

// -----

func.func @combine_rows_rank(%y: tensor<?xf32>, %w: tensor<?x2xf32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected rows of rank 2, got 'tensor<?xf32>'}}
  %0 = moe.combine_rows %y, %w outs(%out : tensor<?x4xf32>) : tensor<?xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @combine_weights_rank(%y: tensor<?x4xf32>, %w: tensor<?xf32>, %out: tensor<?x4xf32>) {
  // expected-error @below {{expected weights of rank 2, got 'tensor<?xf32>'}}
  %0 = moe.combine_rows %y, %w outs(%out : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<?xf32>
  return
}

// -----

func.func @combine_number_of_rows(%y: tensor<5x4xf32>, %w: tensor<3x2xf32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected number of rows to be 6, got 5}}
  %0 = moe.combine_rows %y, %w outs(%out : tensor<3x4xf32>) : tensor<5x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_inverse(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %i: tensor<3x3xi32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected slots of inverse to be 2, got 3}}
  %0 = moe.combine_rows %y, %w inverse(%i : tensor<3x3xi32>) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_offsets_alone(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %o: tensor<9xi32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected inverse with offsets}}
  %0 = moe.combine_rows %y, %w offsets(%o : tensor<9xi32>) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_offsets_rank(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected offsets of rank 1, got 'tensor<3x2xi32>'}}
  %0 = moe.combine_rows %y, %w inverse(%i : tensor<3x2xi32>) offsets(%i : tensor<3x2xi32>) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_ids_and_inverse(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected offsets, not ids, with inverse}}
  %0 = moe.combine_rows %y, %w inverse(%i : tensor<3x2xi32>) ids(%i : tensor<3x2xi32>) experts(4) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_ids(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %i: tensor<2x2xi32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected tokens of ids to be 3, got 2}}
  %0 = moe.combine_rows %y, %w ids(%i : tensor<2x2xi32>) experts(4) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_no_experts(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected experts if and only if ids are given}}
  %0 = "moe.combine_rows"(%y, %w, %i, %out) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 1, 0, 0, 1>}>
      : (tensor<6x4xf32>, tensor<3x2xf32>, tensor<3x2xi32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @combine_skipped_alone(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %x: tensor<3x4xf32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected offsets or ids with skipped}}
  %0 = moe.combine_rows %y, %w skipped(%x : tensor<3x4xf32>) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_result_tokens(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %out: tensor<2x4xf32>) {
  // expected-error @below {{expected tokens of the result to be 3, got 2}}
  %0 = moe.combine_rows %y, %w outs(%out : tensor<2x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_result_width(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %out: tensor<3x5xf32>) {
  // expected-error @below {{expected width of the result to be 4, got 5}}
  %0 = moe.combine_rows %y, %w outs(%out : tensor<3x5xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_init(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %x: tensor<2x4xf32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected tokens of init to be 3, got 2}}
  %0 = moe.combine_rows %y, %w init(%x : tensor<2x4xf32>) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @combine_skipped(%y: tensor<6x4xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>, %x: tensor<3x5xf32>, %out: tensor<3x4xf32>) {
  // expected-error @below {{expected width of skipped to be 4, got 5}}
  %0 = moe.combine_rows %y, %w ids(%i : tensor<3x2xi32>) experts(4) skipped(%x : tensor<3x5xf32>) outs(%out : tensor<3x4xf32>) : tensor<6x4xf32>, tensor<3x2xf32>
  return
}
