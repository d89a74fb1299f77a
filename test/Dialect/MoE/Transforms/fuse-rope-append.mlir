// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-fuse-rope-append,canonicalize))" --remarks-filter="moe-fuse-rope-append" -o %t.mlir 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: FileCheck %s --input-file=%t.mlir

// A row of keys is rotated where it is appended; no tensor of all rotated keys is left.
// REMARK: [Passed] append | {{.*}}keys are computed while they are appended, by 1 operations
// CHECK-LABEL: func.func @rope
// CHECK-SAME: %[[CACHE:.*]]: !moe.kv_cache{{.*}}, %[[X:.*]]: tensor<?x8xf32>, %[[ANGLES:.*]]: tensor<?x4xf32>, %[[V:.*]]: tensor<?x2x4xf32>, %[[POS:.*]]: tensor<?xi32>
// CHECK: scf.forall (%[[I:.*]]) in (%{{.*}}) {
// CHECK: tensor.extract_slice %[[X]][%[[I]], 0] [1, 8] [1, 1]
// CHECK: %[[K1:.*]] = linalg.generic
// CHECK-DAG: %[[V1:.*]] = tensor.extract_slice %[[V]][%[[I]], 0, 0] [1, 2, 4] [1, 1, 1]
// CHECK-DAG: %[[POS1:.*]] = tensor.extract_slice %[[POS]][%[[I]]] [1] [1]
// CHECK: moe.kv_append %[[CACHE]], %[[K1]], %[[V1]] at %[[POS1]]
// CHECK: } {mapping = [#moe.rows]}
// CHECK-NOT: linalg
// CHECK: return
func.func @rope(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>, %x: tensor<?x8xf32>, %angles: tensor<?x4xf32>, %v: tensor<?x2x4xf32>, %pos: tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %halves = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %he = tensor.empty(%n) : tensor<?x2x4xf32>
  %k = linalg.generic {indexing_maps = [affine_map<(r, h, j) -> (r, h, j)>, affine_map<(r, h, j) -> (r, j)>, affine_map<(r, h, j) -> (r, h, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%halves, %angles : tensor<?x2x4xf32>, tensor<?x4xf32>) outs(%he : tensor<?x2x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = linalg.index 0 : index
    %h = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c1 = arith.constant 1 : index
    %other = arith.subi %c1, %h : index
    %p = tensor.extract %halves[%r, %other, %j] : tensor<?x2x4xf32>
    %s = arith.mulf %p, %c : f32
    %t = arith.addf %a, %s : f32
    linalg.yield %t : f32
  } -> tensor<?x2x4xf32>
  moe.kv_append %cache, %k, %v at %pos : !moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?xi32>
  return
}

// REMARK: [Missed] append | {{.*}}keys are in memory before they are appended, since they are an argument
// CHECK-LABEL: func.func @argument
// CHECK-NOT: scf.forall
func.func @argument(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>, %k: tensor<?x2x4xf32>, %v: tensor<?x2x4xf32>, %pos: tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  moe.kv_append %cache, %k, %v at %pos : !moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?xi32>
  return
}

// REMARK: [Missed] append | {{.*}}keys are in memory before they are appended, since something else reads them
// CHECK-LABEL: func.func @read
// CHECK-NOT: scf.forall
func.func @read(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>, %x: tensor<?x8xf32>, %angles: tensor<?x4xf32>, %v: tensor<?x2x4xf32>, %pos: tensor<?xi32>) -> tensor<?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %halves = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %he = tensor.empty(%n) : tensor<?x2x4xf32>
  %k = linalg.generic {indexing_maps = [affine_map<(r, h, j) -> (r, h, j)>, affine_map<(r, h, j) -> (r, j)>, affine_map<(r, h, j) -> (r, h, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%halves, %angles : tensor<?x2x4xf32>, tensor<?x4xf32>) outs(%he : tensor<?x2x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = linalg.index 0 : index
    %h = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c1 = arith.constant 1 : index
    %other = arith.subi %c1, %h : index
    %p = tensor.extract %halves[%r, %other, %j] : tensor<?x2x4xf32>
    %s = arith.mulf %p, %c : f32
    %t = arith.addf %a, %s : f32
    linalg.yield %t : f32
  } -> tensor<?x2x4xf32>
  moe.kv_append %cache, %k, %v at %pos : !moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?xi32>
  return %k : tensor<?x2x4xf32>
}

// REMARK: [Missed] append | {{.*}}keys are in memory before they are appended, since of 'linalg.matmul', which makes them: it is no work on rows
// CHECK-LABEL: func.func @product
// CHECK-NOT: scf.forall
func.func @product(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>, %x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %z: tensor<?x8xf32>, %v: tensor<?x2x4xf32>, %pos: tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %k = tensor.expand_shape %p [[0], [1, 2]] output_shape [%n, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  moe.kv_append %cache, %k, %v at %pos : !moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?xi32>
  return
}

// REMARK: [Missed] append | {{.*}}keys are in memory before they are appended, since of 'linalg.transpose', which makes them: it mixes rows
// CHECK-LABEL: func.func @mixed
// CHECK-NOT: scf.forall
func.func @mixed(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>, %x: tensor<2x?x4xf32>, %e: tensor<?x2x4xf32>, %v: tensor<?x2x4xf32>, %pos: tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %k = linalg.transpose ins(%x : tensor<2x?x4xf32>) outs(%e : tensor<?x2x4xf32>) permutation = [1, 0, 2]
  moe.kv_append %cache, %k, %v at %pos : !moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?xi32>
  return
}
