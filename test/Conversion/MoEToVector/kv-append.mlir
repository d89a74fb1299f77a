// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

// The slot is the position modulo the capacity; keys of 16 slots lie side by
// side; the padding of value rows is set to zero.
// CHECK-LABEL: func.func @static
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[BYTES:[^:]*]]: memref<6144xi8>
// CHECK-DAG:     %[[K:.*]] = memref.view %[[BYTES]][%c0][]
// CHECK-DAG:     %[[V:.*]] = memref.view %[[BYTES]][%c2048][]
// CHECK:         scf.for %[[ROW:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           %[[SLOT:.*]] = arith.remui %{{.*}}, %c32
// CHECK:           %[[BLOCK:.*]] = arith.divui %[[SLOT]], %c16
// CHECK:           %[[LANE:.*]] = arith.remui %[[SLOT]], %c16
// CHECK:           scf.for %[[HEAD:.*]] = %c0 to %c2
// CHECK:             scf.for %[[D:.*]] = %c0 to %c8
// CHECK:               memref.store %{{.*}}, %[[K]][%c0, %[[HEAD]], %[[BLOCK]], %[[D]], %[[LANE]]]
// CHECK:             scf.for %[[E:.*]] = %c0 to %c8
// CHECK:               memref.store %{{.*}}, %[[V]][%c0, %[[HEAD]], %[[SLOT]], %[[E]]]
// CHECK:             scf.for %[[PAD:.*]] = %c8 to %c16
// CHECK:               memref.store %cst, %[[V]][%c0, %[[HEAD]], %[[SLOT]], %[[PAD]]]
// CHECK-NOT:     moe.
func.func @static(%begin: index, %end: index, %bytes: memref<6144xi8>, %k: memref<?x2x8xf32>, %v: memref<?x2x8xf32>, %pos: memref<?xi32>)
    attributes {moe.kernel} {
  %cache = moe.kv_view %bytes : memref<6144xi8> -> !moe.kv_cache<static<32>, 2 x 8 x f32>
  moe.kv_append %cache, %k, %v at %pos
      : !moe.kv_cache<static<32>, 2 x 8 x f32>, memref<?x2x8xf32>, memref<?x2x8xf32>, memref<?xi32>
  return
}

// bf16 by integer arithmetic: to nearest even, a NaN stays one.
// CHECK-LABEL: func.func @bf16
// CHECK-SAME:    %[[SEQ:[^:]*]]: memref<?xi32>)
// CHECK:         memref.load %[[SEQ]]
// CHECK:         %[[BITS:.*]] = arith.bitcast %[[X:.*]] : f32 to i32
// CHECK:         %[[UPPER:.*]] = arith.shrui %[[BITS]], %c16_i32
// CHECK:         %[[ODD:.*]] = arith.andi %[[UPPER]], %c1_i32
// CHECK:         %[[UP:.*]] = arith.addi %[[BITS]], %c32767_i32
// CHECK:         %[[EVEN:.*]] = arith.addi %[[UP]], %[[ODD]]
// CHECK:         %[[ROUNDED:.*]] = arith.shrui %[[EVEN]], %c16_i32
// CHECK:         %[[NAN:.*]] = arith.cmpf uno, %[[X]], %[[X]]
// CHECK:         %[[QUIET:.*]] = arith.ori %[[UPPER]], %c64_i32
// CHECK:         arith.select %[[NAN]], %[[QUIET]], %[[ROUNDED]]
func.func @bf16(%begin: index, %end: index, %bytes: memref<2048xi8>, %k: memref<?x1x16xf32>, %v: memref<?x1x16xf32>, %pos: memref<?xi32>, %seq: memref<?xi32>)
    attributes {moe.kernel} {
  %cache = moe.kv_view %bytes : memref<2048xi8> -> !moe.kv_cache<static<16>, 1 x 16 x bf16, batch = 2>
  moe.kv_append %cache, %k, %v at %pos of %seq : memref<?xi32>
      : !moe.kv_cache<static<16>, 1 x 16 x bf16, batch = 2>, memref<?x1x16xf32>, memref<?x1x16xf32>, memref<?xi32>
  return
}
