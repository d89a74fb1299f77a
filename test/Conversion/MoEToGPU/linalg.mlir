// RUN: moe-opt %s --convert-moe-to-gpu --canonicalize --cse | FileCheck %s

// A table of constants is the GPU's own, once.
// CHECK: gpu.module @model
// CHECK-NEXT: memref.global "private" constant @table : memref<4xf32>
// CHECK-NOT: memref.global

// A thread's point of the parallel loops, wherever the reduction stood; the sum stays in a register.
// CHECK-LABEL: gpu.func @sum_kernel
// CHECK:         scf.if
// CHECK-DAG:       %[[J:.*]] = arith.remui %{{.*}}, %c4
// CHECK-DAG:       %[[I:.*]] = arith.divui %{{.*}}, %c4
// CHECK:           %[[START:.*]] = memref.load %[[Y:.*]][%[[I]], %[[J]]]
// CHECK-NEXT:      %[[SUM:.*]] = scf.for %[[R:.*]] = %c0 to %c16 step %c1 iter_args(%[[S:.*]] = %[[START]])
// CHECK-NEXT:        %[[V:.*]] = memref.load %{{.*}}[%[[I]], %[[R]], %[[J]]]
// CHECK-NEXT:        %[[N:.*]] = arith.addf %[[S]], %[[V]]
// CHECK-NEXT:        scf.yield %[[N]]
// CHECK:           memref.store %[[SUM]], %[[Y]][%[[I]], %[[J]]]
func.func private @sum_kernel(%begin: index, %end: index, %x: memref<3x16x4xf32>, %y: memref<3x4xf32>) attributes {moe.kernel} {
  linalg.generic {indexing_maps = [affine_map<(i, r, j) -> (i, r, j)>, affine_map<(i, r, j) -> (i, j)>], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x : memref<3x16x4xf32>) outs(%y : memref<3x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  }
  return
}

// A named operation, a scalar capture, no parallel loop but one point.
// CHECK-LABEL: gpu.func @fill_kernel
// CHECK-SAME:    (%{{.*}}: index, %[[V:.*]]: f32, %{{.*}}: memref<1xf32>)
// CHECK:         scf.if
// CHECK-NEXT:      memref.store %[[V]], %{{.*}}[] : memref<f32>
func.func private @fill_kernel(%begin: index, %end: index, %v: f32, %y: memref<f32>) attributes {moe.kernel} {
  linalg.fill ins(%v : f32) outs(%y : memref<f32>)
  return
}

// A loop over rows: the row is the unit, its operations are done as a whole, what is one row long lies in the thread's memory.
// CHECK-LABEL: gpu.func @rows_kernel
// CHECK:         %[[ROW:.*]] = memref.alloca() : memref<1x4xf32>
// CHECK:         scf.if
// CHECK:           scf.for %{{.*}} = %c0 to %c4
// CHECK:             memref.store %{{.*}}, %[[ROW]]
// CHECK:           scf.for %{{.*}} = %c0 to %c4
// CHECK:             memref.load %[[ROW]]
func.func private @rows_kernel(%begin: index, %end: index, %x: memref<?x4xf32>) attributes {moe.kernel} {
  %c1 = arith.constant 1 : index
  %row = memref.alloca() : memref<1x4xf32>
  scf.for %i = %begin to %end step %c1 {
    %view = memref.subview %x[%i, 0] [1, 4] [1, 1] : memref<?x4xf32> to memref<1x4xf32, strided<[4, 1], offset: ?>>
    linalg.exp ins(%view : memref<1x4xf32, strided<[4, 1], offset: ?>>) outs(%row : memref<1x4xf32>)
    memref.copy %row, %view : memref<1x4xf32> to memref<1x4xf32, strided<[4, 1], offset: ?>>
  }
  return
}

// CHECK-LABEL: gpu.func @table_kernel
// CHECK:         memref.get_global @table
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func private @table_kernel(%begin: index, %end: index, %y: memref<4xf32>) attributes {moe.kernel} {
  %t = memref.get_global @table : memref<4xf32>
  memref.copy %t, %y : memref<4xf32> to memref<4xf32>
  return
}
func.func private @again_kernel(%begin: index, %end: index, %y: memref<4xf32>) attributes {moe.kernel} {
  %t = memref.get_global @table : memref<4xf32>
  linalg.negf ins(%t : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
