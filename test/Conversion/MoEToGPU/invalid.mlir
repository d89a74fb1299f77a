// RUN: moe-opt %s --convert-moe-to-gpu --split-input-file --verify-diagnostics

func.func private @packed(%begin: index, %end: index, %x: memref<1x8xf32>, %w: memref<4x8x32xf32>, %y: memref<1x128xf32>)
    attributes {moe.kernel} {
  // expected-error-re @below {{'moe.packed_matmul' op of {{.*}} has no kernel for a GPU}}
  moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%y : memref<1x128xf32>) : memref<1x8xf32>, memref<4x8x32xf32>
  return
}

// -----

func.func private @panel(%begin: index, %end: index, %x: memref<1x8xf32>, %w: memref<2x1x8x32xf32>, %ids: memref<1x1xi32>, %y: memref<1x32xf32>)
    attributes {moe.kernel} {
  // expected-error @below {{expected weights as they are, got packed ones}}
  moe.grouped_matmul %x, %w ids(%ids : memref<1x1xi32>) panel <width = 32, pair = 1> outs(%y : memref<1x32xf32>)
      : memref<1x8xf32>, memref<2x1x8x32xf32>
  return
}

// -----

func.func private @no_view(%begin: index, %end: index, %cache: !moe.kv_cache<static<16>, 1 x 8 x f32>, %q: memref<1x1x8xf32>, %pos: memref<1xi32>, %y: memref<1x1x8xf32>)
    attributes {moe.kernel} {
  // expected-error @below {{expected a cache that is a moe.kv_view}}
  moe.attention %q, %cache at %pos scale(1.0) outs(%y : memref<1x1x8xf32>)
      : memref<1x1x8xf32>, !moe.kv_cache<static<16>, 1 x 8 x f32>, memref<1xi32>
  return
}

// -----

// In a loop over rows, attention would be a second kind of unit.
func.func private @in_row(%begin: index, %end: index, %bytes: memref<1536xi8>, %q: memref<1x1x8xf32>, %pos: memref<1xi32>, %y: memref<1x1x8xf32>)
    attributes {moe.kernel} {
  %c1 = arith.constant 1 : index
  %cache = moe.kv_view %bytes : memref<1536xi8> -> !moe.kv_cache<static<16>, 1 x 8 x f32>
  scf.for %i = %begin to %end step %c1 {
    // expected-error-re @below {{'moe.attention' op of {{.*}} has no kernel for a GPU in a loop over rows}}
    moe.attention %q, %cache at %pos scale(1.0) outs(%y : memref<1x1x8xf32>)
        : memref<1x1x8xf32>, !moe.kv_cache<static<16>, 1 x 8 x f32>, memref<1xi32>
  }
  return
}

// -----

// Work of an entry that no launch does would read the device's memory on the host.
func.func @entry(%x: memref<4xindex>) -> index attributes {moe.entry = 1 : i64} {
  %c0 = arith.constant 0 : index
  // expected-error-re @below {{'memref.load' op of {{.*}} would have the host reach into a GPU's memory; expected everything that does to be a kernel}}
  %0 = memref.load %x[%c0] : memref<4xindex>
  return %0 : index
}
