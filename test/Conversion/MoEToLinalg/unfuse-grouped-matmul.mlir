// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg{ops=grouped_matmul},canonicalize))" | FileCheck %s

// The gather and the combination come back as operations; two products, each a loop over experts; the expert of a row is the number of experts
// that end at or before it.
// CHECK-LABEL: func.func @sorted
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %{{.*}}: tensor<8x6x4xf32>, %{{.*}}: tensor<8x6x4xf32>, %[[OFF:.*]]: tensor<9xi32>, %[[ORDER:.*]]: tensor<?xi32>, %[[BIAS:.*]]: tensor<8x6xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[INV:.*]]: tensor<?x2xi32>, %[[A:.*]]: tensor<?x6xf32>
// CHECK: %[[ROWS:.*]] = moe.gather_rows %[[X]] order(%[[ORDER]] : tensor<?xi32>) top_k(2)
// CHECK: %[[P:.*]] = scf.for
// CHECK: tensor.extract_slice %[[ROWS]]
// CHECK: %[[Q:.*]] = scf.for
// CHECK: tensor.extract_slice %[[ROWS]]
// CHECK: %[[ENDS:.*]] = tensor.extract_slice %[[OFF]][1] [7] [1] : tensor<9xi32> to tensor<7xi32>
// CHECK: %[[EXPERTS:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[ENDS]]
// CHECK: arith.cmpi sle
// CHECK: %[[V:.*]] = linalg.generic {{.*}} ins(%[[P]], %[[Q]], %[[EXPERTS]] :
// CHECK: %[[N:.*]] = linalg.index 1
// CHECK: %[[E:.*]] = arith.index_cast
// CHECK: tensor.extract %[[BIAS]][%[[E]], %[[N]]]
// CHECK: moe.combine_rows %[[V]], %[[W]] inverse(%[[INV]] : tensor<?x2xi32>) offsets(%[[OFF]] : tensor<9xi32>) outs(%[[A]] : tensor<?x6xf32>)
func.func @sorted(%x: tensor<?x4xf32>, %w: tensor<8x6x4xf32>, %v: tensor<8x6x4xf32>, %off: tensor<9xi32>, %order: tensor<?xi32>, %bias: tensor<8x6xf32>,
                  %weights: tensor<?x2xf32>, %inverse: tensor<?x2xi32>, %a: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %y = moe.grouped_matmul %x, %w, %v offsets(%off : tensor<9xi32>) order(%order : tensor<?xi32>) top_k(2) broadcast partial
      epilogue(%bias : tensor<8x6xf32>) maps([affine_map<(r, n, e, t, s) -> (e, n)>]) combine(%weights : tensor<?x2xf32>)
      inverse(%inverse : tensor<?x2xi32>) outs(%a : tensor<?x6xf32>) {
  ^bb0(%p: f32, %q: f32, %b: f32):
    %0 = arith.addf %p, %b : f32
    %1 = arith.mulf %0, %q : f32
    moe.yield %1 : f32
  } : tensor<?x4xf32>, tensor<8x6x4xf32>, tensor<8x6x4xf32>
  return %y : tensor<?x6xf32>
}

// By id, results without an epilogue; a skipped pair's row is computed with the last expert, and read by nobody.
// CHECK-LABEL: func.func @unsorted
// CHECK-NOT: moe.gather_rows
// CHECK: scf.for
// CHECK: arith.minui
// CHECK: scf.for
// CHECK: arith.minui
// CHECK-NOT: linalg.index
func.func @unsorted(%x: tensor<1x4xf32>, %w: tensor<8x6x4xf32>, %v: tensor<8x6x4xf32>, %ids: tensor<1x2xi32>, %a: tensor<2x6xf32>)
    -> (tensor<2x6xf32>, tensor<2x6xf32>) {
  %y:2 = moe.grouped_matmul %x, %w, %v ids(%ids : tensor<1x2xi32>) broadcast partial outs(%a, %a : tensor<2x6xf32>, tensor<2x6xf32>)
      : tensor<1x4xf32>, tensor<8x6x4xf32>, tensor<8x6x4xf32>
  return %y#0, %y#1 : tensor<2x6xf32>, tensor<2x6xf32>
}

// Packed products have kernels, and stay.
// CHECK-LABEL: func.func @packed
// CHECK: moe.grouped_matmul {{.*}} panel
func.func @packed(%x: tensor<1x4xf32>, %w: tensor<8x1x4x16xf32>, %ids: tensor<1x2xi32>, %c: tensor<1x2xf32>, %a: tensor<1x6xf32>) -> tensor<1x6xf32> {
  %y = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) broadcast panel <width = 16, pair = 1> combine(%c : tensor<1x2xf32>)
      outs(%a : tensor<1x6xf32>) : tensor<1x4xf32>, tensor<8x1x4x16xf32>
  return %y : tensor<1x6xf32>
}
