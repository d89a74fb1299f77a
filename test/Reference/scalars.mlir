// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// Integers wrap, division rounds as it says, a true i1 is -1 when signed.
// CHECK-LABEL: integers result 0: i32 -2147483648
// CHECK: integers result 1: i32 -4
// CHECK: integers result 2: i32 -3
// CHECK: integers result 3: i32 -1
// CHECK: integers result 4: i32 1
// CHECK: integers result 5: i8 -1
// CHECK: integers result 6: i64 4294967295
func.func @integers() -> (i32, i32, i32, i32, i32, i8, i64) {
  %max = arith.constant 2147483647 : i32
  %one = arith.constant 1 : i32
  %two = arith.constant 2 : i32
  %minus1 = arith.constant -1 : i32
  %minus7 = arith.constant -7 : i32
  %true = arith.constant true
  %wrap = arith.addi %max, %one : i32
  %floor = arith.floordivsi %minus7, %two : i32
  %ceil = arith.ceildivsi %minus7, %two : i32
  %signed = arith.extsi %true : i1 to i32
  %unsigned = arith.extui %true : i1 to i32
  %narrow = arith.trunci %minus1 : i32 to i8
  %wide = arith.extui %minus1 : i32 to i64
  return %wrap, %floor, %ceil, %signed, %unsigned, %narrow, %wide : i32, i32, i32, i32, i32, i8, i64
}

// bf16 rounds to nearest even after every operation: 256 + 1 lies half way between 256 and 258.
// CHECK-LABEL: bfloats result 0: bf16 256
// CHECK: bfloats result 1: bf16 260
// CHECK: bfloats result 2: i16 16256
func.func @bfloats() -> (bf16, bf16, i16) {
  %one = arith.constant 1.0 : bf16
  %a = arith.constant 256.0 : bf16
  %b = arith.constant 258.0 : bf16
  %down = arith.addf %a, %one : bf16
  %up = arith.addf %b, %one : bf16
  %bits = arith.bitcast %one : bf16 to i16
  return %down, %up, %bits : bf16, bf16, i16
}

// CHECK-LABEL: floats result 0: f32 nan
// CHECK: floats result 1: f32 2
// CHECK: floats result 2: f32 0
// CHECK: floats result 3: i1 1
// CHECK: floats result 4: f32 0.5
// CHECK: floats result 5: f32 0.842701
// CHECK: floats result 6: i32 -2
func.func @floats() -> (f32, f32, f32, i1, f32, f32, i32) {
  %nan = arith.constant 0x7FC00000 : f32
  %zero = arith.constant 0.0 : f32
  %minus0 = arith.constant -0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %four = arith.constant 4.0 : f32
  %m = arith.constant -2.75 : f32
  %maximum = arith.maximumf %nan, %two : f32
  %maxnum = arith.maxnumf %nan, %two : f32
  %zeros = arith.maximumf %minus0, %zero : f32
  %unordered = arith.cmpf ult, %nan, %two : f32
  %rsqrt = math.rsqrt %four : f32
  %erf = math.erf %one : f32
  %trunc = arith.fptosi %m : f32 to i32
  return %maximum, %maxnum, %zeros, %unordered, %rsqrt, %erf, %trunc : f32, f32, f32, i1, f32, f32, i32
}

// CHECK-LABEL: elementwise result 0: 3xf32 [2, 1, 4]
func.func @elementwise() -> tensor<3xf32> {
  %a = arith.constant dense<[1.0, 1.0, 3.0]> : tensor<3xf32>
  %b = arith.constant dense<1.0> : tensor<3xf32>
  %c = arith.constant dense<[true, false, true]> : tensor<3xi1>
  %sum = arith.addf %a, %b fastmath<fast> : tensor<3xf32>
  %chosen = arith.select %c, %sum, %a : tensor<3xi1>, tensor<3xf32>
  return %chosen : tensor<3xf32>
}
