// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

func.func private @square(%x: i32) -> i32 {
  %y = arith.muli %x, %x : i32
  return %y : i32
}

// 0 + 0 + 4 + 16 over 0, 2, 4.
// CHECK-LABEL: loop result 0: i32 20
func.func @loop() -> i32 {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c5 = arith.constant 5 : index
  %zero = arith.constant 0 : i32
  %sum = scf.for %i = %c0 to %c5 step %c2 iter_args(%acc = %zero) -> i32 {
    %v = arith.index_cast %i : index to i32
    %s = func.call @square(%v) : (i32) -> i32
    %next = arith.addi %acc, %s : i32
    scf.yield %next : i32
  }
  return %sum : i32
}

// CHECK-LABEL: doubling result 0: i32 128
func.func @doubling() -> i32 {
  %one = arith.constant 1 : i32
  %hundred = arith.constant 100 : i32
  %r = scf.while (%x = %one) : (i32) -> i32 {
    %more = arith.cmpi slt, %x, %hundred : i32
    scf.condition(%more) %x : i32
  } do {
  ^bb0(%x: i32):
    %twice = arith.addi %x, %x : i32
    scf.yield %twice : i32
  }
  return %r : i32
}

// CHECK-LABEL: maps result 0: index 17
// CHECK: maps result 1: index 3
// CHECK: maps result 2: index 8
func.func @maps() -> (index, index, index) {
  %c3 = arith.constant 3 : index
  %c8 = arith.constant 8 : index
  %a = affine.apply affine_map<(d)[s] -> (d * 3 + s)>(%c3)[%c8]
  %b = affine.min affine_map<(d)[s] -> (d, s)>(%c3)[%c8]
  %c = affine.max affine_map<(d)[s] -> (d, s)>(%c3)[%c8]
  return %a, %b, %c : index, index, index
}
