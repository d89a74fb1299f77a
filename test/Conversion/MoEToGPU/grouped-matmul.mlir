// RUN: moe-opt %s --convert-moe-to-gpu --canonicalize --cse | FileCheck %s

// Rows sorted by expert: the last of 5 experts whose rows begin at the row or before, in three halvings. Rows behind the last
// expert's are nobody's.
// CHECK-LABEL: gpu.func @sorted_kernel
// CHECK-DAG:     %[[OFF:.*]] = memref.reinterpret_cast %{{.*}} : memref<1xi32> to memref<6xi32>
// CHECK-DAG:     %[[W:.*]] = memref.reinterpret_cast %{{.*}} : memref<1xbf16> to memref<5x7x16xbf16>
// CHECK:         scf.if
// CHECK-DAG:       %[[ROW:.*]] = arith.divui %{{.*}}, %c7
// CHECK-DAG:       %[[COL:.*]] = arith.remui %{{.*}}, %c7
// CHECK:           memref.load %[[OFF]][%c5]
// CHECK:           scf.if
// CHECK:             %[[FOUND:.*]]:2 = scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args(%[[E:.*]] = %c0, %[[HALF:.*]] = %c4)
// CHECK-NEXT:          %[[NEXT:.*]] = arith.addi %[[E]], %[[HALF]]
// CHECK-NEXT:          %[[IN:.*]] = arith.minsi %[[NEXT]], %c4
// CHECK-NEXT:          memref.load %[[OFF]][%[[IN]]]
// CHECK:             %[[P:.*]] = scf.for %[[J:.*]] = %c0 to %c16 step %c1 iter_args(%[[S:.*]] = %cst)
// CHECK-DAG:           %[[A:.*]] = memref.load %{{.*}}[%[[ROW]], %[[J]]]
// CHECK-DAG:           %[[B:.*]] = memref.load %[[W]][%[[FOUND]]#0, %[[COL]], %[[J]]]
// CHECK-DAG:           %[[C:.*]] = arith.extf %[[B]] : bf16 to f32
// CHECK:               math.fma %[[A]], %[[C]], %[[S]]
// CHECK:             memref.store %[[P]], %{{.*}}[%[[ROW]], %[[COL]]]
func.func private @sorted_kernel(%begin: index, %end: index, %x: memref<?x16xf32>, %w: memref<5x7x16xbf16>, %off: memref<6xi32>, %y: memref<?x7xf32>)
    attributes {moe.kernel} {
  moe.grouped_matmul %x, %w offsets(%off : memref<6xi32>) outs(%y : memref<?x7xf32>) : memref<?x16xf32>, memref<5x7x16xbf16>
  return
}

// Two weights, an epilogue with an expert's bias, token rows found by the order.
// CHECK-LABEL: gpu.func @fused_kernel
// CHECK:           %[[PAIR:.*]] = memref.load %{{.*}} : memref<?xi32>
// CHECK:           %[[Q:.*]] = arith.index_cast %[[PAIR]]
// CHECK:           %[[TOKEN:.*]] = arith.divui %[[Q]], %c2
// CHECK:           %[[P:.*]]:2 = scf.for %[[J:.*]] = %c0 to %c16 step %c1 iter_args(%{{.*}} = %cst, %{{.*}} = %cst)
// CHECK:             memref.load %{{.*}}[%[[TOKEN]], %[[J]]]
// CHECK-COUNT-2:     math.fma
// CHECK:           %[[BIAS:.*]] = memref.load %{{.*}} : memref<4x6xf32>
// CHECK:           arith.addf %[[P]]#0, %[[BIAS]]
// CHECK:           arith.mulf
func.func private @fused_kernel(%begin: index, %end: index, %x: memref<?x16xf32>, %g: memref<4x6x16xf32>, %u: memref<4x6x16xf32>, %off: memref<5xi32>,
    %order: memref<?xi32>, %bias: memref<4x6xf32>, %y: memref<?x6xf32>) attributes {moe.kernel} {
  moe.grouped_matmul %x, %g, %u offsets(%off : memref<5xi32>) order(%order : memref<?xi32>) top_k(2) broadcast
      epilogue(%bias : memref<4x6xf32>) maps([affine_map<(r, n, e, t, s) -> (e, n)>]) outs(%y : memref<?x6xf32>) {
  ^bb0(%p0: f32, %p1: f32, %b: f32):
    %a = arith.addf %p0, %b : f32
    %v = arith.mulf %a, %p1 : f32
    moe.yield %v : f32
  } : memref<?x16xf32>, memref<4x6x16xf32>, memref<4x6x16xf32>
  return
}

// A combination: a thread adds its token's slots in order, from init; skipped pairs add what they stand for.
// CHECK-LABEL: gpu.func @combine_kernel
// CHECK:           %[[INIT:.*]] = memref.load
// CHECK:           %[[SUM:.*]] = scf.for %[[SLOT:.*]] = %c0 to %c3 step %c1 iter_args(%[[S:.*]] = %[[INIT]])
// CHECK:             %[[R:.*]] = memref.load %{{.*}}[%{{.*}}, %[[SLOT]]] : memref<?x3xi32>
// CHECK:             scf.if
// CHECK:               scf.for
// CHECK:                 math.fma
// CHECK:               math.fma
// CHECK:             } else {
// CHECK:               math.fma
// CHECK:           memref.store %[[SUM]]
func.func private @combine_kernel(%begin: index, %end: index, %x: memref<?x16xf32>, %w: memref<2x6x16xf32>, %off: memref<3xi32>,
    %c: memref<?x3xf32>, %inverse: memref<?x3xi32>, %skipped: memref<?x6xf32>, %init: memref<?x6xf32>, %y: memref<?x6xf32>)
    attributes {moe.kernel} {
  moe.grouped_matmul %x, %w offsets(%off : memref<3xi32>) partial combine(%c : memref<?x3xf32>) inverse(%inverse : memref<?x3xi32>)
      skipped(%skipped : memref<?x6xf32>) init(%init : memref<?x6xf32>) outs(%y : memref<?x6xf32>)
      : memref<?x16xf32>, memref<2x6x16xf32>
  return
}

// Pairs by id; one expert is found without a search.
// CHECK-LABEL: gpu.func @ids_kernel
// CHECK:           memref.load %{{.*}} : memref<1x4xi32>
// CHECK:           arith.cmpi slt
// CHECK:           scf.if
func.func private @ids_kernel(%begin: index, %end: index, %x: memref<1x16xf32>, %w: memref<8x6x16xf32>, %ids: memref<1x4xi32>, %y: memref<4x6xf32>)
    attributes {moe.kernel} {
  moe.grouped_matmul %x, %w ids(%ids : memref<1x4xi32>) broadcast partial outs(%y : memref<4x6xf32>) : memref<1x16xf32>, memref<8x6x16xf32>
  return
}
// CHECK-LABEL: gpu.func @one_kernel
// CHECK-NOT:     iter_args({{.*}}, {{.*}})
// CHECK:         gpu.return
func.func private @one_kernel(%begin: index, %end: index, %x: memref<?x16xf32>, %w: memref<1x6x16xf32>, %off: memref<2xi32>, %y: memref<?x6xf32>)
    attributes {moe.kernel} {
  moe.grouped_matmul %x, %w offsets(%off : memref<2xi32>) outs(%y : memref<?x6xf32>) : memref<?x16xf32>, memref<1x6x16xf32>
  return
}
