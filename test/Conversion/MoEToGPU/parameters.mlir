// RUN: moe-opt %s --convert-moe-to-gpu --canonicalize --cse | FileCheck %s
// RUN: moe-opt %s --convert-moe-to-gpu="chip=sm_90a ptx=83 block-size=32" | FileCheck %s --check-prefix=OPTIONS

// OPTIONS: gpu.module @model [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx83">]
// OPTIONS: known_block_size = array<i32: 32, 1, 1>
// CHECK: module attributes {gpu.container_module}
// CHECK: gpu.module @model [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx80">]

// A thread for each unit, and nothing for those beyond the last. Of a memref go its address and what its type leaves open:
// extents; strides and an offset where they do not follow. Scalars go as they are.
// CHECK-LABEL: gpu.func @copy_kernel
// CHECK-SAME:    (%[[UNITS:.*]]: index, %[[X:.*]]: memref<1xf32>, %[[ROWS:.*]]: index, %[[Y:.*]]: memref<1xf32>, %[[ROWS2:.*]]: index, %[[STRIDE:.*]]: index, %[[OFFSET:.*]]: index) kernel
// CHECK-SAME:    known_block_size = array<i32: 128, 1, 1>
// CHECK-DAG:     %[[BLOCK:.*]] = gpu.block_id x
// CHECK-DAG:     %[[THREAD:.*]] = gpu.thread_id x
// CHECK:         %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c128
// CHECK:         %[[UNIT:.*]] = arith.addi %[[FIRST]], %[[THREAD]]
// CHECK-DAG:     %[[IN:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[ROWS]], 8], strides: [8, 1]
// CHECK-DAG:     %[[OUT:.*]] = memref.reinterpret_cast %[[Y]] to offset: [%[[OFFSET]]], sizes: [%[[ROWS2]], 8], strides: [%[[STRIDE]], 1]
// CHECK-DAG:     %[[EXISTS:.*]] = arith.cmpi ult, %[[UNIT]], %[[UNITS]]
// CHECK:         scf.if %[[EXISTS]]
// CHECK-DAG:       %[[COLUMN:.*]] = arith.remui %[[UNIT]], %c8
// CHECK-DAG:       %[[ROW:.*]] = arith.divui %[[UNIT]], %c8
// CHECK:           %[[V:.*]] = memref.load %[[IN]][%[[ROW]], %[[COLUMN]]]
// CHECK:           memref.store %[[V]], %[[OUT]][%[[ROW]], %[[COLUMN]]]
// CHECK:         gpu.return
func.func private @copy_kernel(%begin: index, %end: index, %x: memref<?x8xf32>, %y: memref<?x8xf32, strided<[?, 1], offset: ?>>)
    attributes {moe.kernel} {
  memref.copy %x, %y : memref<?x8xf32> to memref<?x8xf32, strided<[?, 1], offset: ?>>
  return
}

// Strides of an identity layout follow from extents; a type's offset is the kernel's to add.
// CHECK-LABEL: gpu.func @strides_kernel
// CHECK-SAME:    (%{{.*}}: index, %[[X:.*]]: memref<1xi32>, %[[D0:.*]]: index, %[[D1:.*]]: index, %[[Y:.*]]: memref<1xi32>)
// CHECK-DAG:     %[[PLANE:.*]] = arith.muli %[[D1]], %c4
// CHECK-DAG:     memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[D0]], %[[D1]], 4], strides: [%[[PLANE]], 4, 1]
// CHECK-DAG:     memref.reinterpret_cast %[[Y]] to offset: [64], sizes: [2, 4], strides: [16, 1]
func.func private @strides_kernel(%begin: index, %end: index, %x: memref<?x?x4xi32>, %y: memref<2x4xi32, strided<[16, 1], offset: 64>>)
    attributes {moe.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d0 + d1, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?x4xi32>) outs(%y : memref<2x4xi32, strided<[16, 1], offset: 64>>) {
  ^bb0(%a: i32, %o: i32):
    linalg.yield %a : i32
  }
  return
}

// The grid covers the units; the launch passes what the kernel takes.
// CHECK-LABEL: func.func @entry
// CHECK-SAME:    %[[X:.*]]: memref<?x8xf32>, %[[Y:.*]]: memref<?x8xf32, strided<[?, 1], offset: ?>>,
// CHECK-DAG:     %[[ROWS:.*]] = memref.dim %[[X]], %c0
// CHECK-DAG:     %[[UNITS:.*]] = arith.muli %[[ROWS]], %c8
// CHECK-DAG:     %[[BLOCKS:.*]] = arith.ceildivui %[[UNITS]], %c128
// CHECK-DAG:     %[[PX:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [1], strides: [1]
// CHECK-DAG:     %{{.*}}, %[[OFFSET:.*]], %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[Y]]
// CHECK:         gpu.launch_func @model::@copy_kernel blocks in (%[[BLOCKS]], %c1, %c1) threads in (%c128, %c1, %c1)
// CHECK-SAME:      args(%[[UNITS]] : index, %[[PX]] : memref<1xf32>, %[[ROWS]] : index, %{{.*}} : memref<1xf32>, %{{.*}} : index, %[[STRIDES]]#0 : index, %[[OFFSET]] : index)
func.func @entry(%x: memref<?x8xf32>, %y: memref<?x8xf32, strided<[?, 1], offset: ?>>, %i: memref<?x?x4xi32>, %j: memref<32x16xi32>) attributes {moe.entry = 0 : i64} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %rows = memref.dim %x, %c0 : memref<?x8xf32>
  %units = arith.muli %rows, %c8 : index
  moe.launch @copy_kernel units(%units) grain(1) (%x, %y : memref<?x8xf32>, memref<?x8xf32, strided<[?, 1], offset: ?>>)
  %w = memref.subview %j[4, 0] [2, 4] [1, 1] : memref<32x16xi32> to memref<2x4xi32, strided<[16, 1], offset: 64>>
  moe.launch @strides_kernel units(%c8) grain(1) (%i, %w : memref<?x?x4xi32>, memref<2x4xi32, strided<[16, 1], offset: 64>>)
  return
}
