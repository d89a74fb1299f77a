// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_TRANSFORMOPS_TD
#define MOE_DIALECT_MOE_TRANSFORMOPS_TD

include "mlir/Dialect/Transform/IR/TransformDialect.td"
include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MoESortTokensOp : Op<Transform_Dialect, "moe.sort_tokens", [
    FunctionalStyleTransformOpTrait, MemoryEffectsOpInterface, TransformOpInterface,
    TransformEachOpTrait, ReportTrackingListenerFailuresOpTrait]> {
  let summary = "Lower layers of experts in a form of one's choice";
  let description = [{
    Takes each layer whose `moe.dispatch` is in the handle, with the experts and combinations that use its plan, to the
    sorted level, as the pass `moe-sort-tokens` does for all: `auto` chooses by the number of pairs and experts, `sorted`
    orders rows by expert, `unsorted` leaves them in token order. Where the order can be seen from outside, rows are
    sorted whatever the form.

    The handle is consumed. Fails silenceably on other operations, and definitely where a layer is not one that the pass takes.

    **Constraints:** form is `auto`, `sorted` or `unsorted`.

    ```mlir
    transform.sequence failures(propagate) {
    ^bb0(%root: !transform.any_op):
      %layers = transform.structured.match ops{["moe.dispatch"]} in %root : (!transform.any_op) -> !transform.any_op
      transform.moe.sort_tokens %layers form("unsorted") : !transform.any_op
    }
    ```
  }];
  let arguments = (ins TransformHandleTypeInterface:$target,
                       DefaultValuedStrAttr<StrAttr, "auto">:$form);
  let assemblyFormat = "$target (`form` `(` $form^ `)`)? attr-dict `:` type($target)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::DiagnosedSilenceableFailure applyToOne(
        ::mlir::transform::TransformRewriter &rewriter, ::mlir::moe::DispatchOp dispatch,
        ::mlir::transform::ApplyToEachResultList &results,
        ::mlir::transform::TransformState &state);
  }];
}

def ApplyMoEToLinalgPatternsOp : Op<Transform_Dialect, "apply_patterns.moe.to_linalg", [
    DeclareOpInterfaceMethods<PatternDescriptorOpInterface>]> {
  let summary = "Lower operations of the sorted level to linalg and loops";
  let description = [{
    The patterns of `convert-moe-to-linalg`, for an `apply_patterns` on what was tiled or chosen before.
  }];
  let assemblyFormat = "attr-dict";
}

#endif // MOE_DIALECT_MOE_TRANSFORMOPS_TD
