// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s

#bias = affine_map<(r, n, e, t, s) -> (e, n)>
#factor = affine_map<(r, n, e, t, s) -> (n, t)>

// Two weights, rows of tokens, and an epilogue, which reads the products of a
// block from memory. A few rows read four streams: two panels of both weights.
// Eight rows take one of the weights after the other.
// CHECK-LABEL: func.func @epilogue
// CHECK-SAME:    %[[ORDER:[^:]*]]: memref<?xi32>, %[[BIAS:[^:]*]]: memref<5x40xbf16>, %[[FACTOR:[^:]*]]: memref<40x?xf32>, %[[Y:[^:]*]]: memref<?x40xf32>
// CHECK:         %[[BUFFER:.*]] = memref.alloca() {{.*}} : memref<4x16xf32>
// CHECK:         scf.for {{.*}} step %c2
// CHECK:           scf.for %[[R:.*]] = {{.*}} step %c2
// CHECK:             %[[PAIR:.*]] = memref.load %[[ORDER]][%[[R]]]
// CHECK:             %[[Q:.*]] = arith.index_cast %[[PAIR]]
// CHECK:             arith.divui %[[Q]], %c2
// CHECK:             %{{.*}}:16 = scf.for
// CHECK:             scf.for
// CHECK:               scf.for
// CHECK:                 %[[MASK:.*]] = vector.create_mask
// CHECK:                 scf.for
// CHECK:                   %[[P:.*]] = vector.load
// CHECK:                   %[[PQ:.*]] = vector.load
// CHECK:                   %[[B:.*]] = vector.maskedload %[[BIAS]][%{{.*}}, %{{.*}}], %[[MASK]]
// An operand whose columns do not lie side by side is read lane by lane.
// CHECK-COUNT-16:          memref.load %[[FACTOR]]
// CHECK:                   %[[B32:.*]] = arith.extf %[[B]] : vector<16xbf16> to vector<16xf32>
// CHECK:                   %[[S:.*]] = arith.addf %[[P]], %[[B32]]
// CHECK:                   %[[V:.*]] = arith.mulf %[[S]], %[[PQ]]
// CHECK:                   %[[FV:.*]] = arith.mulf %[[V]], %{{.*}} : vector<16xf32>
// CHECK:                   vector.maskedstore %[[Y]][%{{.*}}, %{{.*}}], %[[MASK]], %[[FV]]
// CHECK:         scf.for {{.*}} step %c1
// CHECK:           scf.for {{.*}} step %c8
// CHECK:             %{{.*}}:16 = scf.for
// CHECK:             %{{.*}}:16 = scf.for
// CHECK-NOT:     moe.
func.func @epilogue(%begin: index, %end: index, %x: memref<?x8xf32>, %gate: memref<5x2x8x32xf32>, %up: memref<5x2x8x32xf32>, %offsets: memref<6xi32>,
                    %order: memref<?xi32>, %bias: memref<5x40xbf16>, %factor: memref<40x?xf32>, %y: memref<?x40xf32>) attributes {moe.kernel} {
  moe.grouped_matmul %x, %gate, %up offsets(%offsets : memref<6xi32>) order(%order : memref<?xi32>) top_k(2) broadcast panel <width = 32, pair = 1>
      epilogue(%bias, %factor : memref<5x40xbf16>, memref<40x?xf32>) maps([#bias, #factor]) outs(%y : memref<?x40xf32>) {
  ^bb0(%p: f32, %q: f32, %b: bf16, %f: f32):
    %b32 = arith.extf %b : bf16 to f32
    %s = arith.addf %p, %b32 : f32
    %v = arith.mulf %s, %q : f32
    %fv = arith.mulf %v, %f : f32
    moe.yield %fv : f32
  } : memref<?x8xf32>, memref<5x2x8x32xf32>, memref<5x2x8x32xf32>
  return
}

// Without a region each weight has a result.
// CHECK-LABEL: func.func @two_results
// CHECK-SAME:    %[[P:[^:]*]]: memref<2x32xf32>, %[[Q:[^:]*]]: memref<2x32xf32>
// CHECK:         %[[SUMS:.*]]:4 = scf.for
// CHECK-DAG:     vector.store %[[SUMS]]#0, %[[P]][%{{.*}}, %{{.*}}]
// CHECK-DAG:     vector.store %[[SUMS]]#2, %[[Q]][%{{.*}}, %{{.*}}]
func.func @two_results(%begin: index, %end: index, %x: memref<1x8xf32>, %gate: memref<5x1x8x32xf32>, %up: memref<5x1x8x32xf32>, %ids: memref<1x2xi32>,
                       %p: memref<2x32xf32>, %q: memref<2x32xf32>) attributes {moe.kernel} {
  moe.grouped_matmul %x, %gate, %up ids(%ids : memref<1x2xi32>) broadcast panel <width = 32, pair = 1>
      outs(%p, %q : memref<2x32xf32>, memref<2x32xf32>) : memref<1x8xf32>, memref<5x1x8x32xf32>, memref<5x1x8x32xf32>
  return
}

// Units are (token, panel). Of six slots three are read side by side; each is
// added in its turn.
// CHECK-LABEL: func.func @combine_slots
// CHECK-SAME:    %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index, %[[H:[^:]*]]: memref<6x8xf32>, %{{.*}}: memref<7x2x8x32xf32>, %[[IDS:[^:]*]]: memref<1x6xi32>, %[[WEIGHTS:[^:]*]]: memref<1x6xf32>, %[[X:[^:]*]]: memref<1x64xf32>, %[[Y:[^:]*]]: memref<1x64xf32>
// CHECK:         arith.divui %[[BEGIN]], %c2
// CHECK:         scf.for %[[PANEL:.*]] = %{{.*}} to %{{.*}} step %c1
// CHECK:           %[[X0:.*]] = vector.load %[[X]]
// CHECK:           %[[X1:.*]] = vector.load %[[X]]
// CHECK:           %[[SUMS:.*]]:2 = scf.for %[[SLOT:.*]] = %c0 to %c6 step %c3 iter_args(%[[A0:.*]] = %[[X0]], %[[A1:.*]] = %[[X1]])
// CHECK:             memref.load %[[IDS]][%{{.*}}, %[[SLOT]]]
// CHECK:             %[[P:.*]]:6 = scf.for
// CHECK:             %[[W0:.*]] = memref.load %[[WEIGHTS]][%{{.*}}, %[[SLOT]]]
// CHECK:             %[[S0:.*]] = vector.broadcast %[[W0]]
// CHECK:             %[[B0:.*]] = vector.fma %[[S0]], %[[P]]#0, %[[A0]]
// CHECK:             %[[B1:.*]] = vector.fma %[[S0]], %[[P]]#1, %[[A1]]
// CHECK:             %[[C0:.*]] = vector.fma %{{.*}}, %[[P]]#2, %[[B0]]
// CHECK:             %[[C1:.*]] = vector.fma %{{.*}}, %[[P]]#3, %[[B1]]
// CHECK:             %[[D0:.*]] = vector.fma %{{.*}}, %[[P]]#4, %[[C0]]
// CHECK:             %[[D1:.*]] = vector.fma %{{.*}}, %[[P]]#5, %[[C1]]
// CHECK:             scf.yield %[[D0]], %[[D1]]
// CHECK:           vector.store %[[SUMS]]#0, %[[Y]]
// CHECK:           vector.store %[[SUMS]]#1, %[[Y]]
func.func @combine_slots(%begin: index, %end: index, %h: memref<6x8xf32>, %w: memref<7x2x8x32xf32>, %ids: memref<1x6xi32>, %weights: memref<1x6xf32>,
                         %x: memref<1x64xf32>, %y: memref<1x64xf32>) attributes {moe.kernel} {
  moe.grouped_matmul %h, %w ids(%ids : memref<1x6xi32>) panel <width = 32, pair = 1> combine(%weights : memref<1x6xf32>) init(%x : memref<1x64xf32>)
      outs(%y : memref<1x64xf32>) : memref<6x8xf32>, memref<7x2x8x32xf32>
  return
}

// Slots without an expert: where all have one nothing is different.
// CHECK-LABEL: func.func @combine_partial_slots
// CHECK-SAME:    %[[X:[^:]*]]: memref<1x64xf32>, %{{[^:]*}}: memref<1x64xf32>
// CHECK:         arith.cmpi slt, %{{.*}}, %c5
// CHECK:         arith.cmpi slt, %{{.*}}, %c5
// CHECK:         %[[ALL:.*]] = arith.andi
// CHECK:         scf.if %[[ALL]]
// CHECK:           :8 = scf.for
// CHECK:         } else {
// CHECK:           scf.if
// CHECK:             :4 = scf.for
// CHECK:           } else {
// CHECK:             %[[X0:.*]] = vector.load %[[X]]
// CHECK:             vector.fma %{{.*}}, %[[X0]], %cst
// CHECK:           scf.if
func.func @combine_partial_slots(%begin: index, %end: index, %h: memref<2x8xf32>, %w: memref<5x2x8x32xf32>, %ids: memref<1x2xi32>,
                                 %weights: memref<1x2xf32>, %x: memref<1x64xf32>, %y: memref<1x64xf32>) attributes {moe.kernel} {
  moe.grouped_matmul %h, %w ids(%ids : memref<1x2xi32>) partial panel <width = 32, pair = 1> combine(%weights : memref<1x2xf32>)
      skipped(%x : memref<1x64xf32>) outs(%y : memref<1x64xf32>) : memref<2x8xf32>, memref<5x2x8x32xf32>
  return
}

// Pairs without an expert are left out.
// CHECK-LABEL: func.func @partial_rows
// CHECK:         %[[KEPT:.*]] = arith.cmpi slt, %{{.*}}, %c5
// CHECK:         scf.if %[[KEPT]]
// CHECK:           scf.for
func.func @partial_rows(%begin: index, %end: index, %h: memref<2x8xf32>, %w: memref<5x1x8x32xf32>, %ids: memref<1x2xi32>, %y: memref<2x32xf32>)
    attributes {moe.kernel} {
  moe.grouped_matmul %h, %w ids(%ids : memref<1x2xi32>) partial panel <width = 32, pair = 1> outs(%y : memref<2x32xf32>)
      : memref<2x8xf32>, memref<5x1x8x32xf32>
  return
}

// Units are panels: the rows of all experts, then the sums of all tokens. Rows
// behind those of the last expert are skipped pairs.
// CHECK-LABEL: func.func @combine_sorted
// CHECK-SAME:    %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index, %{{[^:]*}}: memref<?x8xf32>, %{{[^:]*}}: memref<5x2x8x32xf32>, %[[OFFSETS:[^:]*]]: memref<6xi32>, %[[WEIGHTS:[^:]*]]: memref<?x2xf32>, %[[INVERSE:[^:]*]]: memref<?x2xi32>, %[[S:[^:]*]]: memref<2x?x32xf32>, %[[X:[^:]*]]: memref<?x64xf32>, %[[Y:[^:]*]]: memref<?x64xf32>
// CHECK:         scf.for %[[E:.*]] = %c0 to %c5 step %c1
// CHECK:           memref.load %[[OFFSETS]][%[[E]]]
// CHECK:           scf.for %[[PANEL:.*]] = %[[BEGIN]] to
// CHECK:             scf.for %[[ROW:.*]] = %{{.*}} to %{{.*}} step %c1
// CHECK:               vector.store %{{.*}}, %[[S]][%[[PANEL]], %[[ROW]], %c0]
// CHECK:               vector.store %{{.*}}, %[[S]][%[[PANEL]], %[[ROW]], %c16]
// CHECK:         scf.for %[[P:.*]] = %[[BEGIN]] to %[[END]] step %c1
// CHECK:           memref.load %[[OFFSETS]][%c5]
// CHECK:           scf.for %[[T:.*]] = %c0
// CHECK:             scf.for %[[SLOT:.*]] = %c0 to %c2 step %c1
// CHECK:               memref.load %[[INVERSE]][%[[T]], %[[SLOT]]]
// CHECK:               scf.if
// CHECK:                 memref.load %[[WEIGHTS]][%[[T]], %[[SLOT]]]
// CHECK:                 vector.load %[[S]][%[[P]], %{{.*}}, %c0]
// CHECK:                 vector.fma
// CHECK:               } else {
// CHECK:                 vector.load %[[X]]
// CHECK:             vector.store %{{.*}}, %[[Y]][%[[T]], %{{.*}}]
func.func @combine_sorted(%begin: index, %end: index, %h: memref<?x8xf32>, %w: memref<5x2x8x32xf32>, %offsets: memref<6xi32>, %weights: memref<?x2xf32>,
                          %inverse: memref<?x2xi32>, %s: memref<2x?x32xf32>, %x: memref<?x64xf32>, %y: memref<?x64xf32>) attributes {moe.kernel} {
  moe.grouped_matmul %h, %w offsets(%offsets : memref<6xi32>) partial panel <width = 32, pair = 1> combine(%weights : memref<?x2xf32>)
      inverse(%inverse : memref<?x2xi32>) skipped(%x : memref<?x64xf32>) scratch(%s : memref<2x?x32xf32>) outs(%y : memref<?x64xf32>)
      : memref<?x8xf32>, memref<5x2x8x32xf32>
  return
}
