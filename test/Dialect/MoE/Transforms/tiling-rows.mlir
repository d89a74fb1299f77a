// RUN: moe-opt %s --transform-interpreter | FileCheck %s
// RUN: moe-opt %s --transform-interpreter --test-moe-evaluate -o /dev/null | FileCheck %s --check-prefix=VALUES

// Operations on rows are tiled by tokens, with all slots of a token in one tile, and by columns; with a sort by columns
// only. Every tile has the bits of the whole.
moe.weight @x : tensor<4x6xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @pairs : tensor<8x6xf32> from #moe.random<seed = 2, scale = 1.0>
moe.weight @vectors : tensor<3x6xf32> from #moe.random<seed = 3, scale = 1.0>

// CHECK-LABEL: func.func @gather
// CHECK: scf.for
// CHECK: scf.for
// CHECK: tensor.extract_slice %{{.*}} : tensor<4x6xf32> to tensor<?x?xf32>
// CHECK: tensor.extract_slice %{{.*}} : tensor<4x2xf32> to tensor<?x2xf32>
// CHECK: moe.gather_rows %{{.*}} top_k(2) scale(%{{.*}} : tensor<?x2xf32>) outs(%{{.*}} : tensor<?x?xf32>)
// VALUES: gather result 0: i1 1
func.func @gather() -> i1 {
  %x = moe.get_weight @x : tensor<4x6xf32>
  %scale = arith.constant dense<[[0.5, 2.0], [1.0, -1.0], [3.0, 0.25], [1.5, 4.0]]> : tensor<4x2xf32>
  %out = tensor.empty() : tensor<8x6xf32>
  %a = moe.gather_rows %x top_k(2) scale(%scale : tensor<4x2xf32>) outs(%out : tensor<8x6xf32>) {both} : tensor<4x6xf32>
  %b = moe.gather_rows %x top_k(2) scale(%scale : tensor<4x2xf32>) outs(%out : tensor<8x6xf32>) : tensor<4x6xf32>
  %same = func.call @same_pairs(%a, %b) : (tensor<8x6xf32>, tensor<8x6xf32>) -> i1
  return %same : i1
}

// CHECK-LABEL: func.func @gather_sorted
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: moe.gather_rows %{{.*}} order(%{{.*}} : tensor<8xi32>) top_k(2) outs(%{{.*}} : tensor<8x?xf32>)
// VALUES: gather_sorted result 0: i1 1
func.func @gather_sorted() -> i1 {
  %x = moe.get_weight @x : tensor<4x6xf32>
  %order = arith.constant dense<[7, 0, 3, 4, 1, 6, 2, 5]> : tensor<8xi32>
  %out = tensor.empty() : tensor<8x6xf32>
  %a = moe.gather_rows %x order(%order : tensor<8xi32>) top_k(2) outs(%out : tensor<8x6xf32>) {columns} : tensor<4x6xf32>
  %b = moe.gather_rows %x order(%order : tensor<8xi32>) top_k(2) outs(%out : tensor<8x6xf32>) : tensor<4x6xf32>
  %same = func.call @same_pairs(%a, %b) : (tensor<8x6xf32>, tensor<8x6xf32>) -> i1
  return %same : i1
}

// CHECK-LABEL: func.func @vectors_by_id
// CHECK: scf.for
// CHECK: scf.for
// CHECK: moe.expert_rows %{{.*}} ids(%{{.*}} : tensor<?x2xi32>) outs(%{{.*}} : tensor<?x?xf32>) {{.*}}: tensor<3x?xf32>
// VALUES: vectors_by_id result 0: i1 1
func.func @vectors_by_id() -> i1 {
  %v = moe.get_weight @vectors : tensor<3x6xf32>
  %ids = arith.constant dense<[[2, 0], [1, 2], [0, 2], [1, 1]]> : tensor<4x2xi32>
  %out = tensor.empty() : tensor<8x6xf32>
  %a = moe.expert_rows %v ids(%ids : tensor<4x2xi32>) outs(%out : tensor<8x6xf32>) {both} : tensor<3x6xf32>
  %b = moe.expert_rows %v ids(%ids : tensor<4x2xi32>) outs(%out : tensor<8x6xf32>) : tensor<3x6xf32>
  %same = func.call @same_pairs(%a, %b) : (tensor<8x6xf32>, tensor<8x6xf32>) -> i1
  return %same : i1
}

// CHECK-LABEL: func.func @vectors_by_offset
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: moe.expert_rows %{{.*}} offsets(%{{.*}} : tensor<4xi32>) outs(%{{.*}} : tensor<8x?xf32>)
// VALUES: vectors_by_offset result 0: i1 1
func.func @vectors_by_offset() -> i1 {
  %v = moe.get_weight @vectors : tensor<3x6xf32>
  %offsets = arith.constant dense<[0, 3, 3, 8]> : tensor<4xi32>
  %out = tensor.empty() : tensor<8x6xf32>
  %a = moe.expert_rows %v offsets(%offsets : tensor<4xi32>) outs(%out : tensor<8x6xf32>) {columns} : tensor<3x6xf32>
  %b = moe.expert_rows %v offsets(%offsets : tensor<4xi32>) outs(%out : tensor<8x6xf32>) : tensor<3x6xf32>
  %same = func.call @same_pairs(%a, %b) : (tensor<8x6xf32>, tensor<8x6xf32>) -> i1
  return %same : i1
}

// CHECK-LABEL: func.func @combine
// CHECK: scf.for
// CHECK: scf.for
// CHECK: moe.combine_rows %{{.*}} init(%{{.*}} : tensor<?x?xf32>) outs(%{{.*}} : tensor<?x?xf32>)
// VALUES: combine result 0: i1 1
func.func @combine() -> i1 {
  %x = moe.get_weight @x : tensor<4x6xf32>
  %rows = moe.get_weight @pairs : tensor<8x6xf32>
  %w = arith.constant dense<[[0.5, 2.0], [1.0, -1.0], [3.0, 0.25], [1.5, 4.0]]> : tensor<4x2xf32>
  %out = tensor.empty() : tensor<4x6xf32>
  %a = moe.combine_rows %rows, %w init(%x : tensor<4x6xf32>) outs(%out : tensor<4x6xf32>) {both} : tensor<8x6xf32>, tensor<4x2xf32>
  %b = moe.combine_rows %rows, %w init(%x : tensor<4x6xf32>) outs(%out : tensor<4x6xf32>) : tensor<8x6xf32>, tensor<4x2xf32>
  %same = func.call @same_tokens(%a, %b) : (tensor<4x6xf32>, tensor<4x6xf32>) -> i1
  return %same : i1
}

// CHECK-LABEL: func.func @combine_sorted
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: moe.combine_rows %{{.*}} inverse(%{{.*}} : tensor<4x2xi32>) outs(%{{.*}} : tensor<4x?xf32>)
// VALUES: combine_sorted result 0: i1 1
func.func @combine_sorted() -> i1 {
  %rows = moe.get_weight @pairs : tensor<8x6xf32>
  %w = arith.constant dense<[[0.5, 2.0], [1.0, -1.0], [3.0, 0.25], [1.5, 4.0]]> : tensor<4x2xf32>
  %inverse = arith.constant dense<[[7, 0], [3, 4], [1, 6], [2, 5]]> : tensor<4x2xi32>
  %out = tensor.empty() : tensor<4x6xf32>
  %a = moe.combine_rows %rows, %w inverse(%inverse : tensor<4x2xi32>) outs(%out : tensor<4x6xf32>) {columns} : tensor<8x6xf32>, tensor<4x2xf32>
  %b = moe.combine_rows %rows, %w inverse(%inverse : tensor<4x2xi32>) outs(%out : tensor<4x6xf32>) : tensor<8x6xf32>, tensor<4x2xf32>
  %same = func.call @same_tokens(%a, %b) : (tensor<4x6xf32>, tensor<4x6xf32>) -> i1
  return %same : i1
}

func.func private @same_pairs(%a: tensor<8x6xf32>, %b: tensor<8x6xf32>) -> i1 {
  %x = tensor.cast %a : tensor<8x6xf32> to tensor<?x6xf32>
  %y = tensor.cast %b : tensor<8x6xf32> to tensor<?x6xf32>
  %same = func.call @same(%x, %y) : (tensor<?x6xf32>, tensor<?x6xf32>) -> i1
  return %same : i1
}

func.func private @same_tokens(%a: tensor<4x6xf32>, %b: tensor<4x6xf32>) -> i1 {
  %x = tensor.cast %a : tensor<4x6xf32> to tensor<?x6xf32>
  %y = tensor.cast %b : tensor<4x6xf32> to tensor<?x6xf32>
  %same = func.call @same(%x, %y) : (tensor<?x6xf32>, tensor<?x6xf32>) -> i1
  return %same : i1
}

func.func private @same(%a: tensor<?x6xf32>, %b: tensor<?x6xf32>) -> i1 {
  %true = arith.constant true
  %init = tensor.from_elements %true : tensor<i1>
  %same = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>],
                          iterator_types = ["reduction", "reduction"]}
      ins(%a, %b : tensor<?x6xf32>, tensor<?x6xf32>) outs(%init : tensor<i1>) {
  ^bb0(%x: f32, %y: f32, %all: i1):
    %equal = arith.cmpf oeq, %x, %y : f32
    %and = arith.andi %equal, %all : i1
    linalg.yield %and : i1
  } -> tensor<i1>
  %result = tensor.extract %same[] : tensor<i1>
  return %result : i1
}

// Tiles of three tokens and four columns: the last ones are smaller.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %both = transform.structured.match attributes {both} in %root : (!transform.any_op) -> !transform.any_op
    %0, %loop0:2 = transform.structured.tile_using_for %both tile_sizes [3, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %columns = transform.structured.match attributes {columns} in %root : (!transform.any_op) -> !transform.any_op
    %1, %loop1 = transform.structured.tile_using_for %columns tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
