// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

const char *const moe::ptx::matrixForms = R"(
ldmatrix .sync .aligned .m8n8 .x1|.x2|.x4 .trans? .shared|.shared::cta? .b16 : d{X}.b32 a0 @65.75
ldmatrix .sync .aligned .m16n16 .x1|.x2 .trans .shared|.shared::cta? .b8 : d{X*2}.b32 a0 @86.100s
ldmatrix .sync .aligned .m16n16 .x1|.x2 .trans .shared|.shared::cta? .b8x16 .b6x16_p32|.b4x16_p64 : d{X*2}.b32 a0 @86.100s
ldmatrix .sync .aligned .m8n16 .x1|.x2|.x4 .shared|.shared::cta? .b8x16 .b6x16_p32|.b4x16_p64 : d{X}.b32 a0 @86.100s
stmatrix .sync .aligned .m8n8 .x1|.x2|.x4 .trans? .shared|.shared::cta? .b16 : a0 r{X}.b32 @78.90
stmatrix .sync .aligned .m16n8 .x1|.x2|.x4 .trans .shared|.shared::cta? .b8 : a0 r{X}.b32 @86.100s
movmatrix .sync .aligned .m8n8 .trans .b16 : d.b32 r.b32 @78.75
mma .sync .aligned .m8n8k4 .row|.col .row|.col .f16 .f16 .f16 .f16 : d{4}.f16x2 r{2}.f16x2 r{2}.f16x2 s{4}.f16x2 @64.70
mma .sync .aligned .m8n8k4 .row|.col .row|.col .f32 .f16 .f16 .f16 : d{8}.f32 r{2}.f16x2 r{2}.f16x2 s{4}.f16x2 @64.70
mma .sync .aligned .m8n8k4 .row|.col .row|.col .f32 .f16 .f16 .f32 : d{8}.f32 r{2}.f16x2 r{2}.f16x2 s{8}.f32 @64.70
mma .sync .aligned .m16n8k8 .row .col .f16 .f16 .f16 .f16 : d{2}.f16x2 r{2}.f16x2 r{1}.f16x2 s{2}.f16x2 @65.75
mma .sync .aligned .m16n8k8 .row .col .f32 .f16 .f16 .f32 : d{4}.f32 r{2}.f16x2 r{1}.f16x2 s{4}.f32 @65.75
mma .sync .aligned .m16n8k16 .row .col .f16 .f16 .f16 .f16 : d{2}.f16x2 r{4}.f16x2 r{2}.f16x2 s{2}.f16x2 @70.80
mma .sync .aligned .m16n8k16 .row .col .f32 .f16 .f16 .f32 : d{4}.f32 r{4}.f16x2 r{2}.f16x2 s{4}.f32 @70.80
mma .sync .aligned .m16n8k8 .row .col .f32 .bf16 .bf16 .f32 : d{4}.f32 r{2}.b32 r{1}.b32 s{4}.f32 @70.80
mma .sync .aligned .m16n8k16 .row .col .f32 .bf16 .bf16 .f32 : d{4}.f32 r{4}.b32 r{2}.b32 s{4}.f32 @70.80
mma .sync .aligned .m16n8k4 .row .col .f32 .tf32 .tf32 .f32 : d{4}.f32 r{2}.b32 r{1}.b32 s{4}.f32 @70.80
mma .sync .aligned .m16n8k8 .row .col .f32 .tf32 .tf32 .f32 : d{4}.f32 r{4}.b32 r{2}.b32 s{4}.f32 @70.80
mma .sync .aligned .m8n8k4 .row .col $rnd? .f64 .f64 .f64 .f64 : d{2}.f64 r{1}.f64 r{1}.f64 s{2}.f64 @70.80
mma .sync .aligned .m16n8k4 .row .col $rnd? .f64 .f64 .f64 .f64 : d{4}.f64 r{2}.f64 r{1}.f64 s{4}.f64 @78.90
mma .sync .aligned .m16n8k8 .row .col $rnd? .f64 .f64 .f64 .f64 : d{4}.f64 r{4}.f64 r{2}.f64 s{4}.f64 @78.90
mma .sync .aligned .m16n8k16 .row .col $rnd? .f64 .f64 .f64 .f64 : d{4}.f64 r{8}.f64 r{4}.f64 s{4}.f64 @78.90
mma .sync .aligned .m8n8k16 .row .col .satfinite? .s32 .s8|.u8 .s8|.u8 .s32 : d{2}.s32 r{1}.b32 r{1}.b32 s{2}.s32 @65.75
mma .sync .aligned .m16n8k16 .row .col .satfinite? .s32 .s8|.u8 .s8|.u8 .s32 : d{4}.s32 r{2}.b32 r{1}.b32 s{4}.s32 @70.80
mma .sync .aligned .m16n8k32 .row .col .satfinite? .s32 .s8|.u8 .s8|.u8 .s32 : d{4}.s32 r{4}.b32 r{2}.b32 s{4}.s32 @70.80
mma .sync .aligned .m8n8k32 .row .col .satfinite? .s32 .s4|.u4 .s4|.u4 .s32 : d{2}.s32 r{1}.b32 r{1}.b32 s{2}.s32 @65.75
mma .sync .aligned .m16n8k32 .row .col .satfinite? .s32 .s4|.u4 .s4|.u4 .s32 : d{4}.s32 r{2}.b32 r{1}.b32 s{4}.s32 @70.80
mma .sync .aligned .m16n8k64 .row .col .satfinite? .s32 .s4|.u4 .s4|.u4 .s32 : d{4}.s32 r{4}.b32 r{2}.b32 s{4}.s32 @70.80
mma .sync .aligned .m8n8k128 .row .col .s32 .b1 .b1 .s32 .xor|.and@71.80 .popc : d{2}.s32 r{1}.b32 r{1}.b32 s{2}.s32 @70.75
mma .sync .aligned .m16n8k128 .row .col .s32 .b1 .b1 .s32 .xor|.and@71.80 .popc : d{4}.s32 r{2}.b32 r{1}.b32 s{4}.s32 @70.80
mma .sync .aligned .m16n8k256 .row .col .s32 .b1 .b1 .s32 .xor|.and@71.80 .popc : d{4}.s32 r{4}.b32 r{2}.b32 s{4}.s32 @70.80
mma .sync .aligned .m16n8k32 .row .col .f32 .e4m3|.e5m2 .e4m3|.e5m2 .f32 : d{4}.f32 r{4}.b32 r{2}.b32 s{4}.f32 @84.89
mma .sync .aligned .m16n8k32 .row .col .f16 .e4m3|.e5m2 .e4m3|.e5m2 .f16 : d{2}.f16x2 r{4}.b32 r{2}.b32 s{2}.f16x2 @87.89
mma .sync .aligned .m16n8k16 .row .col .f32 .e4m3|.e5m2 .e4m3|.e5m2 .f32 : d{4}.f32 r{2}.b32 r{1}.b32 s{4}.f32 @87.89
mma .sync .aligned .m16n8k16 .row .col .f16 .e4m3|.e5m2 .e4m3|.e5m2 .f16 : d{2}.f16x2 r{2}.b32 r{1}.b32 s{2}.f16x2 @87.89
mma .sync .aligned .m16n8k32 .row .col .kind::f8f6f4 .f32 $narrow $narrow .f32 : d{4}.f32 r{4}.b32 r{2}.b32 s{4}.f32 @87.120s
mma .sync .aligned .m16n8k32 .row .col .kind::f8f6f4 .f16 $narrow $narrow .f16 : d{2}.f16x2 r{4}.b32 r{2}.b32 s{2}.f16x2 @87.120s
mma .sync .aligned .m16n8k32 .row .col .kind::mxf8f6f4 .block_scale .scale_vec::1X? .f32 $narrow $narrow .f32 .ue8m0 : d{4}.f32 r{4}.b32 r{2}.b32 s{4}.f32 r.b32 s{2}.b16 r.b32 s{2}.b16 @87.120s
mma .sync .aligned .m16n8k64 .row .col .kind::mxf4 .block_scale .scale_vec::2X? .f32 .e2m1 .e2m1 .f32 .ue8m0 : d{4}.f32 r{4}.b32 r{2}.b32 s{4}.f32 r.b32 s{2}.b16 r.b32 s{2}.b16 @87.120s
mma .sync .aligned .m16n8k64 .row .col .kind::mxf4nvf4 .block_scale .scale_vec::2X|.scale_vec::4X .f32 .e2m1 .e2m1 .f32 .ue8m0|.ue4m3 : d{4}.f32 r{4}.b32 r{2}.b32 s{4}.f32 r.b32 s{2}.b16 r.b32 s{2}.b16 @87.120s
mma.sp .sync .aligned .m16n8k16 .row .col .f16 .f16 .f16 .f16 : d{2}.f16x2 r{2}.f16x2 r{2}.f16x2 s{2}.f16x2 r.b32 c(0..3) @71.80
mma.sp .sync .aligned .m16n8k16 .row .col .f32 .f16 .f16 .f32 : d{4}.f32 r{2}.f16x2 r{2}.f16x2 s{4}.f32 r.b32 c(0..3) @71.80
mma.sp .sync .aligned .m16n8k32 .row .col .f16 .f16 .f16 .f16 : d{2}.f16x2 r{4}.f16x2 r{4}.f16x2 s{2}.f16x2 r.b32 c(0,1) @71.80
mma.sp .sync .aligned .m16n8k32 .row .col .f32 .f16 .f16 .f32 : d{4}.f32 r{4}.f16x2 r{4}.f16x2 s{4}.f32 r.b32 c(0,1) @71.80
mma.sp .sync .aligned .m16n8k16 .row .col .f32 .bf16 .bf16 .f32 : d{4}.f32 r{2}.b32 r{2}.b32 s{4}.f32 r.b32 c(0..3) @71.80
mma.sp .sync .aligned .m16n8k32 .row .col .f32 .bf16 .bf16 .f32 : d{4}.f32 r{4}.b32 r{4}.b32 s{4}.f32 r.b32 c(0,1) @71.80
mma.sp .sync .aligned .m16n8k8 .row .col .f32 .tf32 .tf32 .f32 : d{4}.f32 r{2}.b32 r{2}.b32 s{4}.f32 r.b32 c(0..3) @71.80
mma.sp .sync .aligned .m16n8k16 .row .col .f32 .tf32 .tf32 .f32 : d{4}.f32 r{4}.b32 r{4}.b32 s{4}.f32 r.b32 c(0,1) @71.80
mma.sp .sync .aligned .m16n8k32 .row .col .satfinite? .s32 .s8|.u8 .s8|.u8 .s32 : d{4}.s32 r{2}.b32 r{2}.b32 s{4}.s32 r.b32 c(0,1) @71.80
mma.sp .sync .aligned .m16n8k64 .row .col .satfinite? .s32 .s8|.u8 .s8|.u8 .s32 : d{4}.s32 r{4}.b32 r{4}.b32 s{4}.s32 r.b32 c(0) @71.80
mma.sp .sync .aligned .m16n8k64 .row .col .satfinite? .s32 .s4|.u4 .s4|.u4 .s32 : d{4}.s32 r{2}.b32 r{2}.b32 s{4}.s32 r.b32 c(0,1) @71.80
mma.sp .sync .aligned .m16n8k128 .row .col .satfinite? .s32 .s4|.u4 .s4|.u4 .s32 : d{4}.s32 r{4}.b32 r{4}.b32 s{4}.s32 r.b32 c(0) @71.80
mma.sp .sync .aligned .m16n8k64 .row .col .f32 .e4m3|.e5m2 .e4m3|.e5m2 .f32 : d{4}.f32 r{4}.b32 r{4}.b32 s{4}.f32 r.b32 c(0) @84.89
wmma.load.a .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .f16 : d{8}.f16x2 a0 s.u32? @60.70
wmma.load.b .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .f16 : d{8}.f16x2 a0 s.u32? @60.70
wmma.load.a .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .bf16|.s8|.u8|.tf32|.f64|.s4|.u4|.b1 : .. @63.72
wmma.load.b .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .bf16|.s8|.u8|.tf32|.f64|.s4|.u4|.b1 : .. @63.72
wmma.load.c .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .f32|.s32 : d{8}0 a0 s.u32? @60.70
wmma.load.c .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .f16 : d{4}.f16x2 a0 s.u32? @60.70
wmma.load.c .sync .aligned .row|.col .m8n8k4|.m8n8k32|.m8n8k128 .global|.shared|.shared::cta? .f64|.s32 : d{2}0 a0 s.u32? @63.75
wmma.store.d .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .f32|.s32 : a0 r{8}0 s.u32? @60.70
wmma.store.d .sync .aligned .row|.col $wmma .global|.shared|.shared::cta? .f16 : a0 r{4}.f16x2 s.u32? @60.70
wmma.store.d .sync .aligned .row|.col .m8n8k4|.m8n8k32|.m8n8k128 .global|.shared|.shared::cta? .f64|.s32 : a0 r{2}0 s.u32? @63.75
wmma.mma .sync .aligned .row|.col .row|.col .m16n16k16|.m8n32k16|.m32n8k16 .f16|.f32 .f16|.f32 .satfinite? : .. @60.70
wmma.mma .sync .aligned .row|.col .row|.col .m16n16k16|.m8n32k16|.m32n8k16 .s32 .s8|.u8 .s8|.u8 .s32 .satfinite? : .. @63.72
wmma.mma .sync .aligned .row|.col .row|.col .m16n16k16|.m8n32k16|.m32n8k16 .f32 .bf16 .bf16 .f32 : .. @70.80
wmma.mma .sync .aligned .row|.col .row|.col .m16n16k8 .f32 .tf32 .tf32 .f32 : .. @70.80
wmma.mma .sync .aligned .row|.col .row|.col .m8n8k4 $rnd? .f64 .f64 .f64 .f64 : .. @70.80
wmma.mma .sync .aligned .row .col .m8n8k32 .s32 .s4|.u4 .s4|.u4 .s32 .satfinite? : .. @63.75
wmma.mma .xor|.and .popc .sync .aligned .row .col .m8n8k128 .s32 .b1 .b1 .s32 : .. @63.75
)";

const char *const moe::ptx::wgmmaForms = R"(
wgmma.fence .sync .aligned : @80.90a
wgmma.commit_group .sync .aligned : @80.90a
wgmma.wait_group .sync .aligned : c @80.90a
wgmma.mma_async .sync .aligned .m64n*k16 .f32 .f16 .f16 : d{N/2}.f32 r.b64 s.b64 p c(-1,1) c(-1,1) c(0,1) c(0,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k16 .f32 .f16 .f16 : d{N/2}.f32 r{4}.f16x2 s.b64 p c(-1,1) c(-1,1) c(0,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k16 .f16 .f16 .f16 : d{N/4}.f16x2 r.b64 s.b64 p c(-1,1) c(-1,1) c(0,1) c(0,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k16 .f16 .f16 .f16 : d{N/4}.f16x2 r{4}.f16x2 s.b64 p c(-1,1) c(-1,1) c(0,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k16 .f32 .bf16 .bf16 : d{N/2}.f32 r.b64 s.b64 p c(-1,1) c(-1,1) c(0,1) c(0,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k16 .f32 .bf16 .bf16 : d{N/2}.f32 r{4}.b32 s.b64 p c(-1,1) c(-1,1) c(0,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k8 .f32 .tf32 .tf32 : d{N/2}.f32 r.b64 s.b64 p c(-1,1) c(-1,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k8 .f32 .tf32 .tf32 : d{N/2}.f32 r{4}.b32 s.b64 p c(-1,1) c(-1,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k32 .f32 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/2}.f32 r.b64 s.b64 p c(-1,1) c(-1,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k32 .f32 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/2}.f32 r{4}.b32 s.b64 p c(-1,1) c(-1,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k32 .f16 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/4}.f16x2 r.b64 s.b64 p c(-1,1) c(-1,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k32 .f16 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/4}.f16x2 r{4}.b32 s.b64 p c(-1,1) c(-1,1) @80.90a
wgmma.mma_async .sync .aligned .m64n*k32 .satfinite? .s32 .s8|.u8 .s8|.u8 : d{N/2}.s32 r.b64 s.b64 p @80.90a
wgmma.mma_async .sync .aligned .m64n*k32 .satfinite? .s32 .s8|.u8 .s8|.u8 : d{N/2}.s32 r{4}.b32 s.b64 p @80.90a
wgmma.mma_async .sync .aligned .m64n*k256 .s32 .b1 .b1 .and .popc : d{N/2}.s32 r.b64 s.b64 p @80.90a
wgmma.mma_async .sync .aligned .m64n*k256 .s32 .b1 .b1 .and .popc : d{N/2}.s32 r{4}.b32 s.b64 p @80.90a
wgmma.mma_async.sp .sync .aligned .m64n*k32 .f32 .f16 .f16 : d{N/2}.f32 r.b64 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) c(0,1) c(0,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k32 .f32 .f16 .f16 : d{N/2}.f32 r{4}.f16x2 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) c(0,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k32 .f16 .f16 .f16 : d{N/4}.f16x2 r.b64 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) c(0,1) c(0,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k32 .f16 .f16 .f16 : d{N/4}.f16x2 r{4}.f16x2 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) c(0,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k32 .f32 .bf16 .bf16 : d{N/2}.f32 r.b64 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) c(0,1) c(0,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k32 .f32 .bf16 .bf16 : d{N/2}.f32 r{4}.b32 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) c(0,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k16 .f32 .tf32 .tf32 : d{N/2}.f32 r.b64 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k16 .f32 .tf32 .tf32 : d{N/2}.f32 r{4}.b32 s.b64 r.b32 c(0,1) p c(-1,1) c(-1,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k64 .f32 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/2}.f32 r.b64 s.b64 r.b32 c(0) p c(-1,1) c(-1,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k64 .f32 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/2}.f32 r{4}.b32 s.b64 r.b32 c(0) p c(-1,1) c(-1,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k64 .f16 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/4}.f16x2 r.b64 s.b64 r.b32 c(0) p c(-1,1) c(-1,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k64 .f16 .e4m3|.e5m2 .e4m3|.e5m2 : d{N/4}.f16x2 r{4}.b32 s.b64 r.b32 c(0) p c(-1,1) c(-1,1) @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k64 .satfinite? .s32 .s8|.u8 .s8|.u8 : d{N/2}.s32 r.b64 s.b64 r.b32 c(0) p @82.90a
wgmma.mma_async.sp .sync .aligned .m64n*k64 .satfinite? .s32 .s8|.u8 .s8|.u8 : d{N/2}.s32 r{4}.b32 s.b64 r.b32 c(0) p @82.90a
)";

const char *const moe::ptx::tcgen05Forms = R"(
tcgen05.alloc $group .sync .aligned .shared::cta? .b32 : a0 s.u32(32..512/32) @86.100s-119
tcgen05.dealloc $group .sync .aligned .b32 : s.b32 s.u32(32..512/32) @86.100s-119
tcgen05.relinquish_alloc_permit $group .sync .aligned : @86.100s-119
tcgen05.ld .sync .aligned .16x64b|.32x32b .x1|.x2|.x4|.x8|.x16|.x32|.x64|.x128 .pack::16b? .b32 : d{X}.b32 a @86.100s-119
tcgen05.ld .sync .aligned .16x128b .x1|.x2|.x4|.x8|.x16|.x32|.x64 .pack::16b? .b32 : d{X*2}.b32 a @86.100s-119
tcgen05.ld .sync .aligned .16x256b .x1|.x2|.x4|.x8|.x16|.x32 .pack::16b? .b32 : d{X*4}.b32 a @86.100s-119
tcgen05.ld .sync .aligned .16x32bx2 .x1|.x2|.x4|.x8|.x16|.x32|.x64|.x128 .pack::16b? .b32 : d{X}.b32 a c @86.100s-119
tcgen05.ld.red .sync .aligned .32x32b|.16x32bx2 .x2|.x4|.x8|.x16|.x32|.x64|.x128 .min|.max .abs? .NaN? .f32|.u32|.s32 : .. @88.100s-119
tcgen05.st .sync .aligned .16x64b|.32x32b .x1|.x2|.x4|.x8|.x16|.x32|.x64|.x128 .unpack::16b? .b32 : a r{X}.b32 @86.100s-119
tcgen05.st .sync .aligned .16x128b .x1|.x2|.x4|.x8|.x16|.x32|.x64 .unpack::16b? .b32 : a r{X*2}.b32 @86.100s-119
tcgen05.st .sync .aligned .16x256b .x1|.x2|.x4|.x8|.x16|.x32 .unpack::16b? .b32 : a r{X*4}.b32 @86.100s-119
tcgen05.st .sync .aligned .16x32bx2 .x1|.x2|.x4|.x8|.x16|.x32|.x64|.x128 .unpack::16b? .b32 : a c r{X}.b32 @86.100s-119
tcgen05.wait::ld .sync .aligned : @86.100s-119
tcgen05.wait::st .sync .aligned : @86.100s-119
tcgen05.fence::before_thread_sync : @86.100s-119
tcgen05.fence::after_thread_sync : @86.100s-119
tcgen05.shift $group .down : a @86.100s-119
tcgen05.commit $group .mbarrier::arrive::one .shared::cluster? .multicast::cluster? .b64 : b k @86.100s-119
tcgen05.cp $group .128x256b|.4x256b|.128x128b .b8x16? .b6x16_p32|.b4x16_p64? : a r.b64 @86.100s-119
tcgen05.cp $group .64x128b .warpx2::02_13|.warpx2::01_23 .b8x16? .b6x16_p32|.b4x16_p64? : a r.b64 @86.100s-119
tcgen05.cp $group .32x128b .warpx4 .b8x16? .b6x16_p32|.b4x16_p64? : a r.b64 @86.100s-119
tcgen05.mma $group .kind::f16|.kind::tf32|.kind::f8f6f4|.kind::i8 $collect? .ashift? : a r.b64 r.b64 r.b32 p c(0..15)? @86.100s-119
tcgen05.mma $group .kind::f16|.kind::tf32|.kind::f8f6f4|.kind::i8 $collect? .ashift? : a a r.b64 r.b32 p c(0..15)? @86.100s-119
tcgen05.mma $group .kind::f16|.kind::tf32|.kind::f8f6f4|.kind::i8 $collect? .ashift? : a r.b64 r.b64 r.b32 r{G*4}.b32 p c(0..15)? @86.100s-119
tcgen05.mma $group .kind::f16|.kind::tf32|.kind::f8f6f4|.kind::i8 $collect? .ashift? : a a r.b64 r.b32 r{G*4}.b32 p c(0..15)? @86.100s-119
tcgen05.mma $group .kind::mxf8f6f4|.kind::mxf4|.kind::mxf4nvf4 .block_scale .scale_vec::1X|.scale_vec::2X|.scale_vec::4X|.block16@88|.block32@88? $collect? : a r.b64 r.b64 r.b32 a a p @86.100s-119
tcgen05.mma $group .kind::mxf8f6f4|.kind::mxf4|.kind::mxf4nvf4 .block_scale .scale_vec::1X|.scale_vec::2X|.scale_vec::4X|.block16@88|.block32@88? $collect? : a a r.b64 r.b32 a a p @86.100s-119
tcgen05.mma.sp $group $kind .block_scale? .scale_vec::1X|.scale_vec::2X|.scale_vec::4X|.block16@88|.block32@88? $collect? .ashift? : .. @86.100s-119
tcgen05.mma.ws .cta_group::1 $kind $collect? : .. @86.100s-119
tcgen05.mma.ws.sp .cta_group::1 $kind $collect? : .. @86.100s-119
)";
