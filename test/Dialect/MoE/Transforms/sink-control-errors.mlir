// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sink-control))" --split-input-file --verify-diagnostics

// A size that may be anything.
func.func @size(%x: memref<1xindex>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.load %x[%c0] : memref<1xindex>
  // expected-error-re @below {{'memref.alloc' op of {{.*}} has a size that comes from data, which nothing bounds; expected a minimum with what is known}}
  %y = memref.alloc(%n) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%y : memref<?xf32>)
  return
}

// -----

// What is left of four: most where the number from data is least, of which nothing is known.
func.func @rest(%x: memref<1xindex>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %less = arith.constant -1 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.load %x[%c0] : memref<1xindex>
  %most = arith.minsi %n, %c4 : index
  %minus = arith.muli %most, %less : index
  %rest = arith.addi %minus, %c4 : index
  // expected-error-re @below {{'memref.alloc' op of {{.*}} has a size that comes from data, which nothing bounds; expected a minimum with what is known}}
  %y = memref.alloc(%rest) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%y : memref<?xf32>)
  return
}

// -----

func.func @end(%x: memref<1xindex>, %y: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  // expected-error-re @below {{'scf.for' op of {{.*}} goes around as often as data say, which nothing bounds; expected a minimum with what is known}}
  scf.for %i = %c0 to %n step %c1 {
    linalg.exp ins(%y : memref<4xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// -----

func.func @begin(%x: memref<1xindex>, %y: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  // expected-error-re @below {{'scf.for' op of {{.*}} begins at, or steps by, a number that comes from data; expected only its end to do so}}
  scf.for %i = %n to %c9 step %c1 {
    linalg.exp ins(%y : memref<4xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// -----

// Two buffers change places as often as data say.
func.func @carried(%x: memref<1xindex>, %y: memref<4xf32>, %z: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %some = memref.load %x[%c0] : memref<1xindex>
  %n = arith.minui %some, %c9 : index
  // expected-error-re @below {{'scf.for' op of {{.*}} carries a buffer that data choose; expected numbers}}
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %y, %b = %z) -> (memref<4xf32>, memref<4xf32>) {
    linalg.exp ins(%a : memref<4xf32>) outs(%b : memref<4xf32>)
    scf.yield %b, %a : memref<4xf32>, memref<4xf32>
  }
  linalg.abs ins(%r#0 : memref<4xf32>) outs(%z : memref<4xf32>)
  return
}

// -----

// Other control than loops and branches.
func.func @switch(%x: memref<1xindex>, %y: memref<4xf32>) attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  // expected-error-re @below {{'scf.index_switch' op of {{.*}} depends on what is in a GPU's memory; expected work, scf.for or scf.if}}
  scf.index_switch %n
  case 2 {
    linalg.exp ins(%y : memref<4xf32>) outs(%y : memref<4xf32>)
    scf.yield
  }
  default {
    scf.yield
  }
  return
}
