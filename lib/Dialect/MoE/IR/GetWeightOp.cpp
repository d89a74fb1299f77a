// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

void GetWeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getWeight());
}

LogicalResult GetWeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError("expected a moe.weight, got ") << getWeightAttr();
  if (weight.getStoredType() != getType())
    return emitOpError("expected result of type ")
           << weight.getStoredType() << ", got " << getType();
  return success();
}
