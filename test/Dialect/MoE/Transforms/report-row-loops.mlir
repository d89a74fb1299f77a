// RUN: moe-opt %s --moe-report="tokens=3" -o /dev/null | FileCheck %s

moe.weight @w : tensor<4xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @table : tensor<5x4xf32> from #moe.random<seed = 2, scale = 1.0>

// Each of 3 rows of 4 is read, scaled by a weight and squared. What is between the two stays in a cache: 48 bytes in, 48
// out. The weight is read once.
// CHECK: scale, T = 3
// CHECK-NEXT: operation
// CHECK-NEXT: linalg.generic w 4 16 48 12
// CHECK-NEXT: linalg.generic {{[^ ]+}} 0 0 48 12
// CHECK-NEXT: total 4 16 96 24
func.func @scale(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = moe.get_weight @w : tensor<4xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %out = tensor.empty(%n) : tensor<?x4xf32>
  %y = scf.forall (%r) in (%n) shared_outs(%o = %out) -> (tensor<?x4xf32>) {
    %row = tensor.extract_slice %x[%r, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
    %to = tensor.extract_slice %o[%r, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
    %e = tensor.empty() : tensor<4xf32>
    %a = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        ins(%row, %w : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%p: f32, %q: f32, %z: f32):
      %m = arith.mulf %p, %q : f32
      linalg.yield %m : f32
    } -> tensor<4xf32>
    %b = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        ins(%a : tensor<4xf32>) outs(%to : tensor<4xf32>) {
    ^bb0(%p: f32, %z: f32):
      %m = arith.mulf %p, %p : f32
      linalg.yield %m : f32
    } -> tensor<4xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %b into %o[%r, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<?x4xf32>
    }
  }
  return %y : tensor<?x4xf32>
}

// Rows of a table: 3 of 5 are read.
// CHECK: lookup, T = 3
// CHECK-NEXT: operation
// CHECK-NEXT: linalg.generic table 12 48 60 0
func.func @lookup(%ids: tensor<?xi32>) -> tensor<?x4xf32> {
  %table = moe.get_weight @table : tensor<5x4xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %ids, %c0 : tensor<?xi32>
  %out = tensor.empty(%n) : tensor<?x4xf32>
  %y = scf.forall (%r) in (%n) shared_outs(%o = %out) -> (tensor<?x4xf32>) {
    %id = tensor.extract_slice %ids[%r] [1] [1] : tensor<?xi32> to tensor<1xi32>
    %to = tensor.extract_slice %o[%r, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<1x4xf32>
    %b = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
        ins(%id : tensor<1xi32>) outs(%to : tensor<1x4xf32>) {
    ^bb0(%p: i32, %z: f32):
      %row = arith.index_cast %p : i32 to index
      %column = linalg.index 1 : index
      %v = tensor.extract %table[%row, %column] : tensor<5x4xf32>
      linalg.yield %v : f32
    } -> tensor<1x4xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %b into %o[%r, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<?x4xf32>
    }
  }
  return %y : tensor<?x4xf32>
}
