// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_ANALYSIS_MODELDESCRIPTION_H
#define MOE_ANALYSIS_MODELDESCRIPTION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "llvm/Support/JSON.h"

namespace mlir::moe {

/// The manifest's `model`, from the module's attribute `moe.model`.
llvm::json::Object describeModel(DictionaryAttr model);

/// The manifest's `kv.layers`: caches that lie in memory one behind the other.
llvm::json::Array describeCaches(llvm::ArrayRef<KVCacheType> caches);

} // namespace mlir::moe

#endif // MOE_ANALYSIS_MODELDESCRIPTION_H
