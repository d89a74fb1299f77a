// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-fuse-gather))" --remarks-filter="moe-fuse-gather" 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.err

// REMARK: [Passed] gather | {{.*}}rows are read where they are by 2 products
// CHECK-LABEL: func.func @sorted
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>
// CHECK: %[[OFFSETS:.*]], %[[ORDER:.*]], %{{.*}} = moe.sort_tokens
// CHECK-NOT: moe.gather_rows
// CHECK: moe.grouped_matmul %[[X]], %{{.*}} offsets(%[[OFFSETS]] : tensor<9xi32>) order(%[[ORDER]] : tensor<?xi32>) top_k(2) broadcast outs(
// CHECK: moe.grouped_matmul %[[X]], %{{.*}} offsets(%[[OFFSETS]] : tensor<9xi32>) order(%[[ORDER]] : tensor<?xi32>) top_k(2) broadcast outs(
func.func @sorted(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %v: tensor<8x4x4xf32>, %o: tensor<9xi32>, %p: tensor<?xi32>,
                  %e: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(8) outs(%o, %p, %ids : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<?xi32>) top_k(2) outs(%e : tensor<?x4xf32>) : tensor<?x4xf32>
  %a = moe.grouped_matmul %rows, %w offsets(%offsets : tensor<9xi32>) outs(%e : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  %b = moe.grouped_matmul %rows, %v offsets(%offsets : tensor<9xi32>) outs(%e : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return %a, %b : tensor<?x4xf32>, tensor<?x4xf32>
}

// Pairs in token order.
// REMARK: [Passed] gather | {{.*}}rows are read where they are by 1 products
// CHECK-LABEL: func.func @unsorted
// CHECK-NOT: moe.gather_rows
// CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<1x2xi32>) broadcast outs(
func.func @unsorted(%x: tensor<1x4xf32>, %ids: tensor<1x2xi32>, %w: tensor<8x4x4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %rows = moe.gather_rows %x top_k(2) outs(%e : tensor<2x4xf32>) : tensor<1x4xf32>
  %a = moe.grouped_matmul %rows, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x4xf32>) : tensor<2x4xf32>, tensor<8x4x4xf32>
  return %a : tensor<2x4xf32>
}

// Rows sorted for one layer, groups of another.
// REMARK: [Missed] gather | {{.*}}rows are copied, since the product has its rows in another order
// CHECK-LABEL: func.func @other_sort
// CHECK: moe.gather_rows
// CHECK: moe.grouped_matmul {{.*}} offsets(%{{[a-z_0-9]+}} : tensor<9xi32>) outs(
func.func @other_sort(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %ids2: tensor<?x2xi32>, %w: tensor<8x4x4xf32>, %o: tensor<9xi32>, %p: tensor<?xi32>,
                      %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(8) outs(%o, %p, %ids : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %offsets2, %order2, %inverse2 = moe.sort_tokens %ids2 experts(8) outs(%o, %p, %ids : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %rows = moe.gather_rows %x order(%order2 : tensor<?xi32>) top_k(2) outs(%e : tensor<?x4xf32>) : tensor<?x4xf32>
  %a = moe.grouped_matmul %rows, %w offsets(%offsets : tensor<9xi32>) outs(%e : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<8x4x4xf32>
  return %a : tensor<?x4xf32>
}

// Pairs of one slot each are not those of two.
// REMARK: [Missed] gather | {{.*}}the product has its rows in another order
// CHECK-LABEL: func.func @other_slots
// CHECK: moe.gather_rows
func.func @other_slots(%x: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %w: tensor<8x4x4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %rows = moe.gather_rows %x top_k(1) outs(%e : tensor<2x4xf32>) : tensor<2x4xf32>
  %a = moe.grouped_matmul %rows, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x4xf32>) : tensor<2x4xf32>, tensor<8x4x4xf32>
  return %a : tensor<2x4xf32>
}

// REMARK: [Missed] gather | {{.*}}rows are copied, since they are scaled
// CHECK-LABEL: func.func @scaled
// CHECK: moe.gather_rows
func.func @scaled(%x: tensor<1x4xf32>, %f: tensor<1x2xf32>, %ids: tensor<1x2xi32>, %w: tensor<8x4x4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %rows = moe.gather_rows %x top_k(2) scale(%f : tensor<1x2xf32>) outs(%e : tensor<2x4xf32>) : tensor<1x4xf32>
  %a = moe.grouped_matmul %rows, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x4xf32>) : tensor<2x4xf32>, tensor<8x4x4xf32>
  return %a : tensor<2x4xf32>
}

// REMARK: [Missed] gather | {{.*}}rows are copied, since 'linalg.add' reads them
// CHECK-LABEL: func.func @other_reader
// CHECK: moe.gather_rows
// CHECK: moe.grouped_matmul {{.*}} ids(%{{[a-z_0-9]+}} : tensor<1x2xi32>) outs(
func.func @other_reader(%x: tensor<1x4xf32>, %ids: tensor<1x2xi32>, %w: tensor<8x4x4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %rows = moe.gather_rows %x top_k(2) outs(%e : tensor<2x4xf32>) : tensor<1x4xf32>
  %a = moe.grouped_matmul %rows, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x4xf32>) : tensor<2x4xf32>, tensor<8x4x4xf32>
  %b = linalg.add ins(%a, %rows : tensor<2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %b : tensor<2x4xf32>
}

// Pairs of pairs.
// REMARK: [Missed] gather | {{.*}}rows are copied, since they are gathered again
// REMARK: [Missed] gather | {{.*}}rows are copied, since nothing reads them
// CHECK-LABEL: func.func @twice
// CHECK-COUNT-2: moe.gather_rows
func.func @twice(%x: tensor<1x4xf32>, %ids: tensor<2x2xi32>, %w: tensor<8x4x4xf32>, %e: tensor<2x4xf32>, %f: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %rows = moe.gather_rows %x top_k(2) outs(%e : tensor<2x4xf32>) : tensor<1x4xf32>
  %unused = moe.gather_rows %x top_k(2) outs(%e : tensor<2x4xf32>) : tensor<1x4xf32>
  %a = moe.grouped_matmul %rows, %w ids(%ids : tensor<2x2xi32>) broadcast outs(%f : tensor<4x4xf32>) : tensor<2x4xf32>, tensor<8x4x4xf32>
  return %a : tensor<4x4xf32>
}
