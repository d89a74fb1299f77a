// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

// Units are (expert, panel); rows of expert e are offsets[e]..offsets[e + 1].
// CHECK-LABEL: func.func @offsets
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[X:.*]]: memref<?x8xf32>, %{{.*}}: memref<5x3x8x32xf32>, %[[OFFSETS:.*]]: memref<6xi32>, %[[Y:.*]]: memref<?x96xf32>
// CHECK:         memref.collapse_shape %{{.*}} {{\[}}[0, 1, 2], [3]] : memref<5x3x8x32xf32> into memref<120x32xf32>
// CHECK:         %[[FIRST:.*]] = arith.divui %[[BEGIN]], %c3
// CHECK:         %[[UP:.*]] = arith.addi %[[END]], %c2
// CHECK:         %[[LAST:.*]] = arith.divui %[[UP]], %c3
// CHECK:         scf.for %[[E:.*]] = %[[FIRST]] to %[[LAST]] step %c1
// CHECK:           %[[UNIT:.*]] = arith.muli %[[E]], %c3
// CHECK:           %[[FROM:.*]] = arith.maxsi %{{.*}}, %c0
// CHECK:           %[[TO:.*]] = arith.minsi %{{.*}}, %c3
// CHECK:           memref.load %[[OFFSETS]][%[[E]]]
// CHECK:           %[[NEXT:.*]] = arith.addi %[[E]], %c1
// CHECK:           memref.load %[[OFFSETS]][%[[NEXT]]]
// An expert without rows has no panels either.
// CHECK:           %[[SKIP:.*]] = arith.select %{{.*}}, %[[FROM]], %[[TO]]
// CHECK:           scf.for %{{.*}} = %[[FROM]] to %[[PAIRED:.*]] step %c2
// CHECK:           scf.for %{{.*}} = %[[PAIRED]] to %{{.*}} step %c1
// CHECK:             vector.store {{.*}}, %[[Y]]
func.func @offsets(%begin: index, %end: index, %x: memref<?x8xf32>, %w: memref<5x3x8x32xf32>, %offsets: memref<6xi32>, %y: memref<?x96xf32>)
    attributes {moe.kernel} {
  moe.grouped_matmul %x, %w offsets(%offsets : memref<6xi32>) panel <width = 32, pair = 1> outs(%y : memref<?x96xf32>)
      : memref<?x8xf32>, memref<5x3x8x32xf32>
  return
}

// Units are (pair, panel); the pair's expert is looked up, and with broadcast
// its input is the row of the token.
// CHECK-LABEL: func.func @broadcast
// CHECK-SAME:    %[[IDS:[^:]*]]: memref<1x2xi32>, %[[Y:.*]]: memref<2x64xf32>
// CHECK:         scf.for %[[PAIR:.*]] = %{{.*}} to
// CHECK:           %[[TOKEN:.*]] = arith.divui %[[PAIR]], %c2
// CHECK:           %[[SLOT:.*]] = arith.remui %[[PAIR]], %c2
// CHECK:           %[[ID:.*]] = memref.load %[[IDS]][%[[TOKEN]], %[[SLOT]]]
// CHECK:           arith.index_cast %[[ID]]
// CHECK:           %{{.*}}:4 = scf.for
// CHECK:             memref.load %{{.*}}[%[[TOKEN]], %{{.*}}] : memref<1x16xf32>
// CHECK:           vector.store %{{.*}}, %[[Y]][%[[PAIR]], %{{.*}}]
func.func @broadcast(%begin: index, %end: index, %x: memref<1x16xf32>, %w: memref<5x2x8x32x2xbf16>, %ids: memref<1x2xi32>, %y: memref<2x64xf32>)
    attributes {moe.kernel} {
  moe.grouped_matmul %x, %w ids(%ids : memref<1x2xi32>) broadcast panel <width = 32, pair = 2> outs(%y : memref<2x64xf32>)
      : memref<1x16xf32>, memref<5x2x8x32x2xbf16>
  return
}
