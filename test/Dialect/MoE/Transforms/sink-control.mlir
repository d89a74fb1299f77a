// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sink-control,canonicalize,cse))" | FileCheck %s --implicit-check-not=execute_region

// An expert's rows: where they are and how many is looked up by each piece of work, from offsets that nobody writes
// meanwhile. A buffer for them has room for all rows.
// CHECK-LABEL: func.func @rows
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[OFFSETS:[a-z0-9]+]]: memref<4xi32>, %[[Y:[a-z0-9]+]]: memref<?x8xf32>
// CHECK-NOT:     memref.load
// CHECK:         %[[T:.*]] = memref.dim %[[X]], %c0
// CHECK:         scf.for %[[E:.*]] = %c0 to %c3
// CHECK-NOT:       memref.load
// CHECK:           %[[ROOM:.*]] = memref.alloc(%[[T]]) : memref<?x8xf32>
// CHECK:           scf.execute_region no_inline {
// CHECK:             %[[B:.*]] = memref.load %[[OFFSETS]][%[[E]]]
// CHECK:             %[[BEGIN:.*]] = arith.index_cast %[[B]]
// CHECK:             %[[N:.*]] = arith.minsi %{{.*}}, %[[T]]
// CHECK-DAG:         %[[ROWS:.*]] = memref.subview %[[X]][%[[BEGIN]], 0] [%[[N]], 8]
// CHECK-DAG:         %[[OWN:.*]] = memref.reinterpret_cast %[[ROOM]] to offset: [0], sizes: [%[[N]], 8], strides: [8, 1]
// CHECK:             linalg.exp ins(%[[ROWS]] : {{.*}}) outs(%[[OWN]]
// CHECK:           } {moe.sunk}
// CHECK:           scf.execute_region no_inline {
// CHECK:             memref.load %[[OFFSETS]]
// CHECK:             linalg.abs
// CHECK:           } {moe.sunk}
// CHECK:         return
func.func @rows(%x: memref<?x8xf32>, %offsets: memref<4xi32>, %y: memref<?x8xf32>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %t = memref.dim %x, %c0 : memref<?x8xf32>
  scf.for %e = %c0 to %c3 step %c1 {
    %next = arith.addi %e, %c1 : index
    %b = memref.load %offsets[%e] : memref<4xi32>
    %f = memref.load %offsets[%next] : memref<4xi32>
    %begin = arith.index_cast %b : i32 to index
    %end = arith.index_cast %f : i32 to index
    %size = arith.subi %end, %begin : index
    %n = arith.minsi %size, %t : index
    %rows = memref.subview %x[%begin, 0] [%n, 8] [1, 1] : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
    %out = memref.subview %y[%begin, 0] [%n, 8] [1, 1] : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
    %own = memref.alloc(%n) : memref<?x8xf32>
    linalg.exp ins(%rows : memref<?x8xf32, strided<[8, 1], offset: ?>>) outs(%own : memref<?x8xf32>)
    linalg.abs ins(%own : memref<?x8xf32>) outs(%out : memref<?x8xf32, strided<[8, 1], offset: ?>>)
  }
  return
}

// What is written later is kept first, as is what a loop computes.
// CHECK-LABEL: func.func @kept
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<4xf32>
// CHECK:         %[[CELL:.*]] = memref.alloc() : memref<1xf32>
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      %[[V:.*]] = memref.load %[[X]][%c0]
// CHECK-NEXT:      memref.store %[[V]], %[[CELL]][%c0]
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      %[[KEPT:.*]] = memref.load %[[CELL]][%c0]
// CHECK-NEXT:      linalg.fill ins(%[[KEPT]] : f32) outs(%[[X]]
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      %[[KEPT:.*]] = memref.load %[[CELL]][%c0]
// CHECK-NEXT:      linalg.fill ins(%[[KEPT]] : f32) outs(%{{.*}} : memref<5xf32>)
func.func @kept(%x: memref<4xf32>, %y: memref<5xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<4xf32>
  linalg.fill ins(%v : f32) outs(%x : memref<4xf32>)
  linalg.fill ins(%v : f32) outs(%y : memref<5xf32>)
  return
}

// A branch on data is done both ways, each under its condition; what it returns waits in memory, as only one of the two may be
// computed. A loop that only computes is one piece of work.
// CHECK-LABEL: func.func @branch
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<4xf32>, %[[Y:[a-z0-9]+]]: memref<4xf32>
// CHECK:         %[[SUM:.*]] = memref.alloc() : memref<1xf32>
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      %[[V:.*]] = scf.for
// CHECK:           memref.store %[[V]], %[[SUM]][%c0]
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      %[[V:.*]] = memref.load %[[SUM]]
// CHECK-NEXT:      %[[IS:.*]] = arith.cmpf ogt, %[[V]]
// CHECK-NEXT:      scf.if %[[IS]] {
// CHECK-NEXT:        linalg.exp
// CHECK:         %[[CELL:.*]] = memref.alloc() : memref<1xf32>
// CHECK:         scf.execute_region no_inline {
// CHECK:           %[[IS:.*]] = arith.cmpf ogt
// CHECK-NEXT:      scf.if %[[IS]] {
// CHECK-NEXT:        %[[V:.*]] = memref.load %[[X]][%c1]
// CHECK-NEXT:        memref.store %[[V]], %[[CELL]][%c0]
// CHECK:         scf.execute_region no_inline {
// CHECK:           %[[NOT:.*]] = arith.xori
// CHECK-NEXT:      scf.if %[[NOT]] {
// CHECK-NEXT:        memref.store %{{.*}}, %[[CELL]][%c0]
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      %[[V:.*]] = memref.load %[[CELL]][%c0]
// CHECK-NEXT:      linalg.fill ins(%[[V]] : f32) outs(%{{.*}} : memref<5xf32>)
func.func @branch(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<5xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %sum = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %zero) -> f32 {
    %v = memref.load %x[%i] : memref<4xf32>
    %next = arith.addf %s, %v : f32
    scf.yield %next : f32
  }
  %is = arith.cmpf ogt, %sum, %zero : f32
  %r = scf.if %is -> f32 {
    linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
    %v = memref.load %x[%c1] : memref<4xf32>
    scf.yield %v : f32
  } else {
    scf.yield %zero : f32
  }
  linalg.fill ins(%r : f32) outs(%z : memref<5xf32>)
  return
}

// A buffer that a branch returns is chosen by who uses it. What the host can decide, it decides.
// CHECK-LABEL: func.func @buffers
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<4xf32>, %[[Y:[a-z0-9]+]]: memref<4xf32>, %[[HOST:[a-z0-9]+]]: i1
// CHECK:         %[[A:.*]] = memref.alloc() : memref<4xf32>
// CHECK:         scf.execute_region no_inline {
// CHECK:           scf.if
// CHECK-NEXT:        linalg.exp
// CHECK:         scf.if %[[HOST]] {
// CHECK-NEXT:      scf.execute_region no_inline {
// CHECK:             %[[R:.*]] = arith.select %{{.*}}, %[[A]], %[[X]] : memref<4xf32>
// CHECK-NEXT:        linalg.abs ins(%[[R]]
func.func @buffers(%x: memref<4xf32>, %y: memref<4xf32>, %host: i1) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %v = memref.load %x[%c0] : memref<4xf32>
  %is = arith.cmpf ogt, %v, %zero : f32
  %r = scf.if %is -> memref<4xf32> {
    %a = memref.alloc() : memref<4xf32>
    linalg.exp ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
    scf.yield %a : memref<4xf32>
  } else {
    scf.yield %x : memref<4xf32>
  }
  scf.if %host {
    linalg.abs ins(%r : memref<4xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// A loop that ends where data say goes around as often as it may have to. What it carries waits in memory, and
// changes when all that follows is known.
// CHECK-LABEL: func.func @loop
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32>, %[[N:[a-z0-9]+]]: memref<1xindex>
// CHECK:         %[[T:.*]] = memref.dim %[[X]], %c0
// CHECK:         %[[A:.*]] = memref.alloc() : memref<1xindex>
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      memref.store %c0, %[[A]][%c0]
// CHECK:         %[[B:.*]] = memref.alloc() : memref<1xindex>
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      memref.store %c1, %[[B]][%c0]
// CHECK:         scf.for %[[I:.*]] = %c0 to %[[T]] step %c1 {
// CHECK:           scf.execute_region no_inline {
// CHECK-NEXT:        %[[END:.*]] = memref.load %[[N]][%c0]
// CHECK-NEXT:        %[[MOST:.*]] = arith.minsi %[[END]], %[[T]]
// CHECK-NEXT:        %[[IS:.*]] = arith.cmpi slt, %[[I]], %[[MOST]]
// CHECK-NEXT:        scf.if %[[IS]] {
// CHECK-NEXT:          %[[P:.*]] = memref.load %[[A]][%c0]
// CHECK-NEXT:          %[[PLACE:.*]] = memref.subview %[[X]][%[[P]]] [1] [1]
// CHECK-NEXT:          linalg.fill ins(%{{.*}} : f32) outs(%[[PLACE]]
// CHECK:           %[[NEXT_A:.*]] = memref.alloc() : memref<1xindex>
// CHECK:           scf.execute_region no_inline {
// CHECK:             scf.if
// CHECK-NEXT:          %[[Q:.*]] = memref.load %[[B]][%c0]
// CHECK-NEXT:          memref.store %[[Q]], %[[NEXT_A]][%c0]
// CHECK:           %[[NEXT_B:.*]] = memref.alloc() : memref<1xindex>
// CHECK:           scf.execute_region no_inline {
// CHECK:             scf.if
// CHECK:               memref.store %{{.*}}, %[[NEXT_B]][%c0]
// CHECK:           scf.execute_region no_inline {
// CHECK:               memref.store %{{.*}}, %[[A]][%c0]
// CHECK:           scf.execute_region no_inline {
// CHECK:               memref.store %{{.*}}, %[[B]][%c0]
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      %[[LAST:.*]] = memref.load %[[A]][%c0]
// CHECK:           linalg.fill
func.func @loop(%x: memref<?xf32>, %n: memref<1xindex>, %y: memref<?xf32>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %t = memref.dim %x, %c0 : memref<?xf32>
  %some = memref.load %n[%c0] : memref<1xindex>
  %end = arith.minsi %some, %t : index
  %last:2 = scf.for %i = %c0 to %end step %c1 iter_args(%p = %c0, %q = %c1) -> (index, index) {
    %place = memref.subview %x[%p] [1] [1] : memref<?xf32> to memref<1xf32, strided<[1], offset: ?>>
    linalg.fill ins(%zero : f32) outs(%place : memref<1xf32, strided<[1], offset: ?>>)
    scf.yield %q, %p : index, index
  }
  %rest = memref.subview %y[%last#0] [1] [1] : memref<?xf32> to memref<1xf32, strided<[1], offset: ?>>
  linalg.fill ins(%zero : f32) outs(%rest : memref<1xf32, strided<[1], offset: ?>>)
  return
}

// Stores, and checks of data, are work of one unit; a check of sizes is not.
// CHECK-LABEL: func.func @store
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<4xf32>, %[[N:[a-z0-9]+]]: index
// CHECK:         cf.assert %{{.*}}, "size"
// CHECK:         scf.execute_region no_inline {
// CHECK:           memref.load
// CHECK:           cf.assert %{{.*}}, "data"
// CHECK:         scf.execute_region no_inline {
// CHECK-NEXT:      memref.store %{{.*}}, %[[X]][%[[N]]]
func.func @store(%x: memref<4xf32>, %n: index, %y: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %inside = arith.cmpi ult, %n, %c4 : index
  cf.assert %inside, "size"
  %v = memref.load %y[%c0] : memref<4xf32>
  %is = arith.cmpf ogt, %v, %zero : f32
  cf.assert %is, "data"
  memref.store %zero, %x[%n] : memref<4xf32>
  return
}

// A function that is no entry runs where its caller does.
// CHECK-LABEL: func.func @other
// CHECK:         memref.load
// CHECK:         linalg.fill
func.func @other(%x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<4xf32>
  linalg.fill ins(%v : f32) outs(%x : memref<4xf32>)
  return
}
