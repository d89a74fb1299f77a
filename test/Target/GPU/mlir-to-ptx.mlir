// RUN: moe-translate --mlir-to-ptx %s | FileCheck %s
// RUN: moe-translate --mlir-to-ptx %s > %t.ptx && moe-sim kernel %t.ptx --block=128 --args 4 'f32[5]=iota' 2>/dev/null | FileCheck %s --check-prefix=RUN-IS

// The thread behind the last unit does nothing.
// RUN-IS: double_param_1: f32[5] 0 2 4 6 4

// CHECK: .version 8.0
// CHECK: .target sm_80
// CHECK: .visible .entry double(
// CHECK: .maxntid 128
// A sum is no fused multiply-add, and rounds to nearest.
// CHECK: add.rn.f32
// CHECK-NOT: .extern
module attributes {gpu.container_module} {
  gpu.module @model [#nvvm.target<chip = "sm_80", features = "+ptx80">] {
    llvm.func @double(%n: i64, %x: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 128>} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %i = llvm.sext %t : i32 to i64
      %exists = llvm.icmp "ult" %i, %n : i64
      llvm.cond_br %exists, ^work, ^end
    ^work:
      %at = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %v = llvm.load %at : !llvm.ptr -> f32
      %w = llvm.fadd %v, %v : f32
      llvm.store %w, %at : f32, !llvm.ptr
      llvm.br ^end
    ^end:
      llvm.return
    }
  }
}
