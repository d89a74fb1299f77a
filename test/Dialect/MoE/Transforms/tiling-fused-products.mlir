// RUN: moe-opt %s --transform-interpreter --canonicalize --cse | FileCheck %s
// RUN: moe-opt %s --transform-interpreter --test-moe-evaluate -o /dev/null | FileCheck %s --check-prefix=VALUES

// Tiles of products with an epilogue and a combination take the parts of their other operands that the maps say, and have
// the bits of the whole: the products with an attribute are tiled, those without are not, and the two are compared.
moe.weight @x : tensor<3x5xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @v : tensor<3x8x5xf32> from #moe.random<seed = 2, scale = 1.0>
moe.weight @w : tensor<3x8x5xf32> from #moe.random<seed = 3, scale = 1.0>
moe.weight @bias : tensor<3x8xf32> from #moe.random<seed = 4, scale = 1.0>
moe.weight @pairs : tensor<3x2xf32> from #moe.random<seed = 5, scale = 1.0>
moe.weight @rows : tensor<6xf32> from #moe.random<seed = 6, scale = 1.0>
moe.weight @init : tensor<3x8xf32> from #moe.random<seed = 7, scale = 1.0>

#expert = affine_map<(r, n, e, t, s) -> (e, n)>
#pair = affine_map<(r, n, e, t, s) -> (t, s)>
#row = affine_map<(r, n, e, t, s) -> (r)>

// By id: rows and columns. The epilogue's operands have no tile, a tile of columns, of tokens, of rows.
// VALUES: ids result 0: i1 1
// CHECK-LABEL: func.func @ids
// CHECK: scf.for %[[T:.*]] = %c0 to %c3 step %c2
// CHECK: scf.for %[[N:.*]] = %c0 to %c8 step %c4
// CHECK-DAG: tensor.extract_slice %bias[0, %[[N]]] [3, 4] [1, 1]
// CHECK-DAG: tensor.extract_slice %pairs[%[[T]], 0] [%{{.*}}, 2] [1, 1]
// CHECK-DAG: tensor.extract_slice %rows[%{{.*}}] [%{{.*}}] [1]
// CHECK: moe.grouped_matmul
func.func @ids() -> i1 {
  %ids = arith.constant dense<[[2, 0], [1, 3], [0, 2]]> : tensor<3x2xi32>
  %x = moe.get_weight @x : tensor<3x5xf32>
  %v = moe.get_weight @v : tensor<3x8x5xf32>
  %w = moe.get_weight @w : tensor<3x8x5xf32>
  %bias = moe.get_weight @bias : tensor<3x8xf32>
  %pairs = moe.get_weight @pairs : tensor<3x2xf32>
  %rows = moe.get_weight @rows : tensor<6xf32>
  %init = moe.get_weight @init : tensor<3x8xf32>
  %out = tensor.empty() : tensor<3x8xf32>
  %tiled = moe.grouped_matmul %x, %v, %w ids(%ids : tensor<3x2xi32>) broadcast partial
      epilogue(%bias, %pairs, %rows : tensor<3x8xf32>, tensor<3x2xf32>, tensor<6xf32>) maps([#expert, #pair, #row]) combine(%pairs : tensor<3x2xf32>)
      skipped(%init : tensor<3x8xf32>) init(%init : tensor<3x8xf32>) outs(%out : tensor<3x8xf32>) {
  ^bb0(%p: f32, %q: f32, %b: f32, %s: f32, %r: f32):
    %0 = arith.addf %p, %b : f32
    %1 = arith.mulf %q, %s : f32
    %2 = arith.mulf %1, %r : f32
    %3 = arith.subf %0, %2 : f32
    moe.yield %3 : f32
  } attributes {rows_and_columns} : tensor<3x5xf32>, tensor<3x8x5xf32>, tensor<3x8x5xf32>
  %whole = moe.grouped_matmul %x, %v, %w ids(%ids : tensor<3x2xi32>) broadcast partial
      epilogue(%bias, %pairs, %rows : tensor<3x8xf32>, tensor<3x2xf32>, tensor<6xf32>) maps([#expert, #pair, #row]) combine(%pairs : tensor<3x2xf32>)
      skipped(%init : tensor<3x8xf32>) init(%init : tensor<3x8xf32>) outs(%out : tensor<3x8xf32>) {
  ^bb0(%p: f32, %q: f32, %b: f32, %s: f32, %r: f32):
    %0 = arith.addf %p, %b : f32
    %1 = arith.mulf %q, %s : f32
    %2 = arith.mulf %1, %r : f32
    %3 = arith.subf %0, %2 : f32
    moe.yield %3 : f32
  } : tensor<3x5xf32>, tensor<3x8x5xf32>, tensor<3x8x5xf32>
  %same = func.call @same(%tiled, %whole) : (tensor<3x8xf32>, tensor<3x8xf32>) -> i1
  return %same : i1
}

// Sorted: columns only.
// VALUES: sorted result 0: i1 1
// CHECK-LABEL: func.func @sorted
// CHECK: scf.for %[[N:.*]] = %c0 to %c8 step %c4
// CHECK-NOT: tensor.extract_slice %pairs
// CHECK: tensor.extract_slice %bias[0, %[[N]]] [3, 4] [1, 1]
// CHECK: tensor.extract_slice %init[0, %[[N]]] [3, 4] [1, 1]
// CHECK-NOT: tensor.extract_slice %rows
// CHECK: moe.grouped_matmul
func.func @sorted() -> i1 {
  %offsets = arith.constant dense<[0, 2, 3, 5]> : tensor<4xi32>
  %order = arith.constant dense<[1, 4, 2, 0, 5, 3]> : tensor<6xi32>
  %inverse = arith.constant dense<[[3, 0], [2, 5], [1, 4]]> : tensor<3x2xi32>
  %x = moe.get_weight @x : tensor<3x5xf32>
  %v = moe.get_weight @v : tensor<3x8x5xf32>
  %w = moe.get_weight @w : tensor<3x8x5xf32>
  %bias = moe.get_weight @bias : tensor<3x8xf32>
  %pairs = moe.get_weight @pairs : tensor<3x2xf32>
  %rows = moe.get_weight @rows : tensor<6xf32>
  %init = moe.get_weight @init : tensor<3x8xf32>
  %out = tensor.empty() : tensor<3x8xf32>
  %tiled = moe.grouped_matmul %x, %v, %w offsets(%offsets : tensor<4xi32>) order(%order : tensor<6xi32>) top_k(2) broadcast partial
      epilogue(%bias, %pairs, %rows : tensor<3x8xf32>, tensor<3x2xf32>, tensor<6xf32>) maps([#expert, #pair, #row])
      combine(%pairs : tensor<3x2xf32>) inverse(%inverse : tensor<3x2xi32>) init(%init : tensor<3x8xf32>) outs(%out : tensor<3x8xf32>) {
  ^bb0(%p: f32, %q: f32, %b: f32, %s: f32, %r: f32):
    %0 = arith.addf %p, %b : f32
    %1 = arith.mulf %q, %s : f32
    %2 = arith.mulf %1, %r : f32
    %3 = arith.subf %0, %2 : f32
    moe.yield %3 : f32
  } attributes {columns} : tensor<3x5xf32>, tensor<3x8x5xf32>, tensor<3x8x5xf32>
  %whole = moe.grouped_matmul %x, %v, %w offsets(%offsets : tensor<4xi32>) order(%order : tensor<6xi32>) top_k(2) broadcast partial
      epilogue(%bias, %pairs, %rows : tensor<3x8xf32>, tensor<3x2xf32>, tensor<6xf32>) maps([#expert, #pair, #row])
      combine(%pairs : tensor<3x2xf32>) inverse(%inverse : tensor<3x2xi32>) init(%init : tensor<3x8xf32>) outs(%out : tensor<3x8xf32>) {
  ^bb0(%p: f32, %q: f32, %b: f32, %s: f32, %r: f32):
    %0 = arith.addf %p, %b : f32
    %1 = arith.mulf %q, %s : f32
    %2 = arith.mulf %1, %r : f32
    %3 = arith.subf %0, %2 : f32
    moe.yield %3 : f32
  } : tensor<3x5xf32>, tensor<3x8x5xf32>, tensor<3x8x5xf32>
  %same = func.call @same(%tiled, %whole) : (tensor<3x8xf32>, tensor<3x8xf32>) -> i1
  return %same : i1
}

// Two weights without an epilogue: two results, tiled together.
// VALUES: two result 0: i1 1
// VALUES: two result 1: i1 1
// CHECK-LABEL: func.func @two
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: moe.grouped_matmul
// CHECK: scf.yield %{{.*}}, %{{.*}} : tensor<3x8xf32>, tensor<3x8xf32>
func.func @two() -> (i1, i1) {
  %offsets = arith.constant dense<[0, 2, 3, 3]> : tensor<4xi32>
  %x = moe.get_weight @x : tensor<3x5xf32>
  %v = moe.get_weight @v : tensor<3x8x5xf32>
  %w = moe.get_weight @w : tensor<3x8x5xf32>
  %bias = moe.get_weight @bias : tensor<3x8xf32>
  %pairs = moe.get_weight @pairs : tensor<3x2xf32>
  %rows = moe.get_weight @rows : tensor<6xf32>
  %init = moe.get_weight @init : tensor<3x8xf32>
  %out = tensor.empty() : tensor<3x8xf32>
  %tiled:2 = moe.grouped_matmul %x, %v, %w offsets(%offsets : tensor<4xi32>) outs(%out, %out : tensor<3x8xf32>, tensor<3x8xf32>) attributes {columns} : tensor<3x5xf32>, tensor<3x8x5xf32>, tensor<3x8x5xf32>
  %whole:2 = moe.grouped_matmul %x, %v, %w offsets(%offsets : tensor<4xi32>) outs(%out, %out : tensor<3x8xf32>, tensor<3x8xf32>) : tensor<3x5xf32>, tensor<3x8x5xf32>, tensor<3x8x5xf32>
  %a = func.call @same(%tiled#0, %whole#0) : (tensor<3x8xf32>, tensor<3x8xf32>) -> i1
  %b = func.call @same(%tiled#1, %whole#1) : (tensor<3x8xf32>, tensor<3x8xf32>) -> i1
  return %a, %b : i1, i1
}

func.func private @same(%a: tensor<3x8xf32>, %b: tensor<3x8xf32>) -> i1 {
  %true = arith.constant true
  %init = tensor.from_elements %true : tensor<i1>
  %same = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>],
                          iterator_types = ["reduction", "reduction"]}
      ins(%a, %b : tensor<3x8xf32>, tensor<3x8xf32>) outs(%init : tensor<i1>) {
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
    %0, %loop0 = transform.structured.tile_using_for %columns tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %both = transform.structured.match attributes {rows_and_columns} in %root : (!transform.any_op) -> !transform.any_op
    %1, %loop1:2 = transform.structured.tile_using_for %both tile_sizes [2, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
