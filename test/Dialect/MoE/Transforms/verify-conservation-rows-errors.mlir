// Rows through linalg, slices, loops and branches: each rule broken once.
// RUN: moe-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(func.func(moe-verify-conservation))"

func.func @operand_unwritten(%rows: tensor<6x2xf32>) -> tensor<6x2xf32> {
  %e = tensor.empty() : tensor<6x2xf32>
  // expected-error@+1 {{expected operands that are written; number 1 is not}}
  %y = linalg.add ins(%rows, %e : tensor<6x2xf32>, tensor<6x2xf32>) outs(%e : tensor<6x2xf32>) -> tensor<6x2xf32>
  return %y : tensor<6x2xf32>
}

// -----

func.func @rows_reversed(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected each row to be computed from the same row of its operands}}
  %y = linalg.generic {indexing_maps = [affine_map<(r, n) -> (5 - r, n)>, affine_map<(r, n) -> (r, n)>], iterator_types = ["parallel", "parallel"]} ins(%rows : tensor<6x2xf32>) outs(%f62 : tensor<6x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<6x2xf32>
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @orders_meet(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %plain = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected rows in one order}}
  %y = linalg.add ins(%rows, %plain : tensor<6x2xf32>, tensor<6x2xf32>) outs(%f62 : tensor<6x2xf32>) -> tensor<6x2xf32>
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @rows_become_columns(%x: tensor<3x2xf32>) -> tensor<2x6xf32> {
  %e = tensor.empty() : tensor<6x2xf32>
  %rows = moe.gather_rows %x top_k(2) outs(%e : tensor<6x2xf32>) : tensor<3x2xf32>
  %f26 = tensor.empty() : tensor<2x6xf32>
  // expected-error@+1 {{expected one row of the result for each row of pairs}}
  %y = linalg.transpose ins(%rows : tensor<6x2xf32>) outs(%f26 : tensor<2x6xf32>) permutation = [1, 0]
  return %y : tensor<2x6xf32>
}

// -----

func.func @unwritten_rows_inserted(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %rows[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    %none = tensor.empty(%size) : tensor<?x2xf32>
    // expected-error@+1 {{expected rows that are written; none is}}
    %more = tensor.insert_slice %none into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

// Unrolled, and the second expert left out.
func.func @expert_left_out(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %o0 = tensor.extract %offsets[%c0] : tensor<4xi32>
  %o1 = tensor.extract %offsets[%c1] : tensor<4xi32>
  %o2 = tensor.extract %offsets[%c2] : tensor<4xi32>
  %o3 = tensor.extract %offsets[%c3] : tensor<4xi32>
  %i0 = arith.index_cast %o0 : i32 to index
  %i1 = arith.index_cast %o1 : i32 to index
  %i2 = arith.index_cast %o2 : i32 to index
  %i3 = arith.index_cast %o3 : i32 to index
  %s0 = arith.subi %i1, %i0 : index
  %s2 = arith.subi %i3, %i2 : index
  %b0 = tensor.extract_slice %rows[%i0, 0] [%s0, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
  %first = tensor.insert_slice %b0 into %f62[%i0, 0] [%s0, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
  %b2 = tensor.extract_slice %rows[%i2, 0] [%s2, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
  // expected-error@+1 {{expected each expert's rows to be written once, in order}}
  %y = tensor.insert_slice %b2 into %first[%i2, 0] [%s2, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @every_second_expert(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c2 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %rows[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    // expected-error@+1 {{expected a loop that writes the rows of every expert, or of every pair, once}}
    %more = tensor.insert_slice %block into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @writes_dropped(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %rows[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    // expected-error@+1 {{expected what the loop has written to be kept}}
    %more = tensor.insert_slice %block into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %written : tensor<6x2xf32>
  }
  // expected-error@+1 {{expected rows that are written; none is}}
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @pair_left_out(%x: tensor<3x2xf32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %last = arith.constant 5 : index
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %rows = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %y = scf.for %p = %c0 to %last step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %row = tensor.extract_slice %rows[%p, 0] [1, 2] [1, 1] : tensor<6x2xf32> to tensor<1x2xf32>
    // expected-error@+1 {{expected a loop over all pairs}}
    %more = tensor.insert_slice %row into %written[%p, 0] [1, 2] [1, 1] : tensor<1x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @offsets_from_elsewhere(%x: tensor<3x2xf32>, %z: tensor<6x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %other: tensor<4xi32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %other[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %other[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %z[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    // expected-error@+1 {{expected offsets of a moe.sort_tokens}}
    %more = tensor.insert_slice %block into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @last_expert_left_out(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c2 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %rows[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    // expected-error@+1 {{expected a loop over all experts}}
    %more = tensor.insert_slice %block into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @rows_of_another_expert(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %rows[%end, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    // expected-error@+1 {{expected rows to be written where they were read}}
    %more = tensor.insert_slice %block into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @weights_of_one_expert(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %scale: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %rows[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    // expected-error@+1 {{expected the weights of the expert whose rows they meet}}
    %v = tensor.extract_slice %scale[%c1, 0] [1, 2] [1, 1] : tensor<3x2xf32> to tensor<2xf32>
    %empty = tensor.empty(%size) : tensor<?x2xf32>
    %scaled = linalg.generic {indexing_maps = [affine_map<(r, n) -> (r, n)>, affine_map<(r, n) -> (n)>, affine_map<(r, n) -> (r, n)>], iterator_types = ["parallel", "parallel"]} ins(%block, %v : tensor<?x2xf32>, tensor<2xf32>) outs(%empty : tensor<?x2xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      linalg.yield %m : f32
    } -> tensor<?x2xf32>
    %more = tensor.insert_slice %scaled into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @order_changes_in_a_loop(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %n: index, %zeros: tensor<6x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %sorted = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{expected rows that every step leaves in one order}}
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%carried = %zeros) -> (tensor<6x2xf32>) {
    scf.yield %sorted : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// -----

func.func @order_by_branch(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>, %condition: i1) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %sorted = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // expected-error@+1 {{expected rows in one order from both branches}}
  %y = scf.if %condition -> (tensor<6x2xf32>) {
    scf.yield %sorted : tensor<6x2xf32>
  } else {
    %plain = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
    scf.yield %plain : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}
