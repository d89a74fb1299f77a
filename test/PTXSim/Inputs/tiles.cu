// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tiles that bulk copies carry through global memory, from block to block and
// back; HopperMutantsTest.cpp has mistakes in them.
// nvcc -ptx -arch=compute_90a -O2 tiles.cu -o tiles.ptx
#include <cstdint>
typedef unsigned long long u64;
#define SMEM(p) ((uint32_t)__cvta_generic_to_shared(p))

__device__ inline void init(u64 *bar) {
  asm volatile("mbarrier.init.shared.b64 [%0], 1;\n\tfence.mbarrier_init.release.cluster;" ::"r"(SMEM(bar)) : "memory");
}
__device__ inline void await(u64 *bar, unsigned parity) {
  asm volatile("{\n\t.reg .pred p;\nagain: mbarrier.try_wait.parity.shared.b64 p, [%0], %1;\n\t"
               "@!p bra again;\n}" ::"r"(SMEM(bar)), "r"(parity) : "memory");
}
__device__ inline void load(void *to, const void *from, unsigned bytes, u64 *bar) {
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(SMEM(bar)), "r"(bytes) : "memory");
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   SMEM(to)), "l"(from), "r"(bytes), "r"(SMEM(bar)) : "memory");
}
#define STORE(how, to, from, bytes) \
  asm volatile(how " [%0], [%1], %2;\n\tcp.async.bulk.commit_group;" ::"l"(to), "r"(SMEM(from)), "r"(bytes) : "memory")
#define WAIT(n) asm volatile("cp.async.bulk.wait_group " #n ";" ::: "memory")
#define FENCE(space) asm volatile("fence.proxy.async." space ";" ::: "memory")

__device__ inline void tell(unsigned *flag) {
  asm volatile("st.release.gpu.global.u32 [%0], 1;" ::"l"(flag) : "memory");
}
__device__ inline void hear(unsigned *flag) {
  unsigned ready;
  do
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(ready) : "l"(flag) : "memory");
  while (!ready);
}

// Each block stores a tile and loads that of the next one.
extern "C" __global__ void tile_relay(const int *in, int *mid, int *out, unsigned *flags) {
  __shared__ alignas(16) int tile[128], other[128];
  __shared__ u64 bar;
  unsigned t = threadIdx.x, b = blockIdx.x, next = (b + 1) % gridDim.x;
  tile[t] = in[b * 128 + t] + 1;
  FENCE("shared::cta");
  if (t == 0) init(&bar);
  __syncthreads();
  if (t == 0) {
    STORE("cp.async.bulk.global.shared::cta.bulk_group", mid + b * 128, tile, 512);
    WAIT(0);
    tell(flags + b);
    hear(flags + next);
    load(other, mid + next * 128, 512, &bar);
  }
  await(&bar, 0);
  out[b * 128 + t] = other[t];
}

// The same by stores of threads.
extern "C" __global__ void tile_message(const int *in, int *mid, int *out, unsigned *flags) {
  __shared__ alignas(16) int tile[128];
  __shared__ u64 bar;
  unsigned t = threadIdx.x, b = blockIdx.x, next = (b + 1) % gridDim.x;
  mid[b * 128 + t] = in[b * 128 + t] + 1;
  FENCE("global");
  if (t == 0) init(&bar);
  __syncthreads();
  if (t == 0) {
    tell(flags + b);
    hear(flags + next);
    load(tile, mid + next * 128, 512, &bar);
  }
  await(&bar, 0);
  out[b * 128 + t] = tile[t];
}

// All threads store a tile of a block in global memory, a copy loads it, and
// they store the next one.
extern "C" __global__ void tile_spill(int *scratch, int *out, int rounds) {
  __shared__ alignas(16) int tile[128];
  __shared__ u64 bar;
  unsigned t = threadIdx.x, b = blockIdx.x;
  int sum = 0;
  if (t == 0) init(&bar);
#pragma unroll 1
  for (int i = 0; i < rounds; ++i) {
    scratch[b * 128 + t] = i * 1000 + b * 128 + t;
    FENCE("global");
    __syncthreads();
    if (t == 0) load(tile, scratch + b * 128, 512, &bar);
    await(&bar, i & 1);
    sum += tile[127 - t];
    FENCE("shared::cta");
  }
  out[b * 128 + t] = sum;
}

// The sum of all blocks' tiles; the last block takes it.
extern "C" __global__ void tile_sums(const int *in, int *sums, unsigned *ticket, int *out) {
  __shared__ alignas(16) int tile[128];
  __shared__ unsigned order;
  unsigned t = threadIdx.x, b = blockIdx.x;
  tile[t] = in[b * 128 + t];
  FENCE("shared::cta");
  __syncthreads();
  if (t == 0) {
    STORE("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.s32", sums, tile, 512);
    WAIT(0);
    asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;" : "=r"(order) : "l"(ticket) : "memory");
  }
  __syncthreads();
  if (order == gridDim.x - 1) out[t] = sums[t];
}

// Each block stores half a tile into a tile that its threads have cleared.
extern "C" __global__ void tile_pad(const int *in, int *out) {
  __shared__ alignas(16) int tile[64];
  unsigned t = threadIdx.x, b = blockIdx.x;
  out[b * 128 + t] = 0;
  out[b * 128 + 64 + t] = 0;
  tile[t] = in[b * 64 + t];
  asm volatile("fence.proxy.async;" ::: "memory");
  __syncthreads();
  if (t == 0) {
    STORE("cp.async.bulk.global.shared::cta.bulk_group", out + b * 128, tile, 256);
    asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
  }
}

// A block clears its rows; then it loads, changes and stores them in turn.
extern "C" __global__ void tile_turns(int *rows, int rounds) {
  __shared__ alignas(16) int tile[128];
  __shared__ u64 bar;
  unsigned t = threadIdx.x;
  int *own = rows + blockIdx.x * 128;
  own[t] = t;
  FENCE("global");
  if (t == 0) init(&bar);
  __syncthreads();
#pragma unroll 1
  for (int i = 0; i < rounds; ++i) {
    if (t == 0) load(tile, own, 512, &bar);
    await(&bar, i & 1);
    tile[t] += i;
    FENCE("shared::cta");
    __syncthreads();
    if (t == 0) {
      STORE("cp.async.bulk.global.shared::cta.bulk_group", own, tile, 512);
      WAIT(0);
    }
  }
}
