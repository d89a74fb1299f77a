// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("expected a kernel function, got ") << getKernelAttr();
  SmallVector<Type> inputs(2, IndexType::get(getContext()));
  llvm::append_range(inputs, getCaptures().getTypes());
  auto expected = FunctionType::get(getContext(), inputs, {});
  if (kernel.getFunctionType() != expected)
    return emitOpError("expected kernel of type ")
           << expected << ", got " << kernel.getFunctionType();
  return success();
}
