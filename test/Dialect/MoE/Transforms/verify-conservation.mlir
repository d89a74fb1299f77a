// What is followed, and where a proof ends: no errors.
// RUN: moe-opt %s --mlir-disable-threading --pass-pipeline="builtin.module(func.func(moe-verify-conservation))" --remarks-filter="moe-verify-conservation" 2>&1 >/dev/null | FileCheck %s

// CHECK: [[@LINE+1]]:{{.*}}1 orders of rows are followed from the tokens to their sums
func.func @sorted(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %y = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// Whether a loop over the experts writes the rows, or each expert in turn.
// CHECK: [[@LINE+1]]:{{.*}}1 orders of rows are followed from the tokens to their sums
func.func @loop(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %y = scf.for %e = %c0 to %c3 step %c1 iter_args(%written = %f62) -> (tensor<6x2xf32>) {
    %next = arith.addi %e, %c1 : index
    %from = tensor.extract %offsets[%e] : tensor<4xi32>
    %begin = arith.index_cast %from : i32 to index
    %to = tensor.extract %offsets[%next] : tensor<4xi32>
    %end = arith.index_cast %to : i32 to index
    %size = arith.subi %end, %begin : index
    %block = tensor.extract_slice %rows[%begin, 0] [%size, 2] [1, 1] : tensor<6x2xf32> to tensor<?x2xf32>
    %more = tensor.insert_slice %block into %written[%begin, 0] [%size, 2] [1, 1] : tensor<?x2xf32> into tensor<6x2xf32>
    scf.yield %more : tensor<6x2xf32>
  }
  %out = moe.combine_rows %y, %weights inverse(%inverse : tensor<3x2xi32>) outs(%f32 : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %out : tensor<3x2xf32>
}

// Two layers of one routing: the products combine rows that nobody else sees, into memory that has one name.
// CHECK: [[@LINE+1]]:{{.*}}0 orders of rows are followed from the tokens to their sums
func.func @fused_products_share_memory(%rows: tensor<2x2xf32>, %ids: tensor<1x2xi32>, %weights: tensor<1x2xf32>, %a: tensor<3x2x2xf32>, %b: tensor<3x2x2xf32>) -> tensor<1x2xf32> {
  %e = tensor.empty() : tensor<1x2xf32>
  %first = moe.grouped_matmul %rows, %a ids(%ids : tensor<1x2xi32>) combine(%weights : tensor<1x2xf32>) outs(%e : tensor<1x2xf32>) : tensor<2x2xf32>, tensor<3x2x2xf32>
  %both = moe.grouped_matmul %rows, %b ids(%ids : tensor<1x2xi32>) combine(%weights : tensor<1x2xf32>) init(%first : tensor<1x2xf32>) outs(%e : tensor<1x2xf32>) : tensor<2x2xf32>, tensor<3x2x2xf32>
  return %both : tensor<1x2xf32>
}

// A layer's sum by itself and with the residual: two readers of the same rows.
// CHECK: [[@LINE+1]]:{{.*}}0 orders of rows are followed from the tokens to their sums
func.func @two_results(%x: tensor<3x2xf32>, %weights: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %e = tensor.empty() : tensor<3x2xf32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %rows = moe.gather_rows %x top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %sum = moe.combine_rows %rows, %weights outs(%e : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  %stream = moe.combine_rows %rows, %weights init(%x : tensor<3x2xf32>) outs(%e : tensor<3x2xf32>) : tensor<6x2xf32>, tensor<3x2xf32>
  return %sum, %stream : tensor<3x2xf32>, tensor<3x2xf32>
}

func.func @summed_up(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %f2 = tensor.empty() : tensor<2xf32>
  // CHECK: [[@LINE+1]]:{{.*}}not followed further: 'linalg.reduce' sums up rows of pairs
  %sum = linalg.reduce { arith.addf } ins(%rows : tensor<6x2xf32>) outs(%f2 : tensor<2xf32>) dimensions = [0]
  return %sum : tensor<2xf32>
}

func.func @looked_up(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<1xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  %f1 = tensor.empty() : tensor<1xf32>
  // CHECK: [[@LINE+1]]:{{.*}}not followed further: 'linalg.generic' looks rows of pairs up
  %one = linalg.generic {indexing_maps = [affine_map<(r) -> (r)>], iterator_types = ["parallel"]} outs(%f1 : tensor<1xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %rows[%i, %i] : tensor<6x2xf32>
    linalg.yield %v : f32
  } -> tensor<1xf32>
  return %one : tensor<1xf32>
}

func.func @some_taken(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // CHECK: [[@LINE+1]]:{{.*}}not followed further: 'tensor.extract_slice' takes some rows of pairs
  %some = tensor.extract_slice %rows[1, 0] [3, 2] [1, 1] : tensor<6x2xf32> to tensor<3x2xf32>
  return %some : tensor<3x2xf32>
}

func.func @some_replaced(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<6x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // CHECK: [[@LINE+1]]:{{.*}}not followed further: 'tensor.insert_slice' replaces some rows of pairs
  %others = tensor.insert_slice %x into %rows[1, 0] [3, 2] [1, 1] : tensor<3x2xf32> into tensor<6x2xf32>
  return %others : tensor<6x2xf32>
}

func.func @given_away(%x: tensor<3x2xf32>, %ids: tensor<3x2xi32>, %weights: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %e4 = tensor.empty() : tensor<4xi32>
  %e6 = tensor.empty() : tensor<6xi32>
  %e32 = tensor.empty() : tensor<3x2xi32>
  %f62 = tensor.empty() : tensor<6x2xf32>
  %f32 = tensor.empty() : tensor<3x2xf32>
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%e4, %e6, %e32 : tensor<4xi32>, tensor<6xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
  %rows = moe.gather_rows %x order(%order : tensor<6xi32>) top_k(2) outs(%f62 : tensor<6x2xf32>) : tensor<3x2xf32>
  // CHECK: [[@LINE+1]]:{{.*}}not followed further: 'func.call' uses rows of pairs
  %y = func.call @elsewhere(%rows) : (tensor<6x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

func.func private @elsewhere(tensor<6x2xf32>) -> tensor<3x2xf32>
