// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

// 5 experts are padded to 16: of no weight in the softmax, and never chosen. Softmax alone is chosen on logits.
// CHECK-LABEL: func.func @softmax
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[INPUT:.*]]: memref<?x5xf32>, %[[W:.*]]: memref<?x2xf32>, %[[IDS:.*]]: memref<?x2xi32>
// CHECK:         scf.for %[[T:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           %[[Z:.*]] = memref.load %[[INPUT]][%[[T]], %[[E:[a-z0-9_]+]]]
// CHECK:           memref.store %[[Z]], %[[LOGITS:.*]][%[[E]]]
// CHECK-COUNT-11:  memref.store %cst{{.*}}, %[[LOGITS]]
// CHECK:           vector.store %{{.*}}, %[[SCORES:.*]][%c0]
// CHECK:           vector.shuffle
// The exponential by its definition, and a sum of halves.
// CHECK-NOT:       math.exp
// CHECK:           math.fma
// CHECK-NOT:       vector.reduction
// CHECK:           arith.divf {{.*}} : vector<16xf32>
// Keys: integers in the order of the numbers, NaN below all of them.
// CHECK:           vector.load %[[LOGITS]]
// CHECK:           arith.cmpf uno
// CHECK:           vector.store %{{.*}}, %[[KEYS:.*]][%c0] : memref<16xi32>
// CHECK-COUNT-11:  memref.store %c-2147483648_i32, %[[KEYS]]
// Twice the largest key; of equal ones the lowest id; which is then taken.
// CHECK:           scf.for %[[SLOT:.*]] = %c0 to %c2
// CHECK:             vector.reduction <maxsi>
// CHECK:             arith.cmpi eq, {{.*}} : vector<16xi32>
// CHECK:             %[[ID:.*]] = vector.reduction <minsi>
// CHECK:             memref.store %[[ID]], %[[IDS]][%[[T]], %[[SLOT]]]
// CHECK:             %[[CHOSEN:.*]] = arith.index_cast %[[ID]]
// CHECK:             memref.store %c-2147483648_i32, %[[KEYS]][%[[CHOSEN]]]
// CHECK:           memref.load %[[SCORES]]
// CHECK:           memref.store %{{.*}}, %[[W]][%[[T]], %{{.*}}]
// CHECK-NOT:       arith.divf
func.func @softmax(%begin: index, %end: index, %logits: memref<?x5xf32>, %w: memref<?x2xf32>, %ids: memref<?x2xi32>)
    attributes {moe.kernel} {
  moe.route %logits top_k(2) score(softmax) outs(%w, %ids : memref<?x2xf32>, memref<?x2xi32>) : memref<?x5xf32>
  return
}

// The bias chooses but does not weigh; then weights are normalised and scaled.
// CHECK-LABEL: func.func @sigmoid
// CHECK-SAME:    %[[BIAS:[^:]*]]: memref<16xf32>
// CHECK:         math.fma {{.*}} : vector<16xf32>
// CHECK:         %[[SIGMOID:.*]] = arith.divf
// CHECK:         vector.store %[[SIGMOID]], %[[SCORES:.*]][%c0]
// CHECK:         vector.load %[[BIAS]]
// CHECK:         %[[SCORE:.*]] = vector.load %[[SCORES]]
// CHECK:         arith.addf %[[SCORE]], %{{.*}} : vector<16xf32>
// CHECK:         vector.reduction <minsi>
// CHECK:         %[[SUM:.*]] = scf.for
// CHECK:         %[[NORM:.*]] = arith.addf %[[SUM]], %cst
// CHECK:         arith.divf %{{.*}}, %[[NORM]]
// CHECK:         arith.mulf %{{.*}}, %cst
func.func @sigmoid(%begin: index, %end: index, %logits: memref<?x16xf32>, %bias: memref<16xf32>, %w: memref<?x3xf32>, %ids: memref<?x3xi32>)
    attributes {moe.kernel} {
  moe.route %logits bias(%bias : memref<16xf32>) top_k(3) score(sigmoid) normalize(1.0e-20) scale(2.5)
      outs(%w, %ids : memref<?x3xf32>, memref<?x3xi32>) : memref<?x16xf32>
  return
}

// The softmax runs over the chosen logits only.
// CHECK-LABEL: func.func @softmax_topk
// CHECK:         vector.reduction <minsi>
// CHECK:         arith.cmpf ogt, {{.*}} : f32
// CHECK-NEXT:    arith.select
// CHECK:         math.fma {{.*}} : f32
// CHECK:         arith.divf
func.func @softmax_topk(%begin: index, %end: index, %logits: memref<?x16xf32>, %w: memref<?x3xf32>, %ids: memref<?x3xi32>)
    attributes {moe.kernel} {
  moe.route %logits top_k(3) score(softmax_topk) outs(%w, %ids : memref<?x3xf32>, memref<?x3xi32>) : memref<?x16xf32>
  return
}
