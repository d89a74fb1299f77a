// A swiglu layer gives the same bits sorted, unsorted, as a loop over experts or pairs, and by the formula of the
// operations' texts.
//
// DEFINE: %{bufferize} = one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},canonicalize
// DEFINE: %{lower} = func.func(convert-linalg-to-loops,lower-affine,expand-strided-metadata,lower-affine,convert-scf-to-cf),convert-vector-to-llvm,convert-math-to-llvm,finalize-memref-to-llvm,convert-to-llvm,reconcile-unrealized-casts
// DEFINE: %{run} = mlir-runner -e main -entry-point-result=void -shared-libs=%llvm_lib_dir/libmlir_c_runner_utils%shlibext,%llvm_lib_dir/libmlir_runner_utils%shlibext
//
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=sorted},convert-moe-to-linalg),%{bufferize},%{lower})" | %{run} | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=unsorted},convert-moe-to-linalg),%{bufferize},%{lower})" | %{run} | FileCheck %s

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#id3 = affine_map<(t, s, f) -> (t, s, f)>

// What the layer computes for row r of expert e: down(silu(gate x) * up x).
func.func @layer(%x: tensor<?x6xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %gate: tensor<5x9x6xf32>,
                 %up: tensor<5x9x6xf32>, %down: tensor<5x6x9xf32>) -> tensor<?x6xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x6xf32>, !moe.plan<5 x 2>
  %y = moe.expert %rows, %plan weights(%gate, %up, %down : tensor<5x9x6xf32>, tensor<5x9x6xf32>, tensor<5x6x9xf32>) {
  ^bb0(%r: tensor<?x6xf32>, %g: tensor<9x6xf32>, %u: tensor<9x6xf32>, %d: tensor<6x9xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x6xf32>
    %e = tensor.empty(%n) : tensor<?x9xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x9xf32>) -> tensor<?x9xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %g : tensor<?x6xf32>, tensor<9x6xf32>) outs(%z : tensor<?x9xf32>) -> tensor<?x9xf32>
    %b = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %u : tensor<?x6xf32>, tensor<9x6xf32>) outs(%z : tensor<?x9xf32>) -> tensor<?x9xf32>
    %h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a, %b : tensor<?x9xf32>, tensor<?x9xf32>) outs(%e : tensor<?x9xf32>) {
    ^bb1(%p: f32, %q: f32, %o: f32):
      %one = arith.constant 1.0 : f32
      %neg = arith.negf %p : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %one, %exp : f32
      %act = arith.divf %p, %den : f32
      %v = arith.mulf %act, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x9xf32>
    %e2 = tensor.empty(%n) : tensor<?x6xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x6xf32>) -> tensor<?x6xf32>
    %o = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%h, %d : tensor<?x9xf32>, tensor<6x9xf32>) outs(%z2 : tensor<?x6xf32>) -> tensor<?x6xf32>
    moe.yield %o : tensor<?x6xf32>
  } : tensor<?x6xf32>, !moe.plan<5 x 2> -> tensor<?x6xf32>
  %out = moe.combine %y, %plan, %w residual(%x : tensor<?x6xf32>)
      : tensor<?x6xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}

// The same layer with the expert in a function, which makes it a loop.
func.func @looped_layer(%x: tensor<?x6xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %gate: tensor<5x9x6xf32>,
                        %up: tensor<5x9x6xf32>, %down: tensor<5x6x9xf32>) -> tensor<?x6xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x6xf32>, !moe.plan<5 x 2>
  %y = moe.expert %rows, %plan weights(%gate, %up, %down : tensor<5x9x6xf32>, tensor<5x9x6xf32>, tensor<5x6x9xf32>) {
  ^bb0(%r: tensor<?x6xf32>, %g: tensor<9x6xf32>, %u: tensor<9x6xf32>, %d: tensor<6x9xf32>):
    %o = func.call @ffn(%r, %g, %u, %d) : (tensor<?x6xf32>, tensor<9x6xf32>, tensor<9x6xf32>, tensor<6x9xf32>) -> tensor<?x6xf32>
    moe.yield %o : tensor<?x6xf32>
  } : tensor<?x6xf32>, !moe.plan<5 x 2> -> tensor<?x6xf32>
  %out = moe.combine %y, %plan, %w residual(%x : tensor<?x6xf32>)
      : tensor<?x6xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}

func.func @ffn(%r: tensor<?x6xf32>, %g: tensor<9x6xf32>, %u: tensor<9x6xf32>, %d: tensor<6x9xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %r, %c0 : tensor<?x6xf32>
  %e = tensor.empty(%n) : tensor<?x9xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x9xf32>) -> tensor<?x9xf32>
  %a = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%r, %g : tensor<?x6xf32>, tensor<9x6xf32>) outs(%z : tensor<?x9xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %v = math.fma %p, %q, %acc : f32
    linalg.yield %v : f32
  } -> tensor<?x9xf32>
  %b = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%r, %u : tensor<?x6xf32>, tensor<9x6xf32>) outs(%z : tensor<?x9xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %v = math.fma %p, %q, %acc : f32
    linalg.yield %v : f32
  } -> tensor<?x9xf32>
  %h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<?x9xf32>, tensor<?x9xf32>) outs(%e : tensor<?x9xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = func.call @swiglu(%p, %q) : (f32, f32) -> f32
    linalg.yield %v : f32
  } -> tensor<?x9xf32>
  %e2 = tensor.empty(%n) : tensor<?x6xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %o = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%h, %d : tensor<?x9xf32>, tensor<6x9xf32>) outs(%z2 : tensor<?x6xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %v = math.fma %p, %q, %acc : f32
    linalg.yield %v : f32
  } -> tensor<?x6xf32>
  return %o : tensor<?x6xf32>
}

// The same layer by its formula: every pair (t, s) multiplies with the weights of its expert.
func.func @formula(%x: tensor<7x6xf32>, %w: tensor<7x2xf32>, %ids: tensor<7x2xi32>, %gate: tensor<5x9x6xf32>,
                   %up: tensor<5x9x6xf32>, %down: tensor<5x6x9xf32>) -> tensor<7x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<7x2x9xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<7x2x9xf32>) -> tensor<7x2x9xf32>
  %a = func.call @pair_products(%x, %ids, %gate, %z) : (tensor<7x6xf32>, tensor<7x2xi32>, tensor<5x9x6xf32>, tensor<7x2x9xf32>) -> tensor<7x2x9xf32>
  %b = func.call @pair_products(%x, %ids, %up, %z) : (tensor<7x6xf32>, tensor<7x2xi32>, tensor<5x9x6xf32>, tensor<7x2x9xf32>) -> tensor<7x2x9xf32>
  %h = linalg.generic {indexing_maps = [#id3, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<7x2x9xf32>, tensor<7x2x9xf32>) outs(%e : tensor<7x2x9xf32>) {
  ^bb1(%p: f32, %q: f32, %o: f32):
    %v = func.call @swiglu(%p, %q) : (f32, f32) -> f32
    linalg.yield %v : f32
  } -> tensor<7x2x9xf32>
  %e2 = tensor.empty() : tensor<7x2x6xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<7x2x6xf32>) -> tensor<7x2x6xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(t, s, d, f) -> (t, s, f)>, affine_map<(t, s, d, f) -> (t, s)>, affine_map<(t, s, d, f) -> (t, s, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%h, %ids : tensor<7x2x9xf32>, tensor<7x2xi32>) outs(%z2 : tensor<7x2x6xf32>) {
  ^bb0(%v: f32, %id: i32, %acc: f32):
    %expert = arith.index_cast %id : i32 to index
    %d = linalg.index 2 : index
    %f = linalg.index 3 : index
    %weight = tensor.extract %down[%expert, %d, %f] : tensor<5x6x9xf32>
    %sum = math.fma %v, %weight, %acc : f32
    linalg.yield %sum : f32
  } -> tensor<7x2x6xf32>
  %out = linalg.generic {
      indexing_maps = [affine_map<(t, s, d) -> (t, s)>, affine_map<(t, s, d) -> (t, s, d)>, affine_map<(t, s, d) -> (t, d)>],
      iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%w, %y : tensor<7x2xf32>, tensor<7x2x6xf32>) outs(%x : tensor<7x6xf32>) {
  ^bb0(%p: f32, %v: f32, %acc: f32):
    %sum = math.fma %p, %v, %acc : f32
    linalg.yield %sum : f32
  } -> tensor<7x6xf32>
  return %out : tensor<7x6xf32>
}

func.func @pair_products(%x: tensor<7x6xf32>, %ids: tensor<7x2xi32>, %w: tensor<5x9x6xf32>, %z: tensor<7x2x9xf32>) -> tensor<7x2x9xf32> {
  %0 = linalg.generic {
      indexing_maps = [affine_map<(t, s, f, j) -> (t, j)>, affine_map<(t, s, f, j) -> (t, s)>, affine_map<(t, s, f, j) -> (t, s, f)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %ids : tensor<7x6xf32>, tensor<7x2xi32>) outs(%z : tensor<7x2x9xf32>) {
  ^bb0(%v: f32, %id: i32, %acc: f32):
    %expert = arith.index_cast %id : i32 to index
    %f = linalg.index 2 : index
    %j = linalg.index 3 : index
    %weight = tensor.extract %w[%expert, %f, %j] : tensor<5x9x6xf32>
    %sum = math.fma %v, %weight, %acc : f32
    linalg.yield %sum : f32
  } -> tensor<7x2x9xf32>
  return %0 : tensor<7x2x9xf32>
}

func.func @swiglu(%p: f32, %q: f32) -> f32 {
  %one = arith.constant 1.0 : f32
  %neg = arith.negf %p : f32
  %exp = math.exp %neg : f32
  %den = arith.addf %one, %exp : f32
  %act = arith.divf %p, %den : f32
  %v = arith.mulf %act, %q : f32
  return %v : f32
}

// A number in [-1, 1) from a seed and an element's index.
func.func @random(%seed: i32, %index: index) -> f32 {
  %m = arith.constant -1640531527 : i32
  %c15 = arith.constant 15 : i32
  %c8 = arith.constant 8 : i32
  %scale = arith.constant 1.1920929e-7 : f32
  %one = arith.constant 1.0 : f32
  %i = arith.index_cast %index : index to i32
  %0 = arith.addi %i, %seed : i32
  %1 = arith.muli %0, %m : i32
  %2 = arith.shrui %1, %c15 : i32
  %3 = arith.xori %1, %2 : i32
  %4 = arith.muli %3, %m : i32
  %5 = arith.shrui %4, %c8 : i32
  %6 = arith.uitofp %5 : i32 to f32
  %7 = arith.mulf %6, %scale : f32
  %8 = arith.subf %7, %one : f32
  return %8 : f32
}

func.func @random_experts(%seed: i32) -> tensor<270xf32> {
  %e = tensor.empty() : tensor<270xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%e : tensor<270xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %v = func.call @random(%seed, %i) : (i32, index) -> f32
    linalg.yield %v : f32
  } -> tensor<270xf32>
  return %0 : tensor<270xf32>
}

func.func @random_tokens(%seed: i32) -> tensor<42xf32> {
  %e = tensor.empty() : tensor<42xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%e : tensor<42xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %v = func.call @random(%seed, %i) : (i32, index) -> f32
    linalg.yield %v : f32
  } -> tensor<42xf32>
  return %0 : tensor<42xf32>
}

func.func @count_different(%actual: tensor<?x6xf32>, %expected: tensor<7x6xf32>) -> i32 {
  %none = arith.constant dense<0> : tensor<i32>
  %different = linalg.generic {indexing_maps = [#id, #id, affine_map<(r, d) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%actual, %expected : tensor<?x6xf32>, tensor<7x6xf32>) outs(%none : tensor<i32>) {
  ^bb0(%a: f32, %b: f32, %count: i32):
    %ab = arith.bitcast %a : f32 to i32
    %bb = arith.bitcast %b : f32 to i32
    %ne = arith.cmpi ne, %ab, %bb : i32
    %one = arith.extui %ne : i1 to i32
    %sum = arith.addi %count, %one : i32
    linalg.yield %sum : i32
  } -> tensor<i32>
  %count = tensor.extract %different[] : tensor<i32>
  return %count : i32
}

func.func private @printMemrefF32(tensor<*xf32>)

func.func @main() {
  %c1 = arith.constant 1000 : i32
  %c2 = arith.constant 2000 : i32
  %c3 = arith.constant 3000 : i32
  %c4 = arith.constant 4000 : i32
  %0 = func.call @random_tokens(%c1) : (i32) -> tensor<42xf32>
  %x = tensor.expand_shape %0 [[0, 1]] output_shape [7, 6] : tensor<42xf32> into tensor<7x6xf32>
  %1 = func.call @random_experts(%c2) : (i32) -> tensor<270xf32>
  %gate = tensor.expand_shape %1 [[0, 1, 2]] output_shape [5, 9, 6] : tensor<270xf32> into tensor<5x9x6xf32>
  %2 = func.call @random_experts(%c3) : (i32) -> tensor<270xf32>
  %up = tensor.expand_shape %2 [[0, 1, 2]] output_shape [5, 9, 6] : tensor<270xf32> into tensor<5x9x6xf32>
  %3 = func.call @random_experts(%c4) : (i32) -> tensor<270xf32>
  %down = tensor.expand_shape %3 [[0, 1, 2]] output_shape [5, 6, 9] : tensor<270xf32> into tensor<5x6x9xf32>
  // Expert 3 has no rows.
  %ids = arith.constant dense<[[0, 1], [4, 0], [1, 4], [2, 1], [0, 4], [4, 2], [1, 0]]> : tensor<7x2xi32>
  %w = arith.constant dense<[[0.7, 0.3], [0.6, 0.4], [0.9, 0.1], [0.5, 0.5], [0.55, 0.45], [0.8, 0.2], [1.0, 0.0]]> : tensor<7x2xf32>

  %xd = tensor.cast %x : tensor<7x6xf32> to tensor<?x6xf32>
  %wd = tensor.cast %w : tensor<7x2xf32> to tensor<?x2xf32>
  %idsd = tensor.cast %ids : tensor<7x2xi32> to tensor<?x2xi32>
  %actual = func.call @layer(%xd, %wd, %idsd, %gate, %up, %down)
      : (tensor<?x6xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<5x9x6xf32>, tensor<5x9x6xf32>, tensor<5x6x9xf32>) -> tensor<?x6xf32>
  %expected = func.call @formula(%x, %w, %ids, %gate, %up, %down)
      : (tensor<7x6xf32>, tensor<7x2xf32>, tensor<7x2xi32>, tensor<5x9x6xf32>, tensor<5x9x6xf32>, tensor<5x6x9xf32>) -> tensor<7x6xf32>

  %looped = func.call @looped_layer(%xd, %wd, %idsd, %gate, %up, %down)
      : (tensor<?x6xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<5x9x6xf32>, tensor<5x9x6xf32>, tensor<5x6x9xf32>) -> tensor<?x6xf32>
  // CHECK: 7 rows
  // CHECK-NEXT: 0 and 0 different
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %actual, %c0 : tensor<?x6xf32>
  vector.print %rows : index punctuation <no_punctuation>
  vector.print str " rows\n"
  %count = func.call @count_different(%actual, %expected) : (tensor<?x6xf32>, tensor<7x6xf32>) -> i32
  %count_looped = func.call @count_different(%looped, %expected) : (tensor<?x6xf32>, tensor<7x6xf32>) -> i32
  vector.print %count : i32 punctuation <no_punctuation>
  vector.print str " and "
  vector.print %count_looped : i32 punctuation <no_punctuation>
  vector.print str " different\n"
  // The formula's own answer, as numpy gives it.
  // CHECK: sizes = [7, 6]
  // CHECK-NEXT: {{\[\[}}-0.290269,   -0.872519,   0.233639,   -0.05349
  %unranked = tensor.cast %expected : tensor<7x6xf32> to tensor<*xf32>
  call @printMemrefF32(%unranked) : (tensor<*xf32>) -> ()
  return
}
