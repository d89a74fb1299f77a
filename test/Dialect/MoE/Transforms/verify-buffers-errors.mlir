// RUN: moe-opt %s --moe-verify-buffers=max-copy-bytes=4096 --split-input-file --verify-diagnostics

func.func @alloc(%x: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  // expected-error @below {{'memref.alloc' op allocates memory when it runs; expected every buffer in an entry's arena}}
  %0 = memref.alloc() : memref<4xf32>
  memref.copy %0, %x : memref<4xf32> to memref<4xf32>
  return
}

// -----

// A function that an entry may call has no arena.
func.func private @alloc_in_helper() {
  // expected-error @below {{'memref.alloc' op allocates memory when it runs}}
  %0 = memref.alloc() : memref<4xf32>
  return
}

// -----

// One byte too many; a slice of a larger weight counts by itself.
func.func @weights(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>) attributes {moe.entry = 0 : i64} {
  %c0 = arith.constant 0 : index
  %w = memref.view %weights[%c0][] : memref<?xi8> to memref<5x4097xi8>
  %few = memref.subview %w[1, 0] [1, 4096] [1, 1] : memref<5x4097xi8> to memref<4096xi8, strided<[1], offset: 4097>>
  %many = memref.subview %w[1, 0] [1, 4097] [1, 1] : memref<5x4097xi8> to memref<4097xi8, strided<[1], offset: 4097>>
  %scratch0 = memref.view %arena[%c0][] : memref<?xi8> to memref<4096xi8>
  %scratch1 = memref.view %arena[%c0][] : memref<?xi8> to memref<4097xi8>
  memref.copy %few, %scratch0 : memref<4096xi8, strided<[1], offset: 4097>> to memref<4096xi8>
  // expected-error @below {{'memref.copy' op copies 4097 bytes of weights; expected 4096 or less}}
  memref.copy %many, %scratch1 : memref<4097xi8, strided<[1], offset: 4097>> to memref<4097xi8>
  return
}

// -----

// A copy from one cache to another is none into a result.
func.func @cache(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %n: memref<1xindex>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %size = memref.load %n[%c0] : memref<1xindex>
  %a = memref.view %kv[%c0][%size] : memref<?xi8> to memref<?xf32>
  %b = memref.view %kv[%c64][%size] : memref<?xi8> to memref<?xf32>
  // expected-error @below {{'memref.copy' op copies any number of bytes of a cache; expected 4096 or less}}
  memref.copy %a, %b : memref<?xf32> to memref<?xf32>
  return
}
