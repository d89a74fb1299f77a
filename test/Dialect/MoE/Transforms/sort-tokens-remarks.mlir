// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-sort-tokens))" --remarks-filter-missed="moe-.*" 2>&1 >%t \
// RUN:   | FileCheck %s
// RUN: FileCheck %s --check-prefix=LOOP --input-file=%t

// Why an expert became a loop: the first operation of its region that does not work on each row for itself.

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#swap = affine_map<(r, d) -> (d, r)>
#row = affine_map<(r, d) -> (r)>
#column = affine_map<(r, d) -> (d)>
#square = affine_map<(r, d) -> (d, d)>
#km = affine_map<(m, n, k) -> (k, m)>

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'memref.store' does not fit: it may have side effects
// LOOP-LABEL: func.func @side_effects(
// LOOP: scf.for
func.func @side_effects(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %m[] : memref<f32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.generic' does not fit: it uses an expert's matrix in another way than in a product with rows
// LOOP-LABEL: func.func @weight_elsewhere(
// LOOP: scf.for
func.func @weight_elsewhere(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %o = linalg.generic {indexing_maps = [#id, #square, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r, %u : tensor<?x4xf32>, tensor<4x4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb1(%p: f32, %q: f32, %s: f32):
      %v = arith.addf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.matmul' does not fit: the product is not rows times weights
// LOOP-LABEL: func.func @other_product(
// LOOP: scf.for
func.func @other_product(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %t: tensor<4x?xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    %o = linalg.matmul indexing_maps = [#km, #nk, #mn] ins(%t, %u : tensor<4x?xf32>, tensor<4x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.matmul' does not fit: the product does not start from zeros
// LOOP-LABEL: func.func @accumulates(
// LOOP: scf.for
func.func @accumulates(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %o = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %u : tensor<?x4xf32>, tensor<4x4xf32>) outs(%r : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.matmul' does not fit: the product is not one of f32 rows
// LOOP-LABEL: func.func @not_rows(
// LOOP: scf.for
func.func @not_rows(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    %o = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%dyn, %u : tensor<?x4xf32>, tensor<4x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.generic' does not fit: its result is not one row for each row
// LOOP-LABEL: func.func @row_reduction(
// LOOP: scf.for
func.func @row_reduction(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %se = tensor.empty() : tensor<4xf32>
    %s = linalg.generic {indexing_maps = [#id, #column], iterator_types = ["reduction", "parallel"]}
        ins(%r : tensor<?x4xf32>) outs(%se : tensor<4xf32>) {
    ^bb1(%p: f32, %q: f32):
      %v = arith.addf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<4xf32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.generic' does not fit: it reduces over rows
// LOOP-LABEL: func.func @scan(
// LOOP: scf.for
func.func @scan(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["reduction", "parallel"]}
        ins(%r : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb1(%p: f32, %q: f32):
      %v = arith.addf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.generic' does not fit: it mixes rows
// LOOP-LABEL: func.func @mixes_rows(
// LOOP: scf.for
func.func @mixes_rows(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %o = linalg.generic {indexing_maps = [affine_map<(r, s, d) -> (r, d)>, affine_map<(r, s, d) -> (s, d)>, affine_map<(r, s, d) -> (r, d)>],
                         iterator_types = ["parallel", "reduction", "parallel"]}
        ins(%r, %r : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb1(%p: f32, %q: f32, %s: f32):
      %v = arith.addf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.generic' does not fit: it depends on the number of the row
// LOOP-LABEL: func.func @row_number(
// LOOP: scf.for
func.func @row_number(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb1(%p: f32, %q: f32):
      %number = linalg.index 0 : index
      %j = arith.index_cast %number : index to i32
      %f = arith.sitofp %j : i32 to f32
      linalg.yield %f : f32
    } -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.generic' does not fit: its body reads values of the expert's region
// LOOP-LABEL: func.func @captured_rows(
// LOOP: scf.for
func.func @captured_rows(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb1(%p: f32, %q: f32):
      %v = tensor.extract %r[%c0, %c0] : tensor<?x4xf32>
      linalg.yield %v : f32
    } -> tensor<?x4xf32>
    moe.yield %o : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.fill' does not fit: it computes with the number of rows
// LOOP-LABEL: func.func @count_in_body(
// LOOP: scf.for
func.func @count_in_body(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan {
  ^bb0(%r: tensor<?x4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%n) : tensor<?xindex>
    %f = linalg.fill ins(%n : index) outs(%e : tensor<?xindex>) -> tensor<?xindex>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'arith.muli' does not fit: it is not known to work on each row for itself
// LOOP-LABEL: func.func @count_of_rows(
// LOOP: scf.for
func.func @count_of_rows(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %nn = arith.muli %n, %n : index
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'tensor.empty' does not fit: the number of rows is not its leading extent
// LOOP-LABEL: func.func @rows_not_leading(
// LOOP: scf.for
func.func @rows_not_leading(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %ee = tensor.empty(%n) : tensor<4x?xf32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'tensor.dim' does not fit: the dimension is not a constant
// LOOP-LABEL: func.func @unknown_dimension(
// LOOP: scf.for
func.func @unknown_dimension(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %d = tensor.dim %r, %i : tensor<?x4xf32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'scf.execute_region' does not fit: it has a region
// LOOP-LABEL: func.func @region(
// LOOP: scf.for
func.func @region(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %zero = arith.constant 0.0 : f32
    %k = scf.execute_region -> f32 {
      scf.yield %zero : f32
    }
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'moe.yield' does not fit: what is yielded does not depend on the rows
// LOOP-LABEL: func.func @yields_no_rows(
// LOOP: scf.for
func.func @yields_no_rows(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    moe.yield %dyn : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'linalg.generic' does not fit: it computes with an expert's vector alone
// LOOP-LABEL: func.func @vector_alone(
// LOOP: scf.for
func.func @vector_alone(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    %o = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}
        ins(%b : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb1(%p: f32, %q: f32):
      %v = arith.negf %p : f32
      linalg.yield %v : f32
    } -> tensor<4xf32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'tensor.extract_slice' does not fit: the slice drops dimensions
// LOOP-LABEL: func.func @dropped_dimension(
// LOOP: scf.for
func.func @dropped_dimension(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %r, %c0 : tensor<?x4xf32>
    %o = tensor.extract_slice %r[0, 0] [%n, 1] [1, 1] : tensor<?x4xf32> to tensor<?xf32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'tensor.extract_slice' does not fit: the slice is not one of all rows
// LOOP-LABEL: func.func @first_row(
// LOOP: scf.for
func.func @first_row(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %o = tensor.extract_slice %r[0, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<1x4xf32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK: [Missed] loop | {{.*}}loop over experts, since 'tensor.collapse_shape' does not fit: it mixes rows
// LOOP-LABEL: func.func @flattened(
// LOOP: scf.for
func.func @flattened(%rows: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %weights: tensor<8x4x4xf32>, %biases: tensor<8x4xf32>,
    %dyn: tensor<?x4xf32>, %m: memref<f32>, %i: index) -> tensor<?x4xf32> {
  %x, %plan = moe.dispatch %rows, %ids experts(8) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>, !moe.plan<8 x 2>
  %y = moe.expert %x, %plan weights(%weights, %biases : tensor<8x4x4xf32>, tensor<8x4xf32>) {
  ^bb0(%r: tensor<?x4xf32>, %u: tensor<4x4xf32>, %b: tensor<4xf32>):
    %o = tensor.collapse_shape %r [[0, 1]] : tensor<?x4xf32> into tensor<?xf32>
    moe.yield %r : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
