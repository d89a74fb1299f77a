// RUN: moe-opt %s --moe-report="tokens=0,1" -o /dev/null | FileCheck %s
// RUN: moe-opt %s --moe-report="tokens=1 json" -o /dev/null \
// RUN:   | %python -c "import json, sys; r = json.load(sys.stdin); f, = r['functions']; print(r['weights'], f['tokens'], f['total'], [o['active_experts'] for o in f['operations'] if 'active_experts' in o])" \
// RUN:   | FileCheck %s --check-prefix=JSON
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=sorted}),moe-report{tokens=1})" -o /dev/null | FileCheck %s --check-prefix=SORTED
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=unsorted}),moe-report{tokens=1,2})" -o /dev/null | FileCheck %s --check-prefix=UNSORTED

// The estimate for width 7168 and a dense hidden width of 14336 spread over 8 experts of 1792, 2 a token, in bf16:
// 308,338,688 parameters in 0.62 GB, of which 57,344 are the router's; a token uses 77,127,680 in 0.15 GB.

// CHECK: weights: 308338688 parameters, 616677376 bytes in 4 tensors

// Nobody asks, nothing is read but the router.
// CHECK-LABEL: layer, T = 0
// CHECK: linalg.matmul router 57344 114688 0 0
// CHECK: moe.expert gate +2 0 0 0 0 0.00
// CHECK: total 57344 114688

// CHECK-LABEL: layer, T = 1
// CHECK: linalg.matmul router 57344 114688 {{[0-9]+}} 114688
// CHECK: moe.expert gate +2 77070336 154140672 {{[0-9]+}} 154158592 2.00
// CHECK: total 77127680 154255360

// JSON: {'bytes': 616677376, 'parameters': 308338688, 'tensors': 4} 1 {'flops': {{[0-9]+}}, 'other_bytes': {{[0-9]+}}, 'parameters': 77127680, 'unknown_operations': 0, 'weight_bytes': 154255360} [2, 2]

// Gate, up and down have 12,845,056 weights an expert each.
// SORTED: moe.sort_tokens {{.*}} 2.00
// SORTED: moe.grouped_matmul gate 25690112 51380224 {{[0-9]+}} 51380224 2.00
// SORTED: moe.grouped_matmul down 25690112 51380224 {{[0-9]+}} 51380224 2.00
// SORTED: total 77127680 154255360

// Unsorted, two tokens read four experts, though 3.5 distinct ones are expected.
// UNSORTED-LABEL: layer, T = 1
// UNSORTED: moe.grouped_matmul gate 25690112 51380224 {{[0-9]+}} 51380224 2.00
// UNSORTED: total 77127680 154255360
// UNSORTED-LABEL: layer, T = 2
// UNSORTED: moe.grouped_matmul gate 51380224 102760448 {{[0-9]+}} 102760448 3.50

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>

moe.weight @router : tensor<8x7168xbf16> from #moe.random<seed = 1, scale = 1.0>
moe.weight @gate : tensor<8x1792x7168xbf16> from #moe.random<seed = 2, scale = 1.0>
moe.weight @up : tensor<8x1792x7168xbf16> from #moe.random<seed = 3, scale = 1.0>
moe.weight @down : tensor<8x7168x1792xbf16> from #moe.random<seed = 4, scale = 1.0>

func.func @layer(%x: tensor<?x7168xf32>) -> tensor<?x7168xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x7168xf32>
  %router = moe.get_weight @router : tensor<8x7168xbf16>
  %gate = moe.get_weight @gate : tensor<8x1792x7168xbf16>
  %up = moe.get_weight @up : tensor<8x1792x7168xbf16>
  %down = moe.get_weight @down : tensor<8x7168x1792xbf16>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %logits = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%x, %router : tensor<?x7168xf32>, tensor<8x7168xbf16>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax) normalize(0.0) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x7168xf32>, tensor<?x2xi32> -> tensor<?x7168xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%gate, %up, %down : tensor<8x1792x7168xbf16>, tensor<8x1792x7168xbf16>, tensor<8x7168x1792xbf16>) {
  ^bb0(%r: tensor<?x7168xf32>, %g: tensor<1792x7168xbf16>, %u: tensor<1792x7168xbf16>, %d: tensor<7168x1792xbf16>):
    %n = tensor.dim %r, %c0 : tensor<?x7168xf32>
    %e1 = tensor.empty(%n) : tensor<?x1792xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x1792xf32>) -> tensor<?x1792xf32>
    %a = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %g : tensor<?x7168xf32>, tensor<1792x7168xbf16>) outs(%z1 : tensor<?x1792xf32>) -> tensor<?x1792xf32>
    %b = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %u : tensor<?x7168xf32>, tensor<1792x7168xbf16>) outs(%z1 : tensor<?x1792xf32>) -> tensor<?x1792xf32>
    // silu(a) * b: 5 operations an element.
    %h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%a, %b : tensor<?x1792xf32>, tensor<?x1792xf32>) outs(%e1 : tensor<?x1792xf32>) {
    ^bb1(%p: f32, %q: f32, %o: f32):
      %neg = arith.negf %p : f32
      %exp = math.exp %neg : f32
      %den = arith.addf %one, %exp : f32
      %act = arith.divf %p, %den : f32
      %v = arith.mulf %act, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x1792xf32>
    %e2 = tensor.empty(%n) : tensor<?x7168xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x7168xf32>) -> tensor<?x7168xf32>
    %y0 = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%h, %d : tensor<?x1792xf32>, tensor<7168x1792xbf16>) outs(%z2 : tensor<?x7168xf32>) -> tensor<?x7168xf32>
    moe.yield %y0 : tensor<?x7168xf32>
  } : tensor<?x7168xf32>, !moe.plan<8 x 2> -> tensor<?x7168xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x7168xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x7168xf32>
  return %out : tensor<?x7168xf32>
}
