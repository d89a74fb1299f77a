// RUN: moe-opt %s --test-moe-evaluate -o /dev/null | FileCheck %s

// Iterations insert tiles of two results and see both as they were: the 9s are read, not what an earlier one wrote.
// CHECK-LABEL: tiles result 0: 2x4xi32 {{\[\[}}9, 9, 10, 10], [10, 10, 11, 11]]
// CHECK: tiles result 1: 2xi32 [0, 1]
func.func @tiles() -> (tensor<2x4xi32>, tensor<2xi32>) {
  %a = arith.constant dense<9> : tensor<2x4xi32>
  %b = arith.constant dense<9> : tensor<2xi32>
  %0:2 = scf.forall (%i, %j) = (0, 0) to (2, 4) step (1, 2) shared_outs(%x = %a, %y = %b) -> (tensor<2x4xi32>, tensor<2xi32>) {
    %half = arith.constant 2 : index
    %column = arith.divui %j, %half : index
    %sum = arith.addi %i, %column : index
    %n = arith.index_cast %sum : index to i32
    %row = arith.index_cast %i : index to i32
    %tile = tensor.extract_slice %x[0, 0] [1, 2] [1, 1] : tensor<2x4xi32> to tensor<1x2xi32>
    %splat = tensor.splat %n : tensor<1x2xi32>
    %next = arith.addi %tile, %splat : tensor<1x2xi32>
    %one = tensor.from_elements %row : tensor<1xi32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %next into %x[%i, %j] [1, 2] [1, 1] : tensor<1x2xi32> into tensor<2x4xi32>
      tensor.parallel_insert_slice %one into %y[%i] [1] [1] : tensor<1xi32> into tensor<2xi32>
    }
  }
  return %0#0, %0#1 : tensor<2x4xi32>, tensor<2xi32>
}

// No iterations.
// CHECK-LABEL: none result 0: 2xi32 [9, 9]
func.func @none() -> tensor<2xi32> {
  %b = arith.constant dense<9> : tensor<2xi32>
  %0 = scf.forall (%i) in (0) shared_outs(%y = %b) -> tensor<2xi32> {
  }
  return %0 : tensor<2xi32>
}
