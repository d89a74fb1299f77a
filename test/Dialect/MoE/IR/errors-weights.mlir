// RUN: moe-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{expected a static shape, got 'tensor<?xf32>'}}
moe.weight @w : tensor<?xf32> from #moe.checkpoint<"dir", ["a"]>

// -----

// expected-error @below {{expected rank 2 or 3 with a panel layout, got 'tensor<8xf32>'}}
moe.weight @w : tensor<8xf32> from #moe.checkpoint<"dir", ["a"]> layout <width = 16, pair = 1>

// -----

// expected-error @below {{expected one checkpoint key for a scalar, got 2}}
moe.weight @w : tensor<f32> from #moe.checkpoint<"dir", ["a", "b"]>

// -----

// expected-error @below {{expected number of checkpoint keys to be 3, got 2}}
moe.weight @w : tensor<3x8xf32> from #moe.checkpoint<"dir", ["a", "b"]>

// -----

// expected-error @below {{expected a floating-point type with a random source, got 'tensor<8xi32>'}}
moe.weight @w : tensor<8xi32> from #moe.random<seed = 1, scale = 1.0>

// -----

// expected-error @below {{expected a checkpoint, random or dense source, got "file"}}
moe.weight @w : tensor<8xf32> from "file"

// -----

// expected-error @below {{expected dense data of type 'tensor<4xf32>', got 'tensor<2xf32>'}}
moe.weight @w : tensor<4xf32> from dense<[1.0, 2.0]> : tensor<2xf32>

// -----

func.func @f() {
  // expected-error @below {{expected a moe.weight, got @f}}
  %0 = moe.get_weight @f : tensor<8xf32>
  return
}

// -----

moe.weight @w : tensor<32x8xf32> from #moe.random<seed = 1, scale = 1.0> layout <width = 16, pair = 1>
func.func @f() {
  // expected-error @below {{expected result of type 'tensor<2x8x16xf32>', got 'tensor<32x8xf32>'}}
  %0 = moe.get_weight @w : tensor<32x8xf32>
  return
}
