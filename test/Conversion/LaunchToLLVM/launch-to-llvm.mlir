// RUN: moe-opt %s --convert-moe-launch-to-llvm --canonicalize | FileCheck %s

// What the module says of weights and caches is the manifest's; anything else stays.
// CHECK: module attributes {other.attribute} {
// CHECK-NOT: moe.weight
// CHECK: llvm.mlir.global external constant @moe_abi_version(3 : i32)
module attributes {moe.kv_bytes = 0 : i64, moe.kv_caches = [], moe.weights_bytes = 64 : i64, other.attribute} {
  moe.weight @w : tensor<4xf32> from #moe.random<seed = 1, scale = 1.0> offset 0

  // The fields of the context in order; a tensor is its data and, where the type does not say them, its extents. Work
  // for less than two ranges is called directly.
  // CHECK-LABEL: func.func @moe_entry_layer
  // CHECK-SAME: (%[[CONTEXT:[a-z0-9]+]]: !llvm.ptr, %[[TENSORS:[a-z0-9]+]]: !llvm.ptr)
  // CHECK-DAG: %[[ONE:.*]] = llvm.mlir.constant(1 : i64) : i64
  // CHECK-DAG: %[[FOUR:.*]] = llvm.mlir.constant(4 : i64) : i64
  // CHECK-DAG: %[[GRAIN:.*]] = arith.constant 16 : index
  // CHECK-DAG: %[[KERNEL:.*]] = constant @kernel
  // CHECK-DAG: %[[CAPTURES:.*]] = llvm.alloca %[[ONE]] x !llvm.struct<(struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>, struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>, i64)>
  // CHECK: llvm.getelementptr %[[CONTEXT]][0, 3] : {{.*}} !llvm.struct<(ptr, ptr, ptr, ptr, ptr, ptr, ptr)>
  // CHECK: %[[DATA_AT:.*]] = llvm.getelementptr %[[TENSORS]][0, 0] : {{.*}} !llvm.struct<(ptr, array<8 x i64>)>
  // CHECK: %[[DATA:.*]] = llvm.load %[[DATA_AT]]
  // CHECK: %[[T_AT:.*]] = llvm.getelementptr %[[TENSORS]][0, 1, 0] :
  // CHECK: %[[T:.*]] = llvm.load %[[T_AT]] : !llvm.ptr -> i64
  // CHECK: llvm.insertvalue %[[DATA]], %{{.*}}[1] :
  // CHECK: llvm.insertvalue %[[FOUR]], %{{.*}}[3, 1] :
  // CHECK: llvm.insertvalue %[[T]], %{{.*}}[3, 0] :
  // CHECK: %[[X:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x4xf32>
  // CHECK: %[[PARALLEL_FOR_AT:.*]] = llvm.getelementptr %[[CONTEXT]][0, 0] :
  // CHECK: %[[PARALLEL_FOR:.*]] = llvm.load %[[PARALLEL_FOR_AT]]
  // CHECK: %[[UNITS:.*]] = memref.dim %[[X]]
  // CHECK: scf.for %[[I:.*]] =
  // CHECK-NOT: llvm.alloca
  // CHECK: llvm.getelementptr %[[CAPTURES]][0, 0] :
  // CHECK: llvm.getelementptr %[[CAPTURES]][0, 1] :
  // CHECK: %[[I_AT:.*]] = llvm.getelementptr %[[CAPTURES]][0, 2] :
  // CHECK: %[[I64:.*]] = builtin.unrealized_conversion_cast %[[I]] : index to i64
  // CHECK: llvm.store %[[I64]], %[[I_AT]]
  // CHECK: %[[SERIAL:.*]] = arith.cmpi sle, %[[UNITS]], %[[GRAIN]] : index
  // CHECK: scf.if %[[SERIAL]] {
  // CHECK-NEXT: func.call @kernel(%[[CAPTURES]], %c0{{.*}}, %[[UNITS]])
  // CHECK-NEXT: } else {
  // CHECK: %[[FN:.*]] = builtin.unrealized_conversion_cast %[[KERNEL]]
  // CHECK: llvm.call %[[PARALLEL_FOR]](%[[CONTEXT]], %[[FN]], %[[CAPTURES]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64) -> ()
  func.func @layer(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x4xf32> {moe.name = "x", moe.max_shape = array<i64: 9, 4>}, %y: memref<f32>)
      attributes {moe.entry = 1 : i64, moe.arena_bytes = 64 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %t = memref.dim %x, %c0 : memref<?x4xf32>
    %scratch = memref.view %arena[%c0][%t] : memref<?xi8> to memref<?xf32>
    scf.for %i = %c0 to %c2 step %c1 {
      moe.launch @kernel units(%t) grain(16) (%x, %scratch, %i : memref<?x4xf32>, memref<?xf32>, index)
    }
    return
  }

  // Launches whose captures have one type share their place on the stack.
  // CHECK-LABEL: func.func @moe_entry_stack
  // CHECK-COUNT-2: llvm.alloca
  // CHECK-NOT: llvm.alloca
  // CHECK: return
  func.func @stack(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x4xf32>, %s: memref<?xf32>, %n: memref<1xi64>)
      attributes {moe.entry = 3 : i64, moe.arena_bytes = 0 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %t = memref.dim %x, %c0 : memref<?x4xf32>
    moe.launch @kernel units(%t) grain(16) (%x, %s, %c0 : memref<?x4xf32>, memref<?xf32>, index)
    moe.launch @kernel units(%t) grain(16) (%x, %s, %c1 : memref<?x4xf32>, memref<?xf32>, index)
    moe.launch @empty units(%t) grain(1) ()
    return
  }

  // A kernel reads its captures from where the launch put them. It is never inlined, so that there is one copy of its code.
  // CHECK-LABEL: func.func private @kernel
  // CHECK-SAME: (%[[CAPTURES:[a-z0-9]+]]: !llvm.ptr, %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index)
  // CHECK-SAME: llvm.linkage = #llvm.linkage<internal>
  // CHECK-SAME: passthrough = ["noinline"]
  // CHECK: llvm.getelementptr %[[CAPTURES]][0, 0] :
  // CHECK: llvm.getelementptr %[[CAPTURES]][0, 1] :
  // CHECK: llvm.getelementptr %[[CAPTURES]][0, 2] :
  // CHECK: memref.load %{{.*}}[%[[BEGIN]], %{{.*}}] : memref<?x4xf32>
  // CHECK: memref.store %{{.*}}, %{{.*}}[%[[END]]] : memref<?xf32>
  func.func private @kernel(%begin: index, %end: index, %x: memref<?x4xf32>, %s: memref<?xf32>, %i: index) attributes {moe.kernel} {
    %v = memref.load %x[%begin, %i] : memref<?x4xf32>
    memref.store %v, %s[%end] : memref<?xf32>
    return
  }

  // No captures.
  // CHECK-LABEL: func.func private @empty(%{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index)
  func.func private @empty(%begin: index, %end: index) attributes {moe.kernel} {
    return
  }

  // Neither entry nor kernel: left as it is.
  // CHECK: func.func private @helper(%{{[a-z0-9]+}}: f32) -> f32 {
  func.func private @helper(%x: f32) -> f32 {
    return %x : f32
  }
}
