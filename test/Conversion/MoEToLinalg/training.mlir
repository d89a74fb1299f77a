// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg{ops=training},canonicalize,cse))" | FileCheck %s

// CHECK-LABEL: func.func @count
// CHECK-SAME: %[[IDS:.*]]: tensor<3x?x2xi32>, %[[MASK:.*]]: tensor<3x?xi32>
// CHECK: %[[ZEROS:.*]] = linalg.fill
// Loops: sequence, token, slot, expert.
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "reduction", "parallel"]} ins(%[[IDS]], %[[MASK]]
// CHECK-SAME: outs(%[[ZEROS]] : tensor<3x8xi32>)
// CHECK: ^bb0(%[[ID:.*]]: i32, %[[COUNTS:.*]]: i32, %[[COUNT:.*]]: i32):
// CHECK: %[[EXPERT:.*]] = linalg.index 3
// CHECK: %[[E:.*]] = arith.index_cast %[[EXPERT]]
// CHECK: %[[CHOSEN:.*]] = arith.cmpi eq, %[[ID]], %[[E]]
// CHECK: %[[UNIT:.*]] = arith.extui %[[CHOSEN]]
// CHECK: %[[COUNTED:.*]] = arith.cmpi ne, %[[COUNTS]], %{{.*}}
// CHECK: %[[KEPT:.*]] = arith.select %[[COUNTED]], %[[UNIT]], %{{.*}}
// CHECK: arith.addi %[[COUNT]], %[[KEPT]]
func.func @count(%ids: tensor<3x?x2xi32>, %mask: tensor<3x?xi32>) -> tensor<3x8xi32> {
  %0 = moe.count_experts %ids experts(8) mask(%mask : tensor<3x?xi32>) : tensor<3x?x2xi32> -> tensor<3x8xi32>
  return %0 : tensor<3x8xi32>
}

// CHECK-LABEL: func.func @balance
// CHECK-SAME: %[[SCORES:.*]]: tensor<?x8xf32>, %[[COUNTS:.*]]: tensor<8xi32>
// CHECK-DAG: %[[RATIO:.*]] = arith.constant 4.000000e+00 : f32
// CHECK-DAG: %[[SCALE:.*]] = arith.constant 2.500000e-01 : f32
// No tokens divide by one.
// CHECK: arith.maxsi
// Sums over the tokens.
// CHECK: %[[MASS:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]} ins(%[[SCORES]]
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[COUNTS]], %[[MASS]]
// CHECK: arith.sitofp
// CHECK: math.fma
// CHECK: arith.mulf %{{.*}}, %[[RATIO]]
// CHECK: arith.divf
// CHECK: arith.divf
// CHECK: arith.mulf %{{.*}}, %[[SCALE]]
func.func @balance(%s: tensor<?x8xf32>, %c: tensor<8xi32>) -> tensor<f32> {
  %0 = moe.balance_loss %s, %c top_k(2) scale(0.25) : tensor<?x8xf32>, tensor<8xi32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func @variation
// CHECK: %[[MASS:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[MASS]]
// CHECK: %[[D:.*]] = arith.subf
// CHECK: math.fma %[[D]], %[[D]]
// A mean of 0 divides by 1.
// CHECK: %[[ZERO:.*]] = arith.cmpf oeq
// CHECK: %[[BY:.*]] = arith.select %[[ZERO]]
// CHECK: %[[ONCE:.*]] = arith.divf %{{.*}}, %[[BY]]
// CHECK: arith.divf %[[ONCE]], %[[BY]]
func.func @variation(%s: tensor<?x8xf32>) -> tensor<f32> {
  %0 = moe.variation_loss %s : tensor<?x8xf32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func @win
// CHECK-SAME: %[[LOGITS:.*]]: tensor<?x8xf32>, %[[NOISY:.*]]: tensor<?x8xf32>
// How many come before each element; the one that k-1 come before; the probability.
// CHECK: %[[RANKS:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[NOISY]], %[[NOISY]]
// CHECK: %[[THRESHOLD:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[NOISY]], %[[RANKS]]
// CHECK: linalg.generic {{.*}} ins(%[[LOGITS]], %[[THRESHOLD]]
// CHECK: math.erf
func.func @win(%l: tensor<?x8xf32>, %n: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = moe.win_probability %l, %n top_k(3) : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @z
// CHECK-SAME: %[[LOGITS:.*]]: tensor<?x8xf32>, %[[MASK:.*]]: tensor<?xi32>
// CHECK: %[[COUNTED:.*]] = linalg.generic {{.*}} ins(%[[LOGITS]], %[[MASK]]
// CHECK: arith.select
// CHECK: %[[MAX:.*]] = linalg.generic {{.*}} ins(%[[COUNTED]]
// CHECK: arith.maximumf
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[COUNTED]], %[[MAX]]
// CHECK: math.exp
// CHECK: %[[Z:.*]] = linalg.generic {{.*}} ins(%[[MAX]], %[[SUM]]
// CHECK: math.log
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[Z]], %[[MASK]]
// CHECK: math.fma
func.func @z(%l: tensor<?x8xf32>, %m: tensor<?xi32>) -> tensor<f32> {
  %0 = moe.z_loss %l mask(%m : tensor<?xi32>) : tensor<?x8xf32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func @update_bias
// CHECK-SAME: %[[BIAS:.*]]: tensor<8xf32>, %[[COUNTS:.*]]: tensor<8xi32>
// The sum in 64 bits.
// CHECK: %[[TOTAL:.*]] = linalg.generic {{.*}} ins(%[[COUNTS]] : tensor<8xi32>) outs(%{{.*}} : tensor<i64>)
// CHECK: linalg.generic {{.*}} ins(%[[BIAS]], %[[COUNTS]], %[[TOTAL]]
// CHECK: arith.cmpi slt
// CHECK: arith.cmpi sgt
func.func @update_bias(%b: tensor<8xf32>, %c: tensor<8xi32>) -> tensor<8xf32> {
  %0 = moe.update_bias %b, %c rate(0.001) : tensor<8xf32>, tensor<8xi32>
  return %0 : tensor<8xf32>
}
