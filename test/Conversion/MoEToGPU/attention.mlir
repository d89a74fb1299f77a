// RUN: moe-opt %s --convert-moe-to-gpu --canonicalize --cse | FileCheck %s

// A query head of one row: two query heads share a head of the cache. Positions in order, each rescaling the sums so far,
// which are the thread's own.
// CHECK-LABEL: gpu.func @static_kernel
// CHECK-DAG:     %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<8xf32>
// CHECK:         scf.if
// CHECK-DAG:       %[[ROW:.*]] = arith.divui %[[UNIT:.*]], %c4
// CHECK-DAG:       %[[HEAD:.*]] = arith.remui %[[UNIT]], %c4
// CHECK-DAG:       %[[KV:.*]] = arith.divui %[[HEAD]], %c2
// CHECK:           scf.for
// CHECK:             memref.store %{{.*}}, %[[SUMS]]
// CHECK:           %[[ALL:.*]]:2 = scf.for %[[P:.*]] = %c0 to %{{.*}} step %c1
// CHECK-DAG:         %[[SLOT:.*]] = arith.remui %[[P]], %c32
// CHECK-DAG:         %[[BLOCK:.*]] = arith.divui %[[SLOT]], %c16
// CHECK-DAG:         %[[LANE:.*]] = arith.remui %[[SLOT]], %c16
// CHECK:             scf.for %[[D:.*]] = %c0 to %c8
// CHECK-DAG:           memref.load %{{.*}}[%[[ROW]], %[[HEAD]], %[[D]]]
// CHECK-DAG:           memref.load %{{.*}}[%c0, %[[KV]], %[[BLOCK]], %[[D]], %[[LANE]]]
// CHECK:               math.fma
// CHECK-COUNT-2:     math.exp
// CHECK:             scf.for
// CHECK:               math.fma
// CHECK:           scf.for
// CHECK:             arith.divf %{{.*}}, %[[ALL]]#1
func.func private @static_kernel(%begin: index, %end: index, %q: memref<?x4x8xf32>, %bytes: memref<6144xi8>, %pos: memref<?xi32>, %y: memref<?x4x8xf32>)
    attributes {moe.kernel} {
  %cache = moe.kv_view %bytes : memref<6144xi8> -> !moe.kv_cache<static<32>, 2 x 8 x f32>
  moe.attention %q, %cache at %pos scale(0.5) outs(%y : memref<?x4x8xf32>)
      : memref<?x4x8xf32>, !moe.kv_cache<static<32>, 2 x 8 x f32>, memref<?xi32>
  return
}

// A window of 20 positions, in bf16, of the row's own sequence.
// CHECK-LABEL: gpu.func @sliding_kernel
// CHECK:           memref.load %{{.*}} : memref<?xi32>
// CHECK:           %[[FIRST:.*]] = arith.addi %{{.*}}, %c-19
// CHECK:           %[[BEGIN:.*]] = arith.maxsi %[[FIRST]], %c0
// CHECK:           scf.for %{{.*}} = %[[BEGIN]] to
// CHECK:             arith.extf {{.*}} : bf16 to f32
func.func private @sliding_kernel(%begin: index, %end: index, %q: memref<?x1x8xf32>, %bytes: memref<3072xi8>, %pos: memref<?xi32>, %seq: memref<?xi32>, %y: memref<?x1x8xf32>)
    attributes {moe.kernel} {
  %cache = moe.kv_view %bytes : memref<3072xi8> -> !moe.kv_cache<sliding_window<20>, 1 x 8 x bf16, chunk = 4, batch = 2>
  moe.attention %q, %cache at %pos of %seq : memref<?xi32> scale(0.5) outs(%y : memref<?x1x8xf32>)
      : memref<?x1x8xf32>, !moe.kv_cache<sliding_window<20>, 1 x 8 x bf16, chunk = 4, batch = 2>, memref<?xi32>
  return
}
