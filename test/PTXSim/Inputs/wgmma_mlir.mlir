// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What wgmma_mlir.ptx was made of, with MLIR 22:
// mlir-opt -pass-pipeline='builtin.module(gpu-lower-to-nvvm-pipeline{cubin-chip=sm_90a cubin-features=+ptx80 opt-level=3 cubin-format=isa})'
!tmap = !nvgpu.tensormap.descriptor<tensor = memref<64x64xbf16, 3>, swizzle = swizzle_128b, l2promo = none, oob = zero, interleave = none>
!bar = !nvgpu.mbarrier.group<memorySpace = #gpu.address_space<workgroup>>
!desc = !nvgpu.warpgroup.descriptor<tensor = memref<64x64xbf16, 3>>
!acc = !nvgpu.warpgroup.accumulator<fragmented = vector<64x64xf32>>
memref.global "private" @dynsmem : memref<0xbf16, 3> {alignment = 1024 : i64}
func.func @host(%A: memref<64x?xbf16>, %B: memref<?x64xbf16>, %C: memref<64x64xf32>, %K: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %smem = arith.constant 16384 : i32
  %Au = memref.cast %A : memref<64x?xbf16> to memref<*xbf16>
  %Bu = memref.cast %B : memref<?x64xbf16> to memref<*xbf16>
  %da = nvgpu.tma.create.descriptor %Au box[%c64, %c64] : memref<*xbf16> -> !tmap
  %db = nvgpu.tma.create.descriptor %Bu box[%c64, %c64] : memref<*xbf16> -> !tmap
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%t, %ty, %tz) in (%sx = %c128, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %smem {
    %cb = arith.constant 16384 : index
    %off = arith.constant 8192 : index
    %ticks = arith.constant 10000000 : index
    %z = arith.constant 0 : index
    %o = arith.constant 1 : index
    %s64 = arith.constant 64 : index
    %dyn = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    %va = memref.view %dyn[%z][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<64x64xbf16, #gpu.address_space<workgroup>>
    %vb = memref.view %dyn[%off][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<64x64xbf16, #gpu.address_space<workgroup>>
    %sa = memref.memory_space_cast %va : memref<64x64xbf16, #gpu.address_space<workgroup>> to memref<64x64xbf16, 3>
    %sb = memref.memory_space_cast %vb : memref<64x64xbf16, #gpu.address_space<workgroup>> to memref<64x64xbf16, 3>
    %is0 = arith.cmpi eq, %t, %z : index
    %bar = nvgpu.mbarrier.create -> !bar
    nvgpu.mbarrier.init %bar[%z], %o, predicate = %is0 : !bar
    gpu.barrier
    nvgpu.tma.prefetch.descriptor %da, predicate = %is0 : !tmap
    nvgpu.tma.prefetch.descriptor %db, predicate = %is0 : !tmap
    %acc0 = nvgpu.warpgroup.mma.init.accumulator -> !acc
    %ph0 = arith.constant false
    %true = arith.constant true
    %res:2 = scf.for %k = %z to %K step %s64 iter_args(%acc = %acc0, %ph = %ph0) -> (!acc, i1) {
      nvgpu.mbarrier.arrive.expect_tx %bar[%z], %cb, predicate = %is0 : !bar
      nvgpu.tma.async.load %da[%k, %z], %bar[%z] to %sa, predicate = %is0 : !tmap, !bar -> memref<64x64xbf16, 3>
      nvgpu.tma.async.load %db[%z, %k], %bar[%z] to %sb, predicate = %is0 : !tmap, !bar -> memref<64x64xbf16, 3>
      nvgpu.mbarrier.try_wait.parity %bar[%z], %ph, %ticks : !bar
      %ad = nvgpu.warpgroup.generate.descriptor %sa, %da : memref<64x64xbf16, 3>, !tmap -> !desc
      %bd = nvgpu.warpgroup.generate.descriptor %sb, %db : memref<64x64xbf16, 3>, !tmap -> !desc
      %d = nvgpu.warpgroup.mma %ad, %bd, %acc {transposeB} : !desc, !desc, !acc -> !acc
      %nph = arith.xori %ph, %true : i1
      gpu.barrier
      scf.yield %d, %nph : !acc, i1
    }
    nvgpu.warpgroup.mma.store %res#0, %C : !acc to memref<64x64xf32>
    gpu.terminator
  }
  return
}
