// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// JSON as the importer accepts it: what llvm::json accepts, minus duplicate
// keys and deep nesting.
#ifndef MOE_IMPORT_STRICTJSON_H
#define MOE_IMPORT_STRICTJSON_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>

namespace mlir::moe {

/// Parses `text`. Errors name `file`: text that is not JSON or not UTF-8, an
/// object that holds a key twice (llvm::json would keep the last one in
/// silence), nesting deeper than 64 (llvm::json recurses).
llvm::Expected<llvm::json::Value> parseStrictJson(llvm::StringRef text,
                                                  llvm::StringRef file);

/// Reads and parses a whole file whose top level is an object.
llvm::Expected<llvm::json::Object> readStrictJsonObject(llvm::StringRef path);

/// A value as compact JSON, cut to a length fit for an error message.
std::string describe(const llvm::json::Value &value);

} // namespace mlir::moe

#endif // MOE_IMPORT_STRICTJSON_H
