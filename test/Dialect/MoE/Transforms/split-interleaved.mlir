// RUN: moe-opt %s --split-input-file --pass-pipeline="builtin.module(moe-split-interleaved)" --remarks-filter="moe-split-interleaved" -o %t.mlir 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: FileCheck %s --input-file=%t.mlir

// Every other column, with the biases between; the parts' weights are slices, and the whole ones are gone.
// REMARK: [Passed] interleaved | {{.*}}a projection is 2 products
// CHECK-NOT: moe.weight @w :
// CHECK-DAG: moe.weight @w.from0 : tensor<4x3x2xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.000000e+00>, dim = 1, extent = 6, first = 0, step = 2>
// CHECK-DAG: moe.weight @w.from1 : tensor<4x3x2xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.000000e+00>, dim = 1, extent = 6, first = 1, step = 2>
// CHECK-DAG: moe.weight @b.from0 : tensor<4x3xf32> from #moe.slice<#moe.random<seed = 2, scale = 1.000000e+00>, dim = 1, extent = 6, first = 0, step = 2>
// CHECK-DAG: moe.weight @b.from1
moe.weight @w : tensor<4x6x2xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @b : tensor<4x6xf32> from #moe.random<seed = 2, scale = 1.0>
#id = affine_map<(r, n) -> (r, n)>

// CHECK-LABEL: func.func @interleaved
// CHECK-SAME: %[[X:.*]]: tensor<?x2xf32>, %[[OFFSETS:.*]]: tensor<5xi32>
// CHECK: %[[W0:.*]] = moe.get_weight @w.from0
// CHECK: %[[P0:.*]] = moe.grouped_matmul %[[X]], %[[W0]] offsets(%[[OFFSETS]] : tensor<5xi32>) outs(%{{.*}} : tensor<?x3xf32>)
// CHECK: %[[B0:.*]] = moe.get_weight @b.from0
// CHECK: %[[R0:.*]] = moe.expert_rows %[[B0]] offsets(%[[OFFSETS]] : tensor<5xi32>) outs(%{{.*}} : tensor<?x3xf32>)
// CHECK: %[[GATE:.*]] = linalg.generic {{.*}} ins(%[[P0]], %[[R0]] : tensor<?x3xf32>, tensor<?x3xf32>)
// CHECK: moe.get_weight @w.from1
// CHECK: %[[UP:.*]] = linalg.generic
// CHECK-NOT: tensor.extract_slice
// CHECK: linalg.mul ins(%[[GATE]], %[[UP]]
func.func @interleaved(%x: tensor<?x2xf32>, %offsets: tensor<5xi32>, %n: index) -> tensor<?x3xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %b = moe.get_weight @b : tensor<4x6xf32>
  %e = tensor.empty(%n) : tensor<?x6xf32>
  %f = tensor.empty(%n) : tensor<?x3xf32>
  %p = moe.grouped_matmul %x, %w offsets(%offsets : tensor<5xi32>) outs(%e : tensor<?x6xf32>) : tensor<?x2xf32>, tensor<4x6x2xf32>
  %r = moe.expert_rows %b offsets(%offsets : tensor<5xi32>) outs(%e : tensor<?x6xf32>) : tensor<4x6xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %r : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %v = arith.addf %a, %c : f32
    linalg.yield %v : f32
  } -> tensor<?x6xf32>
  %gate = tensor.extract_slice %sum[0, 0] [%n, 3] [1, 2] : tensor<?x6xf32> to tensor<?x3xf32>
  %up = tensor.extract_slice %sum[0, 1] [%n, 3] [1, 2] : tensor<?x6xf32> to tensor<?x3xf32>
  %h = linalg.mul ins(%gate, %up : tensor<?x3xf32>, tensor<?x3xf32>) outs(%f : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %h : tensor<?x3xf32>
}

// -----

// One half and the other, of a weight that lies the other way round; another entry uses it whole.
// REMARK: [Passed] interleaved | {{.*}}a projection is 2 products
// CHECK-DAG: moe.weight @w : tensor<4x6x2xf32>
// CHECK-DAG: moe.weight @w.from0 : tensor<4x3x2xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.000000e+00>, dim = 2, extent = 6, first = 0, step = 1> transposed
// CHECK-DAG: moe.weight @w.from3 : tensor<4x3x2xf32> from #moe.slice<#moe.random<seed = 1, scale = 1.000000e+00>, dim = 2, extent = 6, first = 3, step = 1> transposed
moe.weight @w : tensor<4x6x2xf32> from #moe.random<seed = 1, scale = 1.0> transposed
// CHECK-LABEL: func.func @halves
// CHECK-COUNT-2: moe.grouped_matmul
// CHECK-NOT: tensor.extract_slice
func.func @halves(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  %gate = tensor.extract_slice %p[0, 0] [2, 3] [1, 1] : tensor<2x6xf32> to tensor<2x3xf32>
  %up = tensor.extract_slice %p[0, 3] [2, 3] [1, 1] : tensor<2x6xf32> to tensor<2x3xf32>
  return %gate, %up : tensor<2x3xf32>, tensor<2x3xf32>
}
func.func @whole() -> tensor<4x6x2xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  return %w : tensor<4x6x2xf32>
}

// -----

moe.weight @w : tensor<4x6x2xf32> from #moe.random<seed = 1, scale = 1.0>

// REMARK: [Missed] interleaved | {{.*}}a projection is taken apart after the product, since something else reads it
// CHECK-LABEL: func.func @read
// CHECK: tensor.extract_slice
func.func @read(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>) -> (tensor<2x3xf32>, tensor<2x6xf32>) {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  %gate = tensor.extract_slice %p[0, 0] [2, 3] [1, 2] : tensor<2x6xf32> to tensor<2x3xf32>
  return %gate, %p : tensor<2x3xf32>, tensor<2x6xf32>
}

// REMARK: [Missed] interleaved | {{.*}}since what is taken of it is not known
// CHECK-LABEL: func.func @unknown
// CHECK: tensor.extract_slice
func.func @unknown(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>, %i: index) -> tensor<2x3xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  %gate = tensor.extract_slice %p[0, %i] [2, 3] [1, 1] : tensor<2x6xf32> to tensor<2x3xf32>
  return %gate : tensor<2x3xf32>
}

// REMARK: [Missed] interleaved | {{.*}}since some rows may not be taken
// CHECK-LABEL: func.func @some_rows
// CHECK: tensor.extract_slice
func.func @some_rows(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>) -> tensor<1x3xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  %gate = tensor.extract_slice %p[0, 0] [1, 3] [1, 2] : tensor<2x6xf32> to tensor<1x3xf32>
  return %gate : tensor<1x3xf32>
}

// REMARK: [Missed] interleaved | {{.*}}since its weights are computed
// CHECK-LABEL: func.func @argument
// CHECK: tensor.extract_slice
func.func @argument(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>, %w: tensor<4x6x2xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  %gate = tensor.extract_slice %p[0, 0] [2, 3] [1, 2] : tensor<2x6xf32> to tensor<2x3xf32>
  return %gate : tensor<2x3xf32>
}

// REMARK: [Missed] interleaved | {{.*}}since its biases are computed
// CHECK-LABEL: func.func @bias
// CHECK: tensor.extract_slice
func.func @bias(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>, %b: tensor<4x6xf32>) -> tensor<2x3xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  %r = moe.expert_rows %b ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<4x6xf32>
  %sum = linalg.add ins(%p, %r : tensor<2x6xf32>, tensor<2x6xf32>) outs(%e : tensor<2x6xf32>) -> tensor<2x6xf32>
  %gate = tensor.extract_slice %sum[0, 0] [2, 3] [1, 2] : tensor<2x6xf32> to tensor<2x3xf32>
  return %gate : tensor<2x3xf32>
}

// REMARK: [Missed] interleaved | {{.*}}since 'linalg.transpose' makes a part of it
// CHECK-LABEL: func.func @other
// CHECK: tensor.extract_slice
func.func @other(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>, %t: tensor<6x2xf32>) -> tensor<2x3xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  %r = linalg.transpose ins(%t : tensor<6x2xf32>) outs(%e : tensor<2x6xf32>) permutation = [1, 0]
  %sum = linalg.add ins(%p, %r : tensor<2x6xf32>, tensor<2x6xf32>) outs(%e : tensor<2x6xf32>) -> tensor<2x6xf32>
  %gate = tensor.extract_slice %sum[0, 0] [2, 3] [1, 2] : tensor<2x6xf32> to tensor<2x3xf32>
  return %gate : tensor<2x3xf32>
}

// REMARK: [Missed] interleaved | {{.*}}since the product has more to it
// CHECK-LABEL: func.func @epilogue
// CHECK: tensor.extract_slice
func.func @epilogue(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>) -> tensor<2x3xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) {
  ^bb0(%a: f32):
    %v = arith.negf %a : f32
    moe.yield %v : f32
  } : tensor<2x2xf32>, tensor<4x6x2xf32>
  %gate = tensor.extract_slice %p[0, 0] [2, 3] [1, 2] : tensor<2x6xf32> to tensor<2x3xf32>
  return %gate : tensor<2x3xf32>
}

// All columns in one product are as they should be.
// REMARK-NOT: interleaved
// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<2x2xf32>, %ids: tensor<1x2xi32>) -> tensor<2x6xf32> {
  %w = moe.get_weight @w : tensor<4x6x2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %p = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) outs(%e : tensor<2x6xf32>) : tensor<2x2xf32>, tensor<4x6x2xf32>
  return %p : tensor<2x6xf32>
}
