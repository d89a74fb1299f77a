// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-expand-math))" | FileCheck %s

// Scalars and vectors alike.
// CHECK-LABEL: func.func @expanded
// CHECK-NOT: math.{{(exp|tanh|erf|log) }}
// CHECK: math.fma {{.*}} : f32
// CHECK: math.fma {{.*}} : vector<16xf32>
// CHECK-NOT: math.{{(exp|tanh|erf|log) }}
func.func @expanded(%x: f32, %v: vector<16xf32>) -> (f32, f32, f32, f32, vector<16xf32>) {
  %0 = math.exp %x : f32
  %1 = math.tanh %x : f32
  %2 = math.erf %x : f32
  %3 = math.log %x : f32
  %4 = math.exp %v : vector<16xf32>
  return %0, %1, %2, %3, %4 : f32, f32, f32, f32, vector<16xf32>
}

// Rotary angles grow with the position: the library reduces them exactly.
// CHECK-LABEL: func.func @left_to_the_library
// CHECK: math.sin
// CHECK: math.cos
// CHECK: math.sqrt
// CHECK: math.rsqrt
func.func @left_to_the_library(%x: f32) -> (f32, f32, f32, f32) {
  %0 = math.sin %x : f32
  %1 = math.cos %x : f32
  %2 = math.sqrt %x : f32
  %3 = math.rsqrt %x : f32
  return %0, %1, %2, %3 : f32, f32, f32, f32
}
