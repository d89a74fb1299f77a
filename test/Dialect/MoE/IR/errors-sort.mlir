// RUN: moe-opt %s -verify-diagnostics -split-input-file

// 6 pairs, 8 experts, blocks of 4: 6 + 8 * 3 rounded up to 32.
func.func @block_order(%i: tensor<3x2xi32>) {
  %a = tensor.empty() : tensor<9xi32>
  %b = tensor.empty() : tensor<30xi32>
  %c = tensor.empty() : tensor<3x2xi32>
  // expected-error @below {{expected length of order to be 32, got 30}}
  %0:3 = moe.sort_tokens %i experts(8) block(4) outs(%a, %b, %c : tensor<9xi32>, tensor<30xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return
}

// -----

func.func @block_of_one(%i: tensor<3x2xi32>, %a: tensor<9xi32>, %b: tensor<6xi32>, %c: tensor<3x2xi32>) {
  // expected-error @below {{attribute 'block' failed to satisfy constraint: 64-bit signless integer attribute whose minimum value is 2}}
  %0:3 = moe.sort_tokens %i experts(8) block(1) outs(%a, %b, %c : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return
}

// -----

func.func @no_chunk(%i: tensor<3x2xi32>, %a: tensor<9xi32>, %b: tensor<6xi32>, %c: tensor<3x2xi32>) {
  // expected-error @below {{attribute 'chunk' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %0:3 = moe.sort_tokens %i experts(8) chunk(0) outs(%a, %b, %c : tensor<9xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  return
}

// -----

func.func @count_rank(%i: tensor<?xi32>, %a: tensor<?x9xi32>) {
  // expected-error @below {{expected ids of rank 2, got 'tensor<?xi32>'}}
  %0 = moe.count_pairs %i chunk(4) outs(%a : tensor<?x9xi32>) : tensor<?xi32>
  return
}

// -----

func.func @counts_rank(%i: tensor<?x2xi32>, %a: tensor<9xi32>) {
  // expected-error @below {{expected counts of rank 2, got 'tensor<9xi32>'}}
  %0 = moe.count_pairs %i chunk(4) outs(%a : tensor<9xi32>) : tensor<?x2xi32>
  return
}

// -----

// 8 pairs in chunks of 4: two full ones and an empty one.
func.func @count_chunks(%i: tensor<4x2xi32>, %a: tensor<2x9xi32>) {
  // expected-error @below {{expected chunks of counts to be 3, got 2}}
  %0 = moe.count_pairs %i chunk(4) outs(%a : tensor<2x9xi32>) : tensor<4x2xi32>
  return
}

// -----

func.func @scan_rank(%c: tensor<9xi32>, %a: tensor<9xi32>, %b: tensor<?x9xi32>) {
  // expected-error @below {{expected counts of rank 2, got 'tensor<9xi32>'}}
  %0:2 = moe.scan_counts %c outs(%a, %b : tensor<9xi32>, tensor<?x9xi32>) : tensor<9xi32>
  return
}

// -----

func.func @scan_offsets(%c: tensor<?x9xi32>, %a: tensor<8xi32>, %b: tensor<?x9xi32>) {
  // expected-error @below {{expected number of offsets to be 9, got 8}}
  %0:2 = moe.scan_counts %c outs(%a, %b : tensor<8xi32>, tensor<?x9xi32>) : tensor<?x9xi32>
  return
}

// -----

func.func @scan_chunks(%c: tensor<3x9xi32>, %a: tensor<9xi32>, %b: tensor<4x9xi32>) {
  // expected-error @below {{expected chunks of starts to be 3, got 4}}
  %0:2 = moe.scan_counts %c outs(%a, %b : tensor<9xi32>, tensor<4x9xi32>) : tensor<3x9xi32>
  return
}

// -----

func.func @scan_columns(%c: tensor<?x9xi32>, %a: tensor<9xi32>, %b: tensor<?x7xi32>) {
  // expected-error @below {{expected columns of starts to be 9, got 7}}
  %0:2 = moe.scan_counts %c outs(%a, %b : tensor<9xi32>, tensor<?x7xi32>) : tensor<?x9xi32>
  return
}

// -----

func.func @place_rank(%i: tensor<?xi32>, %s: tensor<?x9xi32>, %o: tensor<9xi32>, %a: tensor<?xi32>, %b: tensor<?x2xi32>) {
  // expected-error @below {{expected ids of rank 2, got 'tensor<?xi32>'}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<?xi32>, tensor<?x2xi32>) : tensor<?xi32>, tensor<?x9xi32>, tensor<9xi32>
  return
}

// -----

func.func @place_starts_rank(%i: tensor<?x2xi32>, %s: tensor<9xi32>, %o: tensor<9xi32>, %a: tensor<?xi32>, %b: tensor<?x2xi32>) {
  // expected-error @below {{expected starts of rank 2, got 'tensor<9xi32>'}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>, tensor<9xi32>, tensor<9xi32>
  return
}

// -----

func.func @place_offsets_rank(%i: tensor<?x2xi32>, %s: tensor<?x9xi32>, %o: tensor<1x9xi32>, %a: tensor<?xi32>, %b: tensor<?x2xi32>) {
  // expected-error @below {{expected offsets of rank 1, got 'tensor<1x9xi32>'}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>, tensor<?x9xi32>, tensor<1x9xi32>
  return
}

// -----

func.func @place_chunks(%i: tensor<4x2xi32>, %s: tensor<2x9xi32>, %o: tensor<9xi32>, %a: tensor<?xi32>, %b: tensor<4x2xi32>) {
  // expected-error @below {{expected chunks of starts to be 3, got 2}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<?xi32>, tensor<4x2xi32>) : tensor<4x2xi32>, tensor<2x9xi32>, tensor<9xi32>
  return
}

// -----

func.func @place_columns(%i: tensor<4x2xi32>, %s: tensor<3x8xi32>, %o: tensor<9xi32>, %a: tensor<?xi32>, %b: tensor<4x2xi32>) {
  // expected-error @below {{expected columns of starts to be 9, got 8}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<?xi32>, tensor<4x2xi32>) : tensor<4x2xi32>, tensor<3x8xi32>, tensor<9xi32>
  return
}

// -----

func.func @place_tokens(%i: tensor<4x2xi32>, %s: tensor<3x9xi32>, %o: tensor<9xi32>, %a: tensor<?xi32>, %b: tensor<5x2xi32>) {
  // expected-error @below {{expected tokens of inverse to be 4, got 5}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<?xi32>, tensor<5x2xi32>) : tensor<4x2xi32>, tensor<3x9xi32>, tensor<9xi32>
  return
}

// -----

func.func @place_slots(%i: tensor<4x2xi32>, %s: tensor<3x9xi32>, %o: tensor<9xi32>, %a: tensor<?xi32>, %b: tensor<4x3xi32>) {
  // expected-error @below {{expected slots of inverse to be 2, got 3}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<?xi32>, tensor<4x3xi32>) : tensor<4x2xi32>, tensor<3x9xi32>, tensor<9xi32>
  return
}

// -----

func.func @place_rows(%i: tensor<4x2xi32>, %s: tensor<3x9xi32>, %o: tensor<9xi32>, %a: tensor<7xi32>, %b: tensor<4x2xi32>) {
  // expected-error @below {{expected at least 8 rows in order, got 7}}
  %0:2 = moe.place_pairs %i, %s, %o chunk(4) outs(%a, %b : tensor<7xi32>, tensor<4x2xi32>) : tensor<4x2xi32>, tensor<3x9xi32>, tensor<9xi32>
  return
}
