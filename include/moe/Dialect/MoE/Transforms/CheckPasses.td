// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that prove, or check at run time, that no row is lost.
#ifndef MOE_DIALECT_MOE_TRANSFORMS_CHECKPASSES_TD
#define MOE_DIALECT_MOE_TRANSFORMS_CHECKPASSES_TD

include "mlir/Pass/PassBase.td"

def CheckShapesPass : InterfacePass<"moe-check-shapes", "::mlir::FunctionOpInterface"> {
  let summary = "Check at run time which extents and ids could not be checked before";
  let description = [{
    Operands that have one row a token, or k of them, must agree on the number of tokens. Where types say it, the verifier
    has checked it; for dynamic extents this pass inserts a `cf.assert` that names the operation, its layer (its location)
    and both operands. Checks that follow from the program (a result has as many rows as the operand it was made
    from) are shown to hold and removed, equal ones remain once.

    Expert ids that no `moe.route` chose must exist: forced ones, those that tokens find in a table, which must have
    a row for each token, and those that a `moe.dispatch` gets from elsewhere.

    Inputs of an entry can only be compared when it is called, so those checks remain; a failed one ends the call
    with exit code 5 and the message.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numChecks", "checks", "Checks that remain for run time">];
}

def VerifyConservationPass : InterfacePass<"moe-verify-conservation", "::mlir::FunctionOpInterface"> {
  let summary = "Prove that every (token, slot) row is written once and read once";
  let description = [{
    Interprets a function of the sorted or fused level on facts about its tensors: whether they are rows of pairs, in which
    order (a particular `moe.sort_tokens`, or token-slot order with particular ids), and which of the rows somebody has
    written. The sets of rows form a chain, from none over the rows of the first e experts to all rows.

    An error, with the operation that breaks the rule, where
    - rows are read that nobody wrote, those of skipped pairs and uninitialised tensors among them;
    - rows of two orders meet, or a row is computed from another row;
    - offsets, order and inverse are not those of one sort, or ids and weights not those of one routing;
    - a loop over experts or pairs leaves rows out, writes them elsewhere than it read them, or multiplies them by another
      expert's weights;
    - sorted rows are never combined, or are added to one sum twice.

    Rows that come from outside are taken to be in the right order. Where rows go to an operation that cannot be
    followed (a sum over all of them, say), a remark says so, and the proof ends there.

    That the sort itself is a bijection is its definition; `moe-check-conservation` checks it in the running code.
  }];
  let statistics = [Statistic<"numProven", "proven", "Orders of rows that were followed to their combination">];
}

def CheckConservationPass : InterfacePass<"moe-check-conservation", "::mlir::FunctionOpInterface"> {
  let summary = "Count the rows of Mixture-of-Experts layers in the running code";
  let description = [{
    For finding faults in the compiler or its kernels; the code becomes slower. Each `moe.sort_tokens` is
    followed by a count over all rows: ids are those of experts, `order` and `inverse` undo each other, and each row lies
    between its expert's offsets. What `moe.gather_rows`, `moe.grouped_matmul` and `moe.combine_rows` write
    is first filled with a NaN of particular bits, and then every row that they have to write is searched for it. A check
    that fails ends the call with exit code 5 and names operation and layer.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numChecked", "checked", "Operations whose rows are counted">];
}

def SinkChecksPass : InterfacePass<"moe-sink-checks", "::mlir::FunctionOpInterface"> {
  let summary = "Check data where the data is";
  let description = [{
    A `cf.assert` whose condition comes from elements of tensors moves, with what reads them, into a loop of one step mapped to
    `#moe.rows`, which becomes a kernel: on a device whose memory the host does not see. Checks of shapes stay where they
    are. Preserves what is checked.
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect", "::mlir::moe::MoEDialect", "::mlir::scf::SCFDialect"];
  let statistics = [Statistic<"numSunk", "num-sunk", "Number of checks moved">];
}

#endif // MOE_DIALECT_MOE_TRANSFORMS_CHECKPASSES_TD
