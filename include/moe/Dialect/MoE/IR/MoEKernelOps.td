// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_KERNEL_OPS_TD
#define MOE_DIALECT_MOE_IR_KERNEL_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_KVViewOp : MoE_Op<"kv_view", [Pure]> {
  let summary = "A KV cache in a buffer of bytes";
  let description = [{
    The handle of the cache whose memory is `buffer`, laid out as `!moe.kv_cache` says.

    **Constraints:** the buffer has exactly the cache's bytes.

    ```mlir
    %c = moe.kv_view %bytes : memref<8192xi8> -> !moe.kv_cache<static<16>, 2 x 32 x f32>
    ```
  }];
  let arguments = (ins Arg<MemRefRankOf<[I8], [1]>, "the cache's bytes">:$buffer);
  let results = (outs MoE_KVCacheType:$cache);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer) `->` qualified(type($cache))";
  let hasVerifier = 1;
}

def MoE_LaunchOp : MoE_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Run a kernel over the units of its iteration space";
  let description = [{
    Calls `kernel(begin, end, captures...)` for ranges that together cover [0, units) once, on the
    threads of the calling context; ranges are at least `grain` units long, except where
    fewer are left. Returns when all are done.

    **Constraints:** the symbol names a `func.func` without results whose arguments are two `index` and the captures.

    ```mlir
    moe.launch @kernel_3 units(%n) grain(4) (%x, %y : memref<?x64xf32>, memref<?x64xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Index:$units,
                       ConfinedAttr<I64Attr, [IntPositive]>:$grain,
                       Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $kernel `units` `(` $units `)` `grain` `(` $grain `)`
    `(` ($captures^ `:` type($captures))? `)` attr-dict
  }];
}

#endif // MOE_DIALECT_MOE_IR_KERNEL_OPS_TD
