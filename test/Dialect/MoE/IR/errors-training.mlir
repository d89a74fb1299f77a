// RUN: moe-opt %s -verify-diagnostics -split-input-file

func.func @count_rank(%ids: tensor<?x2xi32>) {
  // expected-error @below {{expected counts of rank 1, got 'tensor<?x4xi32>'}}
  %0 = moe.count_experts %ids experts(4) : tensor<?x2xi32> -> tensor<?x4xi32>
  return
}

// -----

func.func @count_experts(%ids: tensor<?x2xi32>) {
  // expected-error @below {{expected experts of counts to be 4, got 5}}
  %0 = moe.count_experts %ids experts(4) : tensor<?x2xi32> -> tensor<5xi32>
  return
}

// -----

func.func @count_sequences(%ids: tensor<3x?x2xi32>) {
  // expected-error @below {{expected sequences of counts to be 3, got 2}}
  %0 = moe.count_experts %ids experts(4) : tensor<3x?x2xi32> -> tensor<2x4xi32>
  return
}

// -----

func.func @count_mask_rank(%ids: tensor<3x?x2xi32>, %mask: tensor<3xi32>) {
  // expected-error @below {{expected mask of rank 2, got 'tensor<3xi32>'}}
  %0 = moe.count_experts %ids experts(4) mask(%mask : tensor<3xi32>) : tensor<3x?x2xi32> -> tensor<3x4xi32>
  return
}

// -----

func.func @count_mask_extent(%ids: tensor<3x5x2xi32>, %mask: tensor<3x6xi32>) {
  // expected-error @below {{expected extent 1 of the mask to be 5, got 6}}
  %0 = moe.count_experts %ids experts(4) mask(%mask : tensor<3x6xi32>) : tensor<3x5x2xi32> -> tensor<3x4xi32>
  return
}

// -----

func.func @count_no_experts(%ids: tensor<?x2xi32>) {
  // expected-error @below {{attribute 'experts' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %0 = moe.count_experts %ids experts(0) : tensor<?x2xi32> -> tensor<0xi32>
  return
}

// -----

func.func @balance_dynamic_experts(%s: tensor<?x?xf32>, %c: tensor<?xi32>) {
  // expected-error @below {{expected a static number of experts, got 'tensor<?x?xf32>'}}
  %0 = moe.balance_loss %s, %c top_k(2) : tensor<?x?xf32>, tensor<?xi32>
  return
}

// -----

func.func @balance_top_k(%s: tensor<?x4xf32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected top_k to be 1 to 4, got 5}}
  %0 = moe.balance_loss %s, %c top_k(5) : tensor<?x4xf32>, tensor<4xi32>
  return
}

// -----

func.func @balance_rank(%s: tensor<2x?x4xf32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected counts of rank 2, got 'tensor<4xi32>'}}
  %0 = moe.balance_loss %s, %c top_k(2) : tensor<2x?x4xf32>, tensor<4xi32>
  return
}

// -----

func.func @balance_counts(%s: tensor<?x4xf32>, %c: tensor<5xi32>) {
  // expected-error @below {{expected experts of counts to be 4, got 5}}
  %0 = moe.balance_loss %s, %c top_k(2) : tensor<?x4xf32>, tensor<5xi32>
  return
}

// -----

func.func @balance_sequences(%s: tensor<2x?x4xf32>, %c: tensor<3x4xi32>) {
  // expected-error @below {{expected sequences of counts to be 2, got 3}}
  %0 = moe.balance_loss %s, %c top_k(2) : tensor<2x?x4xf32>, tensor<3x4xi32>
  return
}

// -----

func.func @balance_mask(%s: tensor<7x4xf32>, %c: tensor<4xi32>, %m: tensor<8xi32>) {
  // expected-error @below {{expected extent 0 of the mask to be 7, got 8}}
  %0 = moe.balance_loss %s, %c top_k(2) mask(%m : tensor<8xi32>) : tensor<7x4xf32>, tensor<4xi32>
  return
}

// -----

func.func @variation_experts(%s: tensor<7x?xf32>) {
  // expected-error @below {{expected a static number of experts, got 'tensor<7x?xf32>'}}
  %0 = moe.variation_loss %s : tensor<7x?xf32>
  return
}

// -----

func.func @variation_mask(%s: tensor<7x4xf32>, %m: tensor<8xi32>) {
  // expected-error @below {{expected extent 0 of the mask to be 7, got 8}}
  %0 = moe.variation_loss %s mask(%m : tensor<8xi32>) : tensor<7x4xf32>
  return
}

// -----

func.func @win_experts(%l: tensor<7x?xf32>) {
  // expected-error @below {{expected a static number of experts, got 'tensor<7x?xf32>'}}
  %0 = moe.win_probability %l, %l top_k(2) : tensor<7x?xf32>
  return
}

// -----

func.func @win_top_k(%l: tensor<7x4xf32>) {
  // expected-error @below {{expected top_k to be 1 to 4, got 5}}
  %0 = moe.win_probability %l, %l top_k(5) : tensor<7x4xf32>
  return
}

// -----

func.func @win_sigma(%l: tensor<7x4xf32>) {
  // expected-error @below {{expected sigma to be positive and finite, got 0.000000e+00 : f32}}
  %0 = moe.win_probability %l, %l top_k(2) sigma(0.0) : tensor<7x4xf32>
  return
}

// -----

func.func @z_experts(%l: tensor<7x?xf32>) {
  // expected-error @below {{expected a static number of experts, got 'tensor<7x?xf32>'}}
  %0 = moe.z_loss %l : tensor<7x?xf32>
  return
}

// -----

func.func @z_mask(%l: tensor<7x4xf32>, %m: tensor<8xi32>) {
  // expected-error @below {{expected extent 0 of the mask to be 7, got 8}}
  %0 = moe.z_loss %l mask(%m : tensor<8xi32>) : tensor<7x4xf32>
  return
}

// -----

func.func @update_experts(%b: tensor<?xf32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected a static number of experts, got 'tensor<?xf32>'}}
  %0 = moe.update_bias %b, %c rate(0.5) : tensor<?xf32>, tensor<4xi32>
  return
}

// -----

func.func @update_counts(%b: tensor<5xf32>, %c: tensor<4xi32>) {
  // expected-error @below {{expected length of counts to be 5, got 4}}
  %0 = moe.update_bias %b, %c rate(0.5) : tensor<5xf32>, tensor<4xi32>
  return
}
