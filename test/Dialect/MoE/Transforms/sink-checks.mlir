// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sink-checks,canonicalize,cse))" | FileCheck %s

// A check of elements goes with the loop that reads them into a loop of one step; what it needs of shapes is passed.
// CHECK-LABEL: func.func @ids
// CHECK-SAME:    %[[IDS:.*]]: tensor<?xi32>
// CHECK:         %[[N:.*]] = tensor.dim %[[IDS]]
// CHECK-NOT:     tensor.extract
// CHECK:         scf.forall (%{{.*}}) in (1) {
// CHECK:           %[[WORST:.*]] = scf.for %{{.*}} = %c0 to %[[N]]
// CHECK:             tensor.extract %[[IDS]]
// CHECK:           %[[OK:.*]] = arith.cmpi ult, %[[WORST]], %c8_i32
// CHECK:           cf.assert %[[OK]], "ids, got"
// CHECK:         } {mapping = [#moe.rows]}
func.func @ids(%ids: tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %end = arith.constant 8 : i32
  %n = tensor.dim %ids, %c0 : tensor<?xi32>
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%w = %zero) -> i32 {
    %id = tensor.extract %ids[%i] : tensor<?xi32>
    %max = arith.maxui %w, %id : i32
    scf.yield %max : i32
  }
  %ok = arith.cmpi ult, %worst, %end : i32
  cf.assert %ok, "ids, got"
  return
}

// Of shapes the host knows enough; a tensor that a check reads was made where tensors are.
// CHECK-LABEL: func.func @shapes
// CHECK-NOT:     scf.forall
// CHECK:         cf.assert
// CHECK:         linalg.negf
// CHECK-NEXT:    scf.forall
// CHECK-NEXT:      tensor.extract
func.func @shapes(%x: tensor<?xi32>, %y: tensor<4xf32>, %e: tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?xi32>
  %ok = arith.cmpi eq, %n, %c3 : index
  cf.assert %ok, "shape"
  %m = linalg.negf ins(%y : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %v = tensor.extract %m[%c0] : tensor<4xf32>
  %good = arith.cmpf olt, %v, %zero : f32
  cf.assert %good, "value"
  return
}
