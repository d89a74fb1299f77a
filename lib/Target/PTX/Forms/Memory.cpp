// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

const char *const moe::ptx::moveForms = R"(
# mov has a check of its own: it packs, unpacks, and takes addresses.
mov .pred : P m
mov .v2|.v4? .b16|.b32|.b64|$int|.f32|.f64 : m m
mov .b128 : m m @83.70
cvta .global|.shared|.local|.const|.param@77.70|.param::entry@77.70|.shared::cta|.shared::cluster@78.90 .u32|.u64 : d0 l0
cvta .to .global|.shared|.local|.const|.param@77.70|.param::entry@77.70|.shared::cta|.shared::cluster@78.90 .u32|.u64 : d0 s0
isspacep .global|.shared|.local|.const@31|.param@77.70|.param::entry@83.70|.shared::cta|.shared::cluster@78.90 : P r.b64
isspacep .global|.shared|.local|.const@31|.param@77.70|.shared::cta : P r.b32
istypep .texref|.samplerref|.surfref : P r.b64
mapa .shared::cluster? .u32|.u64 : d0 l0 s.u32 @78.90
getctarank .shared::cluster? .u32|.u64 : d.u32 l0 @78.90
cvt .sat? $int8 $int8 : d0~ S1~
cvt .rni|.rzi|.rmi|.rpi .ftz? .sat? $int8 .f32 : d0~ s1~
cvt .rni|.rzi|.rmi|.rpi .sat? $int8 .f64 : d0~ s1~
cvt .rni|.rzi|.rmi|.rpi .ftz? .sat? $int8 .f16|.bf16@78.90 : d0~ r1~
cvt $rnd .ftz? .sat? .f16|.f32|.f64|.bf16@78.90 $int8 : d0~ S1~
cvt .ftz? .sat? .f32 .f16 : d0~ r1~
cvt .sat? .f64 .f16 : d0~ r1~
cvt .ftz? .sat? .f64 .f32 : d0~ s1~
cvt $rnd .ftz? .sat? .f16 .f32 : d0~ s1~
cvt $rnd .sat? .f16|.bf16@78.90 .f64 : d0~ s1~
cvt $rnd .ftz? .sat? .f32 .f64 : d0~ s1~
cvt .rni|.rzi|.rmi|.rpi? .ftz? .sat? .f32 .f32 : d0~ s1~
cvt .rni|.rzi|.rmi|.rpi? .sat? .f64 .f64 : d0~ s1~
cvt .rni|.rzi|.rmi|.rpi? .ftz? .sat? .f16 .f16 : d0~ r1~
cvt .rni|.rzi|.rmi|.rpi? .sat? .bf16 .bf16 : d0~ r1~ @78.90
cvt $rnd? .ftz? .f32 .bf16 : d0~ r1~ @71.80
cvt .sat? .f64 .bf16 : d0~ r1~ @78.90
cvt $rnd .sat? .bf16 .f16 : d0~ r1~ @78.90
cvt $rnd .sat? .f16 .bf16 : d0~ r1~ @78.90
cvt .rn|.rz|.rm|.rp .bf16 .f32 : d0~ s1~ @70.80
cvt .rn|.rz .relu? .satfinite@81? .bf16 .f32 : d0 s1 @70.80
cvt .rn|.rz .relu .satfinite@81? .f16 .f32 : d0 s1 @70.80
cvt .rn|.rz .satfinite .f16 .f32 : d0 s1 @81.80
cvt .rn|.rz .relu? .satfinite@81? .f16x2|.bf16x2 .f32 : d0 s1 s1 @70.80
cvt .rs .relu? .satfinite? .f16x2|.bf16x2 .f32 : d0 s1 s1 s.b32 @87.100s
cvt .rna .satfinite@81? .tf32 .f32 : d.b32 s1 @70.80
cvt .rn|.rz .satfinite@86.100? .relu? .tf32 .f32 : d.b32 s1 @78.90
cvt .rn .satfinite .relu? .e4m3x2|.e5m2x2 .f32 : d.b16 s1 s1 @81.89
cvt .rn .satfinite .relu? .e4m3x2|.e5m2x2 .f16x2 : d.b16 r1 @81.89
cvt .rn .relu? .f16x2 .e4m3x2|.e5m2x2 : d0 r.b16 @81.89
cvt .rn .satfinite .relu? .e2m3x2|.e3m2x2 .f32 : d.b16 s1 s1 @86.100s
cvt .rn .satfinite .relu? .e2m1x2 .f32 : d.b8 s1 s1 @86.100s
cvt .rn .relu? .f16x2 .e2m3x2|.e3m2x2 : d0 r.b16 @86.100s
cvt .rn .relu? .f16x2 .e2m1x2 : d0 r.b8 @86.100s
cvt .rz|.rp .satfinite? .ue8m0x2 .f32 : d.b16 s1 s1 @86.100s
cvt .rz|.rp .satfinite? .ue8m0x2 .bf16x2 : d.b16 r1 @86.100s
cvt .rn .bf16x2 .ue8m0x2 : d0 r.b16 @86.100s
cvt .rs .satfinite .relu? .e4m3x4|.e5m2x4|.e2m3x4|.e3m2x4 .f32 : d.b32 s{4}1 s.b32 @87.100s
cvt .rs .satfinite .relu? .e2m1x4 .f32 : d.b16 s{4}1 s.b32 @87.100s
cvt.pack .sat .u16|.s16 .s32 : d.b32 s.s32 s.s32 @65.72
cvt.pack .sat .u2|.s2|.u4|.s4|.u8|.s8 .s32 .b32 : d.b32 s.s32 s.s32 s.b32 @65.72
)";

const char *const moe::ptx::memoryForms = R"(
ld .weak? $ldspace? .ca|.cg|.cs|.lu|.cv? $evict1? $evict2? $prefetch? .L2::cache_hint? .v2|.v4? $ldtype : D{V}0~ a0 h
ld .weak? .global .ca|.cg|.cs|.lu|.cv? $evict1? $evict2? $prefetch? .L2::cache_hint? .v8 .b32|.u32|.s32|.f32 : D{V}0 a0 h @88.100
ld .weak? .global .ca|.cg|.cs|.lu|.cv? $evict1? $evict2? $prefetch? .L2::cache_hint? .v4 .b64|.u64|.s64|.f64 : D{V}0 a0 h @88.100
ld .weak? $ldspace? $evict1? $prefetch? .L2::cache_hint? .b128 : d0 a0 h @83.70
ld .volatile .global|.shared|.shared::cta|.shared::cluster@78.90|.const|.param? $prefetch? .v2|.v4? $ldtype : D{V}0~ a0
ld .relaxed|.acquire $scope .global|.shared|.shared::cta|.shared::cluster@78.90|.local? $evict1? $evict2? $prefetch? .L2::cache_hint? .v2|.v4? $ldtype : D{V}0~ a0 h @60.70
ld .relaxed|.acquire $scope .global|.shared|.shared::cta|.shared::cluster? .b128 : d0 a0 @83.70
ld .mmio .relaxed .sys .global? $ldtype : D0~ a0 @82.70
ld .global .ca|.cg|.cs? .nc $evict1? $evict2? $prefetch? .L2::cache_hint? .v2|.v4? $ldtype : D{V}0~ a0 h @31.32
ld .global .nc $evict1? $evict2? $prefetch? .L2::cache_hint? .v8 .b32|.u32|.s32|.f32 : D{V}0 a0 h @88.100
ld .global .nc $evict1? $evict2? $prefetch? .L2::cache_hint? .v4 .b64|.u64|.s64|.f64 : D{V}0 a0 h @88.100
ld .global .ca|.cg|.cs? .nc $evict1? $prefetch? .L2::cache_hint? .b128 : d0 a0 h @83.70
ldu .global? .v2|.v4? $ldtype : D{V}0~ a0
st .weak? $stspace? .wb|.cg|.cs|.wt? $evict1? $evict2? .L2::cache_hint? .v2|.v4? $ldtype : a0 s{V}0~ h
st .weak? .global .wb|.cg|.cs|.wt? $evict1? $evict2? .L2::cache_hint? .v8 .b32|.u32|.s32|.f32 : a0 s{V}0 h @88.100
st .weak? .global .wb|.cg|.cs|.wt? $evict1? $evict2? .L2::cache_hint? .v4 .b64|.u64|.s64|.f64 : a0 s{V}0 h @88.100
st .weak? $stspace? $evict1? .L2::cache_hint? .b128 : a0 r0 h @83.70
st .volatile .global|.shared|.shared::cta|.shared::cluster@78.90|.local|.param|.param::func? .v2|.v4? $ldtype : a0 s{V}0~
st .relaxed|.release $scope .global|.shared|.shared::cta|.shared::cluster@78.90|.local? $evict1? $evict2? .L2::cache_hint? .v2|.v4? $ldtype : a0 s{V}0~ h @60.70
st .relaxed|.release $scope .global|.shared|.shared::cta|.shared::cluster? .b128 : a0 r0 @83.70
st .mmio .relaxed .sys .global? $ldtype : a0 s0~ @82.70
st.async .weak? .shared::cluster? .mbarrier::complete_tx::bytes .v2|.v4? .b32|.b64|.u32|.u64|.s32|.s64|.f32|.f64 : b s{V}0 b @81.90
st.async .mmio? .release .gpu|.sys .global? .b8|.b16|.b32|.b64|.u8|.u16|.u32|.u64|.s8|.s16|.s32|.s64|.f32|.f64 : a s0~ @87.100
st.bulk .weak? .shared|.shared::cta? : a0 s.u64 c(0) @86.100
prefetch .global|.local? .L1|.L2 : a0
prefetch .global .L2::evict_last|.L2::evict_normal : a0 @74.80
prefetch .const|.param? .tensormap : a0 @80.90
prefetchu .L1 : a
applypriority .global? .L2::evict_normal : a0 c(128) @74.80
discard .global? .L2 : a0 c(128) @74.80
createpolicy.range .global? .L2::evict_last|.L2::evict_normal|.L2::evict_first|.L2::evict_unchanged .L2::evict_first|.L2::evict_unchanged? .b64 : d0 a s.b32 s.b32 @74.80
createpolicy.fractional .L2::evict_last|.L2::evict_normal|.L2::evict_first|.L2::evict_unchanged .L2::evict_first|.L2::evict_unchanged? .b64 : d0 s.f32? @74.80
createpolicy.cvt .L2 .b64 : d0 s.u64 @74.80
atom $asem? $scope? $aspace? .and|.or|.xor .L2::cache_hint? .b32|.b64 : D0 a0 s0 h
atom $asem? $scope? $aspace? .exch .L2::cache_hint? .b32|.b64|.b128@83.90 : D0 a0 s0 h
atom $asem? $scope? $aspace? .cas .L2::cache_hint? .b16@63.70|.b32|.b64|.b128@83.90 : D0 a0 s0 s0 h
atom $asem? $scope? $aspace? .add .L2::cache_hint? .u32|.s32|.u64|.f32|.f64@50.60 : D0 a0 s0 h
atom $asem? $scope? $aspace? .inc|.dec .L2::cache_hint? .u32 : D0 a0 s0 h
atom $asem? $scope? $aspace? .min|.max .L2::cache_hint? .u32|.s32|.u64|.s64 : D0 a0 s0 h
atom $asem? $scope? $aspace? .add .noftz .L2::cache_hint? .f16@63.70|.f16x2@62.60|.bf16@78.90|.bf16x2@78.90 : D0 a0 r0 h
atom $asem? $scope? .global? .add .L2::cache_hint? .v2|.v4 .f32 : d{V}0 a0 s{V}0 h @81.90
atom $asem? $scope? .global? .add|.min|.max .noftz .L2::cache_hint? .v2|.v4|.v8 .f16|.bf16 : d{V}0 a0 r{V}0 h @81.90
atom $asem? $scope? .global? .add|.min|.max .noftz .L2::cache_hint? .v2|.v4 .f16x2|.bf16x2 : d{V}0 a0 r{V}0 h @81.90
red .relaxed|.release? $scope? $aspace? .and|.or|.xor .L2::cache_hint? .b32|.b64 : a0 s0 h
red .relaxed|.release? $scope? $aspace? .add .L2::cache_hint? .u32|.s32|.u64|.f32|.f64@50.60 : a0 s0 h
red .relaxed|.release? $scope? $aspace? .inc|.dec .L2::cache_hint? .u32 : a0 s0 h
red .relaxed|.release? $scope? $aspace? .min|.max .L2::cache_hint? .u32|.s32|.u64|.s64 : a0 s0 h
red .relaxed|.release? $scope? $aspace? .add .noftz .L2::cache_hint? .f16@63.70|.f16x2@62.60|.bf16@78.90|.bf16x2@78.90 : a0 r0 h
red .relaxed|.release? $scope? .global? .add .L2::cache_hint? .v2|.v4 .f32 : a0 s{V}0 h @81.90
red .relaxed|.release? $scope? .global? .add|.min|.max .noftz .L2::cache_hint? .v2|.v4|.v8 .f16|.bf16 : a0 r{V}0 h @81.90
red .relaxed|.release? $scope? .global? .add|.min|.max .noftz .L2::cache_hint? .v2|.v4 .f16x2|.bf16x2 : a0 r{V}0 h @81.90
red.async .relaxed? .cluster? .shared::cluster? .mbarrier::complete_tx::bytes .inc|.dec .u32 : b s0 b @81.90
red.async .relaxed? .cluster? .shared::cluster? .mbarrier::complete_tx::bytes .min|.max .u32|.s32 : b s0 b @81.90
red.async .relaxed? .cluster? .shared::cluster? .mbarrier::complete_tx::bytes .and|.or|.xor .b32 : b s0 b @81.90
red.async .relaxed? .cluster? .shared::cluster? .mbarrier::complete_tx::bytes .add .u32|.s32|.u64 : b s0 b @81.90
red.async .mmio? .release .gpu|.sys .global? .add .u32|.s32|.u64 : a s0 @87.100
multimem.ld_reduce .weak|.relaxed|.acquire? $scope? .global? .min|.max|.add|.and|.or|.xor .b32|.b64|.u32|.u64|.s32|.s64|.f32|.f64 : d0 a @81.90
multimem.ld_reduce .weak|.relaxed|.acquire? $scope? .global? .min|.max|.add .v2|.v4|.v8? .f16|.f16x2|.bf16|.bf16x2|.f32 : d{V}0 a @81.90
multimem.st .weak|.relaxed|.release? $scope? .global? .v2|.v4|.v8? .b32|.b64|.u32|.u64|.s32|.s64|.f32|.f64|.f16|.f16x2|.bf16|.bf16x2 : a s{V}0 @81.90
multimem.red .relaxed|.release? $scope? .global? .min|.max|.add|.and|.or|.xor .v2|.v4|.v8? .b32|.b64|.u32|.u64|.s32|.s64|.f32|.f64|.f16|.f16x2|.bf16|.bf16x2 : a s{V}0 @81.90
)";
