// RUN: moe-opt %s --moe-report="tokens=1,2,100 machine=100:1000:4000" -o /dev/null | FileCheck %s
// RUN: moe-opt %s --moe-report="tokens=1,2,100 machine=100:1000:4000 output=%t" -o /dev/null | count 0
// RUN: FileCheck %s --input-file=%t

// Every number here is worked out by hand from the shapes.

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#row = affine_map<(r, d) -> (r)>

// CHECK: weights: 2020060 parameters, 6040240 bytes in 4 tensors
// CHECK-NEXT: routing: uniform
// CHECK-NEXT: attention: over all positions that the cache keeps
// CHECK-NEXT: machine: 100:1000:4000, 100.0 GB/s, 1000.0 GFLOP/s f32, 4000.0 GFLOP/s bf16
moe.weight @w : tensor<1000x1000xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @b : tensor<1000x1000xbf16> from #moe.random<seed = 1, scale = 1.0>
moe.weight @experts : tensor<4x3x5xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @embed : tensor<5000x4xbf16> from #moe.random<seed = 1, scale = 1.0>

// Weights 4 MB. For T = 1 they take 40 us; for T = 100 2 * 10^8 operations take 200 us, of bf16 50 us.
// The zeros that a product starts from are not read.
// CHECK-LABEL: matmul, T = 1
// CHECK-NEXT: operation of parameters weight bytes other bytes FLOPs experts time (us) bound by
// CHECK-NEXT: linalg.matmul w 1000000 4000000 8000 2000000 40.080 memory
// CHECK-NEXT: linalg.matmul b 1000000 2000000 8000 2000000 20.080 memory
// CHECK-NEXT: total 2000000 6000000 16000 4000000 60.160
// CHECK-LABEL: matmul, T = 2
// CHECK-LABEL: matmul, T = 100
// CHECK: linalg.matmul w 1000000 4000000 800000 200000000 200.000 compute
// CHECK-NEXT: linalg.matmul b 1000000 2000000 800000 200000000 50.000 compute
func.func @matmul(%x: tensor<?x1000xf32>) -> (tensor<?x1000xf32>, tensor<?x1000xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x1000xf32>
  %w = moe.get_weight @w : tensor<1000x1000xf32>
  %b = moe.get_weight @b : tensor<1000x1000xbf16>
  %e = tensor.empty(%n) : tensor<?x1000xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x1000xf32>) -> tensor<?x1000xf32>
  %0 = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%x, %w : tensor<?x1000xf32>, tensor<1000x1000xf32>) outs(%z : tensor<?x1000xf32>) -> tensor<?x1000xf32>
  %1 = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%x, %b : tensor<?x1000xf32>, tensor<1000x1000xbf16>) outs(%z : tensor<?x1000xf32>) -> tensor<?x1000xf32>
  return %0, %1 : tensor<?x1000xf32>, tensor<?x1000xf32>
}

// k/E = 1/2: 2, 3 and nearly 4 of 4 experts, each of 15 weights. Per pair 2 * 15 operations and a maximum for each of 3.
// The region reads 5, writes 3; the maximum reads 3 and 3 zeros, which are written before, and writes 3.
// CHECK-LABEL: layer, T = 1
// CHECK:      moe.route      report.mlir:[[@LINE+11]] 0 0 32 26 0.000 memory
// CHECK-NEXT: moe.dispatch   report.mlir:[[@LINE+11]] 0 0 104 0 2.00 0.001 memory
// CHECK-NEXT: moe.expert     experts 30 120 160 66 2.00 0.003 memory
// CHECK-NEXT: moe.combine    report.mlir:[[@LINE+21]] 0 0 52 12 0.001 memory
// CHECK-LABEL: layer, T = 2
// CHECK:      moe.dispatch   report.mlir:[[@LINE+7]] 0 0 188 0 3.00 0.002 memory
// CHECK-NEXT: moe.expert     experts 45 180 320 132 3.00 0.005 memory
// CHECK-LABEL: layer, T = 100
// CHECK:      moe.expert     experts 60 240 16000 6600 4.00 0.162 memory
func.func @layer(%x: tensor<?x5xf32>, %logits: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %experts = moe.get_weight @experts : tensor<4x3x5xf32>
  %w, %ids = moe.route %logits top_k(2) score(softmax) : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %rows, %plan = moe.dispatch %x, %ids experts(4) : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>, !moe.plan<4 x 2>
  %y = moe.expert %rows, %plan weights(%experts : tensor<4x3x5xf32>) {
  ^bb0(%r: tensor<?x5xf32>, %u: tensor<3x5xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x5xf32>
    %e = tensor.empty(%n) : tensor<?x3xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
    %h = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %u : tensor<?x5xf32>, tensor<3x5xf32>) outs(%z : tensor<?x3xf32>) -> tensor<?x3xf32>
    %a = linalg.max ins(%h, %z : tensor<?x3xf32>, tensor<?x3xf32>) outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
    moe.yield %a : tensor<?x3xf32>
  } : tensor<?x5xf32>, !moe.plan<4 x 2> -> tensor<?x3xf32>
  %out = moe.combine %y, %plan, %w : tensor<?x3xf32>, !moe.plan<4 x 2>, tensor<?x2xf32> -> tensor<?x3xf32>
  return %out : tensor<?x3xf32>
}

// A look-up reads as many elements as there are steps, or the whole table where there are more steps.
// CHECK-LABEL: lookup, T = 1
// CHECK: linalg.generic embed 4 8 20 0
// CHECK-LABEL: lookup, T = 2
// CHECK: linalg.generic embed 8 16 40 0
func.func @lookup(%tokens: tensor<?xi32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %tokens, %c0 : tensor<?xi32>
  %embed = moe.get_weight @embed : tensor<5000x4xbf16>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]} ins(%tokens : tensor<?xi32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%token: i32, %o: f32):
    %i = arith.index_cast %token : i32 to index
    %d = linalg.index 1 : index
    %v = tensor.extract %embed[%i, %d] : tensor<5000x4xbf16>
    %f = arith.extf %v : bf16 to f32
    linalg.yield %f : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// A static function is reported once. Each query sees 16 positions of 2 heads, 32 bytes of key and value each.
// CHECK-LABEL: decode
// CHECK-NOT: T =
// CHECK: moe.kv_append {{.*}} 0 0 132 0
// CHECK: moe.attention {{.*}} 0 0 1156 1408
func.func @decode(%q: tensor<1x4x4xf32>, %k: tensor<1x2x4xf32>, %pos: tensor<1xi32>, %c: !moe.kv_cache<static<16>, 2 x 4 x f32>) -> tensor<1x4x4xf32> {
  moe.kv_append %c, %k, %k at %pos : !moe.kv_cache<static<16>, 2 x 4 x f32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1xi32>
  %a = moe.attention %q, %c at %pos scale(0.5) : tensor<1x4x4xf32>, !moe.kv_cache<static<16>, 2 x 4 x f32>, tensor<1xi32> -> tensor<1x4x4xf32>
  return %a : tensor<1x4x4xf32>
}

// What cannot be bounded is not guessed.
// CHECK-LABEL: unknown
// CHECK: linalg.exp {{.*}} ? ? ? ? ? ? ?
// CHECK: total 0 0 0 0 0.000
// CHECK-NEXT: not in the total: 1 operations with an extent that has no bound (?)
func.func @unknown(%i: tensor<1xi32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n0 = tensor.extract %i[%c0] : tensor<1xi32>
  %n = arith.index_cast %n0 : i32 to index
  %e = tensor.empty(%n) : tensor<?xf32>
  %0 = linalg.exp ins(%e : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// Private functions are not entries.
// CHECK-NOT: helper
func.func private @helper(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
