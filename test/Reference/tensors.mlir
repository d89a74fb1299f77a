// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s

// CHECK-LABEL: slices result 0: 2xi32 [2, 8]
// CHECK: slices result 1: 3x3xi32 {{\[\[}}0, 1, 2], [3, 2, 5], [6, 8, 8]]
func.func @slices() -> (tensor<2xi32>, tensor<3x3xi32>) {
  %x = arith.constant dense<[[0, 1, 2], [3, 4, 5], [6, 7, 8]]> : tensor<3x3xi32>
  %column = tensor.extract_slice %x[0, 2] [2, 1] [2, 1] : tensor<3x3xi32> to tensor<2xi32>
  %y = tensor.insert_slice %column into %x[1, 1] [2, 1] [1, 1] : tensor<2xi32> into tensor<3x3xi32>
  return %column, %y : tensor<2xi32>, tensor<3x3xi32>
}

// What was never written is NaN; a copy that is written leaves the original alone.
// CHECK-LABEL: values result 0: 2xf32 [nan, nan]
// CHECK: values result 1: 2xf32 [nan, 5]
func.func @values() -> (tensor<2xf32>, tensor<2xf32>) {
  %c1 = arith.constant 1 : index
  %five = arith.constant 5.0 : f32
  %x = tensor.empty() : tensor<2xf32>
  %y = tensor.insert %five into %x[%c1] : tensor<2xf32>
  return %x, %y : tensor<2xf32>, tensor<2xf32>
}

// CHECK-LABEL: shapes result 0: 2x2x1xindex {{\[\[\[}}0], [1]], {{\[\[}}10], [11]]]
// CHECK: shapes result 1: 4xindex [0, 1, 10, 11]
// CHECK: shapes result 2: index 2
func.func @shapes() -> (tensor<2x2x1xindex>, tensor<4xindex>, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c10 = arith.constant 10 : index
  %x = tensor.generate %c2 {
  ^bb0(%i: index, %j: index):
    %t = arith.muli %i, %c10 : index
    %v = arith.addi %t, %j : index
    tensor.yield %v : index
  } : tensor<?x2xindex>
  %e = tensor.expand_shape %x [[0], [1, 2]] output_shape [%c2, 2, 1] : tensor<?x2xindex> into tensor<?x2x1xindex>
  %cast = tensor.cast %e : tensor<?x2x1xindex> to tensor<2x2x1xindex>
  %flat = tensor.collapse_shape %cast [[0, 1, 2]] : tensor<2x2x1xindex> into tensor<4xindex>
  %d = tensor.dim %x, %c1 : tensor<?x2xindex>
  return %cast, %flat, %d : tensor<2x2x1xindex>, tensor<4xindex>, index
}

// CHECK-LABEL: made result 0: 2xi64 [7, 9]
// CHECK: made result 1: 2x1xi64 {{\[\[}}7], [7]]
func.func @made() -> (tensor<2xi64>, tensor<2x1xi64>) {
  %a = arith.constant 7 : i64
  %b = arith.constant 9 : i64
  %x = tensor.from_elements %a, %b : tensor<2xi64>
  %y = tensor.splat %a : tensor<2x1xi64>
  return %x, %y : tensor<2xi64>, tensor<2x1xi64>
}
