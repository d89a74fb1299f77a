// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @scalar_weight(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<f32>) {
  // expected-error @below {{expected weights of rank 1 or more, got 'tensor<f32>'}}
  %0 = moe.expert %r, %p weights(%w : tensor<f32>) {
  ^bb0(%b: tensor<?x4xf32>, %v: tensor<f32>):
    moe.yield %b : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return
}

// -----

func.func @leading_extent(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<7x4xf32>) {
  // expected-error @below {{expected leading extent of weights to be 8, got 7}}
  %0 = moe.expert %r, %p weights(%w : tensor<7x4xf32>) {
  ^bb0(%b: tensor<?x4xf32>, %v: tensor<4xf32>):
    moe.yield %b : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return
}

// -----

func.func @rows(%r: tensor<6x4xf32>, %p: !moe.plan<8 x 2>) {
  // expected-error @below {{expected rows of the result to be 6, got 4}}
  %0 = moe.expert %r, %p {
  ^bb0(%b: tensor<?x4xf32>):
    moe.yield %b : tensor<?x4xf32>
  } : tensor<6x4xf32>, !moe.plan<8 x 2> -> tensor<4x4xf32>
  return
}

// -----

func.func @argument_count(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<8x4xf32>) {
  // expected-error @below {{expected 2 block arguments (rows and one for each weight), got 1}}
  %0 = moe.expert %r, %p weights(%w : tensor<8x4xf32>) {
  ^bb0(%b: tensor<?x4xf32>):
    moe.yield %b : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return
}

// -----

// A block has any number of rows, however many there are in all.
func.func @block_type(%r: tensor<6x4xf32>, %p: !moe.plan<8 x 2>) {
  // expected-error @below {{expected block argument 0 of type 'tensor<?x4xf32>', got 'tensor<6x4xf32>'}}
  %0 = moe.expert %r, %p {
  ^bb0(%b: tensor<6x4xf32>):
    %c = tensor.cast %b : tensor<6x4xf32> to tensor<?x4xf32>
    moe.yield %c : tensor<?x4xf32>
  } : tensor<6x4xf32>, !moe.plan<8 x 2> -> tensor<6x4xf32>
  return
}

// -----

func.func @weight_type(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>, %w: tensor<8x4xf32>) {
  // expected-error @below {{expected block argument 1 of type 'tensor<4xf32>', got 'tensor<8x4xf32>'}}
  %0 = moe.expert %r, %p weights(%w : tensor<8x4xf32>) {
  ^bb0(%b: tensor<?x4xf32>, %v: tensor<8x4xf32>):
    moe.yield %b : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return
}

// -----

func.func @yield_nothing(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>) {
  %0 = moe.expert %r, %p {
  ^bb0(%b: tensor<?x4xf32>):
    // expected-error @below {{expected one value, got 0}}
    moe.yield
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x4xf32>
  return
}

// -----

func.func @yielded_type(%r: tensor<?x4xf32>, %p: !moe.plan<8 x 2>) {
  // expected-error @below {{expected yielded block of type 'tensor<?x5xf32>', got 'tensor<?x4xf32>'}}
  %0 = moe.expert %r, %p {
  ^bb0(%b: tensor<?x4xf32>):
    moe.yield %b : tensor<?x4xf32>
  } : tensor<?x4xf32>, !moe.plan<8 x 2> -> tensor<?x5xf32>
  return
}

// -----

func.func @yield_elsewhere(%x: tensor<?x4xf32>) {
  // expected-error @below {{'moe.yield' op expects parent op to be one of 'moe.expert, moe.grouped_matmul'}}
  moe.yield %x : tensor<?x4xf32>
}
