// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens))" -verify-diagnostics -split-input-file

func.func @foreign_plan(%y: tensor<?x4xf32>, %plan: !moe.plan<8 x 2>, %w: tensor<?x2xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{expected the plan of a moe.dispatch in this function}}
  %out = moe.combine %y, %plan, %w : tensor<?x4xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x4xf32>
  return %out : tensor<?x4xf32>
}

// -----

func.func @escaping_plan(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>) -> !moe.plan<8 x 2> {
  // expected-error @below {{expected the plan to be used by moe.expert and moe.combine only}}
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  // expected-note @below {{used here}}
  return %plan : !moe.plan<8 x 2>
}

// -----

func.func @dynamic_width(%x: tensor<?x?xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>) -> tensor<?x?xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x?xf32>, tensor<?x2xi32> -> tensor<?x?xf32>, !moe.plan<8 x 2>
  // expected-error @below {{expected a static width of the result, got 'tensor<?x?xf32>'}}
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x?xf32>):
    moe.yield %r : tensor<?x?xf32>
  } : tensor<?x?xf32>, !moe.plan<8 x 2> -> tensor<?x?xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x?xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x?xf32>
  return %out : tensor<?x?xf32>
}
