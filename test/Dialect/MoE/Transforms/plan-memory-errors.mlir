// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-plan-memory))" --split-input-file --verify-diagnostics

func.func @no_bound(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %n: memref<1xindex>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %size = memref.load %n[%c0] : memref<1xindex>
  // expected-error @below {{moe-plan-memory: cannot bound extent 1 of buffer 'memref<4x?xf32>'; give the entry's arguments `moe.max_shape`}}
  %a = memref.alloc(%size) : memref<4x?xf32>
  return
}

// -----

// What is left of four is most where there is least.
func.func @rest(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?xf32> {moe.max_shape = array<i64: 4>}) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %less = arith.constant -1 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %minus = arith.muli %n, %less : index
  %size = arith.addi %minus, %c4 : index
  // expected-error @below {{moe-plan-memory: cannot bound extent 0 of buffer 'memref<?xf32>'; give the entry's arguments `moe.max_shape`}}
  %a = memref.alloc(%size) : memref<?xf32>
  return
}

// -----

func.func @too_large(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?xf32> {moe.max_shape = array<i64: 4611686018427387904>}) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %size = memref.dim %x, %c0 : memref<?xf32>
  // expected-error @below {{moe-plan-memory: buffer 'memref<?xf32>' is too large}}
  %a = memref.alloc(%size) : memref<?xf32>
  return
}

// -----

// Fits a count of bytes, but no machine.
func.func @larger_than_any_machine(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>) attributes {moe.entry = 0 : i64} {
  // expected-error @below {{moe-plan-memory: buffer 'memref<281474976710657xi8>' is too large}}
  %a = memref.alloc() : memref<281474976710657xi8>
  return
}

// -----

// The buffer of one iteration is read in the next, which makes its own.
func.func @carried(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %last = scf.for %i = %c0 to %c4 step %c1 iter_args(%before = %x) -> memref<4xf32> {
    // expected-error @below {{moe-plan-memory: buffer 'memref<4xf32>' is made in a loop and leaves it}}
    %a = memref.alloc() : memref<4xf32>
    linalg.exp ins(%before : memref<4xf32>) outs(%a : memref<4xf32>)
    scf.yield %a : memref<4xf32>
  }
  return
}
