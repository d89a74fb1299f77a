// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_OP_BASE_TD
#define MOE_DIALECT_MOE_IR_OP_BASE_TD

include "moe/Dialect/MoE/IR/MoETypes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class MoE_Shaped<list<Type> elements, list<int> ranks>
    : AnyTypeOf<[RankedTensorOf<elements>, MemRefRankOf<elements, ranks>]>;

def MoE_F32 : AnyTypeOf<[RankedTensorOf<[F32]>, MemRefOf<[F32]>],
                        "ranked tensor or memref of f32">;
def MoE_I32 : AnyTypeOf<[RankedTensorOf<[I32]>, MemRefOf<[I32]>],
                        "ranked tensor or memref of i32">;
def MoE_WeightData : AnyTypeOf<[RankedTensorOf<[F32, BF16]>, MemRefOf<[F32, BF16]>],
                               "ranked tensor or memref of f32 or bf16">;

/// An operation with a value form (tensor results) and a buffer form (outs).
/// The shape of every result follows from the operands.
class MoE_ComputeOp<string mnemonic, list<Trait> traits = []>
    : MoE_Op<mnemonic, !listconcat(traits, [
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  let hasVerifier = 1;
}

/// An operation that overwrites `outs`: tensors, each the origin of one result of its type, or
/// memrefs, and then there are no results.
class MoE_DestinationOp<string mnemonic, list<Trait> traits = []>
    : MoE_Op<mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface, InferTypeOpAdaptor,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  let hasVerifier = 1;
  code destinationDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
  }];
  let extraClassDeclaration = destinationDeclaration;
  code destinationDefinition = [{
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
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::MemoryEffects::EffectInstance> &effects) {
      ::mlir::moe::addDestinationEffects(*this, effects);
    }
  }];
  let extraClassDefinition = destinationDefinition;
}

#endif // MOE_DIALECT_MOE_IR_OP_BASE_TD
