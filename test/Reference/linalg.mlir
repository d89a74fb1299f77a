// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// A reduction runs in order: (((2^24 + 1) + 1) + 1) stays 2^24 in f32.
// CHECK-LABEL: order result 0: f32 1.67772e+07
// CHECK: order result 1: i1 1
func.func @order() -> (f32, i1) {
  %x = arith.constant dense<[16777216.0, 1.0, 1.0, 1.0]> : tensor<4xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %limit = arith.constant 16777216.0 : f32
  %sum = linalg.reduce ins(%x : tensor<4xf32>) outs(%init : tensor<f32>) dimensions = [0]
    (%in: f32, %acc: f32) {
      %s = arith.addf %acc, %in : f32
      linalg.yield %s : f32
    }
  %v = tensor.extract %sum[] : tensor<f32>
  %same = arith.cmpf oeq, %v, %limit : f32
  return %v, %same : f32, i1
}

// Rows gathered by an index from data, transposed reading, a scalar operand and linalg.index.
// CHECK-LABEL: gather result 0: 3x2xf32 {{\[\[}}104, 205], [100, 201], [104, 205]]
func.func @gather() -> tensor<3x2xf32> {
  %table = arith.constant dense<[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]> : tensor<3x2xf32>
  %ids = arith.constant dense<[2, 0, 2]> : tensor<3xi32>
  %hundred = arith.constant 100.0 : f32
  %e = tensor.empty() : tensor<3x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> ()>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%ids, %hundred : tensor<3xi32>, f32) outs(%e : tensor<3x2xf32>) {
  ^bb0(%id: i32, %h: f32, %o: f32):
    %row = arith.index_cast %id : i32 to index
    %column = linalg.index 1 : index
    %t = tensor.extract %table[%row, %column] : tensor<3x2xf32>
    %n = arith.index_cast %column : index to i32
    %f = arith.sitofp %n : i32 to f32
    %s = arith.mulf %f, %h : f32
    %u = arith.addf %t, %s : f32
    %v = arith.addf %u, %h : f32
    linalg.yield %v : f32
  } -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// A body with control flow is run op by op; a map may have offsets and strides.
// CHECK-LABEL: general result 0: 2xi32 [10, 30]
func.func @general() -> tensor<2xi32> {
  %x = arith.constant dense<[0, 1, 2, 3]> : tensor<4xi32>
  %e = arith.constant dense<0> : tensor<2xi32>
  %ten = arith.constant 10 : i32
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (2 * i + 1)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<4xi32>) outs(%e : tensor<2xi32>) {
  ^bb0(%in: i32, %o: i32):
    %i = linalg.index 0 : index
    %c9 = arith.constant 9 : index
    %small = arith.cmpi ult, %i, %c9 : index
    %v = scf.if %small -> i32 {
      %m = arith.muli %in, %ten : i32
      scf.yield %m : i32
    } else {
      scf.yield %in : i32
    }
    linalg.yield %v : i32
  } -> tensor<2xi32>
  return %y : tensor<2xi32>
}

// CHECK-LABEL: named result 0: 2x2xf32 {{\[\[}}2, 4], [3, 5]]
func.func @named() -> tensor<2x2xf32> {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x2xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  %t = linalg.transpose ins(%x : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) permutation = [1, 0]
  %y = linalg.add ins(%t, %ones : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// No iteration of an empty reduction: the init stays.
// CHECK-LABEL: empty result 0: 1x2xf32 {{\[\[}}7, 7]]
func.func @empty() -> tensor<1x2xf32> {
  %a = tensor.empty() : tensor<1x0xf32>
  %b = tensor.empty() : tensor<0x2xf32>
  %init = arith.constant dense<7.0> : tensor<1x2xf32>
  %y = linalg.matmul ins(%a, %b : tensor<1x0xf32>, tensor<0x2xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
