// RUN: moe-opt %s --convert-moe-to-vector --canonicalize --cse --verify-each | FileCheck %s
// RUN: moe-opt %s --convert-moe-to-vector="vector-bits=256" --canonicalize --cse --verify-each | FileCheck %s --check-prefix=HALF

// One row takes four panels at a time, then the two and the one left over. The
// inner dimension is unrolled by four, and by nobody again; 10 = 2 x 4 + 2.
// CHECK-DAG:     #[[$UNROLL:.*]] = #llvm.loop_unroll<disable = true>
// CHECK-DAG:     #[[$ROLLED:.*]] = #llvm.loop_annotation<unroll = #[[$UNROLL]]>
// CHECK-LABEL: func.func @one_row
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[X:.*]]: memref<1x10xf32>, %[[W:.*]]: memref<4x10x32xf32>, %[[Y:.*]]: memref<1x128xf32>
// CHECK:         %[[PANELS:.*]] = memref.collapse_shape %[[W]] {{\[}}[0, 1], [2]] : memref<4x10x32xf32> into memref<40x32xf32>
// CHECK:         scf.for %[[P:.*]] = %[[BEGIN]] to %[[FOURS:.*]] step %c4
// CHECK:           %{{.*}}:8 = scf.for {{.*}} = %c0 to %c8 step %c4 iter_args
// CHECK:             memref.prefetch %[[PANELS]]
// CHECK:             %[[B:.*]] = vector.load %[[PANELS]]{{.*}} vector<16xf32>
// CHECK:             %[[A:.*]] = memref.load %[[X]]
// CHECK:             %[[SPLAT:.*]] = vector.broadcast %[[A]] : f32 to vector<16xf32>
// CHECK:             vector.fma %[[SPLAT]], %[[B]], %{{.*}} : vector<16xf32>
// CHECK:             scf.yield
// CHECK-NEXT:      } {loop_annotation = #[[$ROLLED]]}
// CHECK-COUNT-16:  vector.fma
// CHECK-COUNT-8:   vector.store {{.*}}, %[[Y]]
// CHECK:         scf.for %{{.*}} = %[[FOURS]] to %[[PAIRED:.*]] step %c2
// CHECK:           %{{.*}}:4 = scf.for
// CHECK-COUNT-4:   vector.store {{.*}}, %[[Y]]
// CHECK:         scf.for %{{.*}} = %[[PAIRED]] to %[[END]] step %c1
// CHECK:           %{{.*}}:2 = scf.for
// CHECK-COUNT-2:   vector.store {{.*}}, %[[Y]]
// CHECK-NOT:     moe.
// CHECK-NOT:     vector.maskedstore
func.func @one_row(%begin: index, %end: index, %x: memref<1x10xf32>, %w: memref<4x10x32xf32>, %y: memref<1x128xf32>)
    attributes {moe.kernel} {
  moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%y : memref<1x128xf32>)
      : memref<1x10xf32>, memref<4x10x32xf32>
  return
}

// Any number of rows: up to 4 take two panels at once, in blocks of 4, 3, 2 or 1; more, and the panel left over, blocks
// of 8, 4, 2, 1 for each panel. The last panel has 36 - 32 = 4 columns.
// CHECK-LABEL: func.func @any_rows
// CHECK:         %[[ROWS:.*]] = memref.dim
// CHECK:         %[[SKIP:.*]] = arith.select %{{.*}}, %[[BEGIN:.*]], %[[END:.*]] : index
// CHECK:         %[[FEW:.*]] = arith.cmpi slt, %[[ROWS]], %c5
// CHECK:         %[[PAIRED:.*]] = arith.select %[[FEW]], %{{.*}}, %[[BEGIN]] : index
// CHECK:         scf.for %{{.*}} = %[[BEGIN]] to %[[PAIRED]] step %c2
// CHECK:           scf.for {{.*}} step %c4
// CHECK:             %{{.*}}:16 = scf.for
// CHECK:           scf.for {{.*}} step %c3
// CHECK:             %{{.*}}:12 = scf.for
// CHECK:           scf.for {{.*}} step %c2
// CHECK:             %{{.*}}:8 = scf.for
// CHECK:           scf.for {{.*}} step %c1
// CHECK:             %{{.*}}:4 = scf.for
// CHECK:         scf.for %{{.*}} = %[[PAIRED]] to %[[SKIP]] step %c1
// CHECK:           scf.for {{.*}} step %c8
// CHECK:             %{{.*}}:16 = scf.for
// CHECK:             %[[MASK:.*]] = vector.create_mask %{{.*}} : vector<16xi1>
// CHECK-COUNT-8:     vector.maskedstore {{.*}}, %[[MASK]]
// CHECK:           scf.for {{.*}} step %c4
// CHECK:             %{{.*}}:8 = scf.for
// CHECK:           scf.for {{.*}} step %c2
// CHECK:             %{{.*}}:4 = scf.for
// CHECK:           scf.for {{.*}} step %c1
// CHECK:             %{{.*}}:2 = scf.for
// HALF-LABEL: func.func @any_rows
// HALF-NOT:     vector<16xf32>
// HALF:         %{{.*}}:8 = scf.for {{.*}} vector<8xf32>
func.func @any_rows(%begin: index, %end: index, %x: memref<?x8xf32>, %w: memref<2x8x32xf32>, %y: memref<?x36xf32>)
    attributes {moe.kernel} {
  moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%y : memref<?x36xf32>)
      : memref<?x8xf32>, memref<2x8x32xf32>
  return
}

// bf16 weights hold two inner indices side by side: shift and mask give f32.
// The inner dimension is odd: of the last pair only the first counts.
// CHECK-LABEL: func.func @pairs
// CHECK:         memref.collapse_shape %{{.*}} {{\[}}[0, 1], [2, 3]] : memref<1x9x32x2xbf16> into memref<9x64xbf16>
// CHECK:         scf.for
// CHECK:           %[[LOAD:.*]] = vector.load {{.*}} vector<32xbf16>
// CHECK:           %[[WORDS:.*]] = vector.bitcast %[[LOAD]] : vector<32xbf16> to vector<16xi32>
// CHECK:           %[[LOW:.*]] = arith.shli %[[WORDS]]
// CHECK:           arith.bitcast %[[LOW]] : vector<16xi32> to vector<16xf32>
// CHECK:           %[[HIGH:.*]] = arith.andi %[[WORDS]]
// CHECK:           arith.bitcast %[[HIGH]] : vector<16xi32> to vector<16xf32>
// CHECK:           scf.yield
// CHECK-NOT:       arith.andi
// CHECK:           vector.store
func.func @pairs(%begin: index, %end: index, %x: memref<1x17xf32>, %w: memref<1x9x32x2xbf16>, %y: memref<1x32xf32>)
    attributes {moe.kernel} {
  moe.packed_matmul %x, %w panel <width = 32, pair = 2> outs(%y : memref<1x32xf32>)
      : memref<1x17xf32>, memref<1x9x32x2xbf16>
  return
}

// A known number of rows that fits is one block.
// CHECK-LABEL: func.func @three_rows
// CHECK:         scf.for
// CHECK:           %{{.*}}:6 = scf.for
// CHECK-COUNT-6:   vector.store
// CHECK-NOT:     scf.for
func.func @three_rows(%begin: index, %end: index, %x: memref<3x8xf32>, %w: memref<2x8x32xf32>, %y: memref<3x64xf32>)
    attributes {moe.kernel} {
  moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%y : memref<3x64xf32>)
      : memref<3x8xf32>, memref<2x8x32xf32>
  return
}

// Only kernels are lowered.
// CHECK-LABEL: func.func @not_a_kernel
// CHECK:         moe.packed_matmul
func.func @not_a_kernel(%x: memref<1x8xf32>, %w: memref<1x8x32xf32>, %y: memref<1x32xf32>) {
  moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%y : memref<1x32xf32>)
      : memref<1x8xf32>, memref<1x8x32xf32>
  return
}
