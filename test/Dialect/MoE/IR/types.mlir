// RUN: moe-opt %s | moe-opt | FileCheck %s

// CHECK: func.func private @plan(!moe.plan<64 x 8>)
func.func private @plan(!moe.plan<64 x 8>)

// k = E and one expert are Mixture-of-Experts layers too.
// CHECK: func.func private @extremes(!moe.plan<4 x 4>, !moe.plan<1 x 1>)
func.func private @extremes(!moe.plan<4 x 4>, !moe.plan<1 x 1>)

// CHECK: func.func private @caches(
// CHECK-SAME: !moe.kv_cache<static<512>, 2 x 32 x f32>
// CHECK-SAME: !moe.kv_cache<sliding_window<1024>, 8 x 128 x bf16, chunk = 256, batch = 4>
// CHECK-SAME: !moe.kv_cache<static<512>, 2 x 48 x f32, values = 32>
func.func private @caches(!moe.kv_cache<static<512>, 2 x 32 x f32>,
                          !moe.kv_cache<sliding_window<1024>, 8 x 128 x bf16, chunk = 256, batch = 4>,
                          !moe.kv_cache<static<512>, 2 x 48 x f32, values = 32>)

// What equals the default is not printed; the order of the rest is free.
// CHECK: func.func private @defaults(!moe.kv_cache<static<16>, 1 x 8 x f32, chunk = 2>)
func.func private @defaults(!moe.kv_cache<static<16>, 1 x 8 x f32, batch = 1, chunk = 2, values = 8>)

// CHECK: #moe.checkpoint<"dir", ["a", "b"]>
// CHECK-SAME: #moe.panel<width = 32, pair = 2>
// CHECK-SAME: #moe.random<seed = 7, scale = 2.000000e-02>
func.func private @attributes() attributes {
  moe.a = #moe.checkpoint<"dir", ["a", "b"]>, moe.b = #moe.panel<width = 32, pair = 2>,
  moe.c = #moe.random<seed = 7, scale = 0.02>}
