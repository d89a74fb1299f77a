// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

// A unit is a block of 512 columns of a row; the columns that fill no four vectors of a block come one vector at a time, the last of
// them masked.
// CHECK-LABEL: func.func @gather
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index, %[[X:[a-z0-9]+]]: memref<?x600xf32>, %[[ORDER:[a-z0-9]+]]: memref<?xi32>, %[[W:[a-z0-9]+]]: memref<?x3xf32>, %[[OUT:[a-z0-9]+]]: memref<?x600xf32>)
// CHECK: scf.for %[[UNIT:.*]] = %[[BEGIN]] to %[[END]]
// CHECK: %[[ROW:.*]] = arith.divui %[[UNIT]], %c2
// CHECK: memref.load %[[ORDER]][%[[ROW]]]
// CHECK: %[[FACTOR:.*]] = memref.load %[[W]]
// CHECK: %[[FACTORS:.*]] = vector.broadcast %[[FACTOR]]
// CHECK: scf.for {{.*}} step %c64
// CHECK-COUNT-4: vector.store %{{.*}}, %[[OUT]][%[[ROW]],
// CHECK: scf.for {{.*}} step %c16
// CHECK: %[[MASK:.*]] = vector.create_mask
// CHECK: %[[PART:.*]] = vector.maskedload %[[X]]{{.*}}, %[[MASK]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[PART]], %[[FACTORS]]
// CHECK: vector.maskedstore %[[OUT]][%[[ROW]], {{.*}}], %[[MASK]], %[[SCALED]]
func.func @gather(%begin: index, %end: index, %x: memref<?x600xf32>, %order: memref<?xi32>, %w: memref<?x3xf32>, %out: memref<?x600xf32>)
    attributes {moe.kernel} {
  moe.gather_rows %x order(%order : memref<?xi32>) top_k(3) scale(%w : memref<?x3xf32>) outs(%out : memref<?x600xf32>) : memref<?x600xf32>
  return
}

// Rows of experts in turn, of each those in the range of units; whole vectors of columns need no mask. Rows are copied as they are.
// CHECK-LABEL: func.func @vectors
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index, %[[V:[a-z0-9]+]]: memref<5x128xbf16>, %[[OFFSETS:[a-z0-9]+]]: memref<6xi32>
// CHECK: scf.for %[[E:.*]] = %c0 to %c5
// CHECK: memref.load %[[OFFSETS]][%[[E]]]
// CHECK: memref.load %[[OFFSETS]]
// CHECK: %[[FROM:.*]] = arith.maxsi %[[BEGIN]],
// CHECK: %[[TO:.*]] = arith.minsi %[[END]],
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]]
// CHECK: vector.load %[[V]][%[[E]], {{.*}} vector<16xbf16>
// CHECK-NOT: create_mask
// CHECK: return
func.func @vectors(%begin: index, %end: index, %v: memref<5x128xbf16>, %offsets: memref<6xi32>, %out: memref<?x128xbf16>) attributes {moe.kernel} {
  moe.expert_rows %v offsets(%offsets : memref<6xi32>) outs(%out : memref<?x128xbf16>) : memref<5x128xbf16>
  return
}

// Rows of no expert are left alone.
// CHECK-LABEL: func.func @some_vectors
// CHECK: %[[ID:.*]] = memref.load
// CHECK: %[[EXPERT:.*]] = arith.index_cast %[[ID]]
// CHECK: %[[KEPT:.*]] = arith.cmpi slt, %[[EXPERT]], %c5
// CHECK: scf.if %[[KEPT]]
func.func @some_vectors(%begin: index, %end: index, %v: memref<5x128xf32>, %ids: memref<?x3xi32>, %out: memref<?x128xf32>) attributes {moe.kernel} {
  moe.expert_rows %v ids(%ids : memref<?x3xi32>) partial outs(%out : memref<?x128xf32>) : memref<5x128xf32>
  return
}

// Four sums at a time, slots in order; the row of a skipped pair is not read.
// CHECK-LABEL: func.func @combine
// CHECK-SAME: index, %{{[a-z0-9]+}}: index, %[[Y:[a-z0-9]+]]: memref<?x64xf32>, %[[W:[a-z0-9]+]]: memref<?x3xf32>, %[[INVERSE:[a-z0-9]+]]: memref<?x3xi32>, %[[OFFSETS:[a-z0-9]+]]: memref<6xi32>, %[[X:[a-z0-9]+]]: memref<?x64xf32>, %[[OUT:[a-z0-9]+]]: memref<?x64xf32>)
// CHECK: %[[L:.*]] = memref.load %[[OFFSETS]][%c5]
// CHECK: %[[LIMIT:.*]] = arith.index_cast %[[L]]
// CHECK-COUNT-4: vector.load %[[X]]
// CHECK: scf.for %{{.*}} = %c0 to %c3 {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}}, %[[D:.*]] = %{{.*}})
// CHECK: %[[R:.*]] = memref.load %[[INVERSE]]
// CHECK: %[[ROW:.*]] = arith.index_cast %[[R]]
// CHECK: %[[KEPT:.*]] = arith.cmpi slt, %[[ROW]], %[[LIMIT]]
// CHECK: scf.if %[[KEPT]]
// CHECK: vector.load %[[Y]][%[[ROW]],
// CHECK: vector.fma {{.*}}, %[[A]]
// CHECK: } else {
// CHECK-NEXT: vector.load %[[X]]
// CHECK: vector.store %{{.*}}, %[[OUT]]
func.func @combine(%begin: index, %end: index, %y: memref<?x64xf32>, %w: memref<?x3xf32>, %inverse: memref<?x3xi32>, %offsets: memref<6xi32>,
                   %x: memref<?x64xf32>, %out: memref<?x64xf32>) attributes {moe.kernel} {
  moe.combine_rows %y, %w inverse(%inverse : memref<?x3xi32>) offsets(%offsets : memref<6xi32>) skipped(%x : memref<?x64xf32>)
      init(%x : memref<?x64xf32>) outs(%out : memref<?x64xf32>) : memref<?x64xf32>, memref<?x3xf32>
  return
}
