// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=sorted},canonicalize,cse))" | FileCheck %s
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens{form=unsorted},canonicalize,cse))" \
// RUN:   | FileCheck %s --check-prefix=UNSORTED

#id = affine_map<(r, d) -> (r, d)>
#column = affine_map<(r, d) -> (d)>
#scalar = affine_map<(r, d) -> ()>

// [K, N] weights, transposed; a bias and a scalar of the expert as rows; interleaved halves; skipped pairs; factors before the
// experts.
// CHECK-LABEL: func.func @expert
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[UP:.*]]: tensor<8x4x6xf32>, %[[BIAS:.*]]: tensor<8x6xf32>, %[[SCALE:.*]]: tensor<8xf32>,
// CHECK: %[[OFFSETS:.*]], %[[ORDER:.*]], %[[INVERSE:.*]] = moe.sort_tokens %[[IDS]] experts(8) partial
// CHECK: %[[ROWS:.*]] = moe.gather_rows %[[X]] order(%[[ORDER]] : tensor<?xi32>) top_k(2) scale(%[[W]] : tensor<?x2xf32>)
// CHECK: %[[T:.*]] = linalg.transpose ins(%[[UP]] : tensor<8x4x6xf32>) outs(%{{.*}} : tensor<8x6x4xf32>) permutation = [0, 2, 1]
// CHECK: %[[P:.*]] = moe.grouped_matmul %[[ROWS]], %[[T]] offsets(%[[OFFSETS]] : tensor<9xi32>) partial outs(%{{.*}} : tensor<?x6xf32>)
// CHECK: %[[B:.*]] = moe.expert_rows %[[BIAS]] offsets(%[[OFFSETS]] : tensor<9xi32>) partial outs(%{{.*}} : tensor<?x6xf32>) : tensor<8x6xf32>
// CHECK: %[[COLUMN:.*]] = tensor.expand_shape %[[SCALE]] {{.*}} : tensor<8xf32> into tensor<8x1xf32>
// CHECK: %[[S:.*]] = moe.expert_rows %[[COLUMN]] offsets(%[[OFFSETS]] : tensor<9xi32>) partial outs(%{{.*}} : tensor<?x1xf32>) : tensor<8x1xf32>
// CHECK: %[[FACTOR:.*]] = tensor.collapse_shape %[[S]] {{.*}} : tensor<?x1xf32> into tensor<?xf32>
// CHECK: %[[H:.*]] = linalg.generic {{.*}} ins(%[[P]], %[[B]], %[[FACTOR]] : tensor<?x6xf32>, tensor<?x6xf32>, tensor<?xf32>)
// CHECK: %[[EVEN:.*]] = tensor.extract_slice %[[H]][0, 0] [%{{.*}}, 3] [1, 2] : tensor<?x6xf32> to tensor<?x3xf32>
// CHECK: moe.combine_rows %[[EVEN]], %[[W]] inverse(%[[INVERSE]] : tensor<?x2xi32>) offsets(%[[OFFSETS]] : tensor<9xi32>) skipped(%{{.*}} : tensor<?x3xf32>) outs(

// UNSORTED-LABEL: func.func @expert
// UNSORTED-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[IDS:.*]]: tensor<?x2xi32>
// UNSORTED: %[[ROWS:.*]] = moe.gather_rows %[[X]] top_k(2) scale(%[[W]] : tensor<?x2xf32>)
// UNSORTED: moe.grouped_matmul %[[ROWS]], %{{.*}} ids(%[[IDS]] : tensor<?x2xi32>) partial outs(
// UNSORTED: moe.expert_rows %{{.*}} ids(%[[IDS]] : tensor<?x2xi32>) partial outs(
// UNSORTED: moe.combine_rows %{{.*}}, %[[W]] ids(%[[IDS]] : tensor<?x2xi32>) experts(8) skipped(
func.func @expert(%x: tensor<?x4xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %up: tensor<8x4x6xf32>, %bias: tensor<8x6xf32>,
                  %scale: tensor<8xf32>, %other: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) partial scale(%w : tensor<?x2xf32>)
      : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%up, %bias, %scale : tensor<8x4x6xf32>, tensor<8x6xf32>, tensor<8xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x6xf32>, %b: tensor<6xf32>, %s: tensor<f32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x6xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
    %p = linalg.matmul ins(%r, %u : tensor<?x4xf32>, tensor<4x6xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
    %h = linalg.generic {indexing_maps = [#id, #column, #scalar, #id], iterator_types = ["parallel", "parallel"]}
        ins(%p, %b, %s : tensor<?x6xf32>, tensor<6xf32>, tensor<f32>) outs(%e : tensor<?x6xf32>) {
    ^bb1(%i: f32, %j: f32, %k: f32, %o: f32):
      %v0 = arith.addf %i, %j : f32
      %v1 = arith.mulf %v0, %k : f32
      linalg.yield %v1 : f32
    } -> tensor<?x6xf32>
    %even = tensor.extract_slice %h[0, 0] [%n, 3] [1, 2] : tensor<?x6xf32> to tensor<?x3xf32>
    moe.yield %even : tensor<?x3xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x3xf32>
  %out = moe.combine %y, %plan, %w skipped(%other : tensor<?x3xf32>) : tensor<?x3xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x3xf32>
  return %out : tensor<?x3xf32>
}

// A named operation that spreads a bias; rows of two halves; a matrix transposed in the region is the weight as it is.
// CHECK-LABEL: func.func @named
// CHECK-SAME: tensor<?x2xi32>, %[[UP:.*]]: tensor<8x6x4xf32>, %[[BIAS:.*]]: tensor<8x6xf32>)
// CHECK-NOT: linalg.transpose
// CHECK: %[[P:.*]] = moe.grouped_matmul %{{.*}}, %[[UP]] offsets(
// CHECK: moe.expert_rows %[[BIAS]] offsets(
// CHECK: linalg.add
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] {{.*}} : tensor<?x6xf32> into tensor<?x2x3xf32>
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]] : tensor<?x2x3xf32> into tensor<?x6xf32>
// UNSORTED-LABEL: func.func @named
// UNSORTED-NOT: moe.gather_rows
func.func @named(%x: tensor<?x4xf32>, %w: tensor<?x2xf32>, %ids: tensor<?x2xi32>, %up: tensor<8x6x4xf32>, %bias: tensor<8x6xf32>) -> tensor<?x6xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan weights(%up, %bias : tensor<8x6x4xf32>, tensor<8x6xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<6x4xf32>, %b: tensor<6xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %te = tensor.empty() : tensor<4x6xf32>
    %t = linalg.transpose ins(%u : tensor<6x4xf32>) outs(%te : tensor<4x6xf32>) permutation = [1, 0]
    %e = tensor.empty(%n) : tensor<?x6xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
    %p = linalg.matmul ins(%r, %t : tensor<?x4xf32>, tensor<4x6xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
    %spread = linalg.broadcast ins(%b : tensor<6xf32>) outs(%e : tensor<?x6xf32>) dimensions = [0]
    %h = linalg.add ins(%p, %spread : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
    %halves = tensor.expand_shape %h [[0], [1, 2]] output_shape [%n, 2, 3] : tensor<?x6xf32> into tensor<?x2x3xf32>
    %he = tensor.empty(%n) : tensor<?x2x3xf32>
    %neg = linalg.negf ins(%halves : tensor<?x2x3xf32>) outs(%he : tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
    %flat = tensor.collapse_shape %neg [[0], [1, 2]] : tensor<?x2x3xf32> into tensor<?x6xf32>
    moe.yield %flat : tensor<?x6xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x6xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x6xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x6xf32>
  return %out : tensor<?x6xf32>
}

// Columns of no rows.
// CHECK-LABEL: func.func @no_rows
// CHECK-NOT: tensor.extract_slice
// CHECK: return
// UNSORTED-LABEL: func.func @no_rows
func.func @no_rows(%x: tensor<0x4xf32>, %w: tensor<0x2xf32>, %ids: tensor<0x2xi32>) -> tensor<0x3xf32> {
  %rows, %plan = moe.dispatch %x, %ids experts(8) : tensor<0x4xf32>, tensor<0x2xi32> -> tensor<0x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %rows, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %s = tensor.extract_slice %r[0, 1] [%n, 3] [1, 1] : tensor<?x4xf32> to tensor<?x3xf32>
    moe.yield %s : tensor<?x3xf32>
  } : tensor<0x4xf32>, !moe.plan<8 x 2> -> tensor<0x3xf32>
  %out = moe.combine %y, %plan, %w : tensor<0x3xf32>, !moe.plan<8 x 2>, tensor<0x2xf32> -> tensor<0x3xf32>
  return %out : tensor<0x3xf32>
}
