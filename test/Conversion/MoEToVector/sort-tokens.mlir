// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

// CHECK-LABEL: func.func @sort
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[IDS:.*]]: memref<?x3xi32>, %[[OFFSETS:.*]]: memref<6xi32>, %[[ORDER:.*]]: memref<?xi32>, %[[INVERSE:.*]]: memref<?x3xi32>
// CHECK:         %[[CURSORS:.*]] = memref.alloca() {{.*}} : memref<6xi32>
// CHECK:         scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
// Histogram, a count for skipped pairs included.
// CHECK:           memref.store %c0_i32, %[[CURSORS]]
// CHECK:           memref.load %[[IDS]]
// CHECK:           memref.load %[[CURSORS]]
// CHECK:           memref.store %{{.*}}, %[[CURSORS]]
// Exclusive scan.
// CHECK:           scf.for {{.*}} iter_args(%[[ROW:.*]] = %c0) -> (index)
// CHECK:             memref.store %{{.*}}, %[[OFFSETS]]
// CHECK:             memref.store %{{.*}}, %[[CURSORS]]
// CHECK:             scf.yield
// Stable scatter.
// CHECK:           scf.for %[[PAIR:.*]] = %c0
// CHECK:             %[[ROW:.*]] = memref.load %[[CURSORS]]
// CHECK:             memref.store %{{.*}}, %[[ORDER]]
// CHECK:             memref.store %[[ROW]], %[[INVERSE]]
// No padding to mark.
// CHECK-NOT:         %c-1_i32
// CHECK:         return
func.func @sort(%begin: index, %end: index, %ids: memref<?x3xi32>, %offsets: memref<6xi32>, %order: memref<?xi32>, %inverse: memref<?x3xi32>)
    attributes {moe.kernel} {
  moe.sort_tokens %ids experts(5) outs(%offsets, %order, %inverse : memref<6xi32>, memref<?xi32>, memref<?x3xi32>)
      : memref<?x3xi32>
  return
}

// Blocks of 4: rows are rounded up, and what is left over is marked, up to each offset and to the end.
// CHECK-LABEL: func.func @block
// CHECK-SAME:    %[[OFFSETS:[a-z0-9]+]]: memref<6xi32>, %[[ORDER:[a-z0-9]+]]: memref<?xi32>
// CHECK:           arith.divui %{{.*}}, %c4
// CHECK:           scf.for %{{.*}} = %c0 to %c5
// CHECK:             memref.load %[[OFFSETS]]
// CHECK:             memref.store %c-1_i32, %[[ORDER]]
// CHECK:           memref.dim %[[ORDER]]
// CHECK:           memref.store %c-1_i32, %[[ORDER]]
func.func @block(%begin: index, %end: index, %ids: memref<?x3xi32>, %offsets: memref<6xi32>, %order: memref<?xi32>, %inverse: memref<?x3xi32>)
    attributes {moe.kernel} {
  moe.sort_tokens %ids experts(5) partial block(4) outs(%offsets, %order, %inverse : memref<6xi32>, memref<?xi32>, memref<?x3xi32>)
      : memref<?x3xi32>
  return
}

// A unit is a chunk of 100 pairs.
// CHECK-LABEL: func.func @count
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[IDS:.*]]: memref<?x3xi32>, %[[COUNTS:.*]]: memref<?x6xi32>
// CHECK:         scf.for %[[C:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           memref.store %c0_i32, %[[COUNTS]][%[[C]], %{{.*}}]
// CHECK:           %[[FIRST:.*]] = arith.muli %[[C]], %c100
// CHECK:           arith.minsi
// CHECK:           scf.for %{{.*}} = %[[FIRST]] to
// CHECK:             memref.load %[[IDS]]
// CHECK:             memref.store %{{.*}}, %[[COUNTS]][%[[C]], %{{.*}}]
func.func @count(%begin: index, %end: index, %ids: memref<?x3xi32>, %counts: memref<?x6xi32>) attributes {moe.kernel} {
  moe.count_pairs %ids chunk(100) outs(%counts : memref<?x6xi32>) : memref<?x3xi32>
  return
}

// CHECK-LABEL: func.func @scan
// CHECK-SAME:    %[[COUNTS:[a-z0-9]+]]: memref<?x6xi32>, %[[OFFSETS:[a-z0-9]+]]: memref<6xi32>, %[[STARTS:[a-z0-9]+]]: memref<?x6xi32>
// CHECK:           scf.for %[[E:.*]] = %c0 to %c6
// CHECK:             memref.store %{{.*}}, %[[OFFSETS]][%[[E]]]
// CHECK:             scf.for %[[C:.*]] = %c0
// CHECK:               memref.store %{{.*}}, %[[STARTS]][%[[C]], %[[E]]]
// CHECK:               memref.load %[[COUNTS]][%[[C]], %[[E]]]
// CHECK:             arith.divui %{{.*}}, %c8
func.func @scan(%begin: index, %end: index, %counts: memref<?x6xi32>, %offsets: memref<6xi32>, %starts: memref<?x6xi32>) attributes {moe.kernel} {
  moe.scan_counts %counts block(8) outs(%offsets, %starts : memref<6xi32>, memref<?x6xi32>) : memref<?x6xi32>
  return
}

// The unit of the last chunk marks the padding.
// CHECK-LABEL: func.func @place
// CHECK-SAME:    %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index, %[[IDS:[a-z0-9]+]]: memref<?x3xi32>, %[[STARTS:[a-z0-9]+]]: memref<?x6xi32>
// CHECK:         %[[CURSORS:.*]] = memref.alloca() {{.*}} : memref<6xi32>
// CHECK:         scf.for %[[C:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           memref.load %[[STARTS]][%[[C]], %{{.*}}]
// CHECK:           memref.store %{{.*}}, %[[CURSORS]]
// CHECK:           %[[IS_LAST:.*]] = arith.cmpi eq, %[[C]]
// CHECK:           scf.if %[[IS_LAST]]
// CHECK:             memref.store %c-1_i32
func.func @place(%begin: index, %end: index, %ids: memref<?x3xi32>, %starts: memref<?x6xi32>, %offsets: memref<6xi32>, %order: memref<?xi32>,
                 %inverse: memref<?x3xi32>) attributes {moe.kernel} {
  moe.place_pairs %ids, %starts, %offsets chunk(100) outs(%order, %inverse : memref<?xi32>, memref<?x3xi32>)
      : memref<?x3xi32>, memref<?x6xi32>, memref<6xi32>
  return
}
