// RUN: not moe-opt %s --transform-interpreter -split-input-file 2>&1 | FileCheck %s

// Three panels are not tiles of two.
func.func @panels(%x: tensor<6x5xf32>, %w: tensor<3x5x4xf32>, %out: tensor<6x12xf32>) -> tensor<6x12xf32> {
  // CHECK: 'moe.packed_matmul' op expected tiles of equally many whole panels; has 12 columns in panels of 4
  %y = moe.packed_matmul %x, %w panel <width = 4, pair = 1> outs(%out : tensor<6x12xf32>) : tensor<6x5xf32>, tensor<3x5x4xf32>
  return %y : tensor<6x12xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["moe.packed_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %0, %loop = transform.structured.tile_using_for %op tile_sizes [0, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The last panel is partly filled.
func.func @columns(%x: tensor<6x5xf32>, %w: tensor<3x2x5x4xf32>, %o: tensor<4xi32>, %out: tensor<6x7xf32>) -> tensor<6x7xf32> {
  // CHECK: 'moe.grouped_matmul' op expected tiles of equally many whole panels; has 7 columns in panels of 4
  %y = moe.grouped_matmul %x, %w offsets(%o : tensor<4xi32>) panel <width = 4, pair = 1> outs(%out : tensor<6x7xf32>) : tensor<6x5xf32>, tensor<3x2x5x4xf32>
  return %y : tensor<6x7xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["moe.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %0, %loop = transform.structured.tile_using_for %op tile_sizes [1] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @buffers(%x: memref<6x5xf32>, %w: memref<3x8x5xf32>, %o: memref<4xi32>, %out: memref<6x8xf32>) {
  // CHECK: 'moe.grouped_matmul' op is tiled in value form only
  moe.grouped_matmul %x, %w offsets(%o : memref<4xi32>) outs(%out : memref<6x8xf32>) : memref<6x5xf32>, memref<3x8x5xf32>
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["moe.grouped_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %0, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
