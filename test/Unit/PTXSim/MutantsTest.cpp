// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mistakes in kernels for sm_80.
#include "Mutants.h"

using namespace moe::ptxsim;

namespace {

Outcome vadd(Sim &sim) {
  const int n = 1000;
  Address c = sim.device.memory().allocate(n * 4);
  Error error =
      sim.run("vadd", {4, 1, 1}, {256, 1, 1}, 0, sim.upload(someFloats(n, 1)),
              sim.upload(someFloats(n, 2)), c, n);
  return {error, sim.download<uint32_t>(c, n)};
}

Outcome matmul(Sim &sim) {
  const int n = 32;
  Address c = sim.device.memory().allocate(n * n * 4);
  Error error = sim.run("matmul", {2, 2, 1}, {16, 16, 1}, 0,
                        sim.upload(someFloats(n * n, 1)),
                        sim.upload(someFloats(n * n, 2)), c, n, n, n);
  return {error, sim.download<uint32_t>(c, n * n)};
}

Outcome groupedMma(Sim &sim) {
  const int experts = 2, n = 64, k = 128;
  std::vector<int> offsets{0, 70, 100};
  Address c = sim.device.memory().allocate(100 * n * 2);
  Error error = sim.run("grouped_mma", {1, 2, experts}, {128, 1, 1}, 0,
                        sim.upload(someBF16(100 * k, 1)),
                        sim.upload(someBF16(experts * n * k, 2)), c,
                        sim.upload(offsets), n, k);
  return {error, sim.download<uint32_t>(c, 100 * n / 2)};
}

Outcome histScan(Sim &sim) {
  const int n = 500, experts = 40;
  std::vector<int> id(n);
  for (int i = 0; i < n; ++i)
    id[i] = i * i % experts;
  Address counts = sim.device.memory().allocate(experts * 4);
  Address offsets = sim.device.memory().allocate((experts + 1) * 4);
  Address order = sim.device.memory().allocate(n * 4);
  Error error = sim.run("hist_scan", {1, 1, 1}, {128, 1, 1}, 2 * experts * 4,
                        sim.upload(id), n, experts, counts, offsets, order);
  return {error, sim.download<uint32_t>(offsets, experts + 1)};
}

Outcome siluQuant(Sim &sim) {
  const int rows = 2, hidden = 300;
  Address y = sim.device.memory().allocate(rows * hidden);
  Address scale = sim.device.memory().allocate(rows * 4);
  Error error =
      sim.run("silu_quant", {rows, 1, 1}, {128, 1, 1}, 0,
              sim.upload(someBF16(rows * 2 * hidden, 3)), y, scale, hidden);
  return {error, sim.download<uint32_t>(y, rows * hidden / 4)};
}

Outcome combine(Sim &sim) {
  const int tokens = 3, topk = 2, half = 40;
  Address y = sim.upload(std::vector<float>(tokens * half * 2));
  Error error =
      sim.run("combine_atomic", {tokens * topk, 1, 1}, {64, 1, 1}, 0,
              sim.upload(someBF16(tokens * topk * half * 2, 5)),
              sim.upload(someFloats(tokens * topk, 6)),
              sim.upload(std::vector<int>{3, 1, 4, 0, 5, 2}), y, half, topk);
  return {error, sim.download<uint32_t>(y, tokens * half * 2)};
}

Outcome barriers(Sim &sim) {
  const int rounds = 5;
  Address out = sim.device.memory().allocate((rounds * 32 + 3) * 4);
  Error error = sim.run("barriers", {1, 1, 1}, {96, 1, 1}, 0, out, rounds);
  return {error, sim.download<uint32_t>(out, rounds * 32)};
}

Outcome exchange(Sim &sim) {
  Address out = sim.device.memory().allocate(32 * 4);
  Error error = sim.run("exchange", {1, 1, 1}, {32, 1, 1}, 0, out);
  return {error, sim.download<uint32_t>(out, 32)};
}

Outcome message(Sim &sim) {
  Address data = sim.device.memory().allocate(64 * 4);
  Address flag = sim.upload(std::vector<int>{0});
  Address out = sim.device.memory().allocate(3 * 64 * 4);
  Error error = sim.run("message", {3, 1, 1}, {64, 1, 1}, 0, data, flag, out);
  return {error, sim.download<uint32_t>(out + 64 * 4, 2 * 64)};
}

Outcome lock(Sim &sim) {
  Address word = sim.upload(std::vector<int>{0});
  Address counter = sim.upload(std::vector<int>{0});
  Error error = sim.run("lock", {5, 1, 1}, {1, 1, 1}, 0, word, counter);
  return {error, sim.download<uint32_t>(counter, 1)};
}

Outcome last(Sim &sim) {
  Address parts = sim.device.memory().allocate(6 * 4);
  Address ticket = sim.upload(std::vector<int>{0});
  Address out = sim.device.memory().allocate(4);
  Error error = sim.run("last", {6, 1, 1}, {1, 1, 1}, 0, parts, ticket, out);
  return {error, sim.download<uint32_t>(out, 1)};
}

Outcome own(Sim &sim) {
  Address out = sim.device.memory().allocate(32 * 4);
  Error error = sim.run("own", {1, 1, 1}, {32, 1, 1}, 0, out, 2);
  return {error, sim.download<uint32_t>(out, 32)};
}

Outcome readers(Sim &sim) {
  const uint32_t blocks = 6;
  Address out = sim.device.memory().allocate(blocks * 4);
  Error error = sim.run("readers", {blocks, 1, 1}, {1, 1, 1}, 0,
                        sim.upload(std::vector<int>{77}),
                        sim.upload(std::vector<int>{0}), out);
  return {error, sim.download<uint32_t>(out, blocks)};
}

const SampleKernel kernels[] = {
    {"vadd", "vadd.ptx", vadd},
    {"matmul", "matmul.ptx", matmul},
    {"grouped_mma", "mma_bf16.ptx", groupedMma},
    {"hist_scan", "misc.ptx", histScan},
    {"silu_quant", "misc.ptx", siluQuant},
    {"combine_atomic", "misc.ptx", combine},
    {"barriers", "instructions.ptx", barriers},
    {"exchange", "handover.ptx", exchange},
    {"message", "handover.ptx", message},
    {"lock", "handover.ptx", lock},
    {"last", "handover.ptx", last},
    {"readers", "handover.ptx", readers},
    {"own", "handover.ptx", own},
};

const Mutant mutants[] = {
    // Bounds and addresses.
    {"vadd", "bound off by one", 1, "setp.ge.s32", "setp.gt.s32", Check::Memory,
     "0 bytes behind the end"},
    {"vadd", "no bound", 1, "@%p1 bra", "//", Check::Memory, "behind the end"},
    {"vadd", "elements of 3 bytes", 1, "%r1, 4;", "%r1, 3;", Check::Memory,
     "not aligned to 4 bytes"},
    {"vadd", "elements of 8 bytes", 1, "%r1, 4;", "%r1, 8;", Check::Memory,
     "behind the end"},
    {"vadd", "a pointer is not added", 1, "add.s64 \t%rd10, %rd9, %rd5",
     "mov.u64 \t%rd10, %rd5", Check::Memory, "a null pointer"},
    {"vadd", "all threads store to one place", 1, "add.s64 \t%rd10, %rd9, %rd5",
     "mov.u64 \t%rd10, %rd9", Check::Race,
     "st.global.f32 writes 4 bytes of global memory"},
    {"vadd", "a load is missing", 1, "ld.global.f32 \t%f1, [%rd8];", "",
     Check::Init, "a stored value is of a register"},
    {"vadd", "an address is missing", 1, "add.s64 \t%rd10, %rd9, %rd5;", "",
     Check::Init, "an address"},
    {"vadd", "a condition is missing", 1, "setp.ge.s32 \t%p1, %r1, %r2;", "",
     Check::Init, "the guard"},
    {"matmul", "a tile that is too small", 1, "sb[1088]", "sb[1024]",
     Check::Memory, "bytes of shared memory"},
    {"matmul", "a row too far", 1, "[%r8+1020]", "[%r8+1088]", Check::Memory,
     "bytes of shared memory"},
    {"matmul", "the next tile a column too far", 1, "%rd18, 64;", "%rd18, 68;",
     Check::Memory, "behind the end"},
    {"matmul", "the next tile a row too far", 1, "%rd19, %rd2;", "%rd19, 4096;",
     Check::Memory, "behind the end"},
    {"own", "elements of a local array of 8 bytes", 1, "%r3, %r1, 2;",
     "%r3, %r1, 3;", Check::Memory, "16 bytes of local memory"},
    {"own", "elements of a constant table of 8 bytes", 1, "%r7, 4;", "%r7, 8;",
     Check::Memory, "behind the end"},
    {"own", "constants are written", 1, "ld.const.u32 %r8, [%rd4];",
     "mov.u32 %r8, 1; st.global.u32 [%rd4], %r8;", Check::Memory, "read only"},
    {"grouped_mma", "bound of the rows off by one", 0,
     "setp.lt.s32 \t%p4, %r70, %r3;", "setp.le.s32 \t%p4, %r70, %r3;",
     Check::Memory, "cp.async"},
    // What nobody wrote.
    {"matmul", "the sum starts with nothing", 0, "mov.f32 \t%f56, 0f00000000;",
     "", Check::Init, "a stored value"},
    {"matmul", "rows of the tile of 64 bytes", 1, "%r1, 68, %r20",
     "%r1, 64, %r20", Check::Init, "shared memory"},
    {"hist_scan", "counts are not cleared", 1, "st.shared.u32 \t[%r80], %r81;",
     "", Check::Init, "atom.shared.add.u32: reads 4 bytes of shared memory"},
    {"own", "a store to a local array is missing", 1,
     "st.local.u32 [depot+8], 7;", "", Check::Init, "local memory"},
    // Barriers of the block.
    {"matmul", "no barrier behind the stores", 1, "bar.sync \t0;", "",
     Check::Race, "ld.shared.f32 reads 4 bytes of shared memory"},
    {"matmul", "no barrier behind the loads", 2, "bar.sync \t0;", "",
     Check::Race, "st.shared.f32 writes 4 bytes of shared memory"},
    {"matmul", "a barrier of half of the block", 1, "bar.sync \t0;",
     "bar.sync 0, 128;", Check::Race, "shared memory"},
    {"matmul", "a barrier that does not wait", 1, "bar.sync \t0;",
     "bar.arrive 0, 256;", Check::Sync, "earlier ones 256"},
    {"matmul", "half of each warp passes by a barrier", 1, "bar.sync \t0;",
     "setp.lt.u32 %p2, %r4, 8; @%p2 bar.sync 0;", Check::Sync,
     "different instructions"},
    {"matmul", "threads end before a barrier", 1,
     "$L__BB0_2:", "$L__BB0_2:\nsetp.eq.u32 %p2, %r4, 15; @%p2 exit;",
     Check::Sync, "ended before barrier 0"},
    {"matmul", "stores to another thread's place", 1, "[%r5], %f6",
     "[%r7], %f6", Check::Race, "st.shared.f32 writes"},
    {"hist_scan", "no barrier behind the clearing", 1, "bar.sync \t0;", "",
     Check::Race, "atom.shared.add.u32"},
    {"hist_scan", "no barrier behind the counting", 2, "bar.sync \t0;", "",
     Check::Race, "ld.shared.u32"},
    {"hist_scan", "no barrier behind the scan", 3, "bar.sync \t0;", "",
     Check::Race, "atom.shared.add.u32"},
    {"silu_quant", "no barrier before the maxima are read", 1, "bar.sync \t0;",
     "", Check::Race, "ld.shared.f32"},
    {"barriers", "an arrival too many", 1, "bar.arrive 1, 64;",
     "bar.arrive 1, 64;\nbar.arrive 1, 64;", Check::Sync,
     "the block ends while 32 threads"},
    {"barriers", "an arrival is missing", 1, "bar.arrive 1, 64;", "",
     Check::Sync, "deadlock"},
    {"barriers", "different counts of threads", 1, "bar.arrive 1, 64;",
     "bar.arrive 1, 96;", Check::Sync, "earlier ones"},
    {"barriers", "a count that is no multiple of a warp", 1,
     "bar.arrive 1, 64;", "bar.arrive 1, 65;", Check::Sync,
     "no multiple of the size of a warp"},
    {"barriers", "the maker does not wait for the taker", 0, "bar.sync 2, 64;",
     "bar.arrive 2, 64;", Check::Sync, "arrives twice"},
    {"barriers", "the taker does not wait for the maker", 0, "bar.sync 1, 64;",
     "bar.arrive 1, 64;", Check::Sync, "arrives twice"},
    // Within a warp, between blocks.
    {"exchange", "no barrier of the warp", 1, "bar.warp.sync -1;", "",
     Check::Race, "ld.shared.u32 reads"},
    {"exchange", "a barrier of the wrong lanes", 1, "bar.warp.sync -1;",
     "bar.warp.sync 0xffff;", Check::Sync, "member mask"},
    {"message", "no fence of the sender", 1, "fence.acq_rel.gpu;", "",
     Check::Race, "ld.global.u32 reads"},
    {"message", "no fence of the receiver", 1, "fence.sc.gpu;", "", Check::Race,
     "ld.global.u32 reads"},
    {"message", "no barrier before the flag", 1, "bar.sync 0;", "", Check::Race,
     "ld.global.u32 reads"},
    {"message", "no barrier behind the flag", 1, "bar.sync 1;", "", Check::Race,
     "ld.global.u32 reads"},
    {"message", "the flag is a weak store", 1, "st.relaxed.gpu.global.u32",
     "st.global.u32", Check::Race, "ld.relaxed.gpu.global.u32 reads"},
    {"message", "the flag is for the block alone", 1,
     "st.relaxed.gpu.global.u32", "st.relaxed.cta.global.u32", Check::Race,
     "scope of an atomic access is too narrow"},
    {"lock", "the lock is taken relaxed", 1, "atom.acquire", "atom.relaxed",
     Check::Race, "ld.global.u32 reads"},
    {"lock", "the lock is freed relaxed", 1, "st.release", "st.relaxed",
     Check::Race, "ld.global.u32 reads"},
    {"lock", "no lock", 1, "atom.acquire.gpu.global.cas.b32 %r1, [%rd1], 0, 1;",
     "mov.u32 %r1, 0;", Check::Race, "global memory"},
    {"last", "the ticket does not release", 1, "acq_rel", "acquire",
     Check::Race, "ld.global.u32 reads"},
    {"last", "the ticket does not acquire", 1, "acq_rel", "release",
     Check::Race, "ld.global.u32 reads"},
    {"readers", "a block tells before it reads", 1,
     "ld.global.u32 %r3, [%rd1];\n\tred.release.gpu.global.add.u32 [%rd2], 1;",
     "setp.eq.u32 %p3, %r1, 1;\n"
     "@%p3 red.release.gpu.global.add.u32 [%rd2], 1;\n"
     "ld.global.u32 %r3, [%rd1];\n"
     "@!%p3 red.release.gpu.global.add.u32 [%rd2], 1;",
     Check::Race, "which another thread reads"},
    {"combine_atomic", "a sum that is not atomic", 1,
     "atom.global.add.f32 \t%f5, [%rd24], %f4;",
     "ld.global.f32 %f5, [%rd24]; add.f32 %f5, %f5, %f4; st.global.f32 "
     "[%rd24], %f5;",
     Check::Race, "ld.global.f32 reads"},
    {"combine_atomic", "an atomic sum of the block", 1,
     "atom.global.add.f32 \t%f5", "atom.relaxed.cta.global.add.f32 %f5",
     Check::Race, "scope of an atomic access is too narrow"},
    {"hist_scan", "a count that is not atomic", 1,
     "atom.shared.add.u32 \t%r86, [%r85], 1;",
     "ld.shared.u32 %r86, [%r85]; add.u32 %r86, %r86, 1; st.shared.u32 "
     "[%r85], %r86;",
     Check::Race, "shared memory"},
    // Asynchronous copies.
    {"grouped_mma", "waits for one group too few", 1, "cp.async.wait_group 1;",
     "cp.async.wait_group 2;", Check::Wait, "ldmatrix"},
    {"grouped_mma", "the last wait is one short", 1, "cp.async.wait_group 0;",
     "cp.async.wait_group 1;", Check::Wait, "ldmatrix"},
    {"grouped_mma", "no wait", 1, "cp.async.wait_group 1;", "", Check::Wait,
     "ldmatrix"},
    {"grouped_mma", "copies are not committed", 2, "cp.async.commit_group;", "",
     Check::Wait, "ldmatrix"},
    {"grouped_mma", "no barrier behind the wait", 1, "bar.sync \t0;", "",
     Check::Race, "ldmatrix"},
    {"grouped_mma", "no barrier before the next copies", 2, "bar.sync \t0;", "",
     Check::Race, "cp.async"},
    {"grouped_mma", "the copies go to the tile in use", 1,
     "xor.b32  \t%r213, %r212, 8192;", "mov.b32 %r213, %r212;", Check::Wait,
     "ldmatrix"},
    {"grouped_mma", "the other swizzle", 1, "shr.u32 \t%r72, %r69, 1;",
     "shr.u32 \t%r72, %r69, 2;", wrongResults, ""},
    {"grouped_mma", "a matrix from beyond the tiles", 1,
     "shl.b32 \t%r428, %r471, 13;", "shl.b32 \t%r428, %r471, 14;",
     Check::Memory, "shared memory"},
};

TEST(Mutants, TheKernelsThemselvesAreClean) { expectClean("a100", kernels); }

TEST(Mutants, EachIsReportedByItsChecker) {
  EXPECT_GE(std::size(mutants), 40u);
  expectCaught("a100", kernels, mutants);
}

} // namespace
