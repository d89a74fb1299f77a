// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

#rows = affine_map<(t, d) -> (t)>
#all = affine_map<(t, d) -> (t, d)>

// A trailing reduction runs in a register.
// CHECK-LABEL: func.func @reduction
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[X:.*]]: memref<?x37xf32>, %[[Y:.*]]: memref<?xf32>
// CHECK:         scf.for %[[T:.*]] = %[[BEGIN]] to %[[END]]
// CHECK-NEXT:      %[[INIT:.*]] = memref.load %[[Y]][%[[T]]]
// CHECK-NEXT:      %[[SUM:.*]] = scf.for %[[D:.*]] = %c0 to %c37 step %c1 iter_args(%[[S:.*]] = %[[INIT]])
// CHECK-NEXT:        %[[V:.*]] = memref.load %[[X]][%[[T]], %[[D]]]
// CHECK-NEXT:        %[[NEXT:.*]] = arith.addf %[[S]], %[[V]] fastmath<reassoc>
// CHECK-NEXT:        scf.yield %[[NEXT]]
// CHECK:           memref.store %[[SUM]], %[[Y]][%[[T]]]
func.func @reduction(%begin: index, %end: index, %x: memref<?x37xf32>, %y: memref<?xf32>) attributes {moe.kernel} {
  linalg.generic {indexing_maps = [#all, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x37xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%v: f32, %s: f32):
    %r = arith.addf %s, %v fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// What a gather reads its row by is loaded outside of the loop over the row.
// CHECK-LABEL: func.func @gather
// CHECK:         scf.for %[[T:.*]] = %{{.*}}
// CHECK-NEXT:      %[[TOKEN:.*]] = memref.load %{{.*}}[%[[T]]] : memref<?xi32>
// CHECK-NEXT:      %[[ROW:.*]] = arith.index_cast %[[TOKEN]]
// CHECK-NEXT:      scf.for %[[D:.*]] =
// CHECK-NEXT:        memref.load %{{.*}}[%[[ROW]], %[[D]]]
// CHECK-NEXT:        memref.store
func.func @gather(%begin: index, %end: index, %tokens: memref<?xi32>, %table: memref<11x37xf32>, %y: memref<?x37xf32>)
    attributes {moe.kernel} {
  linalg.generic {indexing_maps = [#rows, #all], iterator_types = ["parallel", "parallel"]}
      ins(%tokens : memref<?xi32>) outs(%y : memref<?x37xf32>) {
  ^bb0(%token: i32, %s: f32):
    %row = arith.index_cast %token : i32 to index
    %d = linalg.index 1 : index
    %v = memref.load %table[%row, %d] : memref<11x37xf32>
    linalg.yield %v : f32
  }
  return
}

// With one row the range splits the next parallel loop.
// CHECK-LABEL: func.func @one_row
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index
// CHECK:         scf.for %[[D:.*]] = %[[BEGIN]] to %[[END]]
// CHECK-NEXT:      memref.store %cst, %{{.*}}[%c0, %[[D]]]
func.func @one_row(%begin: index, %end: index, %y: memref<1x37xf32>) attributes {moe.kernel} {
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%one : f32) outs(%y : memref<1x37xf32>)
  return
}

// A load of what the operation writes stays where it is.
// CHECK-LABEL: func.func @reads_output
// CHECK:         scf.for %[[T:.*]] = %{{.*}}
// CHECK-NEXT:      scf.for %[[D:.*]] =
// CHECK-NEXT:        %[[V:.*]] = memref.load %[[Y:.*]][%[[T]], %c0]
// CHECK-NEXT:        memref.store %[[V]], %[[Y]][%[[T]], %[[D]]]
func.func @reads_output(%begin: index, %end: index, %y: memref<?x37xf32>) attributes {moe.kernel} {
  linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]} outs(%y : memref<?x37xf32>) {
  ^bb0(%s: f32):
    %t = linalg.index 0 : index
    %zero = arith.constant 0 : index
    %v = memref.load %y[%t, %zero] : memref<?x37xf32>
    linalg.yield %v : f32
  }
  return
}

// CHECK-LABEL: func.func @copy
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[X:.*]]: memref<1x?x37xf32>, %[[Y:.*]]: memref<1x?x37xf32>
// CHECK:         scf.for %[[T:.*]] = %[[BEGIN]] to %[[END]]
// CHECK-NEXT:      scf.for %[[D:.*]] = %c0 to %c37
// CHECK-NEXT:        %[[V:.*]] = memref.load %[[X]][%c0, %[[T]], %[[D]]]
// CHECK-NEXT:        memref.store %[[V]], %[[Y]][%c0, %[[T]], %[[D]]]
func.func @copy(%begin: index, %end: index, %x: memref<1x?x37xf32>, %y: memref<1x?x37xf32>) attributes {moe.kernel} {
  memref.copy %x, %y : memref<1x?x37xf32> to memref<1x?x37xf32>
  return
}
