// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parameters of moe.route.
#ifndef MOE_DIALECT_MOE_IR_ROUTE_ATTRS_TD
#define MOE_DIALECT_MOE_IR_ROUTE_ATTRS_TD

include "moe/Dialect/MoE/IR/MoEAttrBase.td"

class MoE_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::moe";
}

/// An enumeration that is a parameter of another attribute.
class MoE_EnumParameter<string name, string summary, list<I32EnumAttrCase> cases>
    : MoE_Enum<name, summary, cases> {
  let genSpecializedAttr = 0;
}

def MoE_ScoreFunction : MoE_Enum<"ScoreFunction", "how router logits become scores", [
    I32EnumAttrCase<"Softmax", 0, "softmax">,
    I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
    I32EnumAttrCase<"SoftmaxTopK", 2, "softmax_topk">,
    I32EnumAttrCase<"SqrtSoftplus", 3, "sqrt_softplus">,
    I32EnumAttrCase<"SparseMixer", 4, "sparsemixer">,
    I32EnumAttrCase<"None", 5, "none">]>;

def MoE_Divisor : MoE_Enum<"Divisor", "how an epsilon keeps a divisor from 0", [
    I32EnumAttrCase<"Add", 0, "add">,
    I32EnumAttrCase<"Max", 1, "max">]>;

def MoE_GroupScore : MoE_EnumParameter<"GroupScore", "what ranks a group of experts", [
    I32EnumAttrCase<"Max", 0, "max">,
    I32EnumAttrCase<"Top2", 1, "top2">]>;

def MoE_GroupMask : MoE_EnumParameter<"GroupMask", "what becomes of experts in groups that are not kept", [
    I32EnumAttrCase<"Lowest", 0, "lowest">,
    I32EnumAttrCase<"Zero", 1, "zero">,
    I32EnumAttrCase<"ZeroScore", 2, "zero_score">]>;

def MoE_NullWeight : MoE_EnumParameter<"NullWeight", "the weight of a null expert", [
    I32EnumAttrCase<"Identity", 0, "identity">,
    I32EnumAttrCase<"Skip", 1, "skip">]>;

def MoE_SharedWeight : MoE_EnumParameter<"SharedWeight", "where the weights of shared experts come from", [
    I32EnumAttrCase<"One", 0, "one">,
    I32EnumAttrCase<"Given", 1, "given">,
    I32EnumAttrCase<"Scored", 2, "scored">]>;

def MoE_Overflow : MoE_EnumParameter<"Overflow", "what becomes of a pair beyond an expert's capacity", [
    I32EnumAttrCase<"Drop", 0, "drop">,
    I32EnumAttrCase<"Residual", 1, "residual">]>;

def MoE_Precedence : MoE_EnumParameter<"Precedence", "which pairs take an expert's capacity first", [
    I32EnumAttrCase<"Token", 0, "token">,
    I32EnumAttrCase<"Slot", 1, "slot">,
    I32EnumAttrCase<"Weight", 2, "weight">]>;

def MoE_RouteGroupsAttr : MoE_Attr<"RouteGroups", "route_groups"> {
  let summary = "Experts in groups, of which a token uses few";
  let description = [{
    See `moe.route`, step 3.

    ```mlir
    #moe.route_groups<8, keep = 4, by = top2, mask = lowest>
    ```
  }];
  let parameters = (ins "int64_t":$count, "int64_t":$keep,
                        EnumParameter<MoE_GroupScore>:$by,
                        EnumParameter<MoE_GroupMask>:$mask);
  let assemblyFormat = "`<` $count `,` `keep` `=` $keep `,` `by` `=` $by `,` `mask` `=` $mask `>`";
  let genVerifyDecl = 1;
}

def MoE_NullExpertsAttr : MoE_Attr<"NullExperts", "null_experts"> {
  let summary = "Experts that compute nothing";
  let description = [{
    See `moe.route`, step 8.

    ```mlir
    #moe.null_experts<2, identity>
    ```
  }];
  let parameters = (ins "int64_t":$count, EnumParameter<MoE_NullWeight>:$weight);
  let assemblyFormat = "`<` $count `,` $weight `>`";
  let genVerifyDecl = 1;
}

def MoE_SharedExpertsAttr : MoE_Attr<"SharedExperts", "shared_experts"> {
  let summary = "Experts that every token uses";
  let description = [{
    See `moe.route`, step 10.

    ```mlir
    #moe.shared_experts<1, one>
    ```
  }];
  let parameters = (ins "int64_t":$count, EnumParameter<MoE_SharedWeight>:$weight);
  let assemblyFormat = "`<` $count `,` $weight `>`";
  let genVerifyDecl = 1;
}

def MoE_RouteNoiseAttr : MoE_Attr<"RouteNoise", "route_noise"> {
  let summary = "Gaussian noise on router logits";
  let description = [{
    See `moe.route`, step 1.

    ```mlir
    #moe.route_noise<seed = 7, stddev = 0.125>
    ```
  }];
  let parameters = (ins "int64_t":$seed, APFloatParameter<"standard deviation">:$stddev);
  let assemblyFormat = "`<` `seed` `=` $seed `,` `stddev` `=` custom<Double>($stddev) `>`";
  let genVerifyDecl = 1;
}

def MoE_RouteCapacityAttr : MoE_Attr<"RouteCapacity", "route_capacity"> {
  let summary = "How many tokens an expert takes";
  let description = [{
    Of T tokens and E experts an expert takes `times * ceil(T * factor / E)` tokens (product and quotient in double
    precision), or `tokens` whatever T is. For the rest see `moe.route`, step 9; `first = token` is not printed.

    ```mlir
    #moe.route_capacity<factor = 1.25, overflow = drop>
    #moe.route_capacity<factor = 1.0, times = 2, overflow = drop, first = slot, renormalize>
    #moe.route_capacity<tokens = 64, overflow = residual, first = weight>
    ```
  }];
  let parameters = (ins APFloatParameter<"of the mean load; 0 where tokens are given">:$factor,
                        "int64_t":$times,
                        "int64_t":$tokens,
                        EnumParameter<MoE_Overflow>:$overflow,
                        EnumParameter<MoE_Precedence>:$first,
                        "bool":$renormalize);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool hasFactor() const { return getTokens() == 0; }
    /// What one of `experts` experts takes of this many tokens.
    int64_t getCapacity(int64_t numTokens, int64_t experts) const;
  }];
}

#endif // MOE_DIALECT_MOE_IR_ROUTE_ATTRS_TD
