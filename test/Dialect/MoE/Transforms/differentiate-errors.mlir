// RUN: moe-opt %s --moe-differentiate -verify-diagnostics -split-input-file
// RUN: not moe-opt %s --moe-differentiate=functions=nobody 2>&1 | FileCheck %s

// CHECK: error: moe-differentiate: expected a function called nobody, got none

// expected-error @below {{moe-differentiate: expected a function of one block, got 2}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^bb1
^bb1:
  return %x : tensor<4xf32>
}

// -----

func.func @no_rule(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'func.call' op cannot be differentiated: there is no rule for it}}
  %0 = func.call @other(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @other(tensor<4xf32>) -> tensor<4xf32>

// -----

// What only a region reads is read too.
func.func @in_region(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %zeros = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error @below {{'scf.if' op cannot be differentiated: there is no rule for it}}
  %0 = scf.if %c -> tensor<4xf32> {
    scf.yield %x : tensor<4xf32>
  } else {
    scf.yield %zeros : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @bf16(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xbf16>
  %0 = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %t = arith.truncf %a : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<4xbf16>
  %f = tensor.empty() : tensor<4xf32>
  // expected-error @below {{'linalg.generic' op cannot be differentiated: expected tensors of f32, got 'tensor<4xbf16>'}}
  %1 = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}
      ins(%0 : tensor<4xbf16>) outs(%f : tensor<4xf32>) {
  ^bb0(%a: bf16, %o: f32):
    %t = arith.extf %a : bf16 to f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

func.func @results(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  // expected-error @below {{cannot be differentiated: expected one result, got 2}}
  %0:2 = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e, %e : tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32, %p: f32):
    linalg.yield %a, %a : f32, f32
  } -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0 : tensor<4xf32>
}

// -----

func.func @product_of_elements(%x: tensor<4xf32>, %one: tensor<f32>) -> tensor<f32> {
  // expected-error @below {{cannot be differentiated: its reduction is neither a sum nor the largest element of an input}}
  %0 = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> ()>], iterator_types = ["reduction"]}
      ins(%x : tensor<4xf32>) outs(%one : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %p = arith.mulf %a, %o : f32
    linalg.yield %p : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @maximum_start(%x: tensor<4xf32>, %start: tensor<f32>) -> tensor<f32> {
  // expected-error @below {{cannot be differentiated: expected a maximum that starts from a constant}}
  %0 = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> ()>], iterator_types = ["reduction"]}
      ins(%x : tensor<4xf32>) outs(%start : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %p = arith.maximumf %a, %o : f32
    linalg.yield %p : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @window(%x: tensor<5xf32>) -> tensor<4xf32> {
  %e = arith.constant dense<0.0> : tensor<4xf32>
  %w = arith.constant dense<0.0> : tensor<2xf32>
  // expected-error @below {{cannot be differentiated: expected indexing maps that select loops, got affine_map<(d0, d1) -> (d0 + d1)>}}
  %0 = linalg.conv_1d ins(%x, %w : tensor<5xf32>, tensor<2xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @reads_outside(%x: tensor<4xf32>, %i: tensor<4xi32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}
      ins(%i : tensor<4xi32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: i32, %o: f32):
    %at = arith.index_cast %a : i32 to index
    // expected-error @below {{'tensor.extract' op cannot be differentiated: it reads a tensor from outside its linalg operation}}
    %v = tensor.extract %x[%at] : tensor<4xf32>
    linalg.yield %v : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @scalar(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'math.powf' op cannot be differentiated: there is no rule for it}}
  %0 = math.powf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @plan(%y: tensor<10x4xf32>, %plan: !moe.plan<3 x 2>, %w: tensor<5x2xf32>) -> tensor<5x4xf32> {
  // expected-error @below {{'moe.combine' op cannot be differentiated: expected a plan of a moe.dispatch}}
  %0 = moe.combine %y, %plan, %w : tensor<10x4xf32>, !moe.plan<3 x 2>, tensor<5x2xf32> -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// -----

func.func @expert_reads_outside(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %v: tensor<4xf32>) -> tensor<?x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<3 x 2>
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    // expected-error @below {{'linalg.generic' op cannot be differentiated: it reads a tensor from outside its expert}}
    %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
        ins(%v : tensor<4xf32>) outs(%r : tensor<?x4xf32>) {
    ^bb1(%a: f32, %b: f32):
      %1 = arith.mulf %a, %b : f32
      linalg.yield %1 : f32
    } -> tensor<?x4xf32>
    moe.yield %0 : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<3 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @in_expert(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>) -> tensor<?x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(3) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<3 x 2>
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    // expected-error @below {{'func.call' op cannot be differentiated: there is no rule for it}}
    %0 = func.call @ffn(%r) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %0 : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<3 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
func.func private @ffn(tensor<?x4xf32>) -> tensor<?x4xf32>

// -----

func.func @noise(%l: tensor<?x8xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{'moe.route' op cannot be differentiated: its weights depend on noise}}
  %0:2 = moe.route %l top_k(2) noise<seed = 7, stddev = 0.5> score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0 : tensor<?x2xf32>
}

// -----

func.func @noisy_scores(%l: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @below {{'moe.route' op cannot be differentiated: its scores depend on noise}}
  %0:3 = moe.route %l top_k(2) noise<seed = 7, stddev = 0.5> score(softmax) with_scores : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x8xf32>
  return %0#2 : tensor<?x8xf32>
}

// -----

func.func @sparsemixer(%l: tensor<?x8xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{its weights depend on the masks of sparsemixer}}
  %0:2 = moe.route %l top_k(2) score(sparsemixer) jitter(0.01) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0 : tensor<?x2xf32>
}

// -----

func.func @zero_score(%l: tensor<?x8xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{its weights depend on scores that groups make 0}}
  %0:2 = moe.route %l top_k(2) score(softmax) groups<4, keep = 2, by = max, mask = zero_score> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0 : tensor<?x2xf32>
}

// -----

func.func @norm(%l: tensor<?x8xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{its weights depend on a p-norm}}
  %0:2 = moe.route %l top_k(2) score(softmax) normalize(0.0, p = 2.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0 : tensor<?x2xf32>
}

// -----

func.func @null_experts(%l: tensor<?x8xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{its weights depend on null experts}}
  %0:2 = moe.route %l top_k(2) score(softmax) null_experts<2, identity> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0 : tensor<?x2xf32>
}

// -----

func.func @shared_experts(%l: tensor<?x8xf32>) -> tensor<?x3xf32> {
  // expected-error @below {{its weights depend on slots of shared experts}}
  %0:2 = moe.route %l top_k(2) score(softmax) shared_experts<1, one> : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
  return %0#0 : tensor<?x3xf32>
}

// -----

func.func @residual(%l: tensor<?x8xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{its weights depend on pairs beyond the capacity}}
  %0:2 = moe.route %l top_k(2) score(softmax) capacity<tokens = 4, overflow = residual> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0 : tensor<?x2xf32>
}

// -----

func.func @dropped(%l: tensor<?x8xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{its weights depend on a sum over dropped pairs}}
  %0:2 = moe.route %l top_k(2) score(softmax) normalize(0.0) capacity<tokens = 4, overflow = drop> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0 : tensor<?x2xf32>
}

// -----

func.func @scaled(%x: tensor<3x4xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x2xf32>) -> tensor<3x4xf32> {
  // expected-error @below {{'moe.dispatch' op cannot be differentiated: its rows are scaled}}
  %rows, %plan = moe.dispatch %x, %ids experts(8) scale(%w : tensor<3x2xf32>) : tensor<3x4xf32>, tensor<3x2xi32> -> tensor<6x4xf32>, !moe.plan<8 x 2>
  %y = moe.combine %rows, %plan, %w : tensor<6x4xf32>, !moe.plan<8 x 2>, tensor<3x2xf32> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

func.func @skipped(%x: tensor<3x4xf32>, %ids: tensor<3x2xi32>, %w: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) partial : tensor<3x4xf32>, tensor<3x2xi32> -> tensor<6x4xf32>, !moe.plan<8 x 2>
  // expected-error @below {{'moe.combine' op cannot be differentiated: skipped pairs add to the sum}}
  %y = moe.combine %rows, %plan, %w skipped(%x : tensor<3x4xf32>) : tensor<6x4xf32>, !moe.plan<8 x 2>, tensor<3x2xf32> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
