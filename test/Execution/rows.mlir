// Rows moved and summed up by linalg give what the operations' texts say.
//
// DEFINE: %{bufferize} = one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},canonicalize
// DEFINE: %{lower} = func.func(convert-linalg-to-loops,lower-affine,expand-strided-metadata,lower-affine,convert-scf-to-cf),convert-math-to-llvm,finalize-memref-to-llvm,convert-to-llvm,reconcile-unrealized-casts
// DEFINE: %{run} = mlir-runner -e main -entry-point-result=void -shared-libs=%llvm_lib_dir/libmlir_c_runner_utils%shlibext,%llvm_lib_dir/libmlir_runner_utils%shlibext
//
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg{ops=gather_rows,expert_rows,combine_rows}),%{bufferize},%{lower})" | %{run} | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)

func.func @print(%a: tensor<?x?xf32>) {
  %0 = tensor.cast %a : tensor<?x?xf32> to tensor<*xf32>
  call @printMemrefF32(%0) : (tensor<*xf32>) -> ()
  return
}

func.func @gather() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %order = arith.constant dense<[3, 0, 2, 1]> : tensor<4xi32>
  %scale = arith.constant dense<[[1.0, 10.0], [100.0, 1000.0]]> : tensor<2x2xf32>
  %out = tensor.empty() : tensor<4x2xf32>
  // CHECK: {{\[\[}}3000, 4000],
  // CHECK-NEXT: [1, 2],
  // CHECK-NEXT: [300, 400],
  // CHECK-NEXT: [10, 20]]
  %0 = moe.gather_rows %x order(%order : tensor<4xi32>) top_k(2) scale(%scale : tensor<2x2xf32>) outs(%out : tensor<4x2xf32>) : tensor<2x2xf32>
  %1 = tensor.cast %0 : tensor<4x2xf32> to tensor<?x?xf32>
  call @print(%1) : (tensor<?x?xf32>) -> ()
  // CHECK: {{\[\[}}1, 2],
  // CHECK-NEXT: [1, 2],
  // CHECK-NEXT: [3, 4],
  // CHECK-NEXT: [3, 4]]
  %2 = moe.gather_rows %x top_k(2) outs(%out : tensor<4x2xf32>) : tensor<2x2xf32>
  %3 = tensor.cast %2 : tensor<4x2xf32> to tensor<?x?xf32>
  call @print(%3) : (tensor<?x?xf32>) -> ()
  return
}

func.func @vectors() {
  %v = arith.constant dense<[[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]]> : tensor<3x2xf32>
  %offsets = arith.constant dense<[0, 1, 1, 3]> : tensor<4xi32>
  %ids = arith.constant dense<[[2, 0], [3, 1]]> : tensor<2x2xi32>
  // Expert 1 has no row; the last row belongs to no expert, and what it holds says nothing.
  // CHECK: {{\[\[}}1, -1],
  // CHECK-NEXT: [3, -3],
  // CHECK-NEXT: [3, -3],
  // CHECK-NEXT: [
  %nines = arith.constant dense<9.0> : tensor<4x2xf32>
  %0 = moe.expert_rows %v offsets(%offsets : tensor<4xi32>) partial outs(%nines : tensor<4x2xf32>) : tensor<3x2xf32>
  %1 = tensor.cast %0 : tensor<4x2xf32> to tensor<?x?xf32>
  call @print(%1) : (tensor<?x?xf32>) -> ()
  // What row 2 holds says nothing.
  // CHECK: {{\[\[}}3, -3],
  // CHECK-NEXT: [1, -1],
  // CHECK-NEXT: [
  // CHECK-NEXT: [2, -2]]
  %2 = moe.expert_rows %v ids(%ids : tensor<2x2xi32>) partial outs(%nines : tensor<4x2xf32>) : tensor<3x2xf32>
  %3 = tensor.cast %2 : tensor<4x2xf32> to tensor<?x?xf32>
  call @print(%3) : (tensor<?x?xf32>) -> ()
  return
}

func.func @combine() {
  %y = arith.constant dense<[[100.0], [200.0], [300.0], [1000.0]]> : tensor<4x1xf32>
  %unwritten = arith.constant dense<[[100.0], [200.0], [300.0], [0x7FC00000]]> : tensor<4x1xf32>
  %w = arith.constant dense<[[3.0, 4.0], [2.0, 1.0]]> : tensor<2x2xf32>
  %init = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %x = arith.constant dense<[[6.0], [7.0]]> : tensor<2x1xf32>
  %inverse = arith.constant dense<[[0, 3], [2, 1]]> : tensor<2x2xi32>
  %offsets = arith.constant dense<[0, 2, 3]> : tensor<3xi32>
  %ids = arith.constant dense<[[0, 1], [1, 2]]> : tensor<2x2xi32>
  %out = tensor.empty() : tensor<2x1xf32>
  // CHECK: {{\[\[}}4301],
  // CHECK-NEXT: [802]]
  %0 = moe.combine_rows %y, %w inverse(%inverse : tensor<2x2xi32>) init(%init : tensor<2x1xf32>) outs(%out : tensor<2x1xf32>)
      : tensor<4x1xf32>, tensor<2x2xf32>
  %1 = tensor.cast %0 : tensor<2x1xf32> to tensor<?x?xf32>
  call @print(%1) : (tensor<?x?xf32>) -> ()
  // CHECK: {{\[\[}}301],
  // CHECK-NEXT: [802]]
  %2 = moe.combine_rows %unwritten, %w inverse(%inverse : tensor<2x2xi32>) offsets(%offsets : tensor<3xi32>) init(%init : tensor<2x1xf32>)
      outs(%out : tensor<2x1xf32>) : tensor<4x1xf32>, tensor<2x2xf32>
  %3 = tensor.cast %2 : tensor<2x1xf32> to tensor<?x?xf32>
  call @print(%3) : (tensor<?x?xf32>) -> ()
  // CHECK: {{\[\[}}324],
  // CHECK-NEXT: [800]]
  %4 = moe.combine_rows %unwritten, %w inverse(%inverse : tensor<2x2xi32>) offsets(%offsets : tensor<3xi32>) skipped(%x : tensor<2x1xf32>)
      outs(%out : tensor<2x1xf32>) : tensor<4x1xf32>, tensor<2x2xf32>
  %5 = tensor.cast %4 : tensor<2x1xf32> to tensor<?x?xf32>
  call @print(%5) : (tensor<?x?xf32>) -> ()
  // CHECK: {{\[\[}}1100],
  // CHECK-NEXT: [607]]
  %6 = moe.combine_rows %unwritten, %w ids(%ids : tensor<2x2xi32>) experts(2) skipped(%x : tensor<2x1xf32>) outs(%out : tensor<2x1xf32>)
      : tensor<4x1xf32>, tensor<2x2xf32>
  %7 = tensor.cast %6 : tensor<2x1xf32> to tensor<?x?xf32>
  call @print(%7) : (tensor<?x?xf32>) -> ()
  return
}

func.func @main() {
  call @gather() : () -> ()
  call @vectors() : () -> ()
  call @combine() : () -> ()
  return
}
