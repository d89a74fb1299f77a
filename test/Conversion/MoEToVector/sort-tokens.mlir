// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

// CHECK-LABEL: func.func @sort
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[IDS:.*]]: memref<?x3xi32>, %[[OFFSETS:.*]]: memref<6xi32>, %[[ORDER:.*]]: memref<?xi32>, %[[INVERSE:.*]]: memref<?x3xi32>
// CHECK:         %[[CURSORS:.*]] = memref.alloca() {{.*}} : memref<5xi32>
// CHECK:         scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
// Histogram.
// CHECK:           memref.store %c0_i32, %[[OFFSETS]]
// CHECK:           memref.load %[[IDS]]
// CHECK:           memref.load %[[OFFSETS]]
// CHECK:           memref.store %{{.*}}, %[[OFFSETS]]
// Exclusive scan.
// CHECK:           scf.for {{.*}} iter_args(%[[START:.*]] = %c0_i32) -> (i32)
// CHECK:             memref.store %[[START]], %[[CURSORS]]
// CHECK:             scf.yield
// Stable scatter.
// CHECK:           scf.for %[[T:.*]] = %c0
// CHECK:             scf.for %[[S:.*]] = %c0
// CHECK:               %[[ROW:.*]] = memref.load %[[CURSORS]]
// CHECK:               memref.store %{{.*}}, %[[ORDER]]
// CHECK:               memref.store %[[ROW]], %[[INVERSE]][%[[T]], %[[S]]]
func.func @sort(%begin: index, %end: index, %ids: memref<?x3xi32>, %offsets: memref<6xi32>, %order: memref<?xi32>, %inverse: memref<?x3xi32>)
    attributes {moe.kernel} {
  moe.sort_tokens %ids experts(5) outs(%offsets, %order, %inverse : memref<6xi32>, memref<?xi32>, memref<?x3xi32>)
      : memref<?x3xi32>
  return
}
