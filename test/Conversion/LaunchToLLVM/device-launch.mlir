// RUN: moe-opt %s --convert-moe-launch-to-llvm | FileCheck %s
// RUN: moe-opt %s --convert-moe-launch-to-llvm --convert-moe-checks-to-llvm | FileCheck %s --check-prefix=FAILURE

module attributes {gpu.container_module} {
  memref.global "private" @moe_status : memref<8xi64>
  gpu.module @model attributes {moe.checks = ["rows, got %lld and %lld", "plain"]} {
    gpu.func @first(%n: index, %x: memref<1xf32>, %v: f32) kernel {
      gpu.return
    }
    gpu.func @second(%n: index, %status: memref<8xi64>) kernel {
      gpu.return
    }
  }

  // Parameters lie side by side, with an array of their addresses, both made once for parameters of the same types. A memref
  // is passed as its address, the status as the context has it. An empty grid is no launch; what launch returns is returned.
  // CHECK-NOT: memref.global
  // CHECK-LABEL: func.func @moe_entry_run
  // CHECK-SAME:    (%[[CONTEXT:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr) -> !llvm.ptr
  // CHECK-COUNT-4: llvm.alloca
  // CHECK-NOT:     llvm.alloca
  // CHECK:         %[[AT:.*]] = llvm.getelementptr %[[CONTEXT]][0, 5]
  // CHECK:         %[[LAUNCH:.*]] = llvm.load %[[AT]]
  // CHECK:         llvm.getelementptr %[[CONTEXT]][0, 6]
  // CHECK:         llvm.extractvalue %{{.*}}[1] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  // CHECK:         %[[EMPTY:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : index
  // CHECK:         cf.cond_br %[[EMPTY]], ^[[NEXT:.*]], ^[[CALL:.*]]
  // CHECK:       ^[[CALL]]:
  // CHECK:         %[[NUMBER:.*]] = llvm.mlir.constant(0 : i32)
  // CHECK:         %[[ERROR:.*]] = llvm.call %[[LAUNCH]](%[[CONTEXT]], %[[NUMBER]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32, i64, !llvm.ptr) -> !llvm.ptr
  // CHECK:         %[[OK:.*]] = llvm.icmp "eq" %[[ERROR]]
  // CHECK:         cf.cond_br %[[OK]], ^[[NEXT]], ^[[FAILED:.*]](%[[ERROR]] : !llvm.ptr)
  // CHECK:       ^[[NEXT]]:
  // CHECK:         %[[SECOND:.*]] = llvm.mlir.constant(1 : i32)
  // CHECK:         llvm.call %[[LAUNCH]](%[[CONTEXT]], %[[SECOND]]
  // CHECK:       ^[[FAILED]](%[[TEXT:.*]]: !llvm.ptr):
  // CHECK-NEXT:    return %[[TEXT]]
  func.func @run(%w: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %n: memref<?xf32>) attributes {moe.entry = 1 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c128 = arith.constant 128 : index
    %cst = arith.constant 2.0 : f32
    %d = memref.dim %n, %c0 : memref<?xf32>
    %blocks = arith.ceildivui %d, %c128 : index
    %x = memref.reinterpret_cast %n to offset: [0], sizes: [1], strides: [1] : memref<?xf32> to memref<1xf32>
    gpu.launch_func @model::@first blocks in (%blocks, %c1, %c1) threads in (%c128, %c1, %c1) args(%d : index, %x : memref<1xf32>, %cst : f32)
    gpu.launch_func @model::@first blocks in (%blocks, %c1, %c1) threads in (%c128, %c1, %c1) args(%d : index, %x : memref<1xf32>, %cst : f32)
    %status = memref.get_global @moe_status : memref<8xi64>
    gpu.launch_func @model::@second blocks in (%blocks, %c1, %c1) threads in (%c128, %c1, %c1) args(%d : index, %status : memref<8xi64>)
    return
  }
}

// What the words mean: check 0 has two numbers, check 1 none; no check has failed where word 0 is 0.
// FAILURE-DAG: llvm.mlir.global private constant @[[ROWS:.*]]("rows, got %lld and %lld\00")
// FAILURE-DAG: llvm.mlir.global private constant @[[PLAIN:.*]]("plain\00")
// FAILURE: llvm.func @moe_device_failure(%[[STATUS:.*]]: !llvm.ptr) -> !llvm.ptr
// FAILURE:   %[[NUMBER:.*]] = llvm.load
// FAILURE:   %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
// FAILURE:   llvm.icmp "eq" %[[NUMBER]], %[[ONE]]
// FAILURE:   llvm.getelementptr %[[STATUS]][1]
// FAILURE:   llvm.getelementptr %[[STATUS]][2]
// FAILURE:   llvm.mlir.addressof @[[ROWS]]
// FAILURE:   llvm.call @snprintf
// FAILURE:   llvm.mlir.constant(2 : i64)
// FAILURE:   llvm.mlir.addressof @[[PLAIN]]
// FAILURE:   llvm.mlir.zero
// FAILURE:   llvm.return
