// A buffer that leaves a branch is made at most once, unlike one that leaves a loop.
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-plan-memory))" | FileCheck %s

// CHECK-LABEL: func.func @branch
// CHECK-SAME: moe.arena_bytes = 64 : i64
// CHECK-NOT: memref.alloc
// CHECK: scf.if
// CHECK: memref.view
// CHECK-NOT: memref.alloc
func.func @branch(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %n: memref<1xi32>, %x: memref<4xf32>, %y: memref<4xf32>)
    attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %n0 = memref.load %n[%c0] : memref<1xi32>
  %condition = arith.trunci %n0 : i32 to i1
  %r = scf.if %condition -> memref<4xf32> {
    %e = memref.alloc() : memref<4xf32>
    linalg.exp ins(%x : memref<4xf32>) outs(%e : memref<4xf32>)
    scf.yield %e : memref<4xf32>
  } else {
    scf.yield %x : memref<4xf32>
  }
  memref.copy %r, %y : memref<4xf32> to memref<4xf32>
  return
}
