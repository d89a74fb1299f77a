// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-plan-memory))" | FileCheck %s

// Two that are alive at once lie side by side; a third takes the place of the first, whose last reader is gone. Sizes
// are rounded up to 64 bytes.
// CHECK-LABEL: func.func @reuse
// CHECK-SAME: %[[ARENA:[a-z0-9]+]]: memref<?xi8>, %{{[a-z0-9]+}}: memref<17xf32>) attributes {moe.arena_bytes = 256 : i64, moe.entry = 1 : i64}
// CHECK: %[[AT0:.*]] = arith.constant 0 : index
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[AT0]]][] : memref<?xi8> to memref<17xf32>
// CHECK: %[[AT128:.*]] = arith.constant 128 : index
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[AT128]]][]
// CHECK: linalg.exp ins(%[[A]] : memref<17xf32>) outs(%[[B]]
// CHECK: %[[AGAIN:.*]] = arith.constant 0 : index
// CHECK: %[[C:.*]] = memref.view %[[ARENA]][%[[AGAIN]]][]
// CHECK: linalg.exp ins(%[[B]] : memref<17xf32>) outs(%[[C]]
// CHECK-NOT: memref.alloc
func.func @reuse(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<17xf32>) attributes {moe.entry = 1 : i64} {
  %a = memref.alloc() : memref<17xf32>
  linalg.exp ins(%x : memref<17xf32>) outs(%a : memref<17xf32>)
  %b = memref.alloc() : memref<17xf32>
  linalg.exp ins(%a : memref<17xf32>) outs(%b : memref<17xf32>)
  %c = memref.alloc() : memref<17xf32>
  linalg.exp ins(%b : memref<17xf32>) outs(%c : memref<17xf32>)
  linalg.exp ins(%c : memref<17xf32>) outs(%x : memref<17xf32>)
  return
}

// The larger buffer is placed first; the smaller, though first in the program, goes behind it.
// CHECK-LABEL: func.func @largest_first
// CHECK-SAME: moe.arena_bytes = 4160 : i64
// CHECK: arith.constant 4096 : index
// CHECK-NEXT: memref.view {{.*}} to memref<1xf32>
// CHECK: arith.constant 0 : index
// CHECK-NEXT: memref.view {{.*}} to memref<1024xf32>
func.func @largest_first(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<1xf32>) attributes {moe.entry = 1 : i64} {
  %small = memref.alloc() : memref<1xf32>
  %large = memref.alloc() : memref<1024xf32>
  linalg.exp ins(%x : memref<1xf32>) outs(%small : memref<1xf32>)
  %part = memref.subview %large[5] [1] [1] : memref<1024xf32> to memref<1xf32, strided<[1], offset: 5>>
  linalg.exp ins(%small : memref<1xf32>) outs(%part : memref<1xf32, strided<[1], offset: 5>>)
  linalg.exp ins(%part : memref<1xf32, strided<[1], offset: 5>>) outs(%x : memref<1xf32>)
  return
}

// A use of a view is a use of the buffer.
// CHECK-LABEL: func.func @read_through_view
// CHECK-SAME: moe.arena_bytes = 128 : i64
func.func @read_through_view(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %a = memref.alloc() : memref<2x2xf32>
  %flat = memref.collapse_shape %a [[0, 1]] : memref<2x2xf32> into memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%flat : memref<4xf32>)
  %b = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%b : memref<4xf32>)
  linalg.add ins(%flat, %b : memref<4xf32>, memref<4xf32>) outs(%x : memref<4xf32>)
  return
}

// Sizes by their bounds: 9 rows of 4, at most 9 · 2 pairs of them, and never more than 4.
// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: moe.arena_bytes = 448 : i64
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[T:.*]]] : memref<?xi8> to memref<?x4xf32>
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[PAIRS:.*]]] : memref<?xi8> to memref<?x2xf32>
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[FEW:.*]]] : memref<?xi8> to memref<?xf32>
func.func @dynamic(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x4xf32> {moe.max_shape = array<i64: 9, 4>}) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %t = memref.dim %x, %c0 : memref<?x4xf32>
  %pairs = arith.muli %t, %c2 : index
  %few = arith.minsi %pairs, %c4 : index
  %rows = memref.alloc(%t) : memref<?x4xf32>
  %two = memref.alloc(%pairs) : memref<?x2xf32>
  %one = memref.alloc(%few) : memref<?xf32>
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%rows : memref<?x4xf32>)
  linalg.fill ins(%zero : f32) outs(%two : memref<?x2xf32>)
  linalg.fill ins(%zero : f32) outs(%one : memref<?xf32>)
  linalg.exp ins(%rows : memref<?x4xf32>) outs(%x : memref<?x4xf32>)
  return
}

// Inside a loop, every buffer of the body and every buffer that the loop reads is alive for all of it; one that comes after is not.
// CHECK-LABEL: func.func @loop
// CHECK-SAME: moe.arena_bytes = 192 : i64
func.func @loop(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<16xf32>, %n: index) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %before = memref.alloc() : memref<16xf32>
  linalg.exp ins(%x : memref<16xf32>) outs(%before : memref<16xf32>)
  scf.for %i = %c0 to %n step %c1 {
    %first = memref.alloc() : memref<16xf32>
    linalg.exp ins(%before : memref<16xf32>) outs(%first : memref<16xf32>)
    linalg.exp ins(%first : memref<16xf32>) outs(%x : memref<16xf32>)
    %second = memref.alloc() : memref<16xf32>
    linalg.exp ins(%x : memref<16xf32>) outs(%second : memref<16xf32>)
    linalg.exp ins(%second : memref<16xf32>) outs(%x : memref<16xf32>)
  }
  %after = memref.alloc() : memref<16xf32>
  linalg.exp ins(%x : memref<16xf32>) outs(%after : memref<16xf32>)
  linalg.exp ins(%after : memref<16xf32>) outs(%x : memref<16xf32>)
  return
}

// What only ends up in a result is the result; for the second result of the same values a copy is left.
// CHECK-LABEL: func.func @forward
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<4xf32>, %[[Y:[a-z0-9]+]]: memref<4xf32>, %[[Z:[a-z0-9]+]]: memref<4xf32>) attributes {moe.arena_bytes = 0 : i64
// CHECK-NEXT: linalg.exp ins(%[[X]] : memref<4xf32>) outs(%[[Y]] : memref<4xf32>)
// CHECK-NEXT: memref.copy %[[Y]], %[[Z]]
// CHECK-NEXT: return
func.func @forward(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<4xf32>, %y: memref<4xf32>, %z: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %a = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
  memref.copy %a, %y : memref<4xf32> to memref<4xf32>
  memref.copy %a, %z : memref<4xf32> to memref<4xf32>
  return
}

// No forwarding into a result that something else writes, or of a part.
// CHECK-LABEL: func.func @no_forward
// CHECK-SAME: moe.arena_bytes = 64 : i64
// CHECK-COUNT-2: memref.copy
func.func @no_forward(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<4xf32>, %y: memref<4xf32>, %z: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %a = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.exp ins(%y : memref<4xf32>) outs(%a : memref<4xf32>)
  memref.copy %a, %y : memref<4xf32> to memref<4xf32>
  %b = memref.alloc() : memref<8xf32>
  %part = memref.subview %b[0] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1]>>
  linalg.exp ins(%x : memref<4xf32>) outs(%part : memref<4xf32, strided<[1]>>)
  memref.copy %part, %z : memref<4xf32, strided<[1]>> to memref<4xf32>
  return
}

// No tokens need no memory.
// CHECK-LABEL: func.func @nothing
// CHECK-SAME: moe.arena_bytes = 0 : i64
func.func @nothing(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<0x4xf32>) attributes {moe.entry = 1 : i64} {
  %a = memref.alloc() : memref<0x4xf32>
  linalg.exp ins(%x : memref<0x4xf32>) outs(%a : memref<0x4xf32>)
  return
}

// Not an entry.
// CHECK-LABEL: func.func private @helper
// CHECK: memref.alloc
func.func private @helper() -> memref<4xf32> {
  %a = memref.alloc() : memref<4xf32>
  return %a : memref<4xf32>
}
