// RUN: moe-opt %s --moe-outline-kernels=finest-units --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// A region of moe-sink-control is one kernel, launched over as many units as there may be; threads beyond those that it
// finds do nothing.
// CHECK-LABEL: func.func @rows
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[N:[a-z0-9]+]]: memref<1xindex>)
// CHECK:         %[[T:.*]] = memref.dim %[[X]], %c0
// CHECK:         %[[UNITS:.*]] = arith.muli %[[T]], %c8
// CHECK:         moe.launch @fill_kernel units(%[[UNITS]]) grain(1) (%[[N]], %[[T]], %[[X]] :
// CHECK-NOT:     moe.launch
// CHECK:       func.func private @fill_kernel(%[[BEGIN:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: index, %[[N1:[a-z0-9]+]]: memref<1xindex>, %[[T1:[a-z0-9]+]]: index, %[[X1:[a-z0-9]+]]: memref<?x8xf32>)
// CHECK:         %[[SOME:.*]] = memref.load %[[N1]]
// CHECK:         %[[OWN:.*]] = arith.minsi %[[SOME]], %[[T1]]
// CHECK:         %[[ROWS:.*]] = memref.subview %[[X1]][0, 0] [%[[OWN]], 8]
// CHECK:         %[[OWN_UNITS:.*]] = arith.muli %[[OWN]], %c8
// CHECK:         %[[IS:.*]] = arith.cmpi ult, %[[BEGIN]], %[[OWN_UNITS]]
// CHECK:         scf.if %[[IS]] {
// CHECK-NEXT:      linalg.fill ins(%{{.*}} : f32) outs(%[[ROWS]]
func.func @rows(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x8xf32>, %n: memref<1xindex>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %t = memref.dim %x, %c0 : memref<?x8xf32>
  scf.execute_region no_inline {
    %some = memref.load %n[%c0] : memref<1xindex>
    %own = arith.minsi %some, %t : index
    %rows = memref.subview %x[0, 0] [%own, 8] [1, 1] : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1]>>
    linalg.fill ins(%one : f32) outs(%rows : memref<?x8xf32, strided<[8, 1]>>)
    scf.yield
  } {moe.sunk}
  return
}

// -----

// A store is one unit; a condition is looked at before anything else.
// CHECK-LABEL: func.func @store
// CHECK:         moe.launch @store_kernel units(%c1) grain(1)
// CHECK:       func.func private @store_kernel(
// CHECK-NEXT:    %{{.*}} = arith.constant
// CHECK-NEXT:    %[[IS:.*]] = memref.load
// CHECK-NEXT:    scf.if %[[IS]] {
// CHECK-NEXT:      memref.load
// CHECK-NEXT:      memref.store
func.func @store(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<1xf32>, %is: memref<1xi1>, %y: memref<1xf32>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  scf.execute_region no_inline {
    %b = memref.load %is[%c0] : memref<1xi1>
    scf.if %b {
      %v = memref.load %x[%c0] : memref<1xf32>
      memref.store %v, %y[%c0] : memref<1xf32>
    }
    scf.yield
  } {moe.sunk}
  return
}

// -----

// A loop over rows that data count.
// CHECK-LABEL: func.func @row_loop
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?x8xf32>,
// CHECK:         %[[T:.*]] = memref.dim %[[X]], %c0
// CHECK:         moe.launch @rows_kernel units(%[[T]]) grain(1)
// CHECK:       func.func private @rows_kernel(%[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index
// CHECK:         %[[MEMORY:.*]] = memref.alloca() : memref<1x8xf32>
// CHECK:         %[[OWN:.*]] = arith.minsi
// CHECK:         %[[IS:.*]] = arith.cmpi ult, %[[BEGIN]], %[[OWN]]
// CHECK-NEXT:    scf.if %[[IS]] {
// CHECK-NEXT:      scf.for %[[R:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:             linalg.fill {{.*}} outs(%[[MEMORY]]
// CHECK:             memref.copy
func.func @row_loop(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x8xf32>, %n: memref<1xindex>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %t = memref.dim %x, %c0 : memref<?x8xf32>
  scf.execute_region no_inline {
    %some = memref.load %n[%c0] : memref<1xindex>
    %own = arith.minsi %some, %t : index
    scf.forall (%r) in (%own) {
      %memory = memref.alloca() : memref<1x8xf32>
      linalg.fill ins(%one : f32) outs(%memory : memref<1x8xf32>)
      %row = memref.subview %x[%r, 0] [1, 8] [1, 1] : memref<?x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
      memref.copy %memory, %row : memref<1x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
    } {mapping = [#moe.rows]}
    scf.yield
  } {moe.sunk}
  return
}

// -----

// What bounds follow from: sums, products, quotients, casts, views; and what the types of arguments allow.
// CHECK-LABEL: func.func @bounds
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32>,
// CHECK:         %[[T:.*]] = memref.dim %[[X]], %c0
// CHECK:         %[[TWICE:.*]] = arith.muli %[[T]], %c2
// CHECK:         %[[MORE:.*]] = arith.addi %[[TWICE]], %c7
// CHECK:         %[[BLOCKS:.*]] = arith.ceildivui %[[MORE]], %c4
// CHECK:         moe.launch @fill_kernel units(%[[BLOCKS]])
// CHECK:         %[[PAIRS:.*]] = arith.muli %[[T]], %c3
// CHECK:         moe.launch @exp_kernel units(%[[PAIRS]])
func.func @bounds(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?xf32>, %n: memref<1xi32>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c7 = arith.constant 7 : index
  %one = arith.constant 1.0 : f32
  %t = memref.dim %x, %c0 : memref<?xf32>
  scf.execute_region no_inline {
    %some = memref.load %n[%c0] : memref<1xi32>
    %index = arith.index_cast %some : i32 to index
    %own = arith.minui %t, %index : index
    %twice = arith.muli %own, %c2 : index
    %more = arith.addi %twice, %c7 : index
    %blocks = arith.ceildivui %more, %c4 : index
    %rows = memref.subview %x[0] [%blocks] [1] : memref<?xf32> to memref<?xf32, strided<[1]>>
    linalg.fill ins(%one : f32) outs(%rows : memref<?xf32, strided<[1]>>)
    scf.yield
  } {moe.sunk}
  scf.execute_region no_inline {
    %some = memref.load %n[%c0] : memref<1xi32>
    %index = arith.index_cast %some : i32 to index
    %own = arith.minui %t, %index : index
    %wide = memref.reinterpret_cast %x to offset: [0], sizes: [%own, 3], strides: [3, 1] : memref<?xf32> to memref<?x3xf32>
    %flat = memref.collapse_shape %wide [[0, 1]] : memref<?x3xf32> into memref<?xf32>
    %any = memref.cast %flat : memref<?xf32> to memref<?xf32, strided<[?], offset: ?>>
    linalg.exp ins(%any : memref<?xf32, strided<[?], offset: ?>>) outs(%any : memref<?xf32, strided<[?], offset: ?>>)
    scf.yield
  } {moe.sunk}
  return
}

// -----

func.func @unbounded(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x8xf32>, %n: memref<1xindex>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  scf.execute_region no_inline {
    %own = memref.load %n[%c0] : memref<1xindex>
    %rows = memref.subview %x[0, 0] [%own, 8] [1, 1] : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1]>>
    // expected-error-re @below {{'linalg.fill' op of {{.*}} has a size that comes from data, which nothing bounds; expected a minimum with what is known}}
    linalg.fill ins(%one : f32) outs(%rows : memref<?x8xf32, strided<[8, 1]>>)
    scf.yield
  } {moe.sunk}
  return
}
