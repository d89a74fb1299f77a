// RUN: moe-opt %s --convert-moe-launch-to-llvm --verify-diagnostics

// expected-error @below {{expected tensors of rank 8 or less, got 'memref<1x1x1x1x1x1x1x1x1xf32>'}}
func.func @rank(%weights: memref<?xi8>, %kv: memref<?xi8>, %arena: memref<?xi8>, %x: memref<1x1x1x1x1x1x1x1x1xf32>)
    attributes {moe.entry = 1 : i64} {
  return
}
