// RUN: moe-opt %s --convert-moe-to-gpu --canonicalize --cse | FileCheck %s

// Checks are numbered over all kernels. The first one to fail leaves its numbers and then its own in the words of the status;
// no kernel does anything after that.
// CHECK: gpu.module @model {{.*}} attributes {moe.checks = ["100%% rows, got %lld and %lld", "ids, got %lld"]}
// CHECK-LABEL: gpu.func @rows_kernel
// CHECK-SAME:    %{{.*}}: index, %[[N:.*]]: index, %[[M:.*]]: index, %[[STATUS:.*]]: memref<8xi64>)
// CHECK:         %[[BEFORE:.*]] = memref.load %[[STATUS]][%c0]
// CHECK:         %[[FINE:.*]] = arith.cmpi eq, %[[BEFORE]], %c0_i64
// CHECK:         %[[DO:.*]] = arith.andi %{{.*}}, %[[FINE]]
// CHECK:         scf.if %[[DO]]
// CHECK:         %[[STATE:.*]] = memref.load %[[STATUS]][%c0]
// CHECK:         %[[FIRST:.*]] = arith.cmpi eq, %[[STATE]], %c0_i64
// CHECK:         %[[BAD:.*]] = arith.cmpi ne, %[[N]], %[[M]]
// CHECK:         %[[REPORT:.*]] = arith.andi %[[BAD]], %[[FIRST]]
// CHECK:         scf.if %[[REPORT]]
// CHECK:           memref.store %{{.*}}, %[[STATUS]][%c1]
// CHECK:           memref.store %{{.*}}, %[[STATUS]][%c2]
// CHECK:           memref.store %c1_i64, %[[STATUS]][%c0]
func.func private @rows_kernel(%begin: index, %end: index, %n: index, %m: index) attributes {moe.kernel} {
  %0 = arith.cmpi eq, %n, %m : index
  cf.assert %0, "100% rows, got"
  return
}
// CHECK-LABEL: gpu.func @ids_kernel
// CHECK:         memref.store %c2_i64, %{{.*}}[%c0]
func.func private @ids_kernel(%begin: index, %end: index, %id: i32) attributes {moe.kernel} {
  %c8 = arith.constant 8 : i32
  %0 = arith.cmpi ult, %id, %c8 : i32
  cf.assert %0, "ids, got"
  return
}
// CHECK-LABEL: gpu.func @plain_kernel
// CHECK-SAME:    (%{{.*}}: index, %{{.*}}: memref<1xf32>, %[[STATUS:.*]]: memref<8xi64>) kernel
// CHECK:         memref.load %[[STATUS]][%c0]
func.func private @plain_kernel(%begin: index, %end: index, %x: memref<4xf32>) attributes {moe.kernel} {
  linalg.negf ins(%x : memref<4xf32>) outs(%x : memref<4xf32>)
  return
}

// CHECK-LABEL: func.func @entry
// CHECK:         %[[WORDS:.*]] = memref.get_global @moe_status : memref<8xi64>
// CHECK:         gpu.launch_func @model::@ids_kernel {{.*}} args(%{{.*}} : index, %{{.*}} : i32, %[[WORDS]] : memref<8xi64>)
// CHECK:         gpu.launch_func @model::@plain_kernel {{.*}} args(%{{.*}} : index, %{{.*}} : memref<1xf32>, %[[WORDS]] : memref<8xi64>)
func.func @entry(%x: memref<4xf32>, %id: i32) attributes {moe.entry = 1 : i64} {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  moe.launch @ids_kernel units(%c1) grain(1) (%id : i32)
  moe.launch @plain_kernel units(%c4) grain(1) (%x : memref<4xf32>)
  return
}
