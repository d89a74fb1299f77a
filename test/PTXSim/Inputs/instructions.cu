// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One kernel a family of instructions; InstructionsTest.cpp has the results.
// nvcc -ptx -arch=compute_80 -O2 instructions.cu -o instructions.ptx
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cstdint>
#include <cstdio>
#include <cassert>
typedef unsigned long long u64;
typedef long long s64;
#define ASM3(op, d, a, b) asm(op " %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b))
#define ASM4(op, d, a, b, c) asm(op " %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c))
#define FASM3(op, d, a, b) asm(op " %0, %1, %2;" : "=f"(d) : "f"(a), "f"(b))

extern "C" __global__ void integers(const int *a, const int *b, const int *c, int *out, int n) {
  int i = threadIdx.x;
  if (i >= n) return;
  int x = a[i], y = b[i], z = c[i], *o = out + i * 20;
  unsigned ux = x, uy = y;
  o[0] = x / y; o[1] = x % y; o[2] = ux / uy; o[3] = ux % uy;
  o[4] = __mulhi(x, y); o[5] = __umulhi(ux, uy); o[6] = x * y + z;
  ASM4("sad.s32", o[7], x, y, z);
  ASM3("add.sat.s32", o[8], x, y);
  ASM3("sub.sat.s32", o[9], x, y);
  o[10] = __dp4a(x, y, z); o[11] = __dp4a(ux, uy, (unsigned)z);
  asm("dp2a.lo.s32.u32 %0, %1, %2, %3;" : "=r"(o[12]) : "r"(x), "r"(y), "r"(z));
  o[13] = __mul24(x, y); o[14] = abs(x); o[15] = min(x, y); o[16] = max(ux, uy);
  u64 p = (u64)ux * uy, q = (s64)x * y + z;
  o[17] = (int)(p >> 32) ^ (int)p; o[18] = (int)(q >> 32) ^ (int)q;
  o[19] = (short)x * (short)y;
}
extern "C" __global__ void wide(const u64 *a, const u64 *b, u64 *out) {
  int i = threadIdx.x;
  u64 x = a[i], y = b[i], *o = out + i * 8, lo, hi;
  asm("add.cc.u64 %0, %2, %3;\n\taddc.u64 %1, %2, 0;" : "=l"(lo), "=l"(hi) : "l"(x), "l"(y));
  o[0] = lo; o[1] = hi;
  asm("sub.cc.u64 %0, %2, %3;\n\tsubc.u64 %1, 5, 0;" : "=l"(lo), "=l"(hi) : "l"(x), "l"(y));
  o[2] = hi; o[3] = __umul64hi(x, y); o[4] = x / y; o[5] = (s64)x % (s64)y;
  o[6] = __clzll(x) * 1000 + __popcll(x); o[7] = __brevll(x);
}
extern "C" __global__ void bits(const unsigned *a, const unsigned *b, const unsigned *c, unsigned *out) {
  int i = threadIdx.x;
  unsigned x = a[i], y = b[i], z = c[i], *o = out + i * 20;
  ASM4("bfe.u32", o[0], x, y, z);
  ASM4("bfe.s32", o[1], x, y, z);
  asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(o[2]) : "r"(x), "r"(0x12345678u), "r"(y), "r"(z));
  ASM4("prmt.b32", o[3], x, y, z);
  ASM4("prmt.b32.f4e", o[4], x, y, z);
  ASM4("prmt.b32.rc16", o[5], x, y, z);
  asm("lop3.b32 %0, %1, %2, %3, 0xd2;" : "=r"(o[6]) : "r"(x), "r"(y), "r"(z));
  ASM4("shf.l.wrap.b32", o[7], x, y, z);
  ASM4("shf.r.clamp.b32", o[8], x, y, z);
  o[9] = __brev(x); o[10] = __popc(x); o[11] = __clz(x);
  asm("bfind.u32 %0, %1;" : "=r"(o[12]) : "r"(x));
  asm("bfind.shiftamt.s32 %0, %1;" : "=r"(o[13]) : "r"(x));
  ASM3("shl.b32", o[14], x, z);
  ASM3("shr.s32", o[15], x, z);
  ASM3("shr.u32", o[16], x, z);
  ASM3("bmsk.clamp.b32", o[17], y, z);
  asm("cnot.b32 %0, %1;" : "=r"(o[18]) : "r"(x & 1));
  o[19] = __fns(x, 0, 3);
}
extern "C" __global__ void floats(const float *a, const float *b, const float *c, float *out) {
  int i = threadIdx.x;
  float x = a[i], y = b[i], z = c[i], *o = out + i * 24;
  o[0] = __fadd_rz(x, y); o[1] = __fadd_rd(x, y); o[2] = __fadd_ru(x, y);
  o[3] = __fmaf_rz(x, y, z); o[4] = __fmaf_ru(x, y, z); o[5] = __fdiv_rn(x, y);
  o[6] = __fdiv_rd(x, y); o[7] = __fsqrt_rn(fabsf(x)); o[8] = __fsqrt_ru(fabsf(x));
  o[9] = __frcp_rn(x); o[10] = fminf(x, y); o[11] = fmaxf(x, y);
  FASM3("min.NaN.f32", o[12], x, y);
  FASM3("add.ftz.f32", o[13], x, y);
  FASM3("mul.sat.f32", o[14], x, y);
  FASM3("max.ftz.f32", o[15], x, y);
  o[16] = copysignf(x, y);
  asm("set.ltu.f32.f32 %0, %1, %2;" : "=f"(o[17]) : "f"(x), "f"(y));
  o[18] = x > y ? 1 : 0; o[19] = x != y ? 1 : 0;
  asm("{.reg .pred p, q; setp.geu.f32 p, %1, %2; setp.num.and.f32 q, %1, %2, !p; selp.f32 %0, 3.0, 4.0, q;}" : "=f"(o[20]) : "f"(x), "f"(y));
  double d = (double)x * y; o[21] = __double2float_rd(d); o[22] = __double2float_rz(d + 1e-30);
  asm("slct.f32.f32 %0, %1, %2, %3;" : "=f"(o[23]) : "f"(x), "f"(y), "f"(z));
}
extern "C" __global__ void approximations(const float *a, float *out) {
  int i = threadIdx.x;
  float x = a[i], *o = out + i * 8;
  asm("ex2.approx.f32 %0, %1;" : "=f"(o[0]) : "f"(x));
  asm("lg2.approx.f32 %0, %1;" : "=f"(o[1]) : "f"(x));
  asm("rsqrt.approx.f32 %0, %1;" : "=f"(o[2]) : "f"(x));
  asm("sin.approx.f32 %0, %1;" : "=f"(o[3]) : "f"(x));
  asm("cos.approx.f32 %0, %1;" : "=f"(o[4]) : "f"(x));
  asm("tanh.approx.f32 %0, %1;" : "=f"(o[5]) : "f"(x));
  asm("div.full.f32 %0, %1, %2;" : "=f"(o[6]) : "f"(x), "f"(3.0f));
  asm("sqrt.approx.f32 %0, %1;" : "=f"(o[7]) : "f"(x));
}
extern "C" __global__ void halves(const __half2 *a, const __half2 *b, const __half2 *c, __half2 *out) {
  int i = threadIdx.x;
  __half2 x = a[i], y = b[i], z = c[i], *o = out + i * 8;
  o[0] = __hadd2(x, y); o[1] = __hmul2(x, y); o[2] = __hfma2(x, y, z);
  o[3] = __hmin2(x, y); o[4] = __hmax2_nan(x, y); o[5] = __hfma2_relu(x, y, z);
  o[6] = __hsub2_sat(x, y); o[7] = __hlt2(x, y);
}
extern "C" __global__ void bhalves(const __nv_bfloat162 *a, const __nv_bfloat162 *b, const __nv_bfloat162 *c, __nv_bfloat162 *out) {
  int i = threadIdx.x;
  __nv_bfloat162 x = a[i], y = b[i], z = c[i], *o = out + i * 4;
  o[0] = __hfma2(x, y, z); o[1] = __hmin2(x, y); o[2] = __hmax2(x, y); o[3] = __hneg2(x);
}
extern "C" __global__ void conversions(const float *a, const int *b, const double *c, s64 *out) {
  int i = threadIdx.x;
  float x = a[i]; int y = b[i]; double z = c[i]; s64 *o = out + i * 24;
  o[0] = __float2int_rn(x); o[1] = __float2int_rz(x); o[2] = __float2int_rd(x); o[3] = __float2int_ru(x);
  o[4] = __float2uint_rz(x); o[5] = __float2ll_rz(x); o[6] = __double2int_rn(z); o[7] = __double2ll_rz(z);
  o[8] = __float_as_int(__int2float_rz(y)); o[9] = __float_as_int(__uint2float_ru(y));
  o[10] = __double_as_longlong(__int2double_rn(y)); o[11] = __float_as_int(__ll2float_rn((s64)y * 0x100000001ll));
  o[12] = (signed char)y; o[13] = (unsigned char)y; o[14] = (short)y; o[15] = (unsigned short)y;
  int s; asm("cvt.sat.s8.s32 %0, %1;" : "=r"(s) : "r"(y)); o[16] = s;
  unsigned u; asm("cvt.sat.u16.s32 %0, %1;" : "=r"(u) : "r"(y)); o[17] = u;
  o[18] = __half_as_ushort(__float2half_rn(x)); o[19] = __half_as_ushort(__float2half_rd(x));
  o[20] = __bfloat16_as_ushort(__float2bfloat16_rn(x)); o[21] = __float_as_int(rintf(x)); o[22] = __float_as_int(floorf(x));
  unsigned t; asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(t) : "f"(x)); o[23] = t;
}
extern "C" __global__ void warps(const int *a, int *out) {
  int i = threadIdx.x, l = i & 31, x = a[i], *o = out + i * 14;
  o[0] = __shfl_sync(~0u, x, 5); o[1] = __shfl_up_sync(~0u, x, 3, 8); o[2] = __shfl_down_sync(~0u, x, 7);
  o[3] = __shfl_xor_sync(~0u, x, 9, 16); o[4] = __ballot_sync(~0u, x & 1); o[5] = __all_sync(~0u, x > -100);
  o[6] = __any_sync(~0u, x == 12345); o[7] = __match_any_sync(~0u, x & 3);
  int p; o[8] = __match_all_sync(~0u, x >> 31 & 0, &p); o[9] = p;
  o[10] = __reduce_add_sync(~0u, x); o[11] = __reduce_min_sync(~0u, x); o[12] = __reduce_xor_sync(~0u, (unsigned)x);
  // Divergent halves meet in their own masks.
  if (l < 20) o[13] = __shfl_sync(0xfffff, x, 19); else o[13] = __ballot_sync(0xfff00000, x & 1);
}
extern "C" __global__ void atomics(int *w, u64 *d, float *f, double *g, __half2 *h, __nv_bfloat162 *bh, const int *a) {
  __shared__ int s[4];
  int i = blockIdx.x * blockDim.x + threadIdx.x, x = a[i];
  if (threadIdx.x < 4) s[threadIdx.x] = 0;
  __syncthreads();
  atomicAdd(w, x); atomicMax(w + 1, x); atomicMin((unsigned *)w + 2, (unsigned)x); atomicAnd(w + 3, x | 15);
  atomicOr(w + 4, x); atomicXor(w + 5, x); atomicInc((unsigned *)w + 6, 6); atomicDec((unsigned *)w + 7, 9);
  atomicAdd(d, (u64)x); atomicMax((s64 *)d + 1, (s64)x);
  atomicAdd(f, 0.5f); atomicAdd(g, 0.25); atomicAdd(h, __floats2half2_rn(1, 2)); atomicAdd(bh, __floats2bfloat162_rn(1, 2));
  for (int old = w[8], seen; (seen = atomicCAS(w + 8, old, old + 3)) != old; old = seen) {}
  if (i == 7) atomicExch(w + 9, 77);
  atomicAdd(s + (x & 3), 1);
  __syncthreads();
  if (threadIdx.x < 4) atomicAdd(w + 10 + threadIdx.x, s[threadIdx.x]);
}
__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
struct Pair { int a; double b; char c[5]; };
__device__ __noinline__ Pair twist(Pair p, int k) { p.a += k; p.b *= p.a; p.c[k & 3] = (char)k; return p; }
__constant__ int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
__device__ int counter = 40;
extern "C" __global__ void control(const int *a, int *out) {
  int i = threadIdx.x, x = a[i];
  out[i * 4] = fibonacci(x & 7);
  Pair p = {x, 1.5, {1, 2, 3, 4, 5}};
  p = twist(p, i);
  out[i * 4 + 1] = p.a + (int)p.b + p.c[0] + p.c[1] + p.c[2] + p.c[3] + p.c[4];
  int r;
  switch (x & 7) {
  case 0: r = x * 3; break;
  case 1: r = x ^ 0x55; break;
  case 2: r = x / 3; break;
  case 3: r = -x; break;
  case 4: r = x << 3; break;
  case 5: r = table[i & 7]; break;
  case 6: r = __popc(x); break;
  default: r = 1000 - x; break;
  }
  out[i * 4 + 2] = r;
  int local[16];
  for (int k = 0; k < 16; k++) local[(k * x) & 15] = k + x;
  int s = 0;
  for (int k = 0; k < 16; k++) if ((k * x & 15) <= (x & 15)) s += local[(k * x) & 15];
  out[i * 4 + 3] = s + atomicAdd(&counter, 0);
}
extern "C" __global__ void prints(int n) {
  if (threadIdx.x < 2) printf("thread %d of %u: %5.2f %s %llx%%\n", threadIdx.x, n, threadIdx.x + 0.5, "text", 0x123456789abcll);
}
extern "C" __global__ void asserts(const int *a) { assert(a[threadIdx.x] != 3); }
extern "C" __global__ void barriers(int *out, int n) {
  __shared__ int box[64];
  int i = threadIdx.x, w = i >> 5;
  // Warp 0 makes, warp 1 takes: named barriers with arrive.
  for (int k = 0; k < n; k++) {
    if (w == 0) {
      asm volatile("bar.sync 2, 64;" ::: "memory");
      box[i] = k * 100 + i;
      asm volatile("bar.arrive 1, 64;" ::: "memory");
    } else if (w == 1) {
      asm volatile("bar.arrive 2, 64;" ::: "memory");
      asm volatile("bar.sync 1, 64;" ::: "memory");
      out[k * 32 + (i & 31)] = box[i & 31];
    }
  }
  int votes = __syncthreads_count(i % 3 == 0), all = __syncthreads_and(i < 1000), any = __syncthreads_or(i == 5);
  if (i == 0) { out[n * 32] = votes; out[n * 32 + 1] = all; out[n * 32 + 2] = any; }
}
// Lanes of one warp pass a lock around: each must get on although others spin.
extern "C" __global__ void locks(int *lock, int *count) {
  bool done = false;
  while (!done)
    if (atomicCAS(lock, 0, 1) == 0) { *(volatile int *)count += 1; __threadfence(); atomicExch(lock, 0); done = true; }
}
// A barrier of the grid by hand: blocks must be resident together.
extern "C" __global__ void gridBarrier(int *arrived, int *out) {
  if (threadIdx.x == 0) {
    atomicAdd(arrived, 1);
    while (*(volatile int *)arrived < gridDim.x) {}
    out[blockIdx.x] = *(volatile int *)arrived;
  }
}
extern "C" __global__ void deadlocks(int *out) {
  if (threadIdx.x < 32) asm volatile("bar.sync 1, 64;" ::: "memory");
  else asm volatile("bar.sync 2, 64;" ::: "memory");
  out[0] = 1;
}
extern "C" __global__ void missingWait(const int4 *in, int4 *out) {
  __shared__ int4 tile[32];
  int i = threadIdx.x;
  unsigned to = (unsigned)__cvta_generic_to_shared(tile + i);
  tile[i] = make_int4(-1, -1, -1, -1);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16;\n\tcp.async.commit_group;" ::"r"(to), "l"(in + i));
  out[i] = tile[i];
  asm volatile("cp.async.wait_all;" ::: "memory");
  out[32 + i] = tile[i];
}
extern "C" __global__ void faults(int *p, int what) {
  extern __shared__ int s[];
  int i = threadIdx.x;
  if (what == 0) p[i] = 1;
  if (what == 1) *(int *)((char *)p + 2) = 1;
  if (what == 2) s[i] = 1;
  if (what == 3) asm volatile("trap;");
}
