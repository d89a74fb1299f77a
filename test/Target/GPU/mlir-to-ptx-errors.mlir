// RUN: split-file %s %t
// RUN: not moe-translate --mlir-to-ptx %t/none.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not moe-translate --mlir-to-ptx %t/target.mlir 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not moe-translate --mlir-to-ptx %t/features.mlir 2>&1 | FileCheck %s --check-prefix=FEATURES
// RUN: not moe-translate --mlir-to-ptx %t/call.mlir 2>&1 | FileCheck %s --check-prefix=CALL
// RUN: not moe-translate --mlir-to-ptx %t/triple.mlir 2>&1 | FileCheck %s --check-prefix=TRIPLE
// RUN: not moe-translate --mlir-to-ptx %t/dialect.mlir 2>&1 | FileCheck %s --check-prefix=DIALECT

// NONE: error: expected one gpu.module, got 0
//--- none.mlir
module {}

// TARGET: error: expected a gpu.module with one #nvvm.target
//--- target.mlir
gpu.module @model {}

// FEATURES: error: expected the features of a gpu.module's target to be a version of PTX, such as +ptx80, got '+sm_80'
//--- features.mlir
gpu.module @model [#nvvm.target<chip = "sm_80", features = "+sm_80">] {}

// CALL: error: kernels call '__nv_expf', which a GPU has not
//--- call.mlir
gpu.module @model [#nvvm.target<chip = "sm_80", features = "+ptx80">] {
  llvm.func @__nv_expf(f32) -> f32
  llvm.func @k(%x: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    %v = llvm.load %x : !llvm.ptr -> f32
    %e = llvm.call @__nv_expf(%v) : (f32) -> f32
    llvm.store %e, %x : f32, !llvm.ptr
    llvm.return
  }
}

// TRIPLE: error: {{.*}}triple
//--- triple.mlir
gpu.module @model [#nvvm.target<triple = "nosuch-triple", chip = "sm_80", features = "+ptx80">] {}

// DIALECT: error: {{.*}}translation of kernels to LLVM IR failed
//--- dialect.mlir
gpu.module @model [#nvvm.target<chip = "sm_80", features = "+ptx80">] {
  gpu.func @k() kernel {
    gpu.return
  }
}
