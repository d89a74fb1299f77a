// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_TRANSFORMS_PASSES_TD
#define MOE_DIALECT_MOE_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"
include "moe/Dialect/MoE/Transforms/CheckPasses.td"

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
    at the price of the sort; unsorted, once for each pair. `auto` takes the form that moves fewer bytes by the cost model,
    for the largest number of tokens that the ids may have, and sorts where that is not known. A single
    token is never sorted, as its experts are distinct. A remark names the bytes of both forms.

    A sort becomes one of chunks (`chunk` of `moe.sort_tokens`) where the cost model finds that shorter; a remark names the
    steps of both.

    An expert region whose operations cannot be run on all rows at once becomes a
    loop over the experts with the region as its body; a remark names the first operation that
    does not fit. All forms give the same bits where the target computes a
    product, `linalg.matmul` included, as one chain of fused multiply-adds an element: each output row depends on its own
    input row and weights only, and slots are added in order.
  }];
  let options = [
    Option<"form", "form", "::mlir::moe::TokenForm", "::mlir::moe::TokenForm::Auto",
           "Which form to make", [{::llvm::cl::values(
             clEnumValN(::mlir::moe::TokenForm::Auto, "auto", "by the cost model"),
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

def TransposeWeightsPass : Pass<"moe-transpose-weights", "::mlir::ModuleOp"> {
  let summary = "Read weights in the order of their transpose";
  let description = [{
    A `linalg.transpose` of a weight's matrices becomes a weight that is `transposed`, and a `linalg.matmul` with `[K, N]` weights
    one with `[N, K]` weights, the only order that the kernels stream. A weight that is also used as it stands keeps
    its plain form beside a twin `<name>.transposed`. Preserves results.
  }];
  let statistics = [Statistic<"numTransposed", "num-transposed", "Number of weights transposed">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
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

def DifferentiatePass : Pass<"moe-differentiate", "::mlir::ModuleOp"> {
  let summary = "Make the gradient of each function beside it";
  let description = [{
    Beside `@f` comes `@f_grad`. It takes the arguments of `@f` and, for each f32 result, the gradient of some number with
    respect to that result (1 for a loss of its own); it returns the results of `@f` and, for each f32 argument in order, the
    gradient of the number with respect to the argument. An argument with `moe.constant` has none. Other element types, weights of
    `moe.get_weight` and expert ids are constants.

    Reverse mode over straight-line code on tensors at the graph level:

    - `linalg` operations that are elementwise, sums, or maxima of an input: at each point of the loops, the derivative of the
      scalar body times the gradient of the result, summed over the points that read an element, each product one fused multiply-add.
      At a maximum of several equal elements, all get the same share; `arith.maximumf` of two equal values chooses the first. So
      products, norms, activations and softmax need no rules of their own;
    - `moe.dispatch` becomes a `moe.combine` with weights 1 of the same plan, and the rows of `moe.combine` a
      `moe.dispatch` of weighted rows: the two are each other's transpose. A routing weight gets the dot product of its row with the
      token's gradient;
    - `moe.expert` becomes a loop over experts that runs the region anew and then backwards on the expert's rows. Experts without rows
      get zeros;
    - the weights of `moe.route` are differentiated for constant ids; a selection bias has gradient 0;
    - losses, by their formulas; `tensor` casts, reshapes and slices.

    Gradients are sums in a fixed order, so they are the same for every run and number of threads. Values that are needed again
    are computed again where that is a linalg operation's body, and kept otherwise.

    Fails at an operation on the way from an argument to a result that has no derivative here, naming the operation. Calls are not
    looked into: inline first.
  }];
  let options = [
    ListOption<"functions", "functions", "std::string",
               "Functions to differentiate (default: all public ones with a body)">];
  let statistics = [Statistic<"numDifferentiated", "num-differentiated", "Number of functions differentiated">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::moe::MoEDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
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

def ReportPass : Pass<"moe-report", "::mlir::ModuleOp"> {
  let summary = "Print what each operation costs";
  let description = [{
    For each operation of `moe` and `linalg` on tensors in each public function: weights that it reads (elements and bytes), other bytes
    that it moves, operations on floats, and the experts that get rows, `E * (1 - (1 - k/E)^T)` under uniform routing;
    with a machine, the time that a roofline gives and what bounds it. Then the sums. Changes nothing.

    A function of a dynamic number of tokens is reported for each of `tokens`, else for the largest that
    `moe.max_shape` of its arguments allows; it fails where there is neither. `docs/cost-model.md` says how to read it.
  }];
  let options = [
    ListOption<"tokens", "tokens", "int64_t", "Numbers of tokens a call">,
    Option<"profile", "profile", "std::string", "\"uniform\"",
           "Routing: uniform, zipf:S, or a .json file with shares or zipf">,
    Option<"context", "context", "int64_t", "-1",
           "Positions that attention sees (-1: all that the cache keeps)">,
    Option<"machine", "machine", "std::string", "\"\"",
           "Machine to give times for: a known one, GBS:F32-GFLOPS[:BF16-GFLOPS], or a .json file">,
    Option<"json", "json", "bool", "false", "Print JSON">,
    Option<"output", "output", "std::string", "\"-\"", "File to write (-: standard output)">];
}

def EliminateEmptyTensorsPass : InterfacePass<"moe-eliminate-empty-tensors", "::mlir::FunctionOpInterface"> {
  let summary = "Make values in the memory they end up in";
  let description = [{
    Upstream's `eliminate-empty-tensors` with one exception: an empty tensor is kept where a value on the way from it to the
    destination is changed in two ways, or changed and a result itself. Bufferization may make one of the two in the destination, and
    does not see that the other one, copied there at the end, overwrites it. Two results of an entry that start from
    the same zeros are such a case.

    What a loop carries ends in the memory that it came in, as long as its shape stays: a tensor that an iteration makes anew is copied
    there where it cannot be made there.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::tensor::TensorDialect"];
}

def SinkControlPass : InterfacePass<"moe-sink-control", "::mlir::FunctionOpInterface"> {
  let summary = "Let work find out by itself how much of it data ask for";
  let description = [{
    For a device whose memory the host does not see. After it, an entry computes nothing from what is in memory: the host
    issues all the work that there may be, and what comes from data is computed again in each piece of work that needs it, in
    an `scf.execute_region` marked `moe.sunk`, of which `moe-outline-kernels` makes one kernel.

    - Sizes and places of operands (an expert's rows) are computed in the region; buffers get room for the most rows.
    - A loop that ends where data say goes around as often as it may have to, and its work is done under the condition that it
      is that far. A branch on data is done both ways under opposite conditions.
    - Numbers that a loop carries, or a branch returns, wait in memory, as does what is read where it is written later.
    - A `memref.store` of the entry, and a `cf.assert` of data, is a piece of work of one unit.

    Fails, with the operation and where it comes from, where nothing that the host knows bounds a size or the end of a loop, where a loop
    begins at or steps by what comes from data or carries buffers that data choose, and where other operations with regions
    depend on data. Preserves results.
  }];
  let statistics = [Statistic<"numSunk", "num-sunk", "Number of pieces of work that look at data">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
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
    (the same layer shape at another depth of the model) share a kernel. A region of `moe-sink-control` moves as a whole; its
    units, which it finds by itself, are bounded from what the entry knows.

    With `finest-units` work is divided for a device that has a thread for each unit, as `ThreadUnits.h` says, and constant
    tables are read in the kernel instead of being passed to it.

    Fails where nothing bounds the units of a region.
  }];
  let options = [Option<"finestUnits", "finest-units", "bool", "false",
                        "Divide work for a device with a thread for each unit">];
  let statistics = [Statistic<"numLaunches", "num-launches", "Number of launches">,
                    Statistic<"numKernels", "num-kernels", "Number of distinct kernels">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::moe::MoEDialect", "::mlir::scf::SCFDialect"];
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

def SplitSortPass : InterfacePass<"moe-split-sort", "::mlir::FunctionOpInterface"> {
  let summary = "Make a sort by chunks three steps";
  let description = [{
    Every `moe.sort_tokens` on tensors with `chunk` becomes `moe.count_pairs`, `moe.scan_counts` and `moe.place_pairs`, of
    which the first and the last work on all chunks at a time. Preserves results: what a chunk counts and places does
    not depend on who works on it.
  }];
  let statistics = [Statistic<"numSplit", "num-split", "Number of sorts split">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
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

    With `device` nothing is left to a library: `sin` and `cos` are reduced and approximated in f64, and an operation that is then
    neither expanded nor an instruction or two (a square root, say) is an error.
  }];
  let options = [Option<"device", "device", "bool", "false", "Expand everything, for code without a library of functions">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def FuseRouterPass : InterfacePass<"moe-fuse-router", "::mlir::FunctionOpInterface"> {
  let summary = "Let a route compute its logits";
  let description = [{
    The router projection, a `linalg.matmul` with the value of a `moe.weight` or a `moe.packed_matmul`, that only a `moe.route`
    reads becomes the route's `gate`: logits are neither written nor read back, and projection, scores and choice are one launch over tokens.
    Each logit is the same chain of fused multiply-adds either way, so results are preserved bit by bit.

    Apart, a projection is a launch over its columns. That keeps all threads busy where there are few tokens, so products of
    fewer than 8 tokens that are worth it stay apart.

    A remark says for each route whether its projection was fused, and if not, why.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of projections that became part of a route">];
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

def FuseGatherPass : InterfacePass<"moe-fuse-gather", "::mlir::FunctionOpInterface"> {
  let summary = "Let grouped products read token rows where they are";
  let description = [{
    A `moe.gather_rows` whose only readers are `moe.grouped_matmul` operations of the same row order becomes the index map
    of their input (`broadcast`): T·k rows are neither written nor read back. Preserves results bit by bit.

    A remark says for each gather whether it was fused, and if not, why: rows that are scaled, another reader, another order of rows.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of gathers that disappeared">];
}

def FuseGateUpPass : InterfacePass<"moe-fuse-gate-up", "::mlir::FunctionOpInterface"> {
  let summary = "Multiply rows by two weights at once";
  let description = [{
    Two plain `moe.grouped_matmul` operations on the same rows and groups, such as the gate and the up projection of gated
    experts, become one with two weights and two results; packed or not. Each row is then read once for both, and one launch does what
    two did. Preserves results bit by bit.

    A remark says for each pair whether it was fused, and if not, why: weights of different types, different blocks, something in between that
    the second needs.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of pairs of products that became one">];
}

def FuseEpiloguePass : InterfacePass<"moe-fuse-epilogue", "::mlir::FunctionOpInterface"> {
  let summary = "Compute elementwise operations while products are in registers";
  let description = [{
    An elementwise `linalg` operation on the results of one `moe.grouped_matmul`, when it is their only user, becomes its
    epilogue: activations, gating, clamps, scales. What else it reads becomes an operand of the epilogue; an expert's bias, brought to rows by
    `moe.expert_rows`, is read where it is, and so are token rows of a `moe.gather_rows`. Repeats until nothing fits.
    Preserves results bit by bit: the same scalar operations in the same order.

    A remark says for each elementwise user whether it was fused, and if not, why.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of operations that became part of an epilogue">];
}

def FuseCombinePass : InterfacePass<"moe-fuse-combine", "::mlir::FunctionOpInterface"> {
  let summary = "Combine rows in the product that makes them";
  let description = [{
    A `moe.combine_rows` of rows that one `moe.grouped_matmul` makes, in the same order and for it alone, becomes the product's
    combination. Slots are added in the same order, so results are preserved bit by bit.

    A remark says for each combination whether it was fused, and if not, why.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of combinations that became part of a product">];
}

def ReduceProgramPass : Pass<"moe-reduce-program", "::mlir::ModuleOp"> {
  let summary = "Make a program as small as it can be and still be interesting";
  let description = [{
    `test` is a program that is run with the name of a file after its arguments and exits with something other
    than 0 if what is looked for still happens. The reduction patterns of the dialects are tried one by one, users before
    what they use: operations are erased, become an operand or poison; layers of experts become their input; experts lose
    weights, operations of `moe` lose operands and attributes. A step stays if the program is valid, smaller, and
    interesting; this ends when none is.

    Unlike upstream's `reduction-tree`, which applies all patterns to all operations of a region at
    once and from then on needs the result to be interesting, steps are taken by themselves.
  }];
  let options = [
    Option<"test", "test", "std::string", "\"\"", "The program that decides">,
    ListOption<"testArgs", "test-arg", "std::string", "Arguments before the name of the file">];
  let statistics = [Statistic<"numSteps", "num-steps", "Number of steps taken">];
}

def FuseSharedExpertsPass : Pass<"moe-fuse-shared-experts", "::mlir::ModuleOp"> {
  let summary = "Make a shared expert one of the experts, chosen by every token";
  let description = [{
    At the graph level: what is added to a `moe.combine` and computes from the layer's rows what an expert computes, with weights of
    its own, becomes expert E. `moe.route` appends a slot for it (`shared_experts<1, one>`), and weights are stacked into a
    `moe.weight` of E + 1 matrices (`#moe.stack`); weights that nobody uses any more are erased.

    Preserves results bit by bit: the shared expert's slot is the last and has weight 1, so the last step of the sum is the addition
    that it replaces. Hence a shared expert from which the sum starts, one that is wider than an expert (its products are longer chains
    than those of several experts), one with a gate of its own (a rounded factor) and one beside experts that become a loop (whose
    products round each multiplication) stay as they are.

    A remark says for each of them whether it was fused, and if not, why.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of shared experts that became experts">];
}

def FuseResidualNormPass : InterfacePass<"moe-fuse-residual-norm", "::mlir::FunctionOpInterface"> {
  let summary = "Make a norm, and the addition before it, one pass over rows";
  let description = [{
    A norm is an elementwise `linalg` operation that also reads sums over the rows of one of its operands. It becomes one loop over
    rows, an `scf.forall` mapped to `#moe.rows`, together with the operations that make the sums; with the elementwise operation that
    makes what is normed, typically the addition of a residual, whose result stays one of the loop's; and with elementwise operations that
    work on the norm's result alone, such as a rotation. The loop is one kernel, and what only passes between its operations is one row long.

    Preserves results bit by bit: the same operations, on the same row.

    A remark says for each norm what became one pass, and why something did not.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of norms that became one pass">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::moe::MoEDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def FuseRopeAppendPass : InterfacePass<"moe-fuse-rope-append", "::mlir::FunctionOpInterface"> {
  let summary = "Rotate keys while they are appended to a cache";
  let description = [{
    A `moe.kv_append` on tensors becomes a loop over rows, an `scf.forall` mapped to `#moe.rows`, with what makes its keys and
    values row by row and for it alone: rotation, norms, biases. No tensor of rotated keys is left; a row of them is. Preserves
    results bit by bit: the same operations, on the same row.

    A remark says for each append whether its keys are computed there, and if not, why.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Number of appends that compute their keys">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::moe::MoEDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def SplitInterleavedPass : Pass<"moe-split-interleaved", "::mlir::ModuleOp"> {
  let summary = "Multiply by the parts of a projection that is two in one";
  let description = [{
    A `moe.grouped_matmul` of which later operations take columns apart (`tensor.extract_slice`), every other one or one half, becomes
    a product for each part. So gate and up that a checkpoint interleaves are two products of the same rows, like those of other models, for
    `moe-fuse-gate-up` and `moe-fuse-epilogue`. What stands between, elementwise, and biases of experts are split with it.
    The parts' weights are `#moe.slice`s of the weight: columns are told apart when weights are laid out, not when they are multiplied.

    Preserves results bit by bit: each column is the same chain of fused multiply-adds.

    A remark says for each such projection whether it was split, and if not, why.
  }];
  let statistics = [Statistic<"numSplit", "num-split", "Number of products that were split">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def RemoveDeadResultsPass : InterfacePass<"moe-remove-dead-results", "::mlir::FunctionOpInterface"> {
  let summary = "Do not compute what nobody reads of a route";
  let description = [{
    `moe.route` loses the full scores and the counts of experts that nothing reads. Without counts, a launch splits the route between
    threads; without scores, it need not normalise and write a row of all experts. Values that only feed a loss that nobody
    reads are dead with it. Preserves the other results.

    A remark names each result that goes, and each that stays with its reader.
  }];
  let statistics = [Statistic<"numRemoved", "num-removed", "Number of results that are no longer computed">];
}

#endif // MOE_DIALECT_MOE_TRANSFORMS_PASSES_TD
