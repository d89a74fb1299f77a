// RUN: moe-opt %s --test-moe-evaluate -o %t.mlir > %t.before
// RUN: moe-opt %s --pass-pipeline="builtin.module(func.func(moe-fuse-rope-append,moe-fuse-residual-norm,canonicalize),test-moe-evaluate)" -o %t.mlir > %t.after
// RUN: diff %t.before %t.after
// RUN: FileCheck %s --input-file=%t.mlir

// The same bits by rows: of no row, one and several.
// CHECK-COUNT-2: scf.forall
#id = affine_map<(r, n) -> (r, n)>
#row = affine_map<(r, n) -> (r)>
#column = affine_map<(r, n) -> (n)>
moe.weight @x : tensor<5x8xf32> from #moe.random<seed = 1, scale = 1.0>
moe.weight @y : tensor<5x8xf32> from #moe.random<seed = 2, scale = 1.0>
moe.weight @w : tensor<8xf32> from #moe.random<seed = 3, scale = 1.0>
moe.weight @angles : tensor<5x4xf32> from #moe.random<seed = 4, scale = 1.0>

func.func private @layer(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %angles: tensor<?x4xf32>, %w: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x2x4xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %width = arith.constant 8.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  %se = tensor.empty(%n) : tensor<?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%se : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%sum : tensor<?x8xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %a : f32
    %v = arith.addf %o, %s : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %norm = linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %squares, %w : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %q: f32, %b: f32, %o: f32):
    %m = arith.divf %q, %width : f32
    %r = math.sqrt %m : f32
    %i = arith.divf %a, %r : f32
    %v = arith.mulf %i, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  %halves = tensor.expand_shape %norm [[0], [1, 2]] output_shape [%n, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %he = tensor.empty(%n) : tensor<?x2x4xf32>
  %rotated = linalg.generic {indexing_maps = [affine_map<(r, h, j) -> (r, h, j)>, affine_map<(r, h, j) -> (r, j)>, affine_map<(r, h, j) -> (r, h, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%halves, %angles : tensor<?x2x4xf32>, tensor<?x4xf32>) outs(%he : tensor<?x2x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = linalg.index 0 : index
    %h = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c1 = arith.constant 1 : index
    %other = arith.subi %c1, %h : index
    %p = tensor.extract %halves[%r, %other, %j] : tensor<?x2x4xf32>
    %s = arith.mulf %p, %c : f32
    %t = arith.addf %a, %s : f32
    linalg.yield %t : f32
  } -> tensor<?x2x4xf32>
  return %sum, %rotated : tensor<?x8xf32>, tensor<?x2x4xf32>
}

func.func private @keys(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>, %x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %angles: tensor<?x4xf32>, %w: tensor<8xf32>, %pos: tensor<?xi32>) -> tensor<?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %width = arith.constant 8.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %se = tensor.empty(%n) : tensor<?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%se : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x8xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %a, %a : f32
    %v = arith.addf %o, %s : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %norm = linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %squares, %w : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %q: f32, %b: f32, %o: f32):
    %m = arith.divf %q, %width : f32
    %r = math.sqrt %m : f32
    %i = arith.divf %a, %r : f32
    %v = arith.mulf %i, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  %halves = tensor.expand_shape %norm [[0], [1, 2]] output_shape [%n, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %he = tensor.empty(%n) : tensor<?x2x4xf32>
  %rotated = linalg.generic {indexing_maps = [affine_map<(r, h, j) -> (r, h, j)>, affine_map<(r, h, j) -> (r, j)>, affine_map<(r, h, j) -> (r, h, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%halves, %angles : tensor<?x2x4xf32>, tensor<?x4xf32>) outs(%he : tensor<?x2x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = linalg.index 0 : index
    %h = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c1 = arith.constant 1 : index
    %other = arith.subi %c1, %h : index
    %p = tensor.extract %halves[%r, %other, %j] : tensor<?x2x4xf32>
    %s = arith.mulf %p, %c : f32
    %t = arith.addf %a, %s : f32
    linalg.yield %t : f32
  } -> tensor<?x2x4xf32>
  %v = tensor.expand_shape %y [[0], [1, 2]] output_shape [%n, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  moe.kv_append %cache, %rotated, %v at %pos : !moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?xi32>
  %q = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %a = moe.attention %q, %cache at %pos scale(1.0) : tensor<?x2x4xf32>, !moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?xi32> -> tensor<?x2x4xf32>
  return %a : tensor<?x2x4xf32>
}

func.func @rows0(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>) -> (tensor<?x8xi32>, tensor<?x2x4xi32>, tensor<?x2x4xi32>) {
  %x = moe.get_weight @x : tensor<5x8xf32>
  %y = moe.get_weight @y : tensor<5x8xf32>
  %w = moe.get_weight @w : tensor<8xf32>
  %g = moe.get_weight @angles : tensor<5x4xf32>
  %pos = arith.constant dense<1> : tensor<0xi32>
  %pos1 = tensor.cast %pos : tensor<0xi32> to tensor<?xi32>
  %n = arith.constant 0 : index
  %x1 = tensor.extract_slice %x[0, 0] [%n, 8] [1, 1] : tensor<5x8xf32> to tensor<?x8xf32>
  %y1 = tensor.extract_slice %y[0, 0] [%n, 8] [1, 1] : tensor<5x8xf32> to tensor<?x8xf32>
  %g1 = tensor.extract_slice %g[0, 0] [%n, 4] [1, 1] : tensor<5x4xf32> to tensor<?x4xf32>
  %s, %r = call @layer(%x1, %y1, %g1, %w) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x2x4xf32>)
  %a = call @keys(%cache, %x1, %y1, %g1, %w, %pos1) : (!moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<8xf32>, tensor<?xi32>) -> tensor<?x2x4xf32>
  %sb = arith.bitcast %s : tensor<?x8xf32> to tensor<?x8xi32>
  %rb = arith.bitcast %r : tensor<?x2x4xf32> to tensor<?x2x4xi32>
  %ab = arith.bitcast %a : tensor<?x2x4xf32> to tensor<?x2x4xi32>
  return %sb, %rb, %ab : tensor<?x8xi32>, tensor<?x2x4xi32>, tensor<?x2x4xi32>
}

func.func @rows1(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>) -> (tensor<?x8xi32>, tensor<?x2x4xi32>, tensor<?x2x4xi32>) {
  %x = moe.get_weight @x : tensor<5x8xf32>
  %y = moe.get_weight @y : tensor<5x8xf32>
  %w = moe.get_weight @w : tensor<8xf32>
  %g = moe.get_weight @angles : tensor<5x4xf32>
  %pos = arith.constant dense<[0]> : tensor<1xi32>
  %pos1 = tensor.cast %pos : tensor<1xi32> to tensor<?xi32>
  %n = arith.constant 1 : index
  %x1 = tensor.extract_slice %x[0, 0] [%n, 8] [1, 1] : tensor<5x8xf32> to tensor<?x8xf32>
  %y1 = tensor.extract_slice %y[0, 0] [%n, 8] [1, 1] : tensor<5x8xf32> to tensor<?x8xf32>
  %g1 = tensor.extract_slice %g[0, 0] [%n, 4] [1, 1] : tensor<5x4xf32> to tensor<?x4xf32>
  %s, %r = call @layer(%x1, %y1, %g1, %w) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x2x4xf32>)
  %a = call @keys(%cache, %x1, %y1, %g1, %w, %pos1) : (!moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<8xf32>, tensor<?xi32>) -> tensor<?x2x4xf32>
  %sb = arith.bitcast %s : tensor<?x8xf32> to tensor<?x8xi32>
  %rb = arith.bitcast %r : tensor<?x2x4xf32> to tensor<?x2x4xi32>
  %ab = arith.bitcast %a : tensor<?x2x4xf32> to tensor<?x2x4xi32>
  return %sb, %rb, %ab : tensor<?x8xi32>, tensor<?x2x4xi32>, tensor<?x2x4xi32>
}

func.func @rows5(%cache: !moe.kv_cache<static<8>, 2 x 4 x f32>) -> (tensor<?x8xi32>, tensor<?x2x4xi32>, tensor<?x2x4xi32>) {
  %x = moe.get_weight @x : tensor<5x8xf32>
  %y = moe.get_weight @y : tensor<5x8xf32>
  %w = moe.get_weight @w : tensor<8xf32>
  %g = moe.get_weight @angles : tensor<5x4xf32>
  %pos = arith.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
  %pos1 = tensor.cast %pos : tensor<5xi32> to tensor<?xi32>
  %x1 = tensor.cast %x : tensor<5x8xf32> to tensor<?x8xf32>
  %y1 = tensor.cast %y : tensor<5x8xf32> to tensor<?x8xf32>
  %g1 = tensor.cast %g : tensor<5x4xf32> to tensor<?x4xf32>
  %s, %r = call @layer(%x1, %y1, %g1, %w) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x2x4xf32>)
  %a = call @keys(%cache, %x1, %y1, %g1, %w, %pos1) : (!moe.kv_cache<static<8>, 2 x 4 x f32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<8xf32>, tensor<?xi32>) -> tensor<?x2x4xf32>
  %sb = arith.bitcast %s : tensor<?x8xf32> to tensor<?x8xi32>
  %rb = arith.bitcast %r : tensor<?x2x4xf32> to tensor<?x2x4xi32>
  %ab = arith.bitcast %a : tensor<?x2x4xf32> to tensor<?x2x4xi32>
  return %sb, %rb, %ab : tensor<?x8xi32>, tensor<?x2x4xi32>, tensor<?x2x4xi32>
}
