// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-eliminate-empty-tensors),canonicalize)" | FileCheck %s

// CHECK-LABEL: func.func @one
// CHECK-SAME: %{{.*}}: tensor<4xf32>, %[[OUT:.*]]: memref<1x4xf32>)
// CHECK-NOT: tensor.empty
// CHECK: bufferization.to_tensor %[[OUT]]
func.func @one(%x: tensor<4xf32>, %out: memref<1x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %r = tensor.insert_slice %x into %f[0, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<1x4xf32>
  bufferization.materialize_in_destination %r in restrict writable %out : (tensor<1x4xf32>, memref<1x4xf32>) -> ()
  return
}

// The zeros become two results. In the first one's memory, the second one could be made and then overwritten.
// CHECK-LABEL: func.func @two
// CHECK: tensor.empty
// CHECK-NOT: to_tensor
func.func @two(%x: tensor<4xf32>, %y: tensor<4xf32>, %out: memref<1x4xf32>, %out2: memref<1x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %r = tensor.insert_slice %x into %f[0, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<1x4xf32>
  %s = tensor.insert_slice %y into %f[0, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<1x4xf32>
  bufferization.materialize_in_destination %r in restrict writable %out : (tensor<1x4xf32>, memref<1x4xf32>) -> ()
  bufferization.materialize_in_destination %s in restrict writable %out2 : (tensor<1x4xf32>, memref<1x4xf32>) -> ()
  return
}

// A result that is changed into another one: copied first to where the other one goes, it would be overwritten.
// CHECK-LABEL: func.func @changed
// CHECK: tensor.empty
// CHECK-NOT: to_tensor
func.func @changed(%x: tensor<4xf32>, %out: memref<4xf32>, %out2: memref<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %r = linalg.add ins(%f, %x : tensor<4xf32>, tensor<4xf32>) outs(%f : tensor<4xf32>) -> tensor<4xf32>
  bufferization.materialize_in_destination %r in restrict writable %out : (tensor<4xf32>, memref<4xf32>) -> ()
  bufferization.materialize_in_destination %f in restrict writable %out2 : (tensor<4xf32>, memref<4xf32>) -> ()
  return
}

// One value may be two results.
// CHECK-LABEL: func.func @same
// CHECK-NOT: tensor.empty
func.func @same(%x: tensor<4xf32>, %out: memref<4xf32>, %out2: memref<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  bufferization.materialize_in_destination %f in restrict writable %out : (tensor<4xf32>, memref<4xf32>) -> ()
  bufferization.materialize_in_destination %f in restrict writable %out2 : (tensor<4xf32>, memref<4xf32>) -> ()
  return
}

// Reading is no change; nor is what a loop writes into its own tensor.
// CHECK-LABEL: func.func @read
// CHECK-NOT: tensor.empty() : tensor<3x4xf32>
func.func @read(%x: tensor<4xf32>, %out: memref<3x4xf32>, %out2: memref<f32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<3x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%acc = %f) -> tensor<3x4xf32> {
    %s = tensor.insert_slice %x into %acc[%i, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<3x4xf32>
    scf.yield %s : tensor<3x4xf32>
  }
  %v = tensor.extract %r[%c0, %c1] : tensor<3x4xf32>
  %g = tensor.from_elements %v : tensor<f32>
  bufferization.materialize_in_destination %r in restrict writable %out : (tensor<3x4xf32>, memref<3x4xf32>) -> ()
  bufferization.materialize_in_destination %g in restrict writable %out2 : (tensor<f32>, memref<f32>) -> ()
  return
}

// Each iteration makes its tensor in the memory of the one before.
// CHECK-LABEL: func.func @carried
// CHECK: scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %{{.*}}) -> (tensor<?x4xf32>)
// CHECK-NOT: tensor.empty
// CHECK: %[[MADE:.*]] = linalg.exp ins(%[[CARRIED]] : tensor<?x4xf32>) outs(%[[CARRIED]] : tensor<?x4xf32>)
// CHECK: %[[MOVED:.*]] = bufferization.materialize_in_destination %[[MADE]] in %[[CARRIED]]
// CHECK: scf.yield %[[MOVED]]
func.func @carried(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%before = %x) -> tensor<?x4xf32> {
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %made = linalg.exp ins(%before : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    scf.yield %made : tensor<?x4xf32>
  }
  return %r : tensor<?x4xf32>
}

// A tensor that grows has no place in the memory of the one before. One that stays needs no other.
// CHECK-LABEL: func.func @grows
// CHECK: scf.for
// CHECK-NOT: materialize_in_destination
// CHECK: return
func.func @grows(%x: tensor<?xf32>, %y: tensor<4xf32>) -> (tensor<?xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%before = %x, %same = %y) -> (tensor<?xf32>, tensor<4xf32>) {
    %n = tensor.dim %before, %c0 : tensor<?xf32>
    %more = arith.addi %n, %c1 : index
    %e = tensor.empty(%more) : tensor<?xf32>
    %made = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    scf.yield %made, %same : tensor<?xf32>, tensor<4xf32>
  }
  return %r#0, %r#1 : tensor<?xf32>, tensor<4xf32>
}

// What an scf.while ends with may be what it began with: bufferization sees to it.
// CHECK-LABEL: func.func @while_in_loop
// CHECK: scf.while
// CHECK-NOT: materialize_in_destination
// CHECK: return
func.func @while_in_loop(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%before = %x) -> tensor<4xf32> {
    %w:2 = scf.while (%a = %before, %k = %c0) : (tensor<4xf32>, index) -> (tensor<4xf32>, index) {
      %more = arith.cmpi slt, %k, %i : index
      scf.condition(%more) %a, %k : tensor<4xf32>, index
    } do {
    ^bb0(%a: tensor<4xf32>, %k: index):
      %e = tensor.empty() : tensor<4xf32>
      %twice = linalg.add ins(%a, %a : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      %next = arith.addi %k, %c1 : index
      scf.yield %twice, %next : tensor<4xf32>, index
    }
    scf.yield %w#0 : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
