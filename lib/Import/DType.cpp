// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/DType.h"

using namespace llvm;

namespace mlir::moe {
namespace {

struct Row {
  DType dtype;
  StringLiteral name;
  unsigned bytes;
};

/// In the order of the enumeration, which indexes it.
constexpr Row table[] = {
    {DType::Bool, "BOOL", 1},      {DType::U8, "U8", 1},
    {DType::I8, "I8", 1},          {DType::F8E5M2, "F8_E5M2", 1},
    {DType::F8E4M3, "F8_E4M3", 1}, {DType::F8E8M0, "F8_E8M0", 1},
    {DType::I16, "I16", 2},        {DType::U16, "U16", 2},
    {DType::F16, "F16", 2},        {DType::BF16, "BF16", 2},
    {DType::I32, "I32", 4},        {DType::U32, "U32", 4},
    {DType::F32, "F32", 4},        {DType::C64, "C64", 8},
    {DType::F64, "F64", 8},        {DType::I64, "I64", 8},
    {DType::U64, "U64", 8},
};

const Row &rowOf(DType dtype) { return table[static_cast<unsigned>(dtype)]; }

} // namespace

std::optional<DType> parseDType(StringRef name) {
  for (const Row &row : table)
    if (row.name == name)
      return row.dtype;
  return std::nullopt;
}

StringRef getName(DType dtype) { return rowOf(dtype).name; }
unsigned getByteSize(DType dtype) { return rowOf(dtype).bytes; }

bool isWeightType(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

} // namespace mlir::moe
