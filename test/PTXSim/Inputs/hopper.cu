// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instructions that came with sm_90, one kernel a family; HopperTest.cpp has
// the results.
// nvcc -ptx -arch=compute_90a -O2 hopper.cu -o hopper.ptx
#include <cstdint>
typedef unsigned long long u64;
#define SMEM(p) ((uint32_t)__cvta_generic_to_shared(p))

__device__ inline void init(u64 *bar, unsigned count) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(SMEM(bar)), "r"(count) : "memory");
}
__device__ inline void fence() {
  asm volatile("fence.mbarrier_init.release.cluster;\n\tfence.proxy.async.shared::cta;" ::: "memory");
}
__device__ inline void expect(u64 *bar, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(SMEM(bar)), "r"(bytes) : "memory");
}
__device__ inline void await(u64 *bar, unsigned parity) {
  asm volatile("{\n\t.reg .pred p;\nagain: mbarrier.try_wait.parity.shared.b64 p, [%0], %1;\n\t"
               "@!p bra again;\n}" ::"r"(SMEM(bar)), "r"(parity) : "memory");
}
__device__ inline uint32_t mapa(const void *p, unsigned rank) {
  uint32_t there;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(SMEM(p)), "r"(rank));
  return there;
}
__device__ inline unsigned clusterRank() {
  unsigned rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
__device__ inline void clusterSync() {
  asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}
__device__ inline void bulkLoad(void *to, const void *from, unsigned bytes, u64 *bar) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   SMEM(to)), "l"(from), "r"(bytes), "r"(SMEM(bar)) : "memory");
}
__device__ inline void bulkStore(void *to, const void *from, unsigned bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to), "r"(SMEM(from)), "r"(bytes)
               : "memory");
}
__device__ inline void commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
#define WAIT(n) asm volatile("cp.async.bulk.wait_group " #n ";" ::: "memory")
#define WAIT_READ(n) asm volatile("cp.async.bulk.wait_group.read " #n ";" ::: "memory")

// Every way to arrive and to look: 24 words of results by one thread.
extern "C" __global__ void mbarriers(unsigned *out) {
  __shared__ u64 bar;
  uint32_t b = SMEM(&bar);
  u64 s0, s1;
  unsigned p, n = 0;
#define LOOK(s) asm volatile("{.reg .pred p; mbarrier.test_wait.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}" : "=r"(p) : "r"(b), "l"(s)); out[n++] = p
#define PARITY(x) asm volatile("{.reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}" : "=r"(p) : "r"(b), "r"(x)); out[n++] = p
#define ARRIVE(s) asm volatile("mbarrier.arrive.shared.b64 %0, [%1];" : "=l"(s) : "r"(b))
#define COUNT(s) asm volatile("mbarrier.pending_count.b64 %0, %1;" : "=r"(p) : "l"(s)); out[n++] = p
  init(&bar, 5);
  PARITY(0); PARITY(1);
  asm volatile("mbarrier.arrive.noComplete.shared.b64 %0, [%1], 3;" : "=l"(s0) : "r"(b));
  COUNT(s0);
  asm volatile("mbarrier.arrive.noComplete.shared.b64 %0, [%1], 1;" : "=l"(s0) : "r"(b));
  COUNT(s0);
  LOOK(s0);
  ARRIVE(s1);
  LOOK(s0); LOOK(s1); PARITY(0); PARITY(1);
  // Bytes: before and after they are expected.
  asm volatile("mbarrier.complete_tx.shared::cta.b64 [%0], 48;" ::"r"(b));
  asm volatile("mbarrier.arrive.shared.b64 %0, [%1], 5;" : "=l"(s0) : "r"(b));
  LOOK(s0);
  asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], 64;" ::"r"(b));
  LOOK(s0);
  asm volatile("mbarrier.complete_tx.shared::cta.b64 [%0], 16;" ::"r"(b));
  LOOK(s0);
  // Later phases expect two fewer.
  asm volatile("mbarrier.arrive_drop.shared.b64 %0, [%1], 2;" : "=l"(s0) : "r"(b));
  asm volatile("mbarrier.arrive.shared.b64 %0, [%1], 3;" : "=l"(s0) : "r"(b));
  LOOK(s0);
  asm volatile("mbarrier.arrive.shared.b64 %0, [%1], 3;" : "=l"(s0) : "r"(b));
  LOOK(s0);
  asm volatile("mbarrier.arrive_drop.noComplete.shared.b64 %0, [%1], 2;" : "=l"(s0) : "r"(b));
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 %0, [%1], 32;" : "=l"(s0) : "r"(b));
  LOOK(s0);
  asm volatile("mbarrier.complete_tx.shared::cta.b64 [%0], 32;" ::"r"(b));
  LOOK(s0);
  ARRIVE(s0); // one is left
  LOOK(s0);
  asm volatile("mbarrier.inval.shared.b64 [%0];" ::"r"(b));
  init(&bar, 1);
  ARRIVE(s0);
  asm volatile("{.reg .pred p; mbarrier.try_wait.shared.b64 p, [%1], %2, 100; selp.u32 %0, 1, 0, p;}" : "=r"(p) : "r"(b), "l"(s0));
  out[n++] = p;
  out[n] = 0xabcd;
}

// A ring of stages: one thread loads, all add one, one thread stores.
extern "C" __global__ void bulk_ring(const int *in, int *out, int tiles) {
  __shared__ alignas(16) int tile[3][256];
  __shared__ u64 full[3];
  int t = threadIdx.x;
  if (t == 0) {
    for (int s = 0; s < 3; ++s) init(&full[s], 1);
    fence();
  }
  __syncthreads();
  for (int i = 0; i < tiles + 1; ++i) {
    if (t == 0 && i < tiles) {
      WAIT_READ(1); // the store of tile i - 3 has read its stage
      expect(&full[i % 3], 1024);
      bulkLoad(tile[i % 3], in + i * 256, 1024, &full[i % 3]);
    }
    if (i == 0) continue;
    int k = i - 1;
    await(&full[k % 3], k / 3 & 1);
    tile[k % 3][t] += 1;
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncthreads();
    if (t == 0) {
      bulkStore(out + k * 256, tile[k % 3], 1024);
      commit();
    }
  }
  if (t == 0) WAIT(0);
}

// Reductions into global and shared memory, and a copy within the block.
extern "C" __global__ void bulk_reduce(unsigned *add, int *least, unsigned *bits, float *f, uint16_t *h, uint16_t *bf,
                                       u64 *wide, unsigned *shared) {
  __shared__ alignas(16) unsigned source[32], copy[32], sums[32];
  __shared__ u64 bar;
  int t = threadIdx.x;
  source[t] = t + 1;
  sums[t] = 100;
  if (t == 0) {
    init(&bar, 1);
    fence();
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncwarp();
#define REDUCE(op, to, n) asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group." op " [%0], [%1], %2;" ::"l"(to), "r"(SMEM(source)), "r"(n) : "memory")
#define INSIDE(op) asm volatile("cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes." op " [%0], [%1], 128, [%2];" ::"r"(SMEM(sums)), "r"(SMEM(source)), "r"(SMEM(&bar)) : "memory")
  if (t == 0) {
    REDUCE("add.u32", add, 128);
    REDUCE("min.s32", least, 128);
    REDUCE("or.b32", bits, 128);
    REDUCE("add.u64", wide, 128);
    commit();
    WAIT(0);
    expect(&bar, 384);
    asm volatile("cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], 128, [%2];" ::"r"(
                     SMEM(copy)), "r"(SMEM(source)), "r"(SMEM(&bar)) : "memory");
    INSIDE("add.u32");
    INSIDE("add.s32");
    await(&bar, 0);
    // 1.5 and 2 as halves, 3 as f32.
    for (int i = 0; i < 32; ++i) source[i] = i < 16 ? 0x3e004000 : __float_as_uint(3.0f);
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    REDUCE("add.noftz.f16", h, 64);
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], 64;" ::"l"(f), "r"(SMEM(source + 16)) : "memory");
    commit();
    WAIT_READ(0);
    for (int i = 0; i < 16; ++i) source[i] = 0x3fc04000; // the same as bf16
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    REDUCE("max.bf16", bf, 64);
    asm volatile("cp.async.bulk.prefetch.L2.global [%0], 64;" ::"l"(f));
    commit();
    WAIT(0);
  }
  __syncwarp();
  shared[t] = sums[t];
  shared[32 + t] = copy[t];
}

// cp.async that tells an mbarrier, with and without an arrival of its own.
extern "C" __global__ void copies_tell(const int *in, int *out, int noinc) {
  __shared__ alignas(16) int tile[64];
  __shared__ u64 bar;
  int t = threadIdx.x;
  if (t == 0) init(&bar, noinc ? 64 : 32);
  tile[t] = tile[t + 32] = -1;
  __syncwarp();
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(SMEM(tile + t)), "l"(in + t));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(SMEM(tile + 32 + t)), "l"(in + 32 + t));
  if (noinc) asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(SMEM(&bar)));
  else asm volatile("cp.async.mbarrier.arrive.shared.b64 [%0];" ::"r"(SMEM(&bar)));
  asm volatile("{.reg .b64 s; mbarrier.arrive.shared.b64 s, [%0];}" ::"r"(SMEM(&bar)) : "memory");
  await(&bar, 0);
  out[t] = tile[63 - t];
  out[32 + t] = tile[31 - t];
}

// Shared memory of the other blocks: 16 words of results a block.
extern "C" __global__ void cluster_memory(unsigned *out) {
  __shared__ unsigned box[8], counter, mixed[2];
  __shared__ u64 bar;
  unsigned rank = clusterRank(), blocks, id, ids, t = threadIdx.x;
  asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  asm volatile("mov.u32 %0, %%clusterid.x;" : "=r"(id));
  asm volatile("mov.u32 %0, %%nclusterid.x;" : "=r"(ids));
  if (t < 8) box[t] = 100 * rank + t;
  if (t == 0) {
    counter = 0;
    mixed[0] = mixed[1] = 7;
    init(&bar, blocks + 1);
    fence();
  }
  clusterSync();
  unsigned next = (rank + 1) % blocks, there, value, isOwn, isAny, who;
  there = mapa(&box[3], next);
  asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(value) : "r"(there));
  asm volatile("{.reg .b32 old; atom.shared::cluster.add.u32 old, [%0], 1;}" ::"r"(mapa(&counter, 0)));
  asm volatile("getctarank.shared::cluster.u32 %0, %1;" : "=r"(who) : "r"(there));
  u64 generic;
  asm volatile("cvta.shared::cluster.u64 %0, %1;" : "=l"(generic) : "l"((u64)there));
  asm volatile("{.reg .pred p; isspacep.shared::cta p, %1; selp.u32 %0, 1, 0, p;}" : "=r"(isOwn) : "l"(generic));
  asm volatile("{.reg .pred p; isspacep.shared::cluster p, %1; selp.u32 %0, 1, 0, p;}" : "=r"(isAny) : "l"(generic));
  if (t == 0) {
    // Through a generic address, too; then two stores that tell the mbarrier.
    asm volatile("st.u32 [%0], %1;" ::"l"(generic + 4), "r"(1000 + rank) : "memory");
    asm volatile("red.shared::cluster.add.u32 [%0], 5;" ::"r"(mapa(&box[5], next)) : "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], 12;" ::"r"(SMEM(&bar)) : "memory");
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.u32 [%0], {%1, %2}, [%3];" ::"r"(
                     mapa(&box[6], next)), "r"(2000 + rank), "r"(3000 + rank), "r"(mapa(&bar, next)) : "memory");
    asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%0], %1, [%2];" ::"r"(
                     mapa(&mixed[0], next)), "r"(rank), "r"(mapa(&bar, next)) : "memory");
    for (unsigned r = 0; r < blocks; ++r)
      asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(mapa(&bar, r)) : "memory");
  }
  await(&bar, 0);
  clusterSync();
  unsigned *o = out + (id * blocks + rank) * 16;
  if (t == 0) {
    o[0] = value; o[1] = who; o[2] = isOwn; o[3] = isAny;
    o[4] = box[4]; o[5] = box[5]; o[6] = box[6]; o[7] = box[7];
    o[8] = mixed[0]; o[9] = counter; o[10] = ids; o[11] = rank;
  }
}

// One box of a tensor: into shared memory as it lies there, then to another
// tensor, by adding or by storing.
template <int D>
__device__ inline void tensor(const void *from, const void *to, const int *at, unsigned *raw, unsigned bytes, int adds) {
  extern __shared__ __align__(1024) unsigned tile[];
  __shared__ u64 bar;
  int t = threadIdx.x;
  if (t == 0) {
    init(&bar, 1);
    fence();
    expect(&bar, bytes);
    uint32_t s = SMEM(tile), b = SMEM(&bar);
#define LOAD(d, c, ...) asm volatile("cp.async.bulk.tensor." #d "d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {" c "}], [%2];" ::"r"(s), "l"(from), "r"(b), __VA_ARGS__ : "memory")
    if (D == 1) LOAD(1, "%3", "r"(at[0]));
    if (D == 2) LOAD(2, "%3, %4", "r"(at[0]), "r"(at[1]));
    if (D == 3) LOAD(3, "%3, %4, %5", "r"(at[0]), "r"(at[1]), "r"(at[2]));
    if (D == 4) LOAD(4, "%3, %4, %5, %6", "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3]));
    if (D == 5) LOAD(5, "%3, %4, %5, %6, %7", "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3]), "r"(at[4]));
  }
  __syncthreads();
  await(&bar, 0);
  for (int i = t; i < bytes / 4; i += blockDim.x) raw[i] = tile[i];
  if (t == 0) {
    uint32_t s = SMEM(tile);
#define STORE(how, d, c, ...) asm volatile(how "async.bulk.tensor." #d "d.global.shared::cta" c ::"r"(s), "l"(to), __VA_ARGS__ : "memory")
#define BOTH(d, c, ...) \
    if (adds) STORE("cp.reduce.", d, ".add.tile.bulk_group [%1, {" c "}], [%0];", __VA_ARGS__); \
    else STORE("cp.", d, ".tile.bulk_group [%1, {" c "}], [%0];", __VA_ARGS__)
    if (D == 1) { BOTH(1, "%2", "r"(at[0])); }
    if (D == 2) { BOTH(2, "%2, %3", "r"(at[0]), "r"(at[1])); }
    if (D == 3) { BOTH(3, "%2, %3, %4", "r"(at[0]), "r"(at[1]), "r"(at[2])); }
    if (D == 4) { BOTH(4, "%2, %3, %4, %5", "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3])); }
    if (D == 5) { BOTH(5, "%2, %3, %4, %5, %6", "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3]), "r"(at[4])); }
    commit();
    WAIT(0);
  }
}
struct alignas(64) Map { char bytes[128]; };
#define TENSOR(D) extern "C" __global__ void tensor##D(const __grid_constant__ Map from, const __grid_constant__ Map to, const int *at, unsigned *raw, unsigned bytes, int adds) { tensor<D>(&from, &to, at, raw, bytes, adds); }
TENSOR(1) TENSOR(2) TENSOR(3) TENSOR(4) TENSOR(5)

// Each block of a cluster loads a part of the rows for all of them.
extern "C" __global__ void multicast(const __grid_constant__ Map from, const int *line, unsigned *out) {
  extern __shared__ __align__(1024) unsigned tiles[];
  __shared__ alignas(16) int row[4][32];
  __shared__ u64 bar;
  unsigned rank = clusterRank(), t = threadIdx.x;
  if (t == 0) {
    init(&bar, 1);
    fence();
    expect(&bar, 4 * 512 + 3 * 128);
  }
  clusterSync();
  if (t == 0) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(
                     SMEM(tiles + 128 * rank)), "l"(&from), "r"(0), "r"(4 * rank), "r"(SMEM(&bar)), "h"((uint16_t)15) : "memory");
    // To all but itself.
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], 128, [%2], %3;" ::"r"(
                     SMEM(row[rank])), "l"(line + 32 * rank), "r"(SMEM(&bar)), "h"((uint16_t)(15 & ~(1 << rank))) : "memory");
  }
  await(&bar, 0);
  for (int i = t; i < 512; i += 32) out[rank * 640 + i] = tiles[i];
  for (int r = 0; r < 4; ++r) out[rank * 640 + 512 + 32 * r + t] = r == rank ? 0 : row[r][t];
  clusterSync();
}

// A tensor map made of zeros, then at the same place one made of another one.
extern "C" __global__ void make_maps(const __grid_constant__ Map host, const int *other, Map *maps, unsigned *out) {
  __shared__ alignas(128) Map map;
  __shared__ alignas(1024) unsigned tile[64];
  __shared__ u64 bar;
  int t = threadIdx.x;
  uint32_t m = SMEM(&map);
  if (t == 0) init(&bar, 1);
  for (int round = 0; round < 2; ++round) {
    ((unsigned *)&map)[t] = round ? ((const unsigned *)&host)[t] : 0;
    __syncwarp();
    if (t == 0) {
      asm volatile("tensormap.replace.tile.global_address.shared::cta.b1024.b64 [%0], %1;" ::"l"((u64)m), "l"(other + 4 * round));
#define FIELD(name, i, v) asm volatile("tensormap.replace.tile." name ".shared::cta.b1024.b32 [%0], " i ", %1;" ::"l"((u64)m), "r"(v))
#define KIND(name, v) asm volatile("tensormap.replace.tile." name ".shared::cta.b1024.b32 [%0], " v ";" ::"l"((u64)m))
      if (!round) {
        asm volatile("tensormap.replace.tile.rank.shared::cta.b1024.b32 [%0], %1;" ::"l"((u64)m), "r"(1));
        FIELD("box_dim", "0", 8);
        FIELD("box_dim", "1", 8);
        FIELD("global_dim", "0", 20);
        FIELD("global_dim", "1", 10);
        asm volatile("tensormap.replace.tile.global_stride.shared::cta.b1024.b64 [%0], 0, %1;" ::"l"((u64)m), "l"((u64)80));
        FIELD("element_stride", "0", 1);
        FIELD("element_stride", "1", 1);
        KIND("elemtype", "3");
        KIND("interleave_layout", "0");
        KIND("swizzle_mode", "1");
        KIND("fill_mode", "0");
      }
    }
    __syncwarp();
    asm volatile("tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%0], [%1], 128;" ::"l"(
                     maps), "l"((u64)m) : "memory");
    asm volatile("fence.proxy.tensormap::generic.acquire.gpu [%0], 128;" ::"l"(maps) : "memory");
    asm volatile("prefetch.tensormap [%0];" ::"l"(maps));
    if (t == 0) {
      fence();
      expect(&bar, 256);
      asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(
                       SMEM(tile)), "l"(maps), "r"(16), "r"(-2), "r"(SMEM(&bar)) : "memory");
    }
    __syncwarp();
    await(&bar, round);
    out[64 * round + t] = tile[t];
    out[64 * round + 32 + t] = tile[32 + t];
    __syncwarp();
  }
}

// Consumers take the registers that the producer gives back.
extern "C" __global__ void __launch_bounds__(384, 1) registers(unsigned *out) {
  unsigned group = threadIdx.x / 128;
  asm volatile("griddepcontrol.wait;" ::: "memory");
  if (group == 0) {
    __nanosleep(10);
    asm volatile("setmaxnreg.dec.sync.aligned.u32 24;");
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 240;");
  }
  asm volatile("griddepcontrol.launch_dependents;");
  out[threadIdx.x] = group;
}
