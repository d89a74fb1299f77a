// RUN: moe-opt %s --moe-to-llvm-pipeline --verify-each \
// RUN:   | FileCheck %s --check-prefix=LLVM --implicit-check-not=@malloc --implicit-check-not=unrealized --implicit-check-not="{{ (moe|memref|linalg|func|arith|vector|scf|affine|tensor)\.[a-z_]+ [%@(]}}"
// RUN: moe-opt %s --moe-to-llvm-pipeline=vector-bits=256 --verify-each | FileCheck %s --check-prefix=LLVM --implicit-check-not=unrealized
// RUN: moe-compile %s --compile-to=kernels | FileCheck %s --implicit-check-not=memref.alloc
// RUN: moe-compile %s --compile-to=kernels --fuse=false | FileCheck %s --check-prefix=UNFUSED
// RUN: rm -rf %t && moe-compile %s -o %t && FileCheck %s --check-prefix=MANIFEST --input-file=%t/manifest.json

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#column = affine_map<(r, d) -> (d)>

// LLVM: llvm.mlir.global external constant @moe_abi_version(3 : i32)
// CHECK: module attributes {moe.kv_bytes = 0 : i64, moe.kv_caches = [], moe.weights_bytes = [[BYTES:[0-9]+]] : i64}
// MANIFEST: "entries": {
moe.weight @up : tensor<5x33x17xf32> from #moe.random<seed = 1, scale = 0.1>
moe.weight @down : tensor<5x17x33xbf16> from #moe.random<seed = 2, scale = 0.1>
moe.weight @up1 : tensor<1x33x17xf32> from #moe.random<seed = 3, scale = 0.1>
moe.weight @bias : tensor<5x17xf32> from #moe.random<seed = 4, scale = 0.1>

// One expert, in a function of its own: inlined, so that it becomes grouped products all the same.
// CHECK-NOT: @expert
// LLVM-NOT: @expert
func.func private @expert(%r: tensor<?x17xf32>, %u: tensor<33x17xf32>, %d: tensor<17x33xbf16>) -> tensor<?x17xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %r, %c0 : tensor<?x17xf32>
  %e = tensor.empty(%n) : tensor<?x33xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x33xf32>) -> tensor<?x33xf32>
  %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%r, %u : tensor<?x17xf32>, tensor<33x17xf32>) outs(%z : tensor<?x33xf32>) -> tensor<?x33xf32>
  %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x33xf32>) outs(%e : tensor<?x33xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = math.tanh %v : f32
    linalg.yield %t : f32
  } -> tensor<?x33xf32>
  %e1 = tensor.empty(%n) : tensor<?x17xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x17xf32>) -> tensor<?x17xf32>
  %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%h, %d : tensor<?x33xf32>, tensor<17x33xbf16>) outs(%z1 : tensor<?x17xf32>) -> tensor<?x17xf32>
  return %y : tensor<?x17xf32>
}

// Any number of tokens: sorted, no loop over experts, and four steps.
// LLVM-LABEL: llvm.func @moe_entry_prefill(%{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr)
// CHECK-LABEL: func.func @prefill
// CHECK-NOT: scf.for
// CHECK: moe.launch @route_kernel
// CHECK: moe.launch @sort_tokens_kernel
// CHECK-COUNT-2: moe.launch @grouped_matmul_kernel
// CHECK-NOT: moe.launch
// CHECK: return
// UNFUSED-LABEL: func.func @prefill
// UNFUSED: moe.launch @gather_rows_kernel
// UNFUSED: moe.launch @grouped_matmul_kernel
// UNFUSED: moe.launch @generic_kernel
// UNFUSED: moe.launch @grouped_matmul_kernel
// UNFUSED: moe.launch @combine_rows_kernel
func.func @prefill(%x: tensor<?x17xf32> {moe.max_shape = array<i64: 40, 17>}, %logits: tensor<?x5xf32> {moe.max_shape = array<i64: 40, 5>}) -> tensor<?x17xf32> {
  %u = moe.get_weight @up : tensor<5x33x17xf32>
  %d = moe.get_weight @down : tensor<5x17x33xbf16>
  %w, %ids = moe.route %logits top_k(2) score(softmax) : tensor<?x5xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x17xf32>, tensor<?x2xi32> -> tensor<?x17xf32>, !moe.plan<5 x 2>
  %y = moe.expert %rows, %plan weights(%u, %d : tensor<5x33x17xf32>, tensor<5x17x33xbf16>) {
  ^bb0(%r: tensor<?x17xf32>, %ue: tensor<33x17xf32>, %de: tensor<17x33xbf16>):
    %o = func.call @expert(%r, %ue, %de) : (tensor<?x17xf32>, tensor<33x17xf32>, tensor<17x33xbf16>) -> tensor<?x17xf32>
    moe.yield %o : tensor<?x17xf32>
  } : tensor<?x17xf32>, !moe.plan<5 x 2> -> tensor<?x17xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x17xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x17xf32>
  return %out : tensor<?x17xf32>
}

// One token: its experts are found by id, and nothing is sorted. k = E.
// LLVM-LABEL: llvm.func @moe_entry_decode
// CHECK-LABEL: func.func @decode
// CHECK-NOT: scf.for
// CHECK-NOT: moe.launch
// CHECK: moe.launch @route_kernel
// CHECK-NOT: moe.launch
// CHECK-COUNT-2: moe.launch @grouped_matmul_kernel
// CHECK-NOT: moe.launch
// CHECK: return
func.func @decode(%x: tensor<1x17xf32>, %logits: tensor<1x5xf32>) -> tensor<1x17xf32> {
  %u = moe.get_weight @up : tensor<5x33x17xf32>
  %d = moe.get_weight @down : tensor<5x17x33xbf16>
  %w, %ids = moe.route %logits top_k(5) score(softmax) : tensor<1x5xf32> -> tensor<1x5xf32>, tensor<1x5xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<1x17xf32>, tensor<1x5xi32> -> tensor<5x17xf32>, !moe.plan<5 x 5>
  %y = moe.expert %rows, %plan weights(%u, %d : tensor<5x33x17xf32>, tensor<5x17x33xbf16>) {
  ^bb0(%r: tensor<?x17xf32>, %ue: tensor<33x17xf32>, %de: tensor<17x33xbf16>):
    %o = func.call @expert(%r, %ue, %de) : (tensor<?x17xf32>, tensor<33x17xf32>, tensor<17x33xbf16>) -> tensor<?x17xf32>
    moe.yield %o : tensor<?x17xf32>
  } : tensor<5x17xf32>, !moe.plan<5 x 5> -> tensor<5x17xf32>
  %out = moe.combine %y, %plan, %w : tensor<5x17xf32>, !moe.plan<5 x 5>, tensor<1x5xf32> -> tensor<1x17xf32>
  return %out : tensor<1x17xf32>
}

// One expert, no tokens: nothing to do.
// LLVM-LABEL: llvm.func @moe_entry_none
// LLVM-NEXT: llvm.mlir.zero
// LLVM-NEXT: llvm.return
// CHECK-LABEL: func.func @none
// CHECK-NEXT: return
func.func @none(%x: tensor<0x17xf32>) -> tensor<0x17xf32> {
  %u = moe.get_weight @up1 : tensor<1x33x17xf32>
  %ids = tensor.empty() : tensor<0x1xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(1) : tensor<0x17xf32>, tensor<0x1xi32> -> tensor<0x17xf32>, !moe.plan<1 x 1>
  %y = moe.expert %rows, %plan weights(%u : tensor<1x33x17xf32>) {
  ^bb0(%r: tensor<?x17xf32>, %ue: tensor<33x17xf32>):
    moe.yield %r : tensor<?x17xf32>
  } : tensor<0x17xf32>, !moe.plan<1 x 1> -> tensor<0x17xf32>
  %w = tensor.empty() : tensor<0x1xf32>
  %out = moe.combine %y, %plan, %w : tensor<0x17xf32>, !moe.plan<1 x 1>, tensor<0x1xf32> -> tensor<0x17xf32>
  return %out : tensor<0x17xf32>
}

// One expert, one token, and a constant tensor of the program's own.
// LLVM-LABEL: llvm.func @moe_entry_one
// CHECK-LABEL: func.func @one
// CHECK: memref.get_global @[[CONSTANT:.*]] : memref<17xf32>
// CHECK: moe.launch @grouped_matmul_kernel
// CHECK: return
func.func @one(%x: tensor<1x17xf32>) -> tensor<1x33xf32> {
  %zero = arith.constant 0.0 : f32
  %bias = arith.constant dense<[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16.]> : tensor<17xf32>
  %u = moe.get_weight @up1 : tensor<1x33x17xf32>
  %logits = tensor.empty() : tensor<1x1xf32>
  %w, %ids = moe.route %logits top_k(1) score(softmax) : tensor<1x1xf32> -> tensor<1x1xf32>, tensor<1x1xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(1) : tensor<1x17xf32>, tensor<1x1xi32> -> tensor<1x17xf32>, !moe.plan<1 x 1>
  %y = moe.expert %rows, %plan weights(%u : tensor<1x33x17xf32>) {
  ^bb0(%r: tensor<?x17xf32>, %ue: tensor<33x17xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x17xf32>
    %e = tensor.empty(%n) : tensor<?x17xf32>
    %h = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r, %bias : tensor<?x17xf32>, tensor<17xf32>) outs(%e : tensor<?x17xf32>) {
    ^bb1(%v: f32, %b: f32, %o: f32):
      %t = arith.addf %v, %b : f32
      linalg.yield %t : f32
    } -> tensor<?x17xf32>
    %e1 = tensor.empty(%n) : tensor<?x33xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x33xf32>) -> tensor<?x33xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%h, %ue : tensor<?x17xf32>, tensor<33x17xf32>) outs(%z : tensor<?x33xf32>) -> tensor<?x33xf32>
    moe.yield %a : tensor<?x33xf32>
  } : tensor<1x17xf32>, !moe.plan<1 x 1> -> tensor<1x33xf32>
  %out = moe.combine %y, %plan, %w : tensor<1x33xf32>, !moe.plan<1 x 1>, tensor<1x1xf32> -> tensor<1x33xf32>
  return %out : tensor<1x33xf32>
}

// Weights that are arguments are not packed, and an expert that computes with a vector alone is a loop over experts.
// LLVM-LABEL: llvm.func @moe_entry_fallbacks
// CHECK-LABEL: func.func @fallbacks
// CHECK-NOT: panel
// CHECK: scf.for
// CHECK: moe.launch
// CHECK: return
func.func @fallbacks(%x: tensor<?x17xf32> {moe.max_shape = array<i64: 40, 17>}, %ids: tensor<?x2xi32> {moe.max_shape = array<i64: 40, 2>},
                     %w: tensor<?x2xf32> {moe.max_shape = array<i64: 40, 2>}, %u: tensor<5x33x17xf32>, %d: tensor<5x17x33xbf16>) -> (tensor<?x17xf32>, tensor<?x17xf32>) {
  %b = moe.get_weight @bias : tensor<5x17xf32>
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x17xf32>, tensor<?x2xi32> -> tensor<?x17xf32>, !moe.plan<5 x 2>
  %y = moe.expert %rows, %plan weights(%u, %d : tensor<5x33x17xf32>, tensor<5x17x33xbf16>) {
  ^bb0(%r: tensor<?x17xf32>, %ue: tensor<33x17xf32>, %de: tensor<17x33xbf16>):
    %o = func.call @expert(%r, %ue, %de) : (tensor<?x17xf32>, tensor<33x17xf32>, tensor<17x33xbf16>) -> tensor<?x17xf32>
    moe.yield %o : tensor<?x17xf32>
  } : tensor<?x17xf32>, !moe.plan<5 x 2> -> tensor<?x17xf32>
  %z = moe.expert %rows, %plan weights(%b : tensor<5x17xf32>) {
  ^bb0(%r: tensor<?x17xf32>, %be: tensor<17xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x17xf32>
    %e = tensor.empty(%n) : tensor<?x17xf32>
    %ve = tensor.empty() : tensor<17xf32>
    %vector = linalg.negf ins(%be : tensor<17xf32>) outs(%ve : tensor<17xf32>) -> tensor<17xf32>
    %h = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r, %vector : tensor<?x17xf32>, tensor<17xf32>) outs(%e : tensor<?x17xf32>) {
    ^bb1(%v: f32, %c: f32, %o: f32):
      %t = arith.addf %v, %c : f32
      linalg.yield %t : f32
    } -> tensor<?x17xf32>
    moe.yield %h : tensor<?x17xf32>
  } : tensor<?x17xf32>, !moe.plan<5 x 2> -> tensor<?x17xf32>
  %out = moe.combine %y, %plan, %w residual(%x : tensor<?x17xf32>) : tensor<?x17xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x17xf32>
  %out1 = moe.combine %z, %plan, %w : tensor<?x17xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x17xf32>
  return %out, %out1 : tensor<?x17xf32>, tensor<?x17xf32>
}
