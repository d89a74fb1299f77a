// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

// Units are (key/value head, row). Keys come first in the cache, then values.
// CHECK-LABEL: func.func @static
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[Q:.*]]: memref<?x4x8xf32>, %[[BYTES:.*]]: memref<12288xi8>, %[[POS:.*]]: memref<?xi32>, %[[OUT:.*]]: memref<?x4x8xf32>
// CHECK-DAG:     %[[K:.*]] = memref.view %[[BYTES]][%c0][] : memref<12288xi8> to memref<1x2x4x8x16xf32>
// CHECK-DAG:     %[[V:.*]] = memref.view %[[BYTES]][%c4096][] : memref<12288xi8> to memref<1x2x64x16xf32>
// CHECK:         scf.for %[[UNIT:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           %[[HEAD:.*]] = arith.divui %[[UNIT]], %[[ROWS:.*]] : index
// CHECK:           %[[ROW:.*]] = arith.remui %[[UNIT]], %[[ROWS]] : index
// CHECK:           memref.load %[[POS]][%[[ROW]]]
// Two heads of a group: two maxima, two vectors of partial sums.
// CHECK:           %[[LAST:.*]]:4 = scf.for %[[BLOCK:.*]] = %c0 to %{{.*}} step %c1 {{.*}} -> (f32, f32, vector<16xf32>, vector<16xf32>)
// CHECK:             %[[SLOTS:.*]] = arith.remui %[[BLOCK]], %c4
// CHECK:             %[[MASK:.*]] = arith.andi {{.*}} vector<16xi1>
// CHECK:             %{{.*}}:8 = scf.for
// CHECK:               vector.load %[[K]][%c0, %[[HEAD]], %[[SLOTS]], %{{.*}}, %c0]
// CHECK:             %[[SEEN:.*]] = arith.select %[[MASK]]
// CHECK:             vector.shuffle %[[SEEN]], %[[SEEN]] [0, 1, 2, 3, 4, 5, 6, 7]
// CHECK:             vector.extract {{.*}} : f32 from vector<1xf32>
// CHECK:             math.exp
// CHECK:             %[[EXP:.*]] = math.exp {{.*}} : vector<16xf32>
// CHECK:             arith.select %[[MASK]], %[[EXP]], %{{.*}} : vector<16xi1>, vector<16xf32>
// Values of the lanes within the window only.
// CHECK:             scf.for %[[LANE:.*]] = %{{.*}} to
// CHECK:               %[[SLOT:.*]] = arith.addi %{{.*}}, %[[LANE]]
// CHECK:               vector.load %[[V]][%c0, %[[HEAD]], %[[SLOT]], %c0]
// CHECK:           vector.reduction <add>, %[[LAST]]#2
// CHECK:           arith.divf
// CHECK:           vector.maskedstore %[[OUT]]
func.func @static(%begin: index, %end: index, %q: memref<?x4x8xf32>, %bytes: memref<12288xi8>, %pos: memref<?xi32>, %out: memref<?x4x8xf32>)
    attributes {moe.kernel} {
  %cache = moe.kv_view %bytes : memref<12288xi8> -> !moe.kv_cache<static<64>, 2 x 8 x f32>
  moe.attention %q, %cache at %pos scale(0.5) outs(%out : memref<?x4x8xf32>)
      : memref<?x4x8xf32>, !moe.kv_cache<static<64>, 2 x 8 x f32>, memref<?xi32>
  return
}

// The window starts at position - 6; the ring has 11 slots, rounded up to 16, so each block lies in the same one.
// CHECK-LABEL: func.func @window
// CHECK-SAME:    %[[SEQ:[^:]*]]: memref<?xi32>, %{{[^:]*}}: memref<?x1x16xf32>
// CHECK:         memref.load %[[SEQ]]
// CHECK:         %[[BACK:.*]] = arith.addi %{{.*}}, %c-6
// CHECK:         %[[FIRST:.*]] = arith.maxsi %[[BACK]], %c0
// CHECK:         %[[BLOCK:.*]] = arith.divui %[[FIRST]], %c16
// CHECK:         scf.for %{{.*}} = %[[BLOCK]] to
// CHECK:           arith.extf {{.*}} : vector<16xbf16> to vector<16xf32>
func.func @window(%begin: index, %end: index, %q: memref<?x1x16xf32>, %bytes: memref<2048xi8>, %pos: memref<?xi32>, %seq: memref<?xi32>, %out: memref<?x1x16xf32>)
    attributes {moe.kernel} {
  %cache = moe.kv_view %bytes : memref<2048xi8> -> !moe.kv_cache<sliding_window<7>, 1 x 16 x bf16, chunk = 5, batch = 2>
  moe.attention %q, %cache at %pos of %seq : memref<?xi32> scale(0.25) outs(%out : memref<?x1x16xf32>)
      : memref<?x1x16xf32>, !moe.kv_cache<sliding_window<7>, 1 x 16 x bf16, chunk = 5, batch = 2>, memref<?xi32>
  return
}

// Decoding fetches the next block of keys and of values ahead.
// CHECK-LABEL: func.func @decode
// CHECK:         memref.prefetch %[[K:view[_0-9]*]]{{.*}}16x8x16xf32>
// CHECK:         vector.load %[[K]]
// CHECK:         memref.prefetch %[[V:view[_0-9]*]]{{.*}}256x16xf32>
// CHECK:         vector.load %[[V]]
func.func @decode(%begin: index, %end: index, %q: memref<1x2x8xf32>, %bytes: memref<24576xi8>, %pos: memref<1xi32>, %out: memref<1x2x8xf32>)
    attributes {moe.kernel} {
  %cache = moe.kv_view %bytes : memref<24576xi8> -> !moe.kv_cache<static<256>, 1 x 8 x f32>
  moe.attention %q, %cache at %pos scale(0.5) outs(%out : memref<1x2x8xf32>)
      : memref<1x2x8xf32>, !moe.kv_cache<static<256>, 1 x 8 x f32>, memref<1xi32>
  return
}
