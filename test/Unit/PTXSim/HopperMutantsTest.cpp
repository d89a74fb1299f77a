// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mistakes in kernels for sm_90a: mbarriers, bulk copies, wgmma.
#include "Mutants.h"

#include "moe/PTXSim/TensorMap.h"

#include <numeric>

using namespace moe::ptxsim;

namespace {

Outcome bulkRing(Sim &sim) {
  const int tiles = 7;
  std::vector<int> in(tiles * 256);
  std::iota(in.begin(), in.end(), 0);
  Address out = sim.device.memory().allocate(in.size() * 4);
  Error error = sim.run("bulk_ring", {1, 1, 1}, {256, 1, 1}, 0, sim.upload(in),
                        out, tiles);
  return {error, sim.download<uint32_t>(out, in.size())};
}

Outcome copiesTell(Sim &sim) {
  std::vector<int> in(64);
  std::iota(in.begin(), in.end(), 0);
  Address out = sim.device.memory().allocate(in.size() * 4);
  Error error =
      sim.run("copies_tell", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(in), out, 0);
  return {error, sim.download<uint32_t>(out, in.size())};
}

/// One expert, one block of rows.
Outcome groupedGemm(Sim &sim) {
  const int rows = 64, n = 128, k = 256;
  std::vector<int> tokens(rows);
  std::iota(tokens.begin(), tokens.end(), 0);
  Address none = 0;
  Address c = sim.device.memory().allocate(rows * n * 2);
  Error error = sim.run(
      "grouped_gemm", {1, 1, 1}, {128, 1, 1}, 73728,
      sim.upload(someBF16(rows * k, 1)), sim.upload(someBF16(n * k, 2)), c,
      sim.upload(tokens), sim.upload(std::vector<int>{0}),
      sim.upload(std::vector<int>{rows}), sim.upload(someFloats(rows, 3)), n, k,
      rows, k, n * k, k, n, none, none);
  return {error, sim.download<uint32_t>(c, rows * n / 2)};
}

/// Of a matrix [rows][columns] of bf16, in boxes of 128 rows.
TensorMap matrixMap(Address at, uint32_t rows, uint32_t columns) {
  TensorMap map;
  map.rank = 2;
  map.dataType = 9;
  map.swizzle = 3;
  map.globalAddress = at;
  map.strides[0] = uint64_t(columns) * 2;
  map.dims[0] = columns;
  map.dims[1] = rows;
  map.box[0] = 64;
  map.box[1] = 128;
  map.elementStrides[0] = map.elementStrides[1] = 1;
  return map;
}

Outcome hostMaps(Sim &sim) {
  const int m = 256, n = 128, k = 224;
  Address none = 0, c = sim.device.memory().allocate(m * n * 2);
  TensorMap a = matrixMap(sim.upload(someBF16(m * k, 1)), m, k);
  TensorMap b = matrixMap(sim.upload(someBF16(n * k, 2)), n, k);
  TensorMap d = matrixMap(c, m, n);
  auto wide = [](int x) { return int64_t(x); };
  Error error =
      sim.run("grouped_gemm_hosttma", {2, 1, 1}, {128, 1, 1}, 98328, a, m, k,
              wide(k), wide(1), b, n, k, wide(k), wide(1), d, m, n, wide(n),
              wide(1), sim.upload(std::vector<int>{0, 0}), n, k, none, none);
  return {error, sim.download<uint32_t>(c, m * n / 2)};
}

constexpr uint32_t blocks = 4, tile = 128;

std::vector<int> iota(size_t count) {
  std::vector<int> values(count);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

Outcome runRelay(Sim &sim, const char *kernel) {
  const uint32_t n = blocks * tile;
  Address mid = sim.device.memory().allocate(n * 4);
  Address out = sim.device.memory().allocate(n * 4);
  Error error =
      sim.run(kernel, {blocks, 1, 1}, {tile, 1, 1}, 0, sim.upload(iota(n)), mid,
              out, sim.upload(std::vector<int>(blocks)));
  return {error, sim.download<uint32_t>(out, n)};
}

Outcome tileRelay(Sim &sim) { return runRelay(sim, "tile_relay"); }
Outcome tileMessage(Sim &sim) { return runRelay(sim, "tile_message"); }

Outcome tileSpill(Sim &sim) {
  const uint32_t n = blocks * tile;
  Address scratch = sim.device.memory().allocate(n * 4);
  Address out = sim.device.memory().allocate(n * 4);
  Error error =
      sim.run("tile_spill", {blocks, 1, 1}, {tile, 1, 1}, 0, scratch, out, 3);
  return {error, sim.download<uint32_t>(out, n)};
}

Outcome tileSums(Sim &sim) {
  const uint32_t n = blocks * tile;
  Address out = sim.device.memory().allocate(tile * 4);
  Error error = sim.run("tile_sums", {blocks, 1, 1}, {tile, 1, 1}, 0,
                        sim.upload(iota(n)), sim.upload(std::vector<int>(tile)),
                        sim.upload(std::vector<int>{0}), out);
  return {error, sim.download<uint32_t>(out, tile)};
}

Outcome tilePad(Sim &sim) {
  const uint32_t n = blocks * tile;
  Address out = sim.device.memory().allocate(n * 4);
  Error error = sim.run("tile_pad", {blocks, 1, 1}, {tile / 2, 1, 1}, 0,
                        sim.upload(iota(n / 2)), out);
  return {error, sim.download<uint32_t>(out, n)};
}

Outcome tileTurns(Sim &sim) {
  const uint32_t n = blocks * tile;
  Address rows = sim.device.memory().allocate(n * 4);
  Error error = sim.run("tile_turns", {blocks, 1, 1}, {tile, 1, 1}, 0, rows, 3);
  return {error, sim.download<uint32_t>(rows, n)};
}

const SampleKernel kernels[] = {
    {"bulk_ring", "hopper.ptx", bulkRing},
    {"copies_tell", "hopper.ptx", copiesTell},
    {"grouped_gemm", "triton/ggemm_bf16_sm90.ptx", groupedGemm},
    {"grouped_gemm_hosttma", "triton/ggemm_htma_sm90.ptx", hostMaps},
    {"tile_relay", "tiles.ptx", tileRelay},
    {"tile_message", "tiles.ptx", tileMessage},
    {"tile_spill", "tiles.ptx", tileSpill},
    {"tile_sums", "tiles.ptx", tileSums},
    {"tile_pad", "tiles.ptx", tilePad},
    {"tile_turns", "tiles.ptx", tileTurns},
};

const Mutant mutants[] = {
    // Proxies.
    {"bulk_ring", "no fence of the proxies before the stores", 0,
     "fence.proxy.async.shared::cta;", "", Check::Proxy, "cp.async.bulk"},
    {"grouped_gemm", "no fence of the proxies before wgmma", 1,
     "fence.proxy.async.shared::cta;", "", Check::Proxy, "wgmma"},
    {"grouped_gemm_hosttma", "no fence of the proxies before the store", 1,
     "fence.proxy.async.shared::cta;", "", Check::Proxy,
     "cp.async.bulk.tensor"},
    // Waits.
    {"bulk_ring", "the sources of stores are not waited for", 0,
     "cp.async.bulk.wait_group.read 1;", "", Check::Wait, "may still read"},
    {"bulk_ring", "the wait for sources is one short", 0,
     "cp.async.bulk.wait_group.read 1;", "cp.async.bulk.wait_group.read 2;",
     Check::Wait, "may still read"},
    {"bulk_ring", "no wait for the last stores", 0,
     "cp.async.bulk.wait_group 0;", "", Check::Wait, "a wait is missing"},
    {"bulk_ring", "waits for the phase before", 1, "[%r88], %r89;",
     "[%r88], 1;", Check::Wait, "ld.shared"},
    {"copies_tell", "the copies do not tell the mbarrier", 0,
     "cp.async.mbarrier.arrive.shared.b64 [%r11];", "", Check::Wait,
     "ld.shared"},
    {"grouped_gemm", "the wait for copies is one short", 1,
     "cp.async.wait_group \t2;", "cp.async.wait_group 3;", Check::Wait,
     "wgmma"},
    {"grouped_gemm", "the wait for products is one short", 1,
     "wgmma.wait_group.sync.aligned 1;", "wgmma.wait_group.sync.aligned 2;",
     Check::Wait, "cp.async"},
    {"grouped_gemm", "no wait for the last products", 1,
     "wgmma.wait_group.sync.aligned 0;", "", Check::Wait,
     "a register of a wgmma"},
    {"grouped_gemm", "products are not committed", 1,
     "wgmma.commit_group.sync.aligned;", "", Check::Wait,
     "a register of a wgmma"},
    {"grouped_gemm", "no wgmma.fence", 1, "wgmma.fence.sync.aligned;", "",
     Check::Wait, "no wgmma.fence"},
    {"grouped_gemm_hosttma", "the source of the store is not waited for", 1,
     "cp.async.bulk.wait_group.read \t0;", "", Check::Wait,
     "a wait is missing"},
    // Races.
    {"bulk_ring", "no barrier before a store", 2, "bar.sync \t0;", "",
     Check::Wait, "may still read"},
    {"grouped_gemm", "no barrier behind the wait for copies", 2,
     "bar.sync \t0;", "", Check::Race, "wgmma"},
    {"grouped_gemm_hosttma", "no barriers", 0, "bar.sync \t0;", "", Check::Sync,
     "no mbarrier is at"},
    // mbarriers.
    {"bulk_ring", "no mbarrier", 1, "mbarrier.init.shared.b64 [%r35], %r40;",
     "", Check::Sync, "no mbarrier is at"},
    {"bulk_ring", "an mbarrier of two arrivals", 1,
     "mbarrier.init.shared.b64 [%r35], %r40;",
     "mbarrier.init.shared.b64 [%r35], 2;", Check::Sync, "deadlock"},
    {"bulk_ring", "an arrival too many", 1,
     "mbarrier.arrive.expect_tx.shared.b64 _, [%r56], %r55;",
     "mbarrier.arrive.expect_tx.shared.b64 _, [%r56], %r55; "
     "mbarrier.arrive.shared.b64 _, [%r56];",
     Check::Sync, "arrivals at the mbarrier"},
    {"bulk_ring", "expects too many bytes", 1,
     "mbarrier.arrive.expect_tx.shared.b64 _, [%r56], %r55;",
     "mbarrier.arrive.expect_tx.shared.b64 _, [%r56], 2048;", Check::Sync,
     "deadlock"},
    {"grouped_gemm_hosttma", "expects too few bytes", 1, "[%r8], 32768;",
     "[%r8], 16384;", Check::Wait, "wgmma"},
};

// In global memory.
const Mutant ofGlobalMemory[] = {
    // Waits.
    {"tile_relay", "only the source of the store is waited for", 1,
     "cp.async.bulk.wait_group 0;", "cp.async.bulk.wait_group.read 0;",
     Check::Wait, "global memory"},
    {"tile_relay", "the store is not waited for", 1,
     "cp.async.bulk.wait_group 0;", "", Check::Wait, "global memory"},
    {"tile_sums", "only the source of the sum is waited for", 1,
     "cp.async.bulk.wait_group 0;", "cp.async.bulk.wait_group.read 0;",
     Check::Wait, "ld.global"},
    {"tile_turns", "a tile is loaded that may not be stored", 1,
     "cp.async.bulk.wait_group 0;", "cp.async.bulk.wait_group.read 0;",
     Check::Wait, "reads 512 bytes of global memory"},
    {"tile_spill", "the load is not waited for", 1,
     "mbarrier.try_wait.parity.shared.b64 p, [%r27], %r28;\n\t@!p bra again;",
     "", Check::Wait, "st.global.u32 writes 4 bytes of global memory"},
    // Races.
    {"tile_relay", "tiles overlap", 1, "%rd12, %r3, 4;", "%rd12, %r3, 2;",
     Check::Race, "writes 512 bytes of global memory"},
    {"tile_relay", "the flag does not release", 1, "st.release", "st.relaxed",
     Check::Race, "reads 512 bytes of global memory"},
    {"tile_relay", "the flag does not acquire", 1, "ld.acquire", "ld.relaxed",
     Check::Race, "reads 512 bytes of global memory"},
    {"tile_spill", "no barrier behind the stores", 1, "bar.sync \t0;", "",
     Check::Race, "st.global.u32 writes 4 bytes of global memory"},
    {"tile_sums", "tiles are stored, not added", 1,
     "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.s32",
     "cp.async.bulk.global.shared::cta.bulk_group", Check::Race,
     "writes 512 bytes of global memory"},
    {"tile_sums", "a thread adds, too", 1, "cp.async.bulk.wait_group 0;",
     "cp.async.bulk.wait_group 0; red.global.add.u32 [%rd1], 1;", Check::Race,
     "atomic accesses of two proxies"},
    {"tile_sums", "the ticket does not acquire", 1, "acq_rel", "release",
     Check::Race, "ld.global.u32 reads"},
    {"grouped_gemm_hosttma", "blocks store the same tile", 1,
     "[%rd24, {%r51, %r52}]", "[%rd24, {%r51, 0}]", Check::Race,
     "cp.async.bulk.tensor"},
    // Proxies.
    {"tile_message", "no fence of the proxies before the flag", 1,
     "fence.proxy.async.global;", "", Check::Proxy, "reads global memory"},
    {"tile_spill", "no fence of the proxies before the load", 1,
     "fence.proxy.async.global;", "", Check::Proxy, "reads global memory"},
    {"tile_spill", "the fence is of shared memory", 1,
     "fence.proxy.async.global;", "fence.proxy.async.shared::cta;",
     Check::Proxy, "reads global memory"},
    {"tile_pad", "no fence of the proxies before the store", 1,
     "fence.proxy.async;", "fence.proxy.async.shared::cta;", Check::Proxy,
     "writes global memory"},
};

TEST(HopperMutants, TheKernelsThemselvesAreClean) {
  expectClean("h100", kernels);
}

/// Who takes a message may fence the proxies as well as who sends it.
TEST(HopperMutants, AFenceOfTheReceiverWillDo) {
  Sim sim(checked("h100", allChecks));
  std::string text = Sim::readInput("tiles.ptx");
  const char *load = "mbarrier.arrive.expect_tx";
  ASSERT_TRUE(mutate(text, {"tile_message", "", 1, "fence.proxy.async.global;",
                            "", Check::Proxy, ""}));
  ASSERT_TRUE(mutate(text, {"tile_message", "", 1, load,
                            "fence.proxy.async; mbarrier.arrive.expect_tx",
                            Check::Proxy, ""}));
  ASSERT_TRUE(sim.load(text)) << sim.error.str();
  EXPECT_RUNS(tileMessage(sim).error);
}

TEST(HopperMutants, EachIsReportedByItsChecker) {
  expectCaught("h100", kernels, mutants);
  expectCaught("h100", kernels, ofGlobalMemory);
}

} // namespace
