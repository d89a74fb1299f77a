// RUN: moe-opt %s --convert-moe-checks-to-llvm --split-input-file --verify-diagnostics | FileCheck %s

// The numbers of a comparison are printed where it failed, into memory of the thread; a constant limit is in the message.
// CHECK-DAG: llvm.mlir.global private thread_local @moe_check_text({{.*}}) {{.*}} : !llvm.array<1024 x i8>
// CHECK-DAG: llvm.func @snprintf(!llvm.ptr, i64, !llvm.ptr, ...) -> i32
// CHECK-DAG: llvm.mlir.global private constant @[[ROWS:.*]]("100%% rows, got %lld and %lld\00")
// CHECK-DAG: llvm.mlir.global private constant @[[IDS:.*]]("ids, got %lld\00")
// CHECK-DAG: llvm.mlir.global private constant @[[PLAIN:.*]]("plain\00")
// CHECK: func.func @entry
// CHECK: cf.cond_br %{{.*}}, ^[[NEXT:.*]], ^[[FAILED:.*]]
// CHECK: ^[[FAILED]]:
// CHECK: %[[A:.*]] = arith.index_cast %arg1 : index to i64
// CHECK: %[[B:.*]] = arith.index_cast %c3 : index to i64
// CHECK: %[[TEXT:.*]] = llvm.mlir.addressof @moe_check_text
// CHECK: %[[FORMAT:.*]] = llvm.mlir.addressof @[[ROWS]]
// CHECK: llvm.call @snprintf(%[[TEXT]], %{{.*}}, %[[FORMAT]], %[[A]], %[[B]]) vararg
// CHECK: return %[[TEXT]]
// CHECK: ^[[NEXT]]:
// CHECK: %[[ID:.*]] = arith.extsi %arg2 : i32 to i64
// CHECK: %[[FORMAT2:.*]] = llvm.mlir.addressof @[[IDS]]
// CHECK: llvm.call @snprintf(%{{.*}}, %{{.*}}, %[[FORMAT2]], %[[ID]]) vararg
// A message that asks for no numbers gets none.
// CHECK: %[[ADDRESS:.*]] = llvm.mlir.addressof @[[PLAIN]]
// CHECK-NEXT: return %[[ADDRESS]]
func.func @entry(%context: !llvm.ptr, %n: index, %id: i32) -> !llvm.ptr {
  %c3 = arith.constant 3 : index
  %c8 = arith.constant 8 : i32
  %0 = arith.cmpi eq, %n, %c3 : index
  cf.assert %0, "100% rows, got"
  %1 = arith.cmpi ult, %id, %c8 : i32
  cf.assert %1, "ids, got"
  cf.assert %1, "plain"
  %null = llvm.mlir.zero : !llvm.ptr
  return %null : !llvm.ptr
}

// -----

func.func @kernel(%captures: !llvm.ptr, %ok: i1) {
  // expected-error @below {{expected a check to lie in an entry, outside structured control flow}}
  cf.assert %ok, "checks in kernels"
  return
}
