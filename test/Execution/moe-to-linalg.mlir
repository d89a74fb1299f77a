// Routing, sorting and grouped products through linalg, on values that are easy to follow.
//
// DEFINE: %{bufferize} = one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},canonicalize
// DEFINE: %{lower} = func.func(convert-linalg-to-loops,lower-affine,expand-strided-metadata,lower-affine,convert-scf-to-cf),convert-math-to-llvm,finalize-memref-to-llvm,convert-to-llvm,reconcile-unrealized-casts
// DEFINE: %{run} = mlir-runner -e main -entry-point-result=void -shared-libs=%llvm_lib_dir/libmlir_c_runner_utils%shlibext,%llvm_lib_dir/libmlir_runner_utils%shlibext
//
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg),%{bufferize},%{lower})" | %{run} | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-split-sort,convert-moe-to-linalg),%{bufferize},%{lower})" | %{run} | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)
func.func private @printMemrefI32(tensor<*xi32>)

func.func @print(%w: tensor<?x4xf32>, %ids: tensor<?x4xi32>) {
  %0 = tensor.cast %w : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%0) : (tensor<*xf32>) -> ()
  %1 = tensor.cast %ids : tensor<?x4xi32> to tensor<*xi32>
  call @printMemrefI32(%1) : (tensor<*xi32>) -> ()
  return
}

func.func @route() {
  // Ties; NaN and -inf; far apart.
  %logits = arith.constant dense<[[1.0, 3.0, 2.0, 3.0, 0.0],
                                  [0x7FC00000, 0xFF800000, 0x7FC00000, 0xFF800000, 1.0],
                                  [100.0, -100.0, 0.0, 99.0, 50.0]]> : tensor<3x5xf32>
  %l = tensor.cast %logits : tensor<3x5xf32> to tensor<?x5xf32>
  // Equal logits: the lower id first. NaN comes after every number, -inf included.
  // CHECK: [0.399486, 0.399486, 0.146963, 0.0540646]
  // CHECK-NEXT: [nan, nan, nan, nan]
  // CHECK-NEXT: [0.731059, 0.268941, 1.41003e-22, 2.{{[78].*}}e-44]
  // CHECK: [1, 3, 2, 0]
  // CHECK-NEXT: [4, 1, 3, 0]
  // CHECK-NEXT: [0, 3, 4, 2]
  %0:2 = moe.route %l top_k(4) score(softmax_topk) : tensor<?x5xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  call @print(%0#0, %0#1) : (tensor<?x4xf32>, tensor<?x4xi32>) -> ()
  // One NaN makes every softmax of its row NaN; logits choose.
  // CHECK: [0.391696, 0.391696, 0.144097, 0.05301{{[0-9]*}}]
  // CHECK-NEXT: [nan, nan, nan, nan]
  // CHECK-NEXT: [0.731059, 0.268941, 1.41003e-22, 2.{{[78].*}}e-44]
  // CHECK: [1, 3, 2, 0]
  // CHECK-NEXT: [4, 1, 3, 0]
  // CHECK-NEXT: [0, 3, 4, 2]
  %1:2 = moe.route %l top_k(4) score(softmax) : tensor<?x5xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  call @print(%1#0, %1#1) : (tensor<?x4xf32>, tensor<?x4xi32>) -> ()
  // The bias chooses and does not weigh: sigmoids 0.731, 0.953, 0.881, 0.953, 0.5, the last one first.
  // Sum of the four: 3.285; with epsilon 1 and scale 2: 0.5 * 2 / 4.285.
  // CHECK: [0.233321, 0.444511, 0.444511, 0.411016]
  // CHECK: [4, 1, 3, 2]
  %bias = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.6]> : tensor<5xf32>
  %2:2 = moe.route %l bias(%bias : tensor<5xf32>) top_k(4) score(sigmoid) normalize(1.0) scale(2.0)
      : tensor<?x5xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  call @print(%2#0, %2#1) : (tensor<?x4xf32>, tensor<?x4xi32>) -> ()
  return
}

func.func @sort() {
  %ids = arith.constant dense<[[2, 0], [0, 2], [2, 1]]> : tensor<3x2xi32>
  %dynamic = tensor.cast %ids : tensor<3x2xi32> to tensor<?x2xi32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %dynamic, %c0 : tensor<?x2xi32>
  %c2 = arith.constant 2 : index
  %pairs = arith.muli %tokens, %c2 : index
  %a = tensor.empty() : tensor<5xi32>
  %b = tensor.empty(%pairs) : tensor<?xi32>
  %c = tensor.empty(%tokens) : tensor<?x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %dynamic experts(4) chunk(4) outs(%a, %b, %c : tensor<5xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  // CHECK: [0, 2, 3, 6, 6]
  %0 = tensor.cast %offsets : tensor<5xi32> to tensor<*xi32>
  call @printMemrefI32(%0) : (tensor<*xi32>) -> ()
  // CHECK: [1, 2, 5, 0, 3, 4]
  %1 = tensor.cast %order : tensor<?xi32> to tensor<*xi32>
  call @printMemrefI32(%1) : (tensor<*xi32>) -> ()
  // CHECK: {{\[\[}}3, 0]
  // CHECK-NEXT: [1, 4]
  // CHECK-NEXT: [5, 2]
  %2 = tensor.cast %inverse : tensor<?x2xi32> to tensor<*xi32>
  call @printMemrefI32(%2) : (tensor<*xi32>) -> ()
  return
}

// Blocks of two; one pair is skipped.
func.func @sort_blocks() {
  %ids = arith.constant dense<[[2, 0], [0, 4], [2, 1]]> : tensor<3x2xi32>
  %a = tensor.empty() : tensor<5xi32>
  %b = tensor.empty() : tensor<10xi32>
  %c = tensor.empty() : tensor<3x2xi32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(4) partial block(2) chunk(2) outs(%a, %b, %c : tensor<5xi32>, tensor<10xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  // CHECK: [0, 2, 4, 6, 6]
  %0 = tensor.cast %offsets : tensor<5xi32> to tensor<*xi32>
  call @printMemrefI32(%0) : (tensor<*xi32>) -> ()
  // CHECK: [1, 2, 5, -1, 0, 4, 3, -1, -1, -1]
  %1 = tensor.cast %order : tensor<10xi32> to tensor<*xi32>
  call @printMemrefI32(%1) : (tensor<*xi32>) -> ()
  // CHECK: {{\[\[}}4, 0]
  // CHECK-NEXT: [1, 6]
  // CHECK-NEXT: [5, 2]
  %2 = tensor.cast %inverse : tensor<3x2xi32> to tensor<*xi32>
  call @printMemrefI32(%2) : (tensor<*xi32>) -> ()
  return
}

func.func @grouped() {
  %w = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[2.0, 0.0], [0.0, 2.0], [2.0, 2.0]], [[3.0, 0.0], [0.0, 3.0], [3.0, 3.0]]]> : tensor<3x3x2xbf16>
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %rows = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]> : tensor<4x2xf32>
  // Expert 1 has no rows.
  // CHECK: {{\[\[}}1, 2, 3]
  // CHECK-NEXT: [9, 12, 21]
  // CHECK-NEXT: [3, 6, 9]
  // CHECK-NEXT: [9, 12, 21]
  %offsets = arith.constant dense<[0, 1, 1, 4]> : tensor<4xi32>
  %empty = tensor.empty() : tensor<4x3xf32>
  %0 = moe.grouped_matmul %rows, %w offsets(%offsets : tensor<4xi32>) outs(%empty : tensor<4x3xf32>) : tensor<4x2xf32>, tensor<3x3x2xbf16>
  %1 = tensor.cast %0 : tensor<4x3xf32> to tensor<*xf32>
  call @printMemrefF32(%1) : (tensor<*xf32>) -> ()
  // Rows of pairs: experts 2, 0, 1, 2.
  // CHECK: {{\[\[}}3, 6, 9]
  // CHECK-NEXT: [3, 4, 7]
  // CHECK-NEXT: [2, 4, 6]
  // CHECK-NEXT: [9, 12, 21]
  %ids = arith.constant dense<[[2, 0], [1, 2]]> : tensor<2x2xi32>
  %2 = moe.grouped_matmul %rows, %w ids(%ids : tensor<2x2xi32>) outs(%empty : tensor<4x3xf32>) : tensor<4x2xf32>, tensor<3x3x2xbf16>
  %3 = tensor.cast %2 : tensor<4x3xf32> to tensor<*xf32>
  call @printMemrefF32(%3) : (tensor<*xf32>) -> ()
  // Rows of tokens.
  // CHECK: {{\[\[}}3, 6, 9]
  // CHECK-NEXT: [1, 2, 3]
  // CHECK-NEXT: [6, 8, 14]
  // CHECK-NEXT: [9, 12, 21]
  %4 = moe.grouped_matmul %x, %w ids(%ids : tensor<2x2xi32>) broadcast outs(%empty : tensor<4x3xf32>) : tensor<2x2xf32>, tensor<3x3x2xbf16>
  %5 = tensor.cast %4 : tensor<4x3xf32> to tensor<*xf32>
  call @printMemrefF32(%5) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  call @route() : () -> ()
  call @sort() : () -> ()
  call @sort_blocks() : () -> ()
  call @grouped() : () -> ()
  return
}
