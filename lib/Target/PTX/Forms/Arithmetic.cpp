// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

const char *const moe::ptx::arithmeticForms = R"(
add .cc? .u32|.s32|.u64@43|.s64@43 : d0 s0 s0
add .u16|.s16|.u16x2@80.90|.s16x2@80.90 : d0 s0 s0
add .sat .s32 : d0 s0 s0
add $rnd? .ftz? .sat? .f32 : d0 s0 s0
add $rnd? .ftz? .f32x2 : d0 r0 r0 @86.100
add $rnd? .f64 : d0 s0 s0
add .rn? .ftz? .sat? .f16|.f16x2 : d0 r0 r0 @42.53
add .rn? .bf16|.bf16x2 : d0 r0 r0 @78.90
add $rnd? .sat? .f32 .f16|.bf16 : d0 r1 s0 @86.100
sub .cc? .u32|.s32|.u64@43|.s64@43 : d0 s0 s0
sub .u16|.s16 : d0 s0 s0
sub .sat .s32 : d0 s0 s0
sub $rnd? .ftz? .sat? .f32 : d0 s0 s0
sub $rnd? .ftz? .f32x2 : d0 r0 r0 @86.100
sub $rnd? .f64 : d0 s0 s0
sub .rn? .ftz? .sat? .f16|.f16x2 : d0 r0 r0 @42.53
sub .rn? .bf16|.bf16x2 : d0 r0 r0 @78.90
sub $rnd? .sat? .f32 .f16|.bf16 : d0 r1 s0 @86.100
addc .cc? .u32|.s32|.u64@43|.s64@43 : d0 s0 s0
subc .cc? .u32|.s32|.u64@43|.s64@43 : d0 s0 s0
mul .hi|.lo $int : d0 s0 s0
mul .wide .u16|.s16|.u32|.s32 : dw s0 s0
mul $rnd? .ftz? .sat? .f32 : d0 s0 s0
mul $rnd? .ftz? .f32x2 : d0 r0 r0 @86.100
mul $rnd? .f64 : d0 s0 s0
mul .rn? .ftz? .sat? .f16|.f16x2 : d0 r0 r0 @42.53
mul .rn? .bf16|.bf16x2 : d0 r0 r0 @78.90
mad .hi|.lo $int : d0 s0 s0 s0
mad .hi .sat .s32 : d0 s0 s0 s0
mad .wide .u16|.s16|.u32|.s32 : dw s0 s0 sw
mad .hi|.lo .cc .u32|.s32|.u64@43|.s64@43 : d0 s0 s0 s0
mad $rnd .ftz? .sat? .f32 : d0 s0 s0 s0
mad $rnd .f64 : d0 s0 s0 s0
madc .hi|.lo .cc? .u32|.s32|.u64@43|.s64@43 : d0 s0 s0 s0
mul24 .hi|.lo .u32|.s32 : d0 s0 s0
mad24 .hi|.lo .u32|.s32 : d0 s0 s0 s0
mad24 .hi .sat .s32 : d0 s0 s0 s0
fma $rnd .ftz? .sat? .f32 : d0 s0 s0 s0
fma $rnd .ftz? .f32x2 : d0 r0 r0 r0 @86.100
fma $rnd .f64 : d0 s0 s0 s0
fma .rn .ftz? .sat? .f16|.f16x2 : d0 r0 r0 r0 @42.53
fma .rn .ftz? .relu .f16|.f16x2 : d0 r0 r0 r0 @70.80
fma .rn .relu? .bf16|.bf16x2 : d0 r0 r0 r0 @70.80
fma .rn .oob .relu? .f16|.f16x2|.bf16|.bf16x2 : d0 r0 r0 r0 @81.90
fma $rnd .sat? .f32 .f16|.bf16 : d0 r1 r1 s0 @86.100
sad $int : d0 s0 s0 s0
div $int : d0 s0 s0
div .approx|.full .ftz? .f32 : d0 s0 s0
div $rnd .ftz? .f32 : d0 s0 s0
div $rnd .f64 : d0 s0 s0
rem $int : d0 s0 s0
abs .s16|.s32|.s64 : d0 s0
abs .ftz? .f32 : d0 s0
abs .f64 : d0 s0
abs .ftz? .f16|.f16x2 : d0 r0 @65.53
abs .bf16|.bf16x2 : d0 r0 @70.80
neg .s16|.s32|.s64 : d0 s0
neg .ftz? .f32 : d0 s0
neg .f64 : d0 s0
neg .ftz? .f16|.f16x2 : d0 r0 @60.53
neg .bf16|.bf16x2 : d0 r0 @70.80
min $int : d0 s0 s0
min .relu? .s16x2 : d0 r0 r0 @80.90
min .u16x2 : d0 r0 r0 @80.90
min .relu .s32 : d0 s0 s0 @80.90
min .ftz? .NaN? .f32 : d0 s0 s0
min .ftz? .NaN? .xorsign .abs .f32 : d0 s0 s0 @72.86
min .ftz? .NaN? .abs? .f32 : d0 s0 s0 s0 @88.100
min .f64 : d0 s0 s0
min .ftz? .NaN? .f16|.f16x2 : d0 r0 r0 @70.80
min .NaN? .bf16|.bf16x2 : d0 r0 r0 @70.80
min .ftz? .NaN? .xorsign .abs .f16|.f16x2 : d0 r0 r0 @72.86
min .NaN? .xorsign .abs .bf16|.bf16x2 : d0 r0 r0 @72.86
max $int : d0 s0 s0
max .relu? .s16x2 : d0 r0 r0 @80.90
max .u16x2 : d0 r0 r0 @80.90
max .relu .s32 : d0 s0 s0 @80.90
max .ftz? .NaN? .f32 : d0 s0 s0
max .ftz? .NaN? .xorsign .abs .f32 : d0 s0 s0 @72.86
max .ftz? .NaN? .abs? .f32 : d0 s0 s0 s0 @88.100
max .f64 : d0 s0 s0
max .ftz? .NaN? .f16|.f16x2 : d0 r0 r0 @70.80
max .NaN? .bf16|.bf16x2 : d0 r0 r0 @70.80
max .ftz? .NaN? .xorsign .abs .f16|.f16x2 : d0 r0 r0 @72.86
max .NaN? .xorsign .abs .bf16|.bf16x2 : d0 r0 r0 @72.86
dp4a .u32|.s32 .u32|.s32 : d.b32 s.u32 s.u32 s.u32 @50.61
dp2a .lo|.hi .u32|.s32 .u32|.s32 : d.b32 s.u32 s.u32 s.u32 @50.61
copysign .f32|.f64 : d0 s0 s0
rcp .approx .ftz? .f32 : d0 s0
rcp .approx .ftz .f64 : d0 s0
rcp $rnd .ftz? .f32 : d0 s0
rcp $rnd .f64 : d0 s0
sqrt .approx .ftz? .f32 : d0 s0
sqrt $rnd .ftz? .f32 : d0 s0
sqrt $rnd .f64 : d0 s0
rsqrt .approx .ftz? .f32|.f64 : d0 s0
sin .approx .ftz? .f32 : d0 s0
cos .approx .ftz? .f32 : d0 s0
lg2 .approx .ftz? .f32 : d0 s0
ex2 .approx .ftz? .f32 : d0 s0
ex2 .approx .f16|.f16x2 : d0 r0 @70.75
ex2 .approx .ftz .bf16|.bf16x2 : d0 r0 @78.90
tanh .approx .f32 : d0 s0 @70.75
tanh .approx .f16|.f16x2 : d0 r0 @70.75
tanh .approx .bf16|.bf16x2 : d0 r0 @78.90
)";

const char *const moe::ptx::logicForms = R"(
and .pred : P p p
and .b16|.b32|.b64 : d0 s0 s0
or .pred : P p p
or .b16|.b32|.b64 : d0 s0 s0
xor .pred : P p p
xor .b16|.b32|.b64 : d0 s0 s0
not .pred : P p
not .b16|.b32|.b64 : d0 s0
cnot .b16|.b32|.b64 : d0 s0
lop3 .b32 : d0 s0 s0 s0 c @43.50
lop3 .or|.and .b32 : D0|P s0 s0 s0 c p @82.70
shf .l|.r .clamp|.wrap .b32 : d0 s0 s0 s.u32 @31.32
shl .b16|.b32|.b64 : d0 s0 s.u32
shr .b16|.b32|.b64|.u16|.u32|.u64|.s16|.s32|.s64 : d0 s0 s.u32
prmt .f4e|.b4e|.rc8|.ecl|.ecr|.rc16? .b32 : d0 s0 s0 s0
popc .b32|.b64 : d.u32 s0
clz .b32|.b64 : d.u32 s0
bfind .shiftamt? .u32|.u64|.s32|.s64 : d.u32 s0
brev .b32|.b64 : d0 s0
bfe .u32|.u64|.s32|.s64 : d0 s0 s.u32 s.u32
bfi .b32|.b64 : d0 s0 s0 s.u32 s.u32
fns .b32 : d0 s0 s0 s.s32 @60.30
bmsk .clamp|.wrap .b32 : d0 s0 s0 @76.70
szext .clamp|.wrap .u32|.s32 : d0 s0 s.u32 @76.70
testp .finite|.infinite|.number|.notanumber|.normal|.subnormal .f32|.f64 : P s0
set $icmp .u32|.s32|.f32 .u16|.u32|.u64|.s16|.s32|.s64 : d0 s1 s1
set $icmp .and|.or|.xor .u32|.s32|.f32 .u16|.u32|.u64|.s16|.s32|.s64 : d0 s1 s1 p
set .eq|.ne .u32|.s32|.f32 .b16|.b32|.b64 : d0 s1 s1
set .eq|.ne .and|.or|.xor .u32|.s32|.f32 .b16|.b32|.b64 : d0 s1 s1 p
set $fcmp .ftz? .u32|.s32|.f32 .f32|.f64 : d0 s1 s1
set $fcmp .and|.or|.xor .ftz? .u32|.s32|.f32 .f32|.f64 : d0 s1 s1 p
set $scmp .f16|.bf16@78.90 .s16|.s32|.s64 : d0 s1 s1
set $ucmp .f16|.bf16@78.90 .u16|.u32|.u64 : d0 s1 s1
set .eq|.ne .f16|.bf16@78.90 .b16|.b32|.b64 : d0 s1 s1
set $fcmp .f16|.bf16@78.90 .f32|.f64 : d0 s1 s1
set $fcmp .ftz .f16 .f32 : d0 s1 s1
set $fcmp .ftz? .f16|.bf16|.u16|.s16|.u32|.s32 .f16|.bf16@78.90 : d0 r1 r1
set $fcmp .and|.or|.xor .ftz? .f16|.bf16|.u16|.s16|.u32|.s32 .f16|.bf16@78.90 : d0 r1 r1 p
set $fcmp .ftz? .f16x2 .f16x2 : d0 r1 r1
set $fcmp .ftz? .bf16x2 .bf16x2 : d0 r1 r1 @78.90
set $fcmp .and|.or|.xor .ftz? .f16x2 .f16x2 : d0 r1 r1 p
setp $scmp .s16|.s32|.s64 : P|P? s0 s0
setp $scmp .and|.or|.xor .s16|.s32|.s64 : P|P? s0 s0 p
setp $ucmp .u16|.u32|.u64 : P|P? s0 s0
setp $ucmp .and|.or|.xor .u16|.u32|.u64 : P|P? s0 s0 p
setp .eq|.ne .b16|.b32|.b64 : P|P? s0 s0
setp .eq|.ne .and|.or|.xor .b16|.b32|.b64 : P|P? s0 s0 p
setp $fcmp .ftz? .f32 : P|P? s0 s0
setp $fcmp .and|.or|.xor .ftz? .f32 : P|P? s0 s0 p
setp $fcmp .f64 : P|P? s0 s0
setp $fcmp .and|.or|.xor .f64 : P|P? s0 s0 p
setp $fcmp .ftz? .f16 : P|P? r0 r0 @42.53
setp $fcmp .and|.or|.xor .ftz? .f16 : P|P? r0 r0 p @42.53
setp $fcmp .ftz? .f16x2 : P|P? r0 r0 @42.53
setp $fcmp .and|.or|.xor .ftz? .f16x2 : P|P? r0 r0 p @42.53
setp $fcmp .bf16 : P|P? r0 r0 @78.90
setp $fcmp .and|.or|.xor .bf16 : P|P? r0 r0 p @78.90
setp $fcmp .bf16x2 : P|P? r0 r0 @78.90
setp $fcmp .and|.or|.xor .bf16x2 : P|P? r0 r0 p @78.90
selp .b16|.b32|.b64|$int|.f32|.f64 : d0 s0 s0 p
slct .b16|.b32|.b64|$int|.f32|.f64 .s32 : d0 s0 s0 s1
slct .ftz? .b16|.b32|.b64|$int|.f32|.f64 .f32 : d0 s0 s0 s1
)";
