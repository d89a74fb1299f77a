// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

const char *const moe::ptx::asyncForms = R"(
cp.async .ca .shared|.shared::cta .global .L2::cache_hint? $prefetch? : a0 a1 c(4,8,16) h @70.80
cp.async .ca .shared|.shared::cta .global .L2::cache_hint? $prefetch? : a0 a1 c(4,8,16) s.u32 h @70.80
cp.async .ca .shared|.shared::cta .global .L2::cache_hint? $prefetch? : a0 a1 c(4,8,16) p h @70.80
cp.async .cg .shared|.shared::cta .global .L2::cache_hint? $prefetch? : a0 a1 c(16) h @70.80
cp.async .cg .shared|.shared::cta .global .L2::cache_hint? $prefetch? : a0 a1 c(16) s.u32 h @70.80
cp.async .cg .shared|.shared::cta .global .L2::cache_hint? $prefetch? : a0 a1 c(16) p h @70.80
cp.async.commit_group : @70.80
cp.async.wait_group : c @70.80
cp.async.wait_all : @70.80
cp.async.mbarrier.arrive .noinc? .shared|.shared::cta? .b64 : a0 @70.80
cp.async.bulk .shared::cluster|.shared::cta@86 .global .mbarrier::complete_tx::bytes .multicast::cluster? .L2::cache_hint? : a0 a1 s.u32(0..2147483632/16) b k h @80.90
cp.async.bulk .shared::cluster .shared::cta .mbarrier::complete_tx::bytes : a0 a1 s.u32(0..2147483632/16) b @80.90
cp.async.bulk .global .shared::cta .bulk_group .L2::cache_hint? : a0 a1 s.u32(0..2147483632/16) h @80.90
cp.async.bulk .global .shared::cta .bulk_group .L2::cache_hint? .cp_mask : a0 a1 s.u32(0..2147483632/16) h s.b16 @86.100
cp.async.bulk.commit_group : @80.90
cp.async.bulk.wait_group .read? : c @80.90
cp.async.bulk.prefetch .L2 .global .L2::cache_hint? : a0 s.u32(0..2147483632/16) h @80.90
cp.reduce.async.bulk .shared::cluster .shared::cta .mbarrier::complete_tx::bytes .and|.or|.xor .b32 : a0 a1 s.u32(0..2147483632/16) b @80.90
cp.reduce.async.bulk .shared::cluster .shared::cta .mbarrier::complete_tx::bytes .add .u32|.s32|.u64 : a0 a1 s.u32(0..2147483632/16) b @80.90
cp.reduce.async.bulk .shared::cluster .shared::cta .mbarrier::complete_tx::bytes .inc|.dec .u32 : a0 a1 s.u32(0..2147483632/16) b @80.90
cp.reduce.async.bulk .shared::cluster .shared::cta .mbarrier::complete_tx::bytes .min|.max .u32|.s32 : a0 a1 s.u32(0..2147483632/16) b @80.90
cp.reduce.async.bulk .global .shared::cta .bulk_group .L2::cache_hint? .and|.or|.xor .b32|.b64 : a0 a1 s.u32(0..2147483632/16) h @80.90
cp.reduce.async.bulk .global .shared::cta .bulk_group .L2::cache_hint? .add .u32|.s32|.u64|.f32|.f64 : a0 a1 s.u32(0..2147483632/16) h @80.90
cp.reduce.async.bulk .global .shared::cta .bulk_group .L2::cache_hint? .inc|.dec .u32 : a0 a1 s.u32(0..2147483632/16) h @80.90
cp.reduce.async.bulk .global .shared::cta .bulk_group .L2::cache_hint? .min|.max .u32|.s32|.u64|.s64|.f16|.bf16 : a0 a1 s.u32(0..2147483632/16) h @80.90
cp.reduce.async.bulk .global .shared::cta .bulk_group .L2::cache_hint? .add .noftz .f16|.bf16 : a0 a1 s.u32(0..2147483632/16) h @80.90
cp.async.bulk.tensor $dim .shared::cluster|.shared::cta@86 .global .tile|.im2col|.tile::gather4@86.100s|.im2col::w@86.100s|.im2col::w::128@86.100s? .mbarrier::complete_tx::bytes .multicast::cluster? .cta_group::1@86.100s|.cta_group::2@86.100s? .L2::cache_hint? : a0 t b o k h @80.90
cp.async.bulk.tensor $dim .global .shared::cta .tile|.im2col_no_offs|.tile::scatter4@86.100s? .bulk_group .L2::cache_hint? : t a1 h @80.90
cp.async.bulk.prefetch.tensor $dim .L2 .global .tile|.im2col|.tile::gather4@86.100s|.im2col::w@86.100s|.im2col::w::128@86.100s? .L2::cache_hint? : t o h @80.90
cp.reduce.async.bulk.tensor $dim .global .shared::cta .add|.min|.max|.inc|.dec|.and|.or|.xor .tile|.im2col_no_offs? .bulk_group .L2::cache_hint? : t a1 h @80.90
tensormap.replace .tile .global_address .global|.shared::cta? .b1024 .b64 : a0 s1 @83.90s
tensormap.replace .tile .rank .global|.shared::cta? .b1024 .b32 : a0 s1 @83.90s
tensormap.replace .tile .box_dim|.global_dim|.element_stride .global|.shared::cta? .b1024 .b32 : a0 c(0..4) s1 @83.90s
tensormap.replace .tile .global_stride .global|.shared::cta? .b1024 .b64 : a0 c(0..3) s1 @83.90s
tensormap.replace .tile .elemtype|.interleave_layout|.swizzle_mode|.fill_mode|.swizzle_atomicity@86.100s .global|.shared::cta? .b1024 .b32 : a0 c(0..15) @83.90s
tensormap.cp_fenceproxy .global .shared::cta .tensormap::generic .release $scope .sync .aligned : a0 a1 c(128) @83.90
bar.sync : s.u32(0..15) s.u32(0..2147483616/32)?
bar.arrive : s.u32(0..15) s.u32(32..2147483616/32)
bar.red .popc .u32 : d0 s.u32(0..15) p
bar.red .popc .u32 : d0 s.u32(0..15) s.u32(32..2147483616/32) p
bar.red .and|.or .pred : P s.u32(0..15) p
bar.red .and|.or .pred : P s.u32(0..15) s.u32(32..2147483616/32) p
bar.warp.sync : s.u32 @60.30
barrier.sync .aligned? : s.u32(0..15) s.u32(0..2147483616/32)? @60.30
barrier.arrive .aligned? : s.u32(0..15) s.u32(32..2147483616/32) @60.30
barrier.red .popc .aligned? .u32 : d0 s.u32(0..15) p @60.30
barrier.red .popc .aligned? .u32 : d0 s.u32(0..15) s.u32(32..2147483616/32) p @60.30
barrier.red .and|.or .aligned? .pred : P s.u32(0..15) p @60.30
barrier.red .and|.or .aligned? .pred : P s.u32(0..15) s.u32(32..2147483616/32) p @60.30
barrier.cluster.arrive .release|.relaxed@80? .aligned? : @78.90
barrier.cluster.wait .acquire@80? .aligned? : @78.90
fence .sc|.acq_rel? $scope : @60.70
fence .acquire|.release $scope : @86.70
fence .acquire|.release .sync_restrict::shared::cta|.sync_restrict::shared::cluster .cluster : @86.90
fence.mbarrier_init .release .cluster : @80.90
fence.proxy .alias : @75.70
fence.proxy .async : @80.90
fence.proxy .async .global|.shared::cta|.shared::cluster : @80.90
fence.proxy .tensormap::generic .release $scope : @83.90
fence.proxy .tensormap::generic .acquire $scope : a c(128) @83.90
fence.proxy .async::generic .acquire|.release .sync_restrict::shared::cta|.sync_restrict::shared::cluster .cluster : @86.90
membar .cta|.gl|.sys :
membar.proxy .alias : @75.70
mbarrier.init .shared|.shared::cta? .b64 : a0 s.u32 @70.80
mbarrier.inval .shared|.shared::cta? .b64 : a0 @70.80
mbarrier.expect_tx .relaxed? .cta|.cluster? .shared|.shared::cta|.shared::cluster? .b64 : a0 s.u32 @80.90
mbarrier.complete_tx .relaxed? .cta|.cluster? .shared|.shared::cta|.shared::cluster? .b64 : a0 s.u32 @80.90
mbarrier.arrive .release|.relaxed@80.90? .cta|.cluster? .shared|.shared::cta? .b64 : D.u64 a0 s.u32? @70.80
mbarrier.arrive .release|.relaxed@80.90? .cta|.cluster? .shared::cluster .b64 : _ a0 s.u32? @80.90
mbarrier.arrive .release|.relaxed? .cta|.cluster? .expect_tx .shared|.shared::cta? .b64 : D.u64 a0 s.u32 @80.90
mbarrier.arrive .release|.relaxed? .cta|.cluster? .expect_tx .shared::cluster .b64 : _ a0 s.u32 @80.90
mbarrier.arrive .release? .cta? .noComplete .shared|.shared::cta? .b64 : d.u64 a0 s.u32 @70.80
mbarrier.arrive_drop .release|.relaxed@80.90? .cta|.cluster? .shared|.shared::cta? .b64 : D.u64 a0 s.u32? @70.80
mbarrier.arrive_drop .release|.relaxed@80.90? .cta|.cluster? .shared::cluster .b64 : _ a0 s.u32? @80.90
mbarrier.arrive_drop .release|.relaxed? .cta|.cluster? .expect_tx .shared|.shared::cta? .b64 : D.u64 a0 s.u32 @80.90
mbarrier.arrive_drop .release|.relaxed? .cta|.cluster? .expect_tx .shared::cluster .b64 : _ a0 s.u32 @80.90
mbarrier.arrive_drop .release? .cta? .noComplete .shared|.shared::cta? .b64 : d.u64 a0 s.u32 @70.80
mbarrier.test_wait .acquire|.relaxed@80.90? .cta|.cluster? .shared|.shared::cta? .b64 : P a0 s.u64 @70.80
mbarrier.test_wait .acquire|.relaxed@80.90? .cta|.cluster? .parity .shared|.shared::cta? .b64 : P a0 s.u32 @71.80
mbarrier.try_wait .acquire|.relaxed@80? .cta|.cluster? .shared|.shared::cta? .b64 : P a0 s.u64 s.u32? @78.90
mbarrier.try_wait .acquire|.relaxed@80? .cta|.cluster? .parity .shared|.shared::cta? .b64 : P a0 s.u32 s.u32? @78.90
mbarrier.pending_count .b64 : d.u32 s0 @70.80
clusterlaunchcontrol.try_cancel .async .shared::cta? .mbarrier::complete_tx::bytes .multicast::cluster::all@86.100s? .b128 : a b @86.100
clusterlaunchcontrol.query_cancel .is_canceled .pred .b128 : P r.b128 @86.100
clusterlaunchcontrol.query_cancel .get_first_ctaid::x|.get_first_ctaid::y|.get_first_ctaid::z .b32 .b128 : d0 r.b128 @86.100
clusterlaunchcontrol.query_cancel .get_first_ctaid .v4 .b32 .b128 : D{4}0 r.b128 @86.100
)";

const char *const moe::ptx::controlForms = R"(
activemask .b32 : d0 @62.30
shfl .up|.down|.bfly|.idx .b32 : d0|P? s0 s.b32 s.b32 @30.30-69
shfl.sync .up|.down|.bfly|.idx .b32 : d0|P? s0 s.b32 s.b32 s.u32 @60.30
vote .all|.any|.uni .pred : P p @12.12-69
vote .ballot .b32 : d0 p @20.20-69
vote.sync .all|.any|.uni .pred : P p s.u32 @60.30
vote.sync .ballot .b32 : d0 p s.u32 @60.30
match.any.sync .b32|.b64 : d.b32 s0 s.u32 @60.70
match.all.sync .b32|.b64 : d.b32|P? s0 s.u32 @60.70
redux.sync .add|.min|.max .u32|.s32 : d0 s0 s.u32 @70.80
redux.sync .and|.or|.xor .b32 : d0 s0 s.u32 @70.80
redux.sync .min|.max .abs? .NaN? .f32 : d0 s0 s.u32 @86.100s
elect.sync : D.b32|P s.u32 @80.90
bra .uni? : L
brx.idx .uni? : s.u32 T @60.30
call .uni? : C
ret .uni? :
exit :
trap :
brkpt :
pmevent : c(0..15)
pmevent .mask : c
nanosleep .u32 : s0 @63.70
setmaxnreg .inc|.dec .sync .aligned .u32 : c(24..256/8) @80.90s
griddepcontrol.wait : @78.90
griddepcontrol.launch_dependents : @78.90
alloca .u32|.u64 : d0 s0 c? @73.52
stacksave .u32|.u64 : d0 @73.52
stackrestore .u32|.u64 : s0 @73.52
tex $geometry .v4 .u32|.s32|.f16|.f32 .f32|.s32 : ..
tex .base|.level|.grad $geometry .v4 .u32|.s32|.f16|.f32 .f32|.s32 : ..
tex $geometry .v2 .f16x2 .f32|.s32 : ..
tld4 .r|.g|.b|.a .2d|.a2d|.cube|.acube .v4 .u32|.s32|.f32 .f32 : ..
txq .level? $query .b32 : ..
suq $query .b32 : ..
suld .b $geometry .ca|.cg|.cs|.cv? .v2|.v4? .b8|.b16|.b32|.b64 .trap|.clamp|.zero : ..
sust .b|.p $geometry .wb|.cg|.cs|.wt? .v2|.v4? .b8|.b16|.b32|.b64 .trap|.clamp|.zero : ..
sured .b|.p $geometry .add|.min|.max|.and|.or .u32|.u64|.s32|.b32|.s64 .trap|.clamp|.zero : ..
)";
