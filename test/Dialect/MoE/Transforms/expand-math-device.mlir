// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-expand-math{device}))" --split-input-file --verify-diagnostics | FileCheck %s

// Angles are reduced in f64, to a quarter of a turn; both functions are sums of one argument's powers.
// CHECK-LABEL: func.func @angles
// CHECK:         arith.extf %{{.*}} : f32 to f64
// CHECK:         math.roundeven
// CHECK-COUNT-2: math.fma
// CHECK:         math.floor
// CHECK:         arith.truncf %{{.*}} : f64 to f32
// CHECK-NOT:     math.sin
// CHECK-NOT:     math.cos
func.func @angles(%x: f32, %y: vector<4xf32>) -> (f32, vector<4xf32>) {
  %0 = math.sin %x : f32
  %1 = math.cos %y : vector<4xf32>
  return %0, %1 : f32, vector<4xf32>
}

// What is an instruction, or a few, stays.
// CHECK-LABEL: func.func @basic
// CHECK:         math.sqrt
// CHECK:         math.absf
// CHECK-NOT:     math.exp
// CHECK-NOT:     math.powf
// CHECK-NOT:     math.log1p
func.func @basic(%x: f32) -> f32 {
  %0 = math.sqrt %x : f32
  %1 = math.absf %0 : f32
  %2 = math.exp %1 : f32
  %3 = math.powf %2, %1 : f32
  %4 = math.log1p %3 : f32
  return %4 : f32
}

// -----

func.func @unknown(%x: f64) -> f64 {
  // expected-error-re @below {{'math.sin' op of {{.*}} has no expansion for a device, which has no library of functions}}
  %0 = math.sin %x : f64
  return %0 : f64
}
