// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_TRANSFORMS_PASSES_TD
#define MOE_DIALECT_MOE_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SortTokensPass : InterfacePass<"moe-sort-tokens", "::mlir::FunctionOpInterface"> {
  let summary = "Lower dispatch, expert and combine to explicitly ordered rows";
  let description = [{
    Takes every Mixture-of-Experts layer (a `moe.dispatch` with the `moe.expert` and `moe.combine`
    operations that share its plan) from the graph level to the sorted level. No
    `moe.dispatch`, `moe.expert`, `moe.combine` or plan is left.

    *Sorted form*: `moe.sort_tokens` orders the (token, slot) pairs by expert, a gather brings the
    rows together, `moe.grouped_matmul` with offsets multiplies each expert's rows by its weights,
    elementwise operations run once over all T·k rows, and the combination reads the rows
    back through the inverse permutation.

    *Unsorted form*, for few tokens: row q is the pair q = t·k + s, `moe.grouped_matmul` finds each row's
    expert by its id. Nothing is sorted and token rows are not copied.

    The form decides only how often a weight is read: sorted, once for each expert that has rows,
    at the price of the sort and of a copy of the rows; unsorted, once for each pair. With few pairs for many experts, hardly
    two pairs share an expert, so `auto` takes the unsorted form where T is static and
    `T·k <= max(k, E / 4)`; a single token always qualifies, since its experts are distinct.

    An expert region whose operations cannot be run on all rows at once becomes a
    loop over the experts with the region as its body; a remark names the first operation that
    does not fit. All forms give the same bits where the target computes a
    product, `linalg.matmul` included, as one chain of fused multiply-adds an element: each output row depends on its own
    input row and weights only, and slots are added in order.
  }];
  let options = [
    Option<"form", "form", "::mlir::moe::TokenForm", "::mlir::moe::TokenForm::Auto",
           "Which form to make", [{::llvm::cl::values(
             clEnumValN(::mlir::moe::TokenForm::Auto, "auto", "by the number of pairs and experts"),
             clEnumValN(::mlir::moe::TokenForm::Sorted, "sorted", "always sort"),
             clEnumValN(::mlir::moe::TokenForm::Unsorted, "unsorted", "never sort"))}]>];
  let statistics = [
    Statistic<"numSorted", "num-sorted", "Number of layers in sorted form">,
    Statistic<"numUnsorted", "num-unsorted", "Number of layers in unsorted form">,
    Statistic<"numLooped", "num-looped", "Number of expert regions that became loops over experts">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def PackWeightsPass : Pass<"moe-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Give matrix weights the panel layout that the kernels stream";
  let description = [{
    Every weight whose value is the right-hand side of a `linalg.matmul` (`[N, K]`, transposed, added to zero)
    or of a `moe.grouped_matmul` is laid out in panels: the uses become `moe.packed_matmul` and a packed
    `moe.grouped_matmul`, and the `moe.weight` gets its `layout`. A weight that is also used as it stands (a tied embedding)
    keeps its plain form beside a packed twin `<name>.packed`.

    Assumes that the packing itself is done by whoever writes the weights out. Preserves results bit by bit
    where a product is one chain of fused multiply-adds.
  }];
  let options = [Option<"vectorBits", "vector-bits", "int64_t", "512",
                        "Width of the target's vector registers: 256 or 512">];
  let statistics = [Statistic<"numPacked", "num-packed", "Number of weights laid out in panels">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def MaterializeEntriesPass : Pass<"moe-materialize-entries", "::mlir::ModuleOp"> {
  let summary = "Make public functions entries on memory: weights, caches, arena, tensors";
  let description = [{
    A public function on tensors and cache handles becomes a function without results on
    memrefs: the bytes of all weights, of all caches, and of the scratch arena, then one
    memref for each tensor argument and one for each result. Weights and caches are views at
    offsets fixed here; `moe.weight` remembers its offset, and the module the total bytes
    (`moe.weights_bytes`, `moe.kv_bytes`). The i-th cache argument of every entry is the same
    cache; the types must agree.

    **Assumes** value semantics in the bodies; caches are the only state.

    Fails, naming the function, where it is not an entry: more than one block, arguments or results that are not
    tensors of f32, bf16, i32 or i64 (or caches), an extent without a bound, a bound that the type
    contradicts, a call on tensors that was not inlined; and where a function has no body.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

def PlanMemoryPass : InterfacePass<"moe-plan-memory", "::mlir::FunctionOpInterface"> {
  let summary = "Place every buffer of an entry in its arena";
  let description = [{
    Replaces each `memref.alloc` of an entry by a view of the entry's arena at a fixed offset, so that running it allocates
    nothing. Buffers that are alive at the same time do not overlap; sizes are upper bounds derived
    from `moe.max_shape` of the arguments. A buffer whose only purpose is to be copied into a result is replaced
    by the result. The function's `moe.arena_bytes` says what it needs.

    Fails, naming the operation, where a size has no provable bound.
  }];
  let statistics = [Statistic<"numBuffers", "num-buffers", "Number of buffers placed">,
                    Statistic<"numForwarded", "num-forwarded", "Number of copies into results avoided">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def OutlineKernelsPass : Pass<"moe-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn each operation of an entry into a launch of a kernel function";
  let description = [{
    Every `moe` compute operation in buffer form, every `linalg` operation and every `memref.copy` moves into a
    function `(begin, end, captures...)` of its own and is launched over its units. Equal operations
    (the same layer shape at another depth of the model) share a kernel.
  }];
  let statistics = [Statistic<"numLaunches", "num-launches", "Number of launches">,
                    Statistic<"numKernels", "num-kernels", "Number of distinct kernels">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::moe::MoEDialect"];
}

def VerifyBuffersPass : Pass<"moe-verify-buffers", "::mlir::ModuleOp"> {
  let summary = "Check the contract of the buffer level";
  let description = [{
    Fails where running an entry would allocate memory, or copy more of the weights or caches than `max-copy-bytes` to
    anywhere but a result. Copies of activations are allowed: an entry's author may ask for them.
    Changes nothing.
  }];
  let options = [Option<"maxCopyBytes", "max-copy-bytes", "int64_t", "65536",
                        "Bytes of weights or caches that one copy may read">];
}

def VerifySortedPass : Pass<"moe-verify-sorted", "::mlir::ModuleOp"> {
  let summary = "Check the contract of the sorted level";
  let description = [{
    Fails where an operation of the graph level is left (`moe.dispatch`, `moe.expert`, `moe.combine`, a plan), or where a
    `moe.grouped_matmul` takes row offsets that are not those of a `moe.sort_tokens` over as many experts as it has
    weights. Changes nothing.
  }];
}

def ExpandMathPass : InterfacePass<"moe-expand-math", "::mlir::FunctionOpInterface"> {
  let summary = "Replace exp, tanh, erf and log by polynomials that vectorise";
  let description = [{
    Upstream's polynomial approximations, accurate to about 1e-7 of the value. `sin` and
    `cos` are left to the C library, as rotary angles grow with the position and need its exact range reduction.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def FuseElementwisePass : InterfacePass<"moe-fuse-elementwise", "::mlir::FunctionOpInterface"> {
  let summary = "Join elementwise operations with their only user";
  let description = [{
    Upstream's fusion of `linalg` operations on tensors, limited to where it can only help: the producer has
    one use and as many loops as its user, so that nothing is computed twice, and matrix products keep their shape.
    Preserves results.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect"];
}

#endif // MOE_DIALECT_MOE_TRANSFORMS_PASSES_TD
