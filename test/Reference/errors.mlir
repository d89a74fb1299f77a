// RUN: moe-opt %s -test-moe-evaluate -split-input-file -verify-diagnostics -o /dev/null

func.func @unsupported() {
  // expected-error @+1 {{'vector.step' op is not evaluated by the reference}}
  %v = vector.step : vector<4xindex>
  return
}

// -----

func.func @constant_type() {
  // expected-error @+1 {{'arith.constant' op is not evaluated by the reference for type 'f64'}}
  %x = arith.constant 1.0 : f64
  return
}

// -----

func.func @element_type() {
  // expected-error @+1 {{'tensor.empty' op is not evaluated by the reference for type 'tensor<2xf64>'}}
  %x = tensor.empty() : tensor<2xf64>
  return
}

// -----

// expected-error @+1 {{'func.func' op is not evaluated by the reference: it has 2 blocks, not one}}
func.func @blocks() {
  cf.br ^bb1
^bb1:
  return
}

// -----

func.func @division() {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  // expected-error @+1 {{'arith.divsi' op has no defined result for (1, 0)}}
  %x = arith.divsi %one, %zero : i32
  return
}

// -----

func.func @conversion() {
  %nan = arith.constant 0x7FC00000 : f32
  // expected-error @+1 {{'arith.fptosi' op has no defined result for (nan)}}
  %x = arith.fptosi %nan : f32 to i32
  return
}

// -----

func.func @token_id() -> tensor<1xf32> {
  %table = arith.constant dense<0.0> : tensor<4x2xf32>
  %ids = arith.constant dense<[5]> : tensor<1xi32>
  %e = tensor.empty() : tensor<1xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%ids : tensor<1xi32>) outs(%e : tensor<1xf32>) {
  ^bb0(%id: i32, %o: f32):
    %row = arith.index_cast %id : i32 to index
    %i = linalg.index 0 : index
    // expected-error @+1 {{'tensor.extract' op expected indices within 4x2xf32, got (5, 0)}}
    %t = tensor.extract %table[%row, %i] : tensor<4x2xf32>
    linalg.yield %t : f32
  } -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

func.func @insert() {
  %x = tensor.empty() : tensor<2xindex>
  %c2 = arith.constant 2 : index
  // expected-error @+1 {{'tensor.insert' op expected indices within 2xindex, got (2)}}
  %y = tensor.insert %c2 into %x[%c2] : tensor<2xindex>
  return
}

// -----

func.func @slice() {
  %x = arith.constant dense<0> : tensor<4xi32>
  %c2 = arith.constant 2 : index
  // expected-error @+1 {{'tensor.extract_slice' op expected a slice within 4xi32, got offset 2, size 2, stride 2 in dimension 0}}
  %y = tensor.extract_slice %x[%c2] [2] [2] : tensor<4xi32> to tensor<2xi32>
  return
}

// -----

func.func @negative_extent() {
  %n = arith.constant -1 : index
  // expected-error @+1 {{'tensor.empty' op expected extents of 0 or more, got -1}}
  %x = tensor.empty(%n) : tensor<?xf32>
  return
}

// -----

func.func @dimension() {
  %c1 = arith.constant 1 : index
  %x = tensor.empty(%c1) : tensor<?xf32>
  // expected-error @+1 {{'tensor.dim' op expected a dimension of 1xf32, got 1}}
  %d = tensor.dim %x, %c1 : tensor<?xf32>
  return
}

// -----

func.func @expand() {
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %x = tensor.empty(%c4) : tensor<?xf32>
  // expected-error @+1 {{'tensor.expand_shape' op expected product of the extents from dimension 0 4, got 6}}
  %y = tensor.expand_shape %x [[0, 1]] output_shape [%c3, 2] : tensor<?xf32> into tensor<?x2xf32>
  return
}

// -----

func.func @cast() {
  %c3 = arith.constant 3 : index
  %x = tensor.empty(%c3) : tensor<?xf32>
  // expected-error @+1 {{'tensor.cast' op expected result 0 of type 'tensor<2xf32>', got tensor<3xf32>}}
  %y = tensor.cast %x : tensor<?xf32> to tensor<2xf32>
  return
}

// -----

func.func @shapes() {
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %a = tensor.empty(%c2) : tensor<?xf32>
  %b = tensor.empty(%c3) : tensor<?xf32>
  // expected-error @+1 {{'linalg.add' op expected extent of loop 0 2, got 3}}
  %y = linalg.add ins(%a, %a : tensor<?xf32>, tensor<?xf32>) outs(%b : tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @elementwise_shapes() {
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %a = tensor.empty(%c2) : tensor<?xf32>
  %b = tensor.empty(%c3) : tensor<?xf32>
  // expected-error @+1 {{'arith.addf' op expected operands of one shape, got 2xf32 and 3xf32}}
  %y = arith.addf %a, %b : tensor<?xf32>
  return
}

// -----

func.func @map() -> tensor<2xi32> {
  %x = arith.constant dense<[1, 2]> : tensor<2xi32>
  %e = tensor.empty() : tensor<2xi32>
  // expected-error @+1 {{'linalg.generic' op is not evaluated by the reference: not a linear indexing map: affine_map<(d0) -> (d0 mod 2)>}}
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i mod 2)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<2xi32>) outs(%e : tensor<2xi32>) {
  ^bb0(%in: i32, %o: i32):
    linalg.yield %in : i32
  } -> tensor<2xi32>
  return %y : tensor<2xi32>
}

// -----

func.func @step() {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  // expected-error @+1 {{'scf.for' op expected a positive step, got 0}}
  scf.for %i = %c0 to %c2 step %c0 {
  }
  return
}

// -----

func.func @recursion() {
  // expected-error @+1 {{calls nest deeper than 256}}
  func.call @recursion() : () -> ()
  return
}

// -----

func.func @expert_id() {
  %ids = arith.constant dense<[[0, 1], [1, 3]]> : tensor<2x2xi32>
  %out0 = tensor.empty() : tensor<4xi32>
  %out1 = tensor.empty() : tensor<4xi32>
  %out2 = tensor.empty() : tensor<2x2xi32>
  // expected-error @+1 {{'moe.sort_tokens' op expected expert ids 0 to 2, got 3 for token 1, slot 1}}
  %offsets, %order, %inverse = moe.sort_tokens %ids experts(3) outs(%out0, %out1, %out2 : tensor<4xi32>, tensor<4xi32>, tensor<2x2xi32>) : tensor<2x2xi32>
  return
}

// -----

func.func @grouped_id() {
  %x = arith.constant dense<1.0> : tensor<1x1xf32>
  %w = arith.constant dense<1.0> : tensor<2x1x1xf32>
  %ids = arith.constant dense<-1> : tensor<1x1xi32>
  %out0 = tensor.empty() : tensor<1x1xf32>
  // expected-error @+1 {{'moe.grouped_matmul' op expected expert ids 0 to 1, got -1 for pair 0}}
  %y = moe.grouped_matmul %x, %w ids(%ids : tensor<1x1xi32>) outs(%out0 : tensor<1x1xf32>) : tensor<1x1xf32>, tensor<2x1x1xf32>
  return
}

// -----

func.func @grouped_offsets() {
  %x = arith.constant dense<1.0> : tensor<2x1xf32>
  %w = arith.constant dense<1.0> : tensor<2x1x1xf32>
  %offsets = arith.constant dense<[0, 3, 2]> : tensor<3xi32>
  %out0 = tensor.empty() : tensor<2x1xf32>
  // expected-error @+1 {{'moe.grouped_matmul' op expected offsets rising from 0 to 2, got 0, 3, 2}}
  %y = moe.grouped_matmul %x, %w offsets(%offsets : tensor<3xi32>) outs(%out0 : tensor<2x1xf32>) : tensor<2x1xf32>, tensor<2x1x1xf32>
  return
}

// -----

// expected-error @+1 {{nowhere: expected a model directory, got nothing at this path}}
moe.weight @w : tensor<2xf32> from #moe.checkpoint<"nowhere", ["w"]>
func.func @checkpoint() {
  %w = moe.get_weight @w : tensor<2xf32>
  return
}

// -----

func.func @forall_step() {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{'scf.forall' op expected a positive step, got 0}}
  scf.forall (%i) = (0) to (2) step (%c0) {
  }
  return
}
