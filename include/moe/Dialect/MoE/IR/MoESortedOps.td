// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_SORTED_OPS_TD
#define MOE_DIALECT_MOE_IR_SORTED_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_SortTokensOp : MoE_DestinationOp<"sort_tokens", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Counting sort of (token, slot) pairs by expert";
  let description = [{
    Histogram, exclusive scan, stable scatter over the pairs `q = t·k + s`:
    `offsets[e]..offsets[e+1]` are the rows of expert e, `order[r]` is the pair in row r,
    `inverse[t, s]` is the row of the pair, `order[inverse[t, s]] = t·k + s`. An id
    outside 0..E-1 is undefined behaviour; ids come from `moe.route`.

    With `partial` an id may be E: the pair is skipped. Skipped pairs have rows too, in token-slot order from
    `offsets[E]` on.

    With `block(n)` the rows of every expert start at a multiple of n. There are R rows, `T·k + E·(n-1)` rounded up to a multiple
    of n, which suffices for all ids; `order[r]` is -1 where row r holds no pair.

    `chunk(P)` says that the pairs are counted and placed in chunks of P, which may run at the same time; without it
    the sort is one pass over all pairs. The results are the same.

    **Constraints:** ids `[T, k]`; offsets `[E+1]`, order `[R]`, where R = T·k without `block`, inverse `[T, k]`, all i32.

    ```mlir
    %offsets, %order, %inverse = moe.sort_tokens %ids experts(64)
        outs(%a, %b, %c : tensor<65xi32>, tensor<?xi32>, tensor<?x8xi32>) : tensor<?x8xi32>
    %o, %p, %q = moe.sort_tokens %few experts(4) partial block(16)
        outs(%d, %e, %f : tensor<5xi32>, tensor<80xi32>, tensor<3x2xi32>) : tensor<3x2xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_I32, "expert ids [T, k]">:$ids,
    Arg<Variadic<MoE_I32>, "offsets, order, inverse">:$outs,
    ConfinedAttr<I64Attr, [IntPositive]>:$experts,
    UnitAttr:$partial,
    OptionalAttr<ConfinedAttr<I64Attr, [IntMinValue<2>]>>:$block,
    OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$chunk);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let builders = [OpBuilder<(ins "::mlir::Value":$ids, "::mlir::ValueRange":$outs, "int64_t":$experts,
                                 CArg<"bool", "false">:$partial), [{
    build($_builder, $_state, ids, outs, uint64_t(experts), partial, ::mlir::IntegerAttr(), ::mlir::IntegerAttr());
  }]>];
  let assemblyFormat = [{
    $ids `experts` `(` $experts `)` (`partial` $partial^)? (`block` `(` $block^ `)`)? (`chunk` `(` $chunk^ `)`)?
    `outs` `(` $outs `:` type($outs) `)` attr-dict `:` type($ids)
  }];
  let extraClassDeclaration = destinationDeclaration # [{
    /// Rows of the order for that many pairs.
    int64_t getNumRows(int64_t pairs);
    /// What the first rows of experts are multiples of.
    int64_t getRowMultiple() { return getBlock().value_or(1); }
  }];
}

def MoE_GroupedMatmulOp : MoE_DestinationOp<"grouped_matmul", [
    AttrSizedOperandSegments, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames", "getAsmBlockArgumentNames"]>]> {
  let summary = "Rows times the weight matrices of each row's expert";
  let description = [{
    Each row r of R has an expert e, and stands for a pair of token t and slot s. For each column n of N:

    1. `p_i = sum over j of input[source, j] * weights_i[e, n, j]` for each weight i: f32, one chain of fused
       multiply-adds from 0 in rising j;
    2. `v = region(p_0, p_1, .., extras)`; without a region each weight gives a result, `v_i = p_i`;
    3. `out[r, n] = v`, or with `combine(w)` `out[t, n] = init[t, n] + sum over slots s of w[t, s] * v[row(t, s), n]`,
       added in slot order starting from init (or from 0), each step one fused multiply-add.

    **Rows.** With `offsets` the rows are sorted by expert: e is the one with `offsets[e] <= r < offsets[e+1]`, and
    the pair t·k + s of row r is `order[r]`. With `ids [T, k]` row r is the pair r, and `e = ids[t, s]`. The source is r,
    or t when the input has one row a token (`broadcast`): the gather of rows as an index map. `row(t, s)` is `inverse[t, s]`,
    or t·k + s with ids.

    **Epilogue.** The region computes on scalars. Its first arguments are the products, then comes, for each
    operand of `epilogue`, the element at `map(r, n, e, t, s)`; it yields one value a result.

    **Partial.** With `partial` some pairs are skipped: with offsets, those of the rows from `offsets[E]` on; with ids,
    those of id E. Nobody computes their rows, which are unspecified in an uncombined result. In a combination a
    skipped pair adds `w[t, s] * x[t, n]` with `skipped(x)`, and nothing without.

    Weights are `[E, N, J]`, or packed by `panel`, in which case the type of `outs` gives N. A combined product of
    sorted rows by packed weights needs, on buffers, `scratch [ceil(N / width), R, width]` for v, width being the panel's.

    With one slot a token, `ids` and `broadcast` mean the same as without `broadcast`, which is dropped in canonical form;
    so are a region that yields the products and operands of the epilogue that are not used.

    **Constraints:** exactly one of offsets `[E+1]` and ids; weights of one type; order `[R]` and `top_k` together and with
    offsets only; `broadcast` with ids or order; a map for each operand of the epilogue, in tokens and slots only with ids
    or order; the region's operations are scalar arithmetic without effects; `combine` `[T, k]` with one value,
    `inverse` `[T, k]` exactly with `combine` and offsets, `init` and `skipped` `[T, N]` only with `combine`, and `skipped` only with `partial`.

    ```mlir
    %h = moe.grouped_matmul %rows, %w offsets(%off : tensor<9xi32>) outs(%a : tensor<?x64xf32>)
        : tensor<?x32xf32>, tensor<8x64x32xf32>
    %g = moe.grouped_matmul %token, %w ids(%ids : tensor<1x2xi32>) broadcast outs(%b : tensor<2x64xf32>)
        : tensor<1x32xf32>, tensor<8x64x32xf32>
    %act = moe.grouped_matmul %x, %gate, %up offsets(%off : tensor<9xi32>) order(%order : tensor<?xi32>) top_k(2) broadcast
        epilogue(%bias : tensor<8x64xf32>) maps([affine_map<(r, n, e, t, s) -> (e, n)>]) outs(%a : tensor<?x64xf32>) {
    ^bb0(%p0: f32, %p1: f32, %bias0: f32):
      %biased = arith.addf %p0, %bias0 : f32
      %v = arith.mulf %biased, %p1 : f32
      moe.yield %v : f32
    } : tensor<?x32xf32>, tensor<8x64x32xf32>, tensor<8x64x32xf32>
    %y = moe.grouped_matmul %act, %down offsets(%off : tensor<9xi32>) combine(%weights : tensor<?x2xf32>)
        inverse(%inverse : tensor<?x2xi32>) init(%x : tensor<?x32xf32>) outs(%c : tensor<?x32xf32>)
        : tensor<?x64xf32>, tensor<8x32x64xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "rows [R, J], or [T, J] with broadcast">:$input,
    Arg<Variadic<MoE_WeightData>, "weights [E, N, J] or packed">:$weights,
    Arg<Optional<MoE_I32>, "row offsets of the experts [E+1]">:$offsets,
    Arg<Optional<MoE_I32>, "expert ids [T, k]">:$ids,
    Arg<Optional<MoE_I32>, "the pair of each sorted row [R]">:$order,
    Arg<Variadic<MoE_WeightData>, "what the epilogue reads beside the products">:$extras,
    Arg<Optional<MoE_F32>, "routing weights [T, k]">:$combine,
    Arg<Optional<MoE_I32>, "the row of each pair [T, k]">:$inverse,
    Arg<Optional<MoE_F32>, "what skipped pairs add [T, N]">:$skipped,
    Arg<Optional<MoE_F32>, "what the combination starts from [T, N]">:$init,
    Arg<Optional<MemRefRankOf<[F32], [3]>>, "rows before they are combined (buffer form)">:$scratch,
    Arg<Variadic<MoE_F32>, "where the results go [R, N], or [T, N]">:$outs,
    OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$topK,
    OptionalAttr<AffineMapArrayAttr>:$maps,
    OptionalAttr<MoE_PanelLayoutAttr>:$panel,
    UnitAttr:$broadcast,
    UnitAttr:$partial);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region AnyRegion:$epilogue);
  let assemblyFormat = [{
    $input `,` $weights (`offsets` `(` $offsets^ `:` type($offsets) `)`)? (`ids` `(` $ids^ `:` type($ids) `)`)?
    (`order` `(` $order^ `:` type($order) `)`)? (`top_k` `(` $topK^ `)`)? (`broadcast` $broadcast^)?
    (`partial` $partial^)? (`panel` $panel^)?
    (`epilogue` `(` $extras^ `:` type($extras) `)`)? (`maps` `(` $maps^ `)`)?
    (`combine` `(` $combine^ `:` type($combine) `)`)? (`inverse` `(` $inverse^ `:` type($inverse) `)`)?
    (`skipped` `(` $skipped^ `:` type($skipped) `)`)? (`init` `(` $init^ `:` type($init) `)`)?
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    `outs` `(` $outs `:` type($outs) `)` ($epilogue^)? attr-dict-with-keyword
    `:` type($input) `,` type($weights)
  }];
  let builders = [
    /// The plain product: no epilogue, no combination.
    OpBuilder<(ins "::mlir::Value":$input, "::mlir::ValueRange":$weights, "::mlir::Value":$offsets,
                   "::mlir::Value":$ids, "::mlir::ValueRange":$outs,
                   CArg<"::mlir::moe::PanelLayoutAttr", "{}">:$panel, CArg<"bool", "false">:$broadcast)>];
  let extraClassDeclaration = destinationDeclaration # [{
    /// Dimensions of an epilogue map.
    enum MapDim : unsigned { Row = 0, Column = 1, Expert = 2, Token = 3, Slot = 4, NumMapDims = 5 };
    /// E.
    int64_t getNumExperts() {
      return ::llvm::cast<::mlir::ShapedType>(getWeights().front().getType()).getDimSize(0);
    }
    /// N.
    int64_t getWidth() {
      return ::llvm::cast<::mlir::ShapedType>(getOuts().front().getType()).getDimSize(1);
    }
    /// k, or nothing where no operand tells: plain products of sorted rows.
    ::std::optional<int64_t> getNumSlots();
    ::mlir::SmallVector<::mlir::AffineMap> getEpilogueMaps();
    /// One weight, nothing gathered from sorted rows, no epilogue, no combination.
    bool isPlain() {
      return getWeights().size() == 1 && !getOrder() && !getCombine() && getEpilogue().empty();
    }
    /// Whether v must be kept for all rows until they are combined: packed weights are
    /// streamed once, expert by expert.
    bool needsScratch() { return getCombine() && getOffsets() && getPanel(); }
  }];
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location>, Adaptor adaptor,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      ::mlir::moe::inferDestinationTypes(adaptor.getOuts(), types);
      return ::mlir::success();
    }
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &b, ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::mlir::moe::reifyDestinationShapes(b, *this, shapes);
    }
  }];
  let hasCanonicalizer = 1;
  let hasRegionVerifier = 1;
}

def MoE_PackedMatmulOp : MoE_DestinationOp<"packed_matmul", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Rows times a panel-packed weight matrix";
  let description = [{
    `out[t, n] = sum over j of input[t, j] * weights[n, j]`: f32, one chain of fused
    multiply-adds from 0 in rising j. The weights `[N, J]` are packed as `panel` says; the type of `outs` gives N.

    **Constraints:** input `[T, J]`, result `[T, N]`, weights of the packed shape of `[N, J]`.

    ```mlir
    %y = moe.packed_matmul %x, %w panel <width = 32, pair = 1> outs(%a : tensor<?x100xf32>)
        : tensor<?x256xf32>, tensor<4x256x32xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "rows [T, J]">:$input,
    Arg<MoE_WeightData, "packed weights">:$weights,
    Arg<Variadic<MoE_F32>, "where the result goes [T, N]">:$outs,
    MoE_PanelLayoutAttr:$panel);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $input `,` $weights `panel` $panel `outs` `(` $outs `:` type($outs) `)` attr-dict
    `:` type($input) `,` type($weights)
  }];
}

#endif // MOE_DIALECT_MOE_IR_SORTED_OPS_TD
