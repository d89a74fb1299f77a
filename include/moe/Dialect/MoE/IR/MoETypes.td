// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_TYPES_TD
#define MOE_DIALECT_MOE_IR_TYPES_TD

include "moe/Dialect/MoE/IR/MoEAttrs.td"

class MoE_Type<string name, string typeMnemonic> : TypeDef<MoE_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def MoE_PlanType : MoE_Type<"Plan", "plan"> {
  let summary = "Which rows go to which expert";
  let description = [{
    The dispatch plan of T tokens, E experts and k slots a token: the offsets of
    each expert's rows, the permutation from sorted rows to (token, slot) pairs,
    and its inverse. Every pair stands in exactly one row.

    ```mlir
    !moe.plan<64 x 8>   // E x k
    ```
  }];
  let parameters = (ins "int64_t":$experts, "int64_t":$topK);
  let assemblyFormat = "`<` custom<ExpertsByTopK>($experts, $topK) `>`";
  let genVerifyDecl = 1;
}

def MoE_KVCacheType : MoE_Type<"KVCache", "kv_cache"> {
  let summary = "Handle of one layer's KV cache";
  let description = [{
    The policy and all sizes are part of the type, so the exact bytes are known
    when the model is compiled. `static<L>` keeps positions 0..L-1. `sliding_window<W>` lets a query at position p see the
    last W positions p-W+1..p in a ring buffer; `chunk` is the largest number of
    positions appended before they are read (ring slots: W-1+chunk). Then come
    key/value heads x head width x element type; `values` gives the width of
    value heads where it differs. `batch` sequences have a cache each.

    ```mlir
    !moe.kv_cache<static<512>, 2 x 32 x f32>
    !moe.kv_cache<sliding_window<1024>, 8 x 128 x bf16, chunk = 256, batch = 4>
    !moe.kv_cache<static<512>, 2 x 48 x f32, values = 32>
    ```

    Memory, for capacity C (slots rounded up to a multiple of 16; the slot of
    position p is p mod C): keys `[batch][heads][C/16][key width][16]`, then
    values `[batch][heads][C][value width rounded up to 16]`, each part starting
    on a multiple of 64 bytes.
  }];
  let parameters = (ins "::mlir::moe::KVPolicy":$policy, "int64_t":$length,
                        "int64_t":$heads, "int64_t":$keyDim, "int64_t":$valueDim,
                        "::mlir::Type":$elementType, "int64_t":$chunk,
                        "int64_t":$batch);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Slots in one (sequence, head) buffer: a multiple of 16.
    int64_t getCapacity() const;
    /// Bytes of the key part and of the value part, each a multiple of 64.
    int64_t getKeyBytes() const;
    int64_t getValueBytes() const;
    int64_t getBytes() const { return getKeyBytes() + getValueBytes(); }
    /// The buffers' types: [batch, heads, capacity/16, keyDim, 16] and
    /// [batch, heads, capacity, valueDim rounded up to 16].
    ::mlir::MemRefType getKeyBufferType() const;
    ::mlir::MemRefType getValueBufferType() const;
    /// How many positions back a query sees, itself included; the length for static.
    int64_t getWindow() const { return getLength(); }
    bool isSliding() const { return getPolicy() == ::mlir::moe::KVPolicy::SlidingWindow; }
  }];
}

#endif // MOE_DIALECT_MOE_IR_TYPES_TD
