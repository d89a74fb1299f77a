// An i1 takes a byte of memory; a buffer of them took none, and shared its place with another.
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-plan-memory))" | FileCheck %s

// CHECK-LABEL: func.func @bools
// CHECK-SAME: moe.arena_bytes = 192 : i64
// CHECK-DAG: memref.view %{{.*}}[%c0{{.*}}][] : memref<?xi8> to memref<65xi1>
// CHECK-DAG: memref.view %{{.*}}[%c128{{.*}}][] : memref<?xi8> to memref<8xindex>
func.func @bools(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<8xf32>) attributes {moe.entry = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %true = arith.constant true
  %bools = memref.alloc() : memref<65xi1>
  %indices = memref.alloc() : memref<8xindex>
  memref.store %true, %bools[%c0] : memref<65xi1>
  memref.store %c0, %indices[%c0] : memref<8xindex>
  %a = memref.load %bools[%c0] : memref<65xi1>
  %b = memref.load %indices[%c0] : memref<8xindex>
  %v = arith.select %a, %zero, %zero : f32
  memref.store %v, %x[%b] : memref<8xf32>
  return
}
