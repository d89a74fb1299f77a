// RUN: moe-opt %s --convert-moe-to-vector --split-input-file --verify-diagnostics
// RUN: not moe-opt %s --convert-moe-to-vector="vector-bits=128" 2>&1 | FileCheck %s

// CHECK: error: expected vector-bits of 256 or 512, got 128
func.func @width(%begin: index, %end: index, %x: memref<1x8xf32>, %w: memref<4x8x8xf32>, %y: memref<1x32xf32>)
    attributes {moe.kernel} {
  // expected-error @below {{expected a panel of pair = 1 and of a few times 16 columns for 'f32', got #moe.panel<width = 8, pair = 1>}}
  moe.packed_matmul %x, %w panel <width = 8, pair = 1> outs(%y : memref<1x32xf32>)
      : memref<1x8xf32>, memref<4x8x8xf32>
  return
}

// -----

func.func @pair(%begin: index, %end: index, %x: memref<1x8xf32>, %w: memref<2x1x8x32xbf16>, %ids: memref<1x1xi32>, %y: memref<1x32xf32>)
    attributes {moe.kernel} {
  // expected-error @below {{expected a panel of pair = 2 and of a few times 16 columns for 'bf16', got #moe.panel<width = 32, pair = 1>}}
  moe.grouped_matmul %x, %w ids(%ids : memref<1x1xi32>) panel <width = 32, pair = 1> outs(%y : memref<1x32xf32>)
      : memref<1x8xf32>, memref<2x1x8x32xbf16>
  return
}

// -----

func.func @no_view(%begin: index, %end: index, %cache: !moe.kv_cache<static<16>, 1 x 8 x f32>, %q: memref<1x1x8xf32>, %pos: memref<1xi32>, %y: memref<1x1x8xf32>)
    attributes {moe.kernel} {
  // expected-error @below {{expected a cache that is a moe.kv_view}}
  moe.attention %q, %cache at %pos scale(1.0) outs(%y : memref<1x1x8xf32>)
      : memref<1x1x8xf32>, !moe.kv_cache<static<16>, 1 x 8 x f32>, memref<1xi32>
  return
}
