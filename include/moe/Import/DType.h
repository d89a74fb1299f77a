// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Element types of the safetensors format.
#ifndef MOE_IMPORT_DTYPE_H
#define MOE_IMPORT_DTYPE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace mlir::moe {

/// All whole-byte element types that the format defines; the compiler takes
/// weights of F32, F16 and BF16.
enum class DType {
  Bool,
  U8,
  I8,
  F8E5M2,
  F8E4M3,
  F8E8M0,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64
};

/// The type spelt `name` in a safetensors header ("F32"); nothing for a name
/// the format does not define.
std::optional<DType> parseDType(llvm::StringRef name);
llvm::StringRef getName(DType dtype);
/// Size of one element in bytes.
unsigned getByteSize(DType dtype);
/// Whether weights may be stored in this type.
bool isWeightType(DType dtype);

} // namespace mlir::moe

#endif // MOE_IMPORT_DTYPE_H
