// RUN: not %S/Inputs/makes-a-loop.sh %s
// RUN: moe-reduce %s --moe-reduce-program=test=%S/Inputs/makes-a-loop.sh -o %t
// RUN: FileCheck %s --input-file=%t
// RUN: not %S/Inputs/makes-a-loop.sh %t
// RUN: not moe-reduce %t --moe-reduce-program=test=/bin/true 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: error: moe-reduce-program: the test does not find the program interesting

// Of a model with a cache, a router with every option and two layers, what is left is the operation that mixes rows and
// what holds it: no router, no weights, no combination, no other layer.
// CHECK-NOT: moe.weight
// CHECK: func.func @model(%[[X:.*]]: tensor<?x8xf32>) {
// CHECK-NEXT: %[[IDS:.*]] = ub.poison : tensor<?x2xi32>
// CHECK-NEXT: %{{.*}}, %{{.*}} = moe.dispatch %[[X]], %[[IDS]] experts(4)
// CHECK-NEXT: moe.expert %{{.*}}, %{{.*}} {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x8xf32>):
// CHECK-NOT: moe.expert
// CHECK-NOT: linalg.matmul
// CHECK: linalg.generic
// CHECK-NOT: linalg.matmul
// CHECK: moe.yield
// CHECK-NEXT: } :
// CHECK-NEXT: return
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
moe.weight @gate : tensor<4x8xf32> from #moe.random<seed = 1, scale = 0.1>
moe.weight @up : tensor<4x8x8xf32> from #moe.random<seed = 2, scale = 0.1>
moe.weight @down : tensor<4x8x8xf32> from #moe.random<seed = 3, scale = 0.1>

func.func @model(%x: tensor<?x8xf32>, %logits: tensor<?x4xf32>, %cache: !moe.kv_cache<static<16>, 1 x 8 x f32>,
                 %p: tensor<?xi32>, %q: tensor<?x1x8xf32>) -> (tensor<?x8xf32>, tensor<?x1x8xf32>) {
  moe.kv_append %cache, %q, %q at %p : !moe.kv_cache<static<16>, 1 x 8 x f32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?xi32>
  %a = moe.attention %q, %cache at %p scale(0.5) : tensor<?x1x8xf32>, !moe.kv_cache<static<16>, 1 x 8 x f32>, tensor<?xi32> -> tensor<?x1x8xf32>
  %up = moe.get_weight @up : tensor<4x8x8xf32>
  %down = moe.get_weight @down : tensor<4x8x8xf32>
  %weights, %ids = moe.route %logits top_k(2) score(sigmoid) normalize(1.0) scale(2.0) : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%up : tensor<4x8x8xf32>) {
  ^bb0(%r: tensor<?x8xf32>, %u: tensor<8x8xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%n) : tensor<?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %h = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %u : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
    moe.yield %h : tensor<?x8xf32>
  } : tensor<?x8xf32>, !moe.plan<4 x 2> -> tensor<?x8xf32>
  %first = moe.combine %y, %plan, %weights residual(%x : tensor<?x8xf32>) : tensor<?x8xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x8xf32>
  %rows1, %plan1 = moe.dispatch %first, %ids experts(4) : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>, !moe.plan<4 x 2>
  %y1 = moe.expert %rows1, %plan1 weights(%up, %down : tensor<4x8x8xf32>, tensor<4x8x8xf32>) {
  ^bb0(%r: tensor<?x8xf32>, %u: tensor<8x8xf32>, %d: tensor<8x8xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%n) : tensor<?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %h = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %u : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
    %g = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%h, %d : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
    %reversed = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
        ins(%g : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
    ^bb1(%v: f32, %o: f32):
      linalg.yield %v : f32
    } -> tensor<?x8xf32>
    moe.yield %reversed : tensor<?x8xf32>
  } : tensor<?x8xf32>, !moe.plan<4 x 2> -> tensor<?x8xf32>
  %second = moe.combine %y1, %plan1, %weights residual(%first : tensor<?x8xf32>) : tensor<?x8xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x8xf32>
  return %second, %a : tensor<?x8xf32>, tensor<?x1x8xf32>
}
