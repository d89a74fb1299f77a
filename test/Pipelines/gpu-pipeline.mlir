// RUN: moe-opt %s --moe-to-ptx-pipeline --verify-each | FileCheck %s --check-prefix=LLVM --implicit-check-not=@malloc --implicit-check-not=unrealized --implicit-check-not="{{ (moe|memref|linalg|func|arith|vector|scf|affine|tensor|math)\.[a-z_]+ [%@(]}}"
// RUN: moe-compile %s --target=sm_80 --compile-to=kernels | FileCheck %s --implicit-check-not=memref.alloc
// RUN: moe-compile %s --target=sm_80 --compile-to=target | FileCheck %s --check-prefix=TARGET --implicit-check-not="moe.launch"
// RUN: moe-opt %s --moe-to-ptx-pipeline=chip=sm_90a | FileCheck %s --check-prefix=CHIP
// RUN: moe-opt %s --moe-to-ptx-pipeline -o %t.mlir && moe-translate --mlir-to-ptx %t.mlir | FileCheck %s --check-prefix=PTX --implicit-check-not=.extern

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>

// CHIP: gpu.module @model [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx80">]

// LLVM-DAG: llvm.mlir.global external constant @moe_abi_version(3 : i32)
// LLVM: gpu.module @model
// LLVM: llvm.func @route_kernel({{.*}}) attributes {gpu.kernel, {{.*}}nvvm.kernel
// LLVM: nvvm.read.ptx.sreg.ctaid.x

// PTX: .target sm_80
// PTX-DAG: .visible .entry route_kernel(
// PTX-DAG: .visible .entry sort_tokens_kernel(
// PTX-DAG: .visible .entry grouped_matmul_kernel(

moe.weight @router : tensor<5x17xf32> from #moe.random<seed = 1, scale = 0.1>
moe.weight @up : tensor<5x33x17xf32> from #moe.random<seed = 1, scale = 0.1>
moe.weight @down : tensor<5x17x33xbf16> from #moe.random<seed = 2, scale = 0.1>

// Weights stay as they are, the router's projection is a product of its own, what was fused stays fused, and every launch has
// a unit for each thread: elements, tokens, one sort. The arena holds logits, weights and ids, what the sort made, and the hidden
// rows (80 x 33): those of the second product are nowhere.
// LLVM-LABEL: llvm.func @moe_entry_layer(%{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr) -> !llvm.ptr
// CHECK-LABEL: func.func @layer
// CHECK-SAME: moe.arena_bytes = 11584
// CHECK-NOT: panel
// CHECK-NOT: scf.for
// CHECK: %[[LOGITS:.*]] = arith.muli %[[TOKENS:.*]], %c5
// CHECK: moe.launch @fill_kernel units(%[[LOGITS]]) grain(1)
// CHECK: moe.launch @generic_kernel units(%[[LOGITS]]) grain(1)
// CHECK: moe.launch @route_kernel units(%[[TOKENS]]) grain(1)
// CHECK: moe.launch @sort_tokens_kernel units(%c1) grain(1)
// CHECK: moe.launch @grouped_matmul_kernel units(%{{.*}}) grain(1)
// CHECK: moe.launch @grouped_matmul_kernel_0 units(%{{.*}}) grain(1)
// CHECK-NOT: moe.launch
// CHECK: return
// TARGET: gpu.module @model
// TARGET: gpu.func @route_kernel
// TARGET-LABEL: func.func @layer
// TARGET-COUNT-6: gpu.launch_func
// TARGET-NOT: gpu.launch_func
// TARGET: return
func.func @layer(%x: tensor<?x17xf32> {moe.max_shape = array<i64: 40, 17>}) -> tensor<?x17xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x17xf32>
  %g = moe.get_weight @router : tensor<5x17xf32>
  %u = moe.get_weight @up : tensor<5x33x17xf32>
  %d = moe.get_weight @down : tensor<5x17x33xbf16>
  %el = tensor.empty(%t) : tensor<?x5xf32>
  %zl = linalg.fill ins(%zero : f32) outs(%el : tensor<?x5xf32>) -> tensor<?x5xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%x, %g : tensor<?x17xf32>, tensor<5x17xf32>) outs(%zl : tensor<?x5xf32>) -> tensor<?x5xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax) : tensor<?x5xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x17xf32>, tensor<?x2xi32> -> tensor<?x17xf32>, !moe.plan<5 x 2>
  %y = moe.expert %rows, %plan weights(%u, %d : tensor<5x33x17xf32>, tensor<5x17x33xbf16>) {
  ^bb0(%r: tensor<?x17xf32>, %ue: tensor<33x17xf32>, %de: tensor<17x33xbf16>):
    %n = tensor.dim %r, %c0 : tensor<?x17xf32>
    %e = tensor.empty(%n) : tensor<?x33xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x33xf32>) -> tensor<?x33xf32>
    %a = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %ue : tensor<?x17xf32>, tensor<33x17xf32>) outs(%z : tensor<?x33xf32>) -> tensor<?x33xf32>
    %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a : tensor<?x33xf32>) outs(%e : tensor<?x33xf32>) {
    ^bb1(%v: f32, %o: f32):
      %s = math.tanh %v : f32
      linalg.yield %s : f32
    } -> tensor<?x33xf32>
    %e1 = tensor.empty(%n) : tensor<?x17xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x17xf32>) -> tensor<?x17xf32>
    %o = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%h, %de : tensor<?x33xf32>, tensor<17x33xbf16>) outs(%z1 : tensor<?x17xf32>) -> tensor<?x17xf32>
    moe.yield %o : tensor<?x17xf32>
  } : tensor<?x17xf32>, !moe.plan<5 x 2> -> tensor<?x17xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x17xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x17xf32>
  return %out : tensor<?x17xf32>
}

// An expert that adds to its rows is a loop over experts, issued for all pairs; kernels find the rows in the offsets.
// LLVM-LABEL: llvm.func @moe_entry_looped
// CHECK-LABEL: func.func @looped
// CHECK: moe.launch @sort_tokens_kernel{{[_0-9]*}} units(%c1)
// CHECK: scf.for %{{.*}} = %c0 to %c5 step %c1 {
// CHECK-NOT: memref.load
// CHECK: moe.launch @{{.*}} units(%[[ALL:.*]]) grain(1) (
// CHECK: moe.launch @{{.*}} units(%[[ALL]]) grain(1) (
// CHECK: }
func.func @looped(%x: tensor<?x17xf32> {moe.max_shape = array<i64: 40, 17>}, %w: tensor<?x2xf32> {moe.max_shape = array<i64: 40, 2>},
                  %ids: tensor<?x2xi32> {moe.max_shape = array<i64: 40, 2>}, %m: tensor<5x17x17xf32>) -> tensor<?x17xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<?x17xf32>, tensor<?x2xi32> -> tensor<?x17xf32>, !moe.plan<5 x 2>
  %y = moe.expert %rows, %plan weights(%m : tensor<5x17x17xf32>) {
  ^bb0(%r: tensor<?x17xf32>, %me: tensor<17x17xf32>):
    %o = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
        ins(%r, %me : tensor<?x17xf32>, tensor<17x17xf32>) outs(%r : tensor<?x17xf32>) -> tensor<?x17xf32>
    moe.yield %o : tensor<?x17xf32>
  } : tensor<?x17xf32>, !moe.plan<5 x 2> -> tensor<?x17xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x17xf32>, !moe.plan<5 x 2>, tensor<?x2xf32> -> tensor<?x17xf32>
  return %out : tensor<?x17xf32>
}

// Ids from outside are checked on the device, where they are.
// LLVM-LABEL: llvm.func @moe_entry_given
// LLVM: llvm.getelementptr %{{.*}}[0, 6]
// CHECK-LABEL: func.func @given
// CHECK-NOT: cf.assert
// CHECK: moe.launch @rows_kernel{{[_0-9]*}} units(%c1)
func.func @given(%x: tensor<3x17xf32>, %ids: tensor<3x1xi32>, %w: tensor<3x1xf32>) -> tensor<3x17xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(5) : tensor<3x17xf32>, tensor<3x1xi32> -> tensor<3x17xf32>, !moe.plan<5 x 1>
  %out = moe.combine %rows, %plan, %w : tensor<3x17xf32>, !moe.plan<5 x 1>, tensor<3x1xf32> -> tensor<3x17xf32>
  return %out : tensor<3x17xf32>
}

// Nothing to do.
// LLVM-LABEL: llvm.func @moe_entry_none
// LLVM-NEXT: llvm.mlir.zero
// LLVM-NEXT: llvm.return
// LLVM: llvm.func @moe_device_failure
func.func @none(%x: tensor<0x17xf32>) -> tensor<0x17xf32> {
  return %x : tensor<0x17xf32>
}
