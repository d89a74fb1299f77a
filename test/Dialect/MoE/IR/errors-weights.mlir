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

// expected-error @below {{expected a checkpoint, random or dense source, or a stack or slice of them, got "file"}}
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

// -----

// expected-error @below {{expected an extent for each of 2 sources, got 1}}
moe.weight @w : tensor<4x8xf32> from #moe.stack<[4] of [#moe.random<seed = 1, scale = 1.0>, #moe.random<seed = 2, scale = 1.0>]>

// -----

// expected-error @below {{expected extents of 0 or more, got -1}}
moe.weight @w : tensor<4x8xf32> from #moe.stack<[-1] of [#moe.random<seed = 1, scale = 1.0>]>

// -----

// expected-error @below {{expected sum of the stack's extents to be 4, got 5}}
moe.weight @w : tensor<4x8xf32> from #moe.stack<[3, 2] of [#moe.random<seed = 1, scale = 1.0>, #moe.random<seed = 2, scale = 1.0>]>

// -----

// expected-error @below {{expected rank 1 or more with a stack, got 'tensor<f32>'}}
moe.weight @w : tensor<f32> from #moe.stack<[1] of [#moe.random<seed = 1, scale = 1.0>]>

// -----

// expected-error @below {{expected dense data of type 'tensor<1x2xf32>', got 'tensor<2xf32>'}}
moe.weight @w : tensor<4x2xf32> from #moe.stack<[3, 1] of [#moe.random<seed = 1, scale = 1.0>, dense<1.0> : tensor<2xf32>]>

// -----

// expected-error @below {{expected a floating-point type with a stack or slice, got 'tensor<4xi32>'}}
moe.weight @w : tensor<4xi32> from #moe.stack<[4] of [dense<1> : tensor<4xi32>]>

// -----

// expected-error @below {{expected a dimension of 0 or more, got -1}}
moe.weight @w : tensor<4xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.0>, dim = -1, extent = 8, first = 0, step = 2>

// -----

// expected-error @below {{expected an extent of 0 or more, got -8}}
moe.weight @w : tensor<4xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.0>, dim = 0, extent = -8, first = 0, step = 2>

// -----

// expected-error @below {{expected a first step of 0 or more, got -1}}
moe.weight @w : tensor<4xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.0>, dim = 0, extent = 8, first = -1, step = 2>

// -----

// expected-error @below {{expected a positive step, got 0}}
moe.weight @w : tensor<4xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.0>, dim = 0, extent = 8, first = 0, step = 0>

// -----

// expected-error @below {{expected dimension 1 of a slice to be one of 'tensor<4xf32>'}}
moe.weight @w : tensor<4xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.0>, dim = 1, extent = 8, first = 0, step = 2>

// -----

// expected-error @below {{expected a slice within 8 steps, got one up to 9}}
moe.weight @w : tensor<4xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.0>, dim = 0, extent = 8, first = 2, step = 2>
