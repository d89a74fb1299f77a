// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult KVViewOp::verify() {
  auto buffer = cast<MemRefType>(getBuffer().getType());
  if (buffer.isDynamicDim(0))
    return emitOpError("expected a buffer of static size, got ") << buffer;
  return checkExtent(*this, "bytes of the buffer",
                     getCache().getType().getBytes(), buffer.getDimSize(0));
}
