// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(convert-moe-to-linalg,canonicalize))" | FileCheck %s

// What routes compute is in Execution/moe-to-linalg.mlir; here is what they are made of.
// Scores first; then for each slot the expert that ranks next; ids and weights are carried through the loops.
// CHECK-LABEL: func.func @softmax(
// CHECK-SAME: %[[Z:.*]]: tensor<?x8xf32>
// CHECK-NOT: moe.route
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[Z]]
// The largest logit of a token, then exponentials, their sum of 8 numbers, and the quotient.
// CHECK: %[[LARGEST:.*]] = linalg.generic
// CHECK: scf.for {{.*}} iter_args(%[[SO_FAR:.*]] = %{{.*}}) -> (f32)
// CHECK: arith.cmpf olt, %{{.*}}, %[[SO_FAR]]
// CHECK: %[[EXP:.*]] = linalg.generic {{.*}} ins(%[[Z]] : tensor<?x8xf32>)
// CHECK: %[[M:.*]] = tensor.extract %[[LARGEST]]
// CHECK: arith.subf %{{.*}}, %[[M]]
// CHECK: %[[SUM:.*]] = linalg.generic
// CHECK-COUNT-8: tensor.extract %[[EXP]][
// CHECK-NOT: tensor.extract %[[EXP]][
// CHECK: %[[SCORES:.*]] = linalg.generic {{.*}} ins(%[[EXP]] : tensor<?x8xf32>)
// CHECK: %[[S:.*]] = tensor.extract %[[SUM]]
// CHECK: arith.divf %{{.*}}, %[[S]]
// The keys are those of the logits, for nothing needs the scores to choose: integers that order like the numbers, with
// -0 equal to 0, and NaN below all of them.
// CHECK: %[[KEYS:.*]] = linalg.generic
// CHECK: %[[KEY:.*]] = tensor.extract %[[Z]]
// CHECK: arith.cmpf oeq, %[[KEY]]
// CHECK: %[[IS_NAN:.*]] = arith.cmpf uno, %[[KEY]], %[[KEY]]
// CHECK: arith.bitcast {{.*}} : f32 to i32
// CHECK: arith.shrsi
// CHECK: arith.andi
// CHECK: %[[ORDERED:.*]] = arith.xori
// CHECK: arith.select %[[IS_NAN]], %{{.*}}, %[[ORDERED]] : i32
// Token by token and slot by slot the next one: its key below that of the slot before, or equal and its id above.
// CHECK: %[[IDS:.*]] = scf.for %[[TOKEN:.*]] = %c0 to %[[T]]
// CHECK: scf.for %[[SLOT:.*]] = %c0 to %c2 step %c1 iter_args(%[[FOUND:.*]] = %{{.*}}, %[[LAST_KEY:.*]] = %c2147483647_i32, %[[LAST:.*]] = %c-1_i32)
// CHECK: %[[BEST:.*]]:2 = scf.for %[[E:.*]] = %c0 to %c8 step %c1 iter_args(%[[BEST_KEY:.*]] = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: %[[OWN:.*]] = tensor.extract %[[KEYS]][%[[TOKEN]], %[[E]]]
// CHECK: %[[ID:.*]] = arith.index_cast %[[E]]
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[OWN]], %[[LAST_KEY]]
// CHECK: %[[ABOVE:.*]] = arith.cmpi slt, %[[LAST]], %[[ID]]
// CHECK: %[[TIED:.*]] = arith.andi %[[SAME]], %[[ABOVE]]
// CHECK: %[[BELOW:.*]] = arith.cmpi slt, %[[OWN]], %[[LAST_KEY]]
// CHECK: %[[AFTER:.*]] = arith.ori %[[BELOW]], %[[TIED]]
// CHECK: %[[BETTER:.*]] = arith.cmpi slt, %[[BEST_KEY]], %[[OWN]]
// CHECK: arith.andi %[[AFTER]], %[[BETTER]]
// CHECK: tensor.insert %[[BEST]]#1 into %[[FOUND]][%[[TOKEN]], %[[SLOT]]]
// The weights are the scores of the chosen.
// CHECK: %[[WEIGHTS:.*]] = linalg.generic {{.*}} ins(%[[IDS]] : tensor<?x2xi32>)
// CHECK: tensor.extract %[[SCORES]][
// CHECK: return %[[WEIGHTS]], %[[IDS]]
func.func @softmax(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l top_k(2) score(softmax) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// The bias chooses and does not weigh; the weights are divided by sum + epsilon, in slot order, and scaled.
// CHECK-LABEL: func.func @sigmoid(
// CHECK-SAME: %[[Z:.*]]: tensor<?x8xf32>, %[[BIAS:.*]]: tensor<8xf32>
// CHECK-NOT: moe.route
// CHECK-DAG: %[[SCALE:.*]] = arith.constant 2.5{{.*}} : f32
// CHECK-DAG: %[[EPSILON:.*]] = arith.constant 5.0{{.*}}e-01 : f32
// CHECK: %[[SCORES:.*]] = linalg.generic {{.*}} ins(%[[Z]] : tensor<?x8xf32>)
// CHECK: arith.divf
// CHECK: %[[KEYS:.*]] = linalg.generic
// CHECK: %[[SCORE:.*]] = tensor.extract %[[SCORES]]
// CHECK: %[[OWN:.*]] = tensor.extract %[[BIAS]]
// CHECK: arith.addf %[[SCORE]], %[[OWN]]
// CHECK: %[[IDS:.*]] = scf.for
// CHECK: tensor.extract %[[KEYS]][
// CHECK: %[[CHOSEN:.*]] = linalg.generic {{.*}} ins(%[[IDS]] : tensor<?x2xi32>)
// CHECK: tensor.extract %[[SCORES]][
// CHECK: %[[DIVISOR:.*]] = linalg.generic
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %c0 to %c2
// CHECK: tensor.extract %[[CHOSEN]][
// CHECK: arith.addf %[[SUM]], %[[EPSILON]]
// CHECK: %[[SHARES:.*]] = linalg.generic {{.*}} ins(%[[CHOSEN]] : tensor<?x2xf32>)
// CHECK: %[[BY:.*]] = tensor.extract %[[DIVISOR]]
// CHECK: arith.divf %{{.*}}, %[[BY]]
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[SHARES]], %[[IDS]] :
// CHECK: arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: return %[[SCALED]], %[[IDS]]
func.func @sigmoid(%l: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l bias(%b : tensor<8xf32>) top_k(2) score(sigmoid) normalize(0.5) scale(2.5) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// Buffer form is for kernels.
// CHECK-LABEL: func.func @buffers
// CHECK: moe.route
func.func @buffers(%l: memref<?x8xf32>, %w: memref<?x2xf32>, %i: memref<?x2xi32>) {
  moe.route %l top_k(2) score(softmax) outs(%w, %i : memref<?x2xf32>, memref<?x2xi32>) : memref<?x8xf32>
  return
}

// Ids that are given replace the choice: no keys.
// CHECK-LABEL: func.func @forced(
// CHECK-SAME: %[[Z:.*]]: tensor<?x8xf32>, %[[FORCED:.*]]: tensor<?x2xi32>
// CHECK-NOT: arith.cmpf uno
// CHECK: linalg.generic {{.*}} ins(%[[FORCED]] : tensor<?x2xi32>)
// CHECK: tensor.extract %[[Z]][
// CHECK: return %{{.*}}, %[[FORCED]]
func.func @forced(%l: tensor<?x8xf32>, %f: tensor<?x2xi32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l forced(%f : tensor<?x2xi32>) top_k(2) score(none) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// CHECK-LABEL: func.func @table(
// CHECK-SAME: %{{.*}}: tensor<?x8xf32>, %[[TABLE:.*]]: tensor<5x2xi32>, %[[TOKENS:.*]]: tensor<?xi32>
// CHECK: %[[IDS:.*]] = linalg.generic
// CHECK: %[[TOKEN:.*]] = tensor.extract %[[TOKENS]]
// CHECK: %[[ROW:.*]] = arith.index_cast %[[TOKEN]]
// CHECK: tensor.extract %[[TABLE]][%[[ROW]], %{{.*}}]
// CHECK: return %{{.*}}, %[[IDS]]
func.func @table(%l: tensor<?x8xf32>, %table: tensor<5x2xi32>, %tokens: tensor<?xi32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l table(%table[%tokens] : tensor<5x2xi32>, tensor<?xi32>) top_k(2) score(none) : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}

// Keys of groups, how many groups rank before each, and the keys of the others masked.
// CHECK-LABEL: func.func @groups(
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<?x8xi32>)
// CHECK: %[[GROUPS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<?x4xi32>)
// CHECK: scf.for
// CHECK: tensor.extract %[[KEYS]][
// CHECK: arith.addf
// CHECK: %[[RANKS:.*]] = linalg.generic {{.*}} ins(%[[GROUPS]] : tensor<?x4xi32>)
// CHECK: tensor.extract %[[GROUPS]][
// CHECK: -> tensor<?x4xi32>
// CHECK: linalg.generic {{.*}} ins(%[[KEYS]] : tensor<?x8xi32>)
// CHECK: tensor.extract %[[RANKS]][
// CHECK: arith.cmpi slt, %{{.*}}, %c2_i32
// CHECK: -> tensor<?x8xi32>
func.func @groups(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %0:2 = moe.route %l top_k(2) score(sigmoid) groups<4, keep = 2, by = top2, mask = lowest> : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
}
