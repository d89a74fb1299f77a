// RUN: moe-opt %s --moe-outline-kernels | FileCheck %s
// RUN: moe-opt %s --moe-outline-kernels=finest-units --canonicalize | FileCheck %s --check-prefix=FINEST

// Two layers of one shape share a kernel; the one of another shape has its own. What a kernel uses, it gets; constants it
// makes itself.
// CHECK-LABEL: func.func @shared
// CHECK-SAME: %{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>, %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[Y:[a-z0-9]+]]: memref<?x8xf32>, %[[Z:[a-z0-9]+]]: memref<4x8xf32>
// CHECK: moe.launch @[[$FILL:fill_kernel]] units(%{{.*}}) grain({{[0-9]+}}) (%[[X]] : memref<?x8xf32>)
// CHECK: moe.launch @[[$FILL]] units(%{{.*}}) grain({{[0-9]+}}) (%[[Y]] : memref<?x8xf32>)
// CHECK: moe.launch @[[OTHER:fill_kernel_0]] units(%{{.*}}) grain({{[0-9]+}}) (%[[Z]] : memref<4x8xf32>)
// CHECK-NOT: linalg.fill
// CHECK: return
func.func @shared(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x8xf32>, %y: memref<?x8xf32>, %z: memref<4x8xf32>)
    attributes {moe.entry = 3 : i64} {
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%one : f32) outs(%x : memref<?x8xf32>)
  linalg.fill ins(%one : f32) outs(%y : memref<?x8xf32>)
  linalg.fill ins(%one : f32) outs(%z : memref<4x8xf32>)
  return
}

// The same work in another entry uses the same kernel; with another constant it does not.
// CHECK-LABEL: func.func @second_entry
// CHECK: moe.launch @[[$FILL]] units(
// CHECK: moe.launch @fill_kernel_1 units(
func.func @second_entry(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x8xf32>) attributes {moe.entry = 1 : i64} {
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  linalg.fill ins(%one : f32) outs(%x : memref<?x8xf32>)
  linalg.fill ins(%two : f32) outs(%x : memref<?x8xf32>)
  return
}

// Values that the body reads from outside are captured too, once each; a loop around the launch stays in the entry.
// CHECK-LABEL: func.func @body_reads
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<4xf32>, %[[TABLE:[a-z0-9]+]]: memref<9xf32>)
// CHECK: scf.for %[[I:.*]] =
// CHECK: moe.launch @generic_kernel units(%{{.*}}) grain({{[0-9]+}}) (%[[X]], %[[TABLE]], %[[I]] : memref<4xf32>, memref<9xf32>, index)
func.func @body_reads(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<4xf32>, %table: memref<9xf32>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %i = %c0 to %c9 step %c1 {
    linalg.generic {indexing_maps = [affine_map<(d) -> (d)>], iterator_types = ["parallel"]} outs(%x : memref<4xf32>) {
    ^bb0(%o: f32):
      %a = memref.load %table[%i] : memref<9xf32>
      %b = memref.load %table[%i] : memref<9xf32>
      %v = arith.mulf %a, %b : f32
      linalg.yield %v : f32
    }
  }
  return
}

// A cache handle has no run-time form: its bytes are captured, and the kernel makes the handle.
// CHECK-LABEL: func.func @cache
// CHECK-SAME: %[[K:[a-z0-9]+]]: memref<4x2x8xf32>, %[[P:[a-z0-9]+]]: memref<4xi32>)
// CHECK: %[[BYTES:.*]] = memref.view %{{.*}} to memref<3072xi8>
// CHECK: moe.launch @kv_append_kernel units(%{{.*}}) grain({{[0-9]+}}) (%[[BYTES]], %[[K]], %[[P]] : memref<3072xi8>, memref<4x2x8xf32>, memref<4xi32>)
!cache = !moe.kv_cache<static<16>, 2 x 8 x f32>
func.func @cache(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %k: memref<4x2x8xf32>, %p: memref<4xi32>) attributes {moe.entry = 2 : i64} {
  %c0 = arith.constant 0 : index
  %bytes = memref.view %kv[%c0][] : memref<?xi8> to memref<3072xi8>
  %cache = moe.kv_view %bytes : memref<3072xi8> -> !cache
  moe.kv_append %cache, %k, %k at %p : !cache, memref<4x2x8xf32>, memref<4x2x8xf32>, memref<4xi32>
  return
}

// A function that is no entry keeps its work.
// CHECK-LABEL: func.func private @helper
// CHECK: linalg.fill
func.func private @helper(%x: memref<4xf32>) {
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%one : f32) outs(%x : memref<4xf32>)
  return
}

// CHECK: func.func private @[[$FILL]](%[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index, %[[OUT:[a-z0-9]+]]: memref<?x8xf32>) attributes {moe.kernel}
// CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0{{0*}}e+00 : f32
// CHECK-NEXT: linalg.fill ins(%[[ONE]] : f32) outs(%[[OUT]]
// CHECK-NEXT: return
// CHECK: func.func private @kv_append_kernel(%{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index, %[[BYTES:[a-z0-9]+]]: memref<3072xi8>, %[[K:[a-z0-9]+]]: memref<4x2x8xf32>, %[[P:[a-z0-9]+]]: memref<4xi32>) attributes {moe.kernel}
// CHECK: %[[CACHE:.*]] = moe.kv_view %[[BYTES]]
// CHECK: moe.kv_append %[[CACHE]], %[[K]], %[[K]] at %[[P]]

// For a device with a thread for each unit: points, columns of rows, query heads. A table of constants is read where the work is.
// FINEST: memref.global
// FINEST-LABEL: func.func @units
// FINEST:         %[[POINTS:.*]] = arith.muli %{{.*}}, %c8
// FINEST:         moe.launch @fill_kernel{{[_0-9]*}} units(%[[POINTS]]) grain(1)
// FINEST:         moe.launch @generic_kernel{{[_0-9]*}} units(%c12) grain(1)
// FINEST:         %[[HEADS:.*]] = arith.muli %{{.*}}, %c6
// FINEST:         moe.launch @attention_kernel units(%[[HEADS]]) grain(1)
// FINEST:         moe.launch @copy_kernel units(%c4) grain(1) (%{{.*}} : memref<4xf32>)
// FINEST:       func.func private @copy_kernel(%{{.*}}: index, %{{.*}}: index, %[[OUT:.*]]: memref<4xf32>)
// FINEST:         %[[TABLE:.*]] = memref.get_global @table
// FINEST:         memref.copy %[[TABLE]], %[[OUT]]
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func @units(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<?x8xf32>, %s: memref<3x5x4xf32>, %r: memref<3x4xf32>,
    %q: memref<?x6x8xf32>, %p: memref<?xi32>, %o: memref<?x6x8xf32>, %t: memref<4xf32>) attributes {moe.entry = 5 : i64} {
  %c0 = arith.constant 0 : index
  %three = arith.constant 3.0 : f32
  linalg.fill ins(%three : f32) outs(%x : memref<?x8xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, r, j) -> (i, r, j)>, affine_map<(i, r, j) -> (i, j)>], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%s : memref<3x5x4xf32>) outs(%r : memref<3x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    linalg.yield %c : f32
  }
  %bytes = memref.view %kv[%c0][] : memref<?xi8> to memref<3072xi8>
  %cache = moe.kv_view %bytes : memref<3072xi8> -> !cache
  moe.attention %q, %cache at %p scale(1.0) outs(%o : memref<?x6x8xf32>) : memref<?x6x8xf32>, !cache, memref<?xi32>
  %table = memref.get_global @table : memref<4xf32>
  memref.copy %table, %t : memref<4xf32> to memref<4xf32>
  return
}
