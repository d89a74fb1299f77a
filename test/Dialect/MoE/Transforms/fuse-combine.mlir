// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-fuse-combine))" --remarks-filter="moe-fuse-combine" --split-input-file 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.err

// With an epilogue, and a residual to start from.
// REMARK: [Passed] combine | {{.*}}rows are combined by the product that makes them
// CHECK-LABEL: func.func @sorted
// CHECK-SAME: %[[H:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[C:.*]]: tensor<?x2xf32>, %[[X:[a-z0-9]+]]: tensor<?x6xf32>
// CHECK: %[[OFFSETS:.*]], %{{.*}}, %[[INVERSE:.*]] = moe.sort_tokens
// CHECK-NEXT: %[[Y:.*]] = moe.grouped_matmul %[[H]], %{{.*}} offsets(%[[OFFSETS]] : tensor<9xi32>) combine(%[[C]] : tensor<?x2xf32>) inverse(%[[INVERSE]] : tensor<?x2xi32>) init(%[[X]] : tensor<?x6xf32>) outs(%{{.*}} : tensor<?x6xf32>) {
// CHECK: math.absf
// CHECK-NOT: moe.combine_rows
// CHECK: return %[[Y]]
func.func @sorted(%h: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %c: tensor<?x2xf32>, %x: tensor<?x6xf32>, %w: tensor<8x6x4xf32>, %o: tensor<9xi32>, %p: tensor<?xi32>,
                  %e: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(8) outs(%o, %p, %ids : tensor<9xi32>, tensor<?xi32>, tensor<?x2xi32>) : tensor<?x2xi32>
  %rows = moe.grouped_matmul %h, %w offsets(%offsets : tensor<9xi32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%q: f32):
    %v = math.absf %q : f32
    moe.yield %v : f32
  } : tensor<?x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows, %c inverse(%inverse : tensor<?x2xi32>) init(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) : tensor<?x6xf32>, tensor<?x2xf32>
  return %y : tensor<?x6xf32>
}

// -----

// REMARK: [Passed] combine
// CHECK-LABEL: func.func @unsorted_partial
// CHECK: moe.grouped_matmul %{{.*}}, %{{.*}} ids(%{{.*}} : tensor<1x2xi32>) partial combine(%{{.*}} : tensor<1x2xf32>) skipped(%{{.*}} : tensor<1x6xf32>) outs(%{{.*}} : tensor<1x6xf32>)
func.func @unsorted_partial(%h: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %c: tensor<1x2xf32>, %x: tensor<1x6xf32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>)
    -> tensor<1x6xf32> {
  %rows = moe.grouped_matmul %h, %w ids(%ids : tensor<1x2xi32>) partial outs(%e : tensor<2x6xf32>) : tensor<2x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows, %c ids(%ids : tensor<1x2xi32>) experts(8) skipped(%x : tensor<1x6xf32>) outs(%x : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y : tensor<1x6xf32>
}

// -----

// REMARK: [Missed] combine | {{.*}}rows are combined on their own, since they come from outside
// CHECK-LABEL: func.func @outside
// CHECK: moe.combine_rows
func.func @outside(%rows: tensor<2x6xf32>, %c: tensor<1x2xf32>, %e: tensor<1x6xf32>) -> tensor<1x6xf32> {
  %y = moe.combine_rows %rows, %c outs(%e : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y : tensor<1x6xf32>
}

// -----

// REMARK: [Missed] combine | {{.*}}since 'linalg.exp' makes them
// CHECK-LABEL: func.func @between
// CHECK: moe.combine_rows
func.func @between(%h: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %c: tensor<1x2xf32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>, %f: tensor<1x6xf32>)
    -> tensor<1x6xf32> {
  %rows = moe.grouped_matmul %h, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x4xf32>, tensor<8x6x4xf32>
  %exp = linalg.exp ins(%rows : tensor<2x6xf32>) outs(%e : tensor<2x6xf32>) -> tensor<2x6xf32>
  %y = moe.combine_rows %exp, %c outs(%f : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y : tensor<1x6xf32>
}

// -----

// REMARK: [Missed] combine | {{.*}}since they are combined already
// CHECK-LABEL: func.func @combined
// CHECK: moe.combine_rows
func.func @combined(%h: tensor<4x4xf32>, %ids: tensor<2x2xi32>, %d: tensor<2x2xf32>, %c: tensor<1x2xf32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>,
                    %f: tensor<1x6xf32>) -> tensor<1x6xf32> {
  %rows = moe.grouped_matmul %h, %w ids(%ids : tensor<2x2xi32>) combine(%d : tensor<2x2xf32>) outs(%e : tensor<2x6xf32>) : tensor<4x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows, %c outs(%f : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y : tensor<1x6xf32>
}

// -----

// REMARK: [Missed] combine | {{.*}}since the product makes other rows too
// CHECK-LABEL: func.func @other_rows
// CHECK: moe.combine_rows
func.func @other_rows(%h: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %c: tensor<1x2xf32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>, %f: tensor<1x6xf32>)
    -> (tensor<1x6xf32>, tensor<2x6xf32>) {
  %rows:2 = moe.grouped_matmul %h, %w, %w ids(%ids : tensor<1x2xi32>) outs(%e, %e : tensor<2x6xf32>, tensor<2x6xf32>)
      : tensor<2x4xf32>, tensor<8x6x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows#0, %c outs(%f : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y, %rows#1 : tensor<1x6xf32>, tensor<2x6xf32>
}

// -----

// REMARK: [Missed] combine | {{.*}}since they have more than one use
// CHECK-LABEL: func.func @two_uses
// CHECK: moe.combine_rows
func.func @two_uses(%h: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %c: tensor<1x2xf32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>, %f: tensor<1x6xf32>)
    -> (tensor<1x6xf32>, tensor<2x6xf32>) {
  %rows = moe.grouped_matmul %h, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows, %c outs(%f : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y, %rows : tensor<1x6xf32>, tensor<2x6xf32>
}

// -----

// Slots swapped: right rows, another order of the sum.
// REMARK: [Missed] combine | {{.*}}since the product has them in another order
// CHECK-LABEL: func.func @other_order
// CHECK: moe.combine_rows
func.func @other_order(%h: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %c: tensor<1x2xf32>, %swap: tensor<1x2xi32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>,
                       %f: tensor<1x6xf32>) -> tensor<1x6xf32> {
  %rows = moe.grouped_matmul %h, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows, %c inverse(%swap : tensor<1x2xi32>) outs(%f : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y : tensor<1x6xf32>
}

// -----

// REMARK: [Missed] combine | {{.*}}since pairs are skipped by one of the two only
// CHECK-LABEL: func.func @partial_product
// CHECK: moe.combine_rows
func.func @partial_product(%h: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %c: tensor<1x2xf32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>, %f: tensor<1x6xf32>)
    -> tensor<1x6xf32> {
  %rows = moe.grouped_matmul %h, %w ids(%ids : tensor<1x2xi32>) partial outs(%e : tensor<2x6xf32>) : tensor<2x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows, %c outs(%f : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y : tensor<1x6xf32>
}

// -----

// REMARK: [Missed] combine | {{.*}}since other pairs are skipped
// CHECK-LABEL: func.func @other_skipped
// CHECK: moe.combine_rows
func.func @other_skipped(%h: tensor<2x4xf32>, %ids: tensor<1x2xi32>, %ids2: tensor<1x2xi32>, %c: tensor<1x2xf32>, %w: tensor<8x6x4xf32>, %e: tensor<2x6xf32>,
                         %f: tensor<1x6xf32>) -> tensor<1x6xf32> {
  %rows = moe.grouped_matmul %h, %w ids(%ids : tensor<1x2xi32>) partial outs(%e : tensor<2x6xf32>) : tensor<2x4xf32>, tensor<8x6x4xf32>
  %y = moe.combine_rows %rows, %c ids(%ids2 : tensor<1x2xi32>) experts(8) outs(%f : tensor<1x6xf32>) : tensor<2x6xf32>, tensor<1x2xf32>
  return %y : tensor<1x6xf32>
}
