// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @scale_tokens(%x: tensor<3x4xf32>, %i: tensor<3x2xi32>, %w: tensor<2x2xf32>) {
  // expected-error @below {{expected tokens of scale to be 3, got 2}}
  %0:2 = moe.dispatch %x, %i experts(8) scale(%w : tensor<2x2xf32>) : tensor<3x4xf32>, tensor<3x2xi32> -> tensor<6x4xf32>, !moe.plan<8 x 2>
  return
}

// -----

func.func @scale_slots(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>, %w: tensor<?x3xf32>) {
  // expected-error @below {{expected slots of scale to be 2, got 3}}
  %0:2 = moe.dispatch %x, %i experts(8) scale(%w : tensor<?x3xf32>) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  return
}

// -----

func.func @skipped(%y: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<?x2xf32>, %x: tensor<?x5xf32>) {
  // expected-error @below {{expected skipped of type 'tensor<?x4xf32>', got 'tensor<?x5xf32>'}}
  %0 = moe.combine %y, %p, %w skipped(%x : tensor<?x5xf32>) : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  return
}

// -----

// expected-error @below {{expected rank 2 or more with transposed, got 'tensor<4xf32>'}}
moe.weight @vector : tensor<4xf32> from #moe.random<seed = 1, scale = 1.0> transposed

// -----

// expected-error @below {{expected one checkpoint key for a transposed matrix, got 2}}
moe.weight @keys : tensor<2x4xf32> from #moe.checkpoint<"demo", ["a", "b"]> transposed

// -----

// expected-error @below {{expected dense data of type 'tensor<3x2xf32>', got 'tensor<2x3xf32>'}}
moe.weight @dense : tensor<2x3xf32> from dense<0.0> : tensor<2x3xf32> transposed
