// RUN: moe-opt %s --transform-interpreter --canonicalize --cse | FileCheck %s
// RUN: moe-opt %s --transform-interpreter --test-moe-evaluate -o /dev/null | FileCheck %s --check-prefix=VALUES

// Upstream's tiling on products of the dialect: every tile has the bits of the whole. `whole` is not tiled, `tiled` is,
// and what they return is compared in `check`.
moe.weight @x : tensor<6x5xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @w : tensor<3x8x5xf32> from #moe.random<seed = 2, scale = 1.0>
moe.weight @panels : tensor<3x8x5xf32> from #moe.random<seed = 2, scale = 1.0> layout #moe.panel<width = 4, pair = 1>
moe.weight @matrix : tensor<8x5xf32> from #moe.random<seed = 3, scale = 1.0> layout #moe.panel<width = 4, pair = 1>

// Rows sorted by expert stay together; columns are split, and the last tile is smaller. Expert 1 has no rows.
// CHECK-LABEL: func.func private @sorted
// CHECK-SAME: (%[[X:.*]]: tensor<?x5xf32>, %[[W:.*]]: tensor<3x8x5xf32>, %[[OFFSETS:.*]]: tensor<4xi32>, %[[OUT:.*]]: tensor<?x8xf32>)
// CHECK: scf.for %[[N:.*]] = %c0 to %c8 step %c3 iter_args(%[[INTO:.*]] = %[[OUT]])
// CHECK: %[[SIZE:.*]] = affine.min {{.*}}(%[[N]])
// CHECK: %[[COLUMNS:.*]] = tensor.extract_slice %[[W]][0, %[[N]], 0] [3, %[[SIZE]], 5]
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[INTO]][0, %[[N]]] [%{{.*}}, %[[SIZE]]]
// CHECK: %[[Y:.*]] = moe.grouped_matmul %[[X]], %[[COLUMNS]] offsets(%[[OFFSETS]] : tensor<4xi32>) outs(%[[TILE]] :
// CHECK: tensor.insert_slice %[[Y]] into %[[INTO]][0, %[[N]]] [%{{.*}}, %[[SIZE]]]
func.func private @sorted(%x: tensor<?x5xf32>, %w: tensor<3x8x5xf32>, %offsets: tensor<4xi32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) outs(%out : tensor<?x8xf32>) attributes {columns} : tensor<?x5xf32>, tensor<3x8x5xf32>
  return %y : tensor<?x8xf32>
}

// Rows of pairs are split by tokens, with all slots of a token in one tile.
// CHECK-LABEL: func.func private @pairs
// CHECK-SAME: (%[[X:.*]]: tensor<6x5xf32>, %[[W:.*]]: tensor<3x8x5xf32>, %[[IDS:.*]]: tensor<3x2xi32>, %[[OUT:.*]]: tensor<6x8xf32>)
// CHECK: scf.forall (%[[T:.*]], %[[N:.*]]) in (2, 2) shared_outs(%[[INTO:.*]] = %[[OUT]])
// CHECK: %[[TOKEN:.*]] = affine.apply {{.*}}(%[[T]])
// CHECK: %[[COLUMN:.*]] = affine.apply {{.*}}(%[[N]])
// CHECK: %[[TOKENS:.*]] = affine.min {{.*}}(%[[T]])
// CHECK: %[[TILE_IDS:.*]] = tensor.extract_slice %[[IDS]][%[[TOKEN]], 0] [%[[TOKENS]], 2]
// CHECK: %[[PAIR:.*]] = affine.apply {{.*}}(%[[T]])
// CHECK: %[[PAIRS:.*]] = affine.apply {{.*}}(%[[TOKENS]])
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[X]][%[[PAIR]], 0] [%[[PAIRS]], 5]
// CHECK: %[[COLUMNS:.*]] = tensor.extract_slice %[[W]][0, %[[COLUMN]], 0] [3, 4, 5]
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[INTO]][%[[PAIR]], %[[COLUMN]]] [%[[PAIRS]], 4]
// CHECK: %[[Y:.*]] = moe.grouped_matmul %[[ROWS]], %[[COLUMNS]] ids(%[[TILE_IDS]] : tensor<?x2xi32>) outs(%[[TILE]] :
// CHECK: tensor.parallel_insert_slice %[[Y]] into %[[INTO]][%[[PAIR]], %[[COLUMN]]] [%[[PAIRS]], 4]
func.func private @pairs(%x: tensor<6x5xf32>, %w: tensor<3x8x5xf32>, %ids: tensor<3x2xi32>, %out: tensor<6x8xf32>) -> tensor<6x8xf32> {
  %y = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) outs(%out : tensor<6x8xf32>) attributes {both} : tensor<6x5xf32>, tensor<3x8x5xf32>
  return %y : tensor<6x8xf32>
}

// With `broadcast` the input has one row a token.
// CHECK-LABEL: func.func private @broadcast
// CHECK-SAME: (%[[X:.*]]: tensor<6x5xf32>, %[[W:.*]]: tensor<3x8x5xf32>, %[[IDS:.*]]: tensor<6x2xi32>, %[[OUT:.*]]: tensor<12x8xf32>)
// CHECK: scf.forall (%[[T:.*]], %[[N:.*]]) in (3, 2) shared_outs(%[[INTO:.*]] = %[[OUT]])
// CHECK: %[[TOKEN:.*]] = affine.apply {{.*}}(%[[T]])
// CHECK: %[[TILE_IDS:.*]] = tensor.extract_slice %[[IDS]][%[[TOKEN]], 0] [2, 2]
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[X]][%[[TOKEN]], 0] [2, 5]
// CHECK: %[[PAIR:.*]] = affine.apply {{.*}}(%[[T]])
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[INTO]][%[[PAIR]], %{{.*}}] [4, 4]
// CHECK: %[[Y:.*]] = moe.grouped_matmul %[[ROWS]], %{{.*}} ids(%[[TILE_IDS]] : tensor<2x2xi32>) broadcast outs(%[[TILE]] :
// CHECK: tensor.parallel_insert_slice %[[Y]] into %[[INTO]][%[[PAIR]], %{{.*}}] [4, 4]
func.func private @broadcast(%x: tensor<6x5xf32>, %w: tensor<3x8x5xf32>, %ids: tensor<6x2xi32>, %out: tensor<12x8xf32>) -> tensor<12x8xf32> {
  %y = moe.grouped_matmul %x, %w ids(%ids : tensor<6x2xi32>) broadcast outs(%out : tensor<12x8xf32>) attributes {both} : tensor<6x5xf32>, tensor<3x8x5xf32>
  return %y : tensor<12x8xf32>
}

// Packed weights are split by whole panels.
// CHECK-LABEL: func.func private @packed
// CHECK-SAME: (%[[X:.*]]: tensor<6x5xf32>, %[[W:.*]]: tensor<3x2x5x4xf32>, %[[M:.*]]: tensor<2x5x4xf32>, %{{.*}}: tensor<4xi32>, %[[OUT:.*]]: tensor<6x8xf32>)
// CHECK: scf.for %[[P:.*]] = %c0 to %c2 step %c1 iter_args(%[[INTO:.*]] = %[[OUT]])
// CHECK: %[[COLUMN:.*]] = affine.apply {{.*}}(%[[P]])
// CHECK: %[[PANEL:.*]] = tensor.extract_slice %[[W]][0, %[[P]], 0, 0] [3, 1, 5, 4]
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[INTO]][0, %[[COLUMN]]] [6, 4]
// CHECK: moe.grouped_matmul %[[X]], %[[PANEL]] offsets(%{{.*}}) panel <width = 4, pair = 1> outs(%[[TILE]] :
// CHECK: scf.forall (%[[R:.*]], %[[Q:.*]]) in (2, 2) shared_outs(%[[ALL:.*]] = %[[OUT]])
// CHECK: %[[ROW:.*]] = affine.apply {{.*}}(%[[R]])
// CHECK: %[[COUNT:.*]] = affine.min {{.*}}(%[[R]])
// CHECK: %[[COLUMN2:.*]] = affine.apply {{.*}}(%[[Q]])
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[X]][%[[ROW]], 0] [%[[COUNT]], 5]
// CHECK: %[[PANEL2:.*]] = tensor.extract_slice %[[M]][%[[Q]], 0, 0] [1, 5, 4]
// CHECK: %[[TILE2:.*]] = tensor.extract_slice %[[ALL]][%[[ROW]], %[[COLUMN2]]] [%[[COUNT]], 4]
// CHECK: moe.packed_matmul %[[ROWS]], %[[PANEL2]] panel <width = 4, pair = 1> outs(%[[TILE2]] :
func.func private @packed(%x: tensor<6x5xf32>, %w: tensor<3x2x5x4xf32>, %m: tensor<2x5x4xf32>, %offsets: tensor<4xi32>, %out: tensor<6x8xf32>) -> (tensor<6x8xf32>, tensor<6x8xf32>) {
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) panel <width = 4, pair = 1> outs(%out : tensor<6x8xf32>) attributes {grouped_panels} : tensor<6x5xf32>, tensor<3x2x5x4xf32>
  %z = moe.packed_matmul %x, %m panel <width = 4, pair = 1> outs(%out : tensor<6x8xf32>) {matrix_panels} : tensor<6x5xf32>, tensor<2x5x4xf32>
  return %y, %z : tensor<6x8xf32>, tensor<6x8xf32>
}

// What consumes products is tiled, and the products move into its loop.
// CHECK-LABEL: func.func private @fused
// CHECK-NOT: moe.grouped_matmul
// CHECK: scf.for %[[N:.*]] = %c0 to %c8 step %c4
// CHECK: %[[WA:.*]] = tensor.extract_slice %arg1[0, %[[N]], 0] [3, 4, 5]
// CHECK: %[[A:.*]] = moe.grouped_matmul %arg0, %[[WA]] offsets(%arg3 :
// CHECK: %[[WB:.*]] = tensor.extract_slice %arg2[0, %[[N]], 0] [3, 4, 5]
// CHECK: %[[B:.*]] = moe.grouped_matmul %arg0, %[[WB]] offsets(%arg3 :
// CHECK: linalg.mul {fuse} ins(%[[A]], %[[B]] : tensor<?x4xf32>, tensor<?x4xf32>)
// CHECK-NOT: moe.grouped_matmul
// CHECK: return
func.func private @fused(%x: tensor<?x5xf32>, %w: tensor<3x8x5xf32>, %v: tensor<3x8x5xf32>, %offsets: tensor<4xi32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) outs(%out : tensor<?x8xf32>) : tensor<?x5xf32>, tensor<3x8x5xf32>
  %b = moe.grouped_matmul %x, %v offsets(%offsets : tensor<4xi32>) outs(%out : tensor<?x8xf32>) : tensor<?x5xf32>, tensor<3x8x5xf32>
  %y = linalg.mul {fuse} ins(%a, %b : tensor<?x8xf32>, tensor<?x8xf32>) outs(%out : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// VALUES: check_sorted result 0: i1 1
func.func @check_sorted() -> i1 {
  %x = moe.get_weight @x : tensor<6x5xf32>
  %dynamic = tensor.cast %x : tensor<6x5xf32> to tensor<?x5xf32>
  %w = moe.get_weight @w : tensor<3x8x5xf32>
  %offsets = arith.constant dense<[0, 4, 4, 6]> : tensor<4xi32>
  %out = tensor.empty() : tensor<6x8xf32>
  %outs = tensor.cast %out : tensor<6x8xf32> to tensor<?x8xf32>
  %tiled = call @sorted(%dynamic, %w, %offsets, %outs) : (tensor<?x5xf32>, tensor<3x8x5xf32>, tensor<4xi32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %whole = moe.grouped_matmul %dynamic, %w offsets(%offsets : tensor<4xi32>) outs(%outs : tensor<?x8xf32>) : tensor<?x5xf32>, tensor<3x8x5xf32>
  %a = tensor.cast %tiled : tensor<?x8xf32> to tensor<6x8xf32>
  %b = tensor.cast %whole : tensor<?x8xf32> to tensor<6x8xf32>
  %same = func.call @same(%a, %b) : (tensor<6x8xf32>, tensor<6x8xf32>) -> i1
  return %same : i1
}

// VALUES: check_pairs result 0: i1 1
func.func @check_pairs() -> i1 {
  %x = moe.get_weight @x : tensor<6x5xf32>
  %w = moe.get_weight @w : tensor<3x8x5xf32>
  %ids = arith.constant dense<[[2, 0], [1, 2], [0, 2]]> : tensor<3x2xi32>
  %out = tensor.empty() : tensor<6x8xf32>
  %tiled = call @pairs(%x, %w, %ids, %out) : (tensor<6x5xf32>, tensor<3x8x5xf32>, tensor<3x2xi32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %whole = moe.grouped_matmul %x, %w ids(%ids : tensor<3x2xi32>) outs(%out : tensor<6x8xf32>) : tensor<6x5xf32>, tensor<3x8x5xf32>
  %same = func.call @same(%tiled, %whole) : (tensor<6x8xf32>, tensor<6x8xf32>) -> i1
  return %same : i1
}

// VALUES: check_broadcast result 0: i1 1
func.func @check_broadcast() -> i1 {
  %x = moe.get_weight @x : tensor<6x5xf32>
  %w = moe.get_weight @w : tensor<3x8x5xf32>
  %ids = arith.constant dense<[[2, 0], [1, 2], [0, 2], [1, 1], [2, 2], [0, 1]]> : tensor<6x2xi32>
  %out = tensor.empty() : tensor<12x8xf32>
  %tiled = call @broadcast(%x, %w, %ids, %out) : (tensor<6x5xf32>, tensor<3x8x5xf32>, tensor<6x2xi32>, tensor<12x8xf32>) -> tensor<12x8xf32>
  %whole = moe.grouped_matmul %x, %w ids(%ids : tensor<6x2xi32>) broadcast outs(%out : tensor<12x8xf32>) : tensor<6x5xf32>, tensor<3x8x5xf32>
  %a = tensor.extract_slice %tiled[6, 0] [6, 8] [1, 1] : tensor<12x8xf32> to tensor<6x8xf32>
  %b = tensor.extract_slice %whole[6, 0] [6, 8] [1, 1] : tensor<12x8xf32> to tensor<6x8xf32>
  %same = func.call @same(%a, %b) : (tensor<6x8xf32>, tensor<6x8xf32>) -> i1
  return %same : i1
}

// VALUES: check_packed result 0: i1 1
// VALUES: check_packed result 1: i1 1
func.func @check_packed() -> (i1, i1) {
  %x = moe.get_weight @x : tensor<6x5xf32>
  %w = moe.get_weight @panels : tensor<3x2x5x4xf32>
  %m = moe.get_weight @matrix : tensor<2x5x4xf32>
  %offsets = arith.constant dense<[0, 4, 4, 6]> : tensor<4xi32>
  %out = tensor.empty() : tensor<6x8xf32>
  %tiled:2 = call @packed(%x, %w, %m, %offsets, %out) : (tensor<6x5xf32>, tensor<3x2x5x4xf32>, tensor<2x5x4xf32>, tensor<4xi32>, tensor<6x8xf32>) -> (tensor<6x8xf32>, tensor<6x8xf32>)
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) panel <width = 4, pair = 1> outs(%out : tensor<6x8xf32>) : tensor<6x5xf32>, tensor<3x2x5x4xf32>
  %z = moe.packed_matmul %x, %m panel <width = 4, pair = 1> outs(%out : tensor<6x8xf32>) : tensor<6x5xf32>, tensor<2x5x4xf32>
  %a = func.call @same(%tiled#0, %y) : (tensor<6x8xf32>, tensor<6x8xf32>) -> i1
  %b = func.call @same(%tiled#1, %z) : (tensor<6x8xf32>, tensor<6x8xf32>) -> i1
  return %a, %b : i1, i1
}

// VALUES: check_fused result 0: i1 1
func.func @check_fused() -> i1 {
  %x = moe.get_weight @x : tensor<6x5xf32>
  %dynamic = tensor.cast %x : tensor<6x5xf32> to tensor<?x5xf32>
  %w = moe.get_weight @w : tensor<3x8x5xf32>
  %offsets = arith.constant dense<[0, 0, 1, 6]> : tensor<4xi32>
  %out = tensor.empty() : tensor<6x8xf32>
  %outs = tensor.cast %out : tensor<6x8xf32> to tensor<?x8xf32>
  %tiled = call @fused(%dynamic, %w, %w, %offsets, %outs) : (tensor<?x5xf32>, tensor<3x8x5xf32>, tensor<3x8x5xf32>, tensor<4xi32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = tensor.cast %tiled : tensor<?x8xf32> to tensor<6x8xf32>
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<4xi32>) outs(%out : tensor<6x8xf32>) : tensor<6x5xf32>, tensor<3x8x5xf32>
  %b = arith.mulf %y, %y : tensor<6x8xf32>
  %same = func.call @same(%a, %b) : (tensor<6x8xf32>, tensor<6x8xf32>) -> i1
  return %same : i1
}

func.func private @same(%a: tensor<6x8xf32>, %b: tensor<6x8xf32>) -> i1 {
  %true = arith.constant true
  %init = tensor.from_elements %true : tensor<i1>
  %same = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>],
                          iterator_types = ["reduction", "reduction"]}
      ins(%a, %b : tensor<6x8xf32>, tensor<6x8xf32>) outs(%init : tensor<i1>) {
  ^bb0(%x: f32, %y: f32, %all: i1):
    %equal = arith.cmpf oeq, %x, %y : f32
    %and = arith.andi %equal, %all : i1
    linalg.yield %and : i1
  } -> tensor<i1>
  %result = tensor.extract %same[] : tensor<i1>
  return %result : i1
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %columns = transform.structured.match attributes {columns} in %root : (!transform.any_op) -> !transform.any_op
    %0, %loop0 = transform.structured.tile_using_for %columns tile_sizes [3] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %both = transform.structured.match attributes {both} in %root : (!transform.any_op) -> !transform.any_op
    %1, %loop1 = transform.structured.tile_using_forall %both tile_sizes [2, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %panel = transform.structured.match attributes {grouped_panels} in %root : (!transform.any_op) -> !transform.any_op
    %2, %loop2 = transform.structured.tile_using_for %panel tile_sizes [1] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %panels = transform.structured.match attributes {matrix_panels} in %root : (!transform.any_op) -> !transform.any_op
    %3, %loop3 = transform.structured.tile_using_forall %panels tile_sizes [4, 1] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fuse = transform.structured.match attributes {fuse} in %root : (!transform.any_op) -> !transform.any_op
    %4, %loop4 = transform.structured.fuse %fuse tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
