// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Reference/Tensor.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"

#include <cassert>
#include <limits>

using namespace llvm;

namespace mlir::moe::reference {

unsigned getBitWidth(ElementKind kind) {
  switch (kind) {
  case ElementKind::I1:
    return 1;
  case ElementKind::I8:
    return 8;
  case ElementKind::I16:
  case ElementKind::BF16:
    return 16;
  case ElementKind::I32:
  case ElementKind::F32:
    return 32;
  case ElementKind::I64:
  case ElementKind::Index:
    return 64;
  case ElementKind::Undefined:
    return 0;
  }
  llvm_unreachable("unknown element kind");
}

StringRef getName(ElementKind kind) {
  switch (kind) {
  case ElementKind::F32:
    return "f32";
  case ElementKind::BF16:
    return "bf16";
  case ElementKind::I1:
    return "i1";
  case ElementKind::I8:
    return "i8";
  case ElementKind::I16:
    return "i16";
  case ElementKind::I32:
    return "i32";
  case ElementKind::I64:
    return "i64";
  case ElementKind::Index:
    return "index";
  case ElementKind::Undefined:
    return "undefined";
  }
  llvm_unreachable("unknown element kind");
}

std::optional<ElementKind> getElementKind(Type type) {
  if (type.isF32())
    return ElementKind::F32;
  if (type.isBF16())
    return ElementKind::BF16;
  if (type.isIndex())
    return ElementKind::Index;
  if (!type.isSignlessInteger())
    return std::nullopt;
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return ElementKind::I1;
  case 8:
    return ElementKind::I8;
  case 16:
    return ElementKind::I16;
  case 32:
    return ElementKind::I32;
  case 64:
    return ElementKind::I64;
  default:
    return std::nullopt;
  }
}

float roundToBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
  uint32_t rounded =
      isNaN ? bits | 0x00400000 : bits + 0x7fff + (bits >> 16 & 1);
  return llvm::bit_cast<float>(rounded & 0xffff0000);
}

//===----------------------------------------------------------------------===//
// Scalar
//===----------------------------------------------------------------------===//

Scalar Scalar::makeFloat(ElementKind kind, float value) {
  assert(isFloat(kind) && "expected a float kind");
  Scalar result;
  result.kind = kind;
  result.f = kind == ElementKind::BF16 ? roundToBF16(value) : value;
  return result;
}

Scalar Scalar::makeInteger(ElementKind kind, int64_t value) {
  Scalar result;
  result.kind = kind;
  unsigned width = getBitWidth(kind);
  result.i =
      kind == ElementKind::I1 ? value & 1 : llvm::SignExtend64(value, width);
  return result;
}

uint64_t Scalar::getUnsigned() const {
  return static_cast<uint64_t>(i) &
         llvm::maskTrailingOnes<uint64_t>(getBitWidth(kind));
}

raw_ostream &operator<<(raw_ostream &os, Scalar value) {
  if (value.isUndefined())
    return os << "undefined";
  if (isFloat(value.kind))
    return os << llvm::format("%.6g", static_cast<double>(value.f));
  return os << value.i;
}

//===----------------------------------------------------------------------===//
// Tensor
//===----------------------------------------------------------------------===//

static int64_t product(ArrayRef<int64_t> shape) {
  int64_t result = 1;
  for (int64_t extent : shape)
    result *= extent;
  return result;
}

Tensor::Tensor(ElementKind kind, ArrayRef<int64_t> shape)
    : kind(kind), shape(shape) {
  size_t size = product(shape);
  if (isFloat(kind))
    floatData = std::make_shared<std::vector<float>>(
        size, std::numeric_limits<float>::quiet_NaN());
  else
    integerData = std::make_shared<std::vector<int64_t>>(
        size, Scalar::makeInteger(kind, minIntN(getBitWidth(kind))).i);
}

Tensor Tensor::filled(ArrayRef<int64_t> shape, Scalar value) {
  Tensor result(value.kind, shape);
  if (isFloat(value.kind))
    llvm::fill(*result.floatData, value.f);
  else
    llvm::fill(*result.integerData, value.i);
  return result;
}

int64_t Tensor::getNumElements() const { return product(shape); }

Scalar Tensor::get(int64_t offset) const {
  Scalar result;
  result.kind = kind;
  if (floatData)
    result.f = (*floatData)[offset];
  else
    result.i = (*integerData)[offset];
  return result;
}

void Tensor::set(int64_t offset, Scalar value) {
  assert(value.kind == kind && "expected a value of the tensor's kind");
  if (floatData)
    mutableFloats()[offset] = value.f;
  else
    mutableIntegers()[offset] = value.i;
}

/// Makes `data` the only reference to its elements.
template <typename T>
static MutableArrayRef<T> detach(std::shared_ptr<std::vector<T>> &data) {
  if (data.use_count() > 1)
    data = std::make_shared<std::vector<T>>(*data);
  return *data;
}

MutableArrayRef<float> Tensor::mutableFloats() { return detach(floatData); }
MutableArrayRef<int64_t> Tensor::mutableIntegers() {
  return detach(integerData);
}

Tensor Tensor::reshaped(ArrayRef<int64_t> newShape) const {
  assert(product(newShape) == getNumElements() && "expected as many elements");
  Tensor result = *this;
  result.shape.assign(newShape.begin(), newShape.end());
  return result;
}

Tensor Tensor::slice(int64_t i) const {
  Tensor result(kind, getShape().drop_front());
  int64_t size = result.getNumElements();
  if (floatData)
    llvm::copy(floats().slice(i * size, size), result.floatData->begin());
  else
    llvm::copy(integers().slice(i * size, size), result.integerData->begin());
  return result;
}

std::optional<int64_t> Tensor::offsetOf(ArrayRef<int64_t> position) const {
  int64_t offset = 0;
  for (auto [i, extent] : llvm::zip_equal(position, shape)) {
    if (i < 0 || i >= extent)
      return std::nullopt;
    offset = offset * extent + i;
  }
  return offset;
}

bool advance(MutableArrayRef<int64_t> position, ArrayRef<int64_t> extents) {
  for (size_t i = position.size(); i-- > 0;) {
    if (++position[i] < extents[i])
      return true;
    position[i] = 0;
  }
  return false;
}

std::string formatType(const Tensor &tensor) {
  std::string text;
  for (int64_t extent : tensor.getShape())
    text += std::to_string(extent) + "x";
  return text + getName(tensor.getKind()).str();
}

static void printNested(raw_ostream &os, const Tensor &tensor, int64_t dim,
                        int64_t &offset) {
  if (dim == tensor.getRank()) {
    os << tensor.get(offset++);
    return;
  }
  os << "[";
  for (int64_t i = 0; i < tensor.getDim(dim); ++i) {
    os << (i ? ", " : "");
    printNested(os, tensor, dim + 1, offset);
  }
  os << "]";
}

raw_ostream &operator<<(raw_ostream &os, const Tensor &tensor) {
  int64_t offset = 0;
  os << formatType(tensor) << " ";
  printNested(os, tensor, 0, offset);
  return os;
}

} // namespace mlir::moe::reference
