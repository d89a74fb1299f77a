// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the reference evaluator computes with: scalars and row-major tensors.
#ifndef MOE_REFERENCE_TENSOR_H
#define MOE_REFERENCE_TENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace mlir {
class Type;
namespace moe::reference {

enum class ElementKind : uint8_t {
  F32,
  BF16,
  I1,
  I8,
  I16,
  I32,
  I64,
  Index,
  /// The result of an operation that the operands leave undefined.
  Undefined
};

inline bool isFloat(ElementKind kind) {
  return kind == ElementKind::F32 || kind == ElementKind::BF16;
}
/// Bits of an integer kind; an index has 64.
unsigned getBitWidth(ElementKind kind);
llvm::StringRef getName(ElementKind kind);
/// The kind of a scalar type; nothing for a type that is not evaluated.
std::optional<ElementKind> getElementKind(Type type);

/// The nearest bfloat16, ties to even, as the f32 it stands for; a NaN stays
/// one.
float roundToBF16(float value);

/// A float holds an f32 that is exact in the kind. An integer is sign-extended
/// to 64 bits, except that a true i1 is 1.
struct Scalar {
  ElementKind kind = ElementKind::Undefined;
  union {
    float f;
    int64_t i = 0;
  };

  /// Rounds to the kind.
  static Scalar makeFloat(ElementKind kind, float value);
  /// Wraps to the kind.
  static Scalar makeInteger(ElementKind kind, int64_t value);
  static Scalar undefined() { return {}; }

  bool isUndefined() const { return kind == ElementKind::Undefined; }
  /// The bits as a signed or an unsigned number.
  int64_t getSigned() const { return kind == ElementKind::I1 ? -i : i; }
  uint64_t getUnsigned() const;
};

llvm::raw_ostream &operator<<(llvm::raw_ostream &os, Scalar value);

/// A tensor value. Copies share elements until one of them is written.
class Tensor {
public:
  Tensor() = default;
  /// Elements that were never written are poison: NaN, or the least integer, so
  /// that a use shows.
  Tensor(ElementKind kind, llvm::ArrayRef<int64_t> shape);
  static Tensor filled(llvm::ArrayRef<int64_t> shape, Scalar value);

  ElementKind getKind() const { return kind; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return shape.size(); }
  int64_t getDim(int64_t i) const { return shape[i]; }
  int64_t getNumElements() const;

  Scalar get(int64_t offset) const;
  /// The value must be of the tensor's kind.
  void set(int64_t offset, Scalar value);

  /// All elements of a float (integer) tensor.
  llvm::ArrayRef<float> floats() const { return *floatData; }
  llvm::ArrayRef<int64_t> integers() const { return *integerData; }
  llvm::MutableArrayRef<float> mutableFloats();
  llvm::MutableArrayRef<int64_t> mutableIntegers();

  /// The same elements under a shape of as many.
  Tensor reshaped(llvm::ArrayRef<int64_t> newShape) const;
  /// Element i of the first dimension.
  Tensor slice(int64_t i) const;
  /// Row-major offset of a position, or nothing when it lies outside.
  std::optional<int64_t> offsetOf(llvm::ArrayRef<int64_t> position) const;

private:
  ElementKind kind = ElementKind::Undefined;
  llvm::SmallVector<int64_t, 4> shape;
  // One of the two, as the kind says.
  std::shared_ptr<std::vector<float>> floatData;
  std::shared_ptr<std::vector<int64_t>> integerData;
};

/// Moves `position` on by one within `extents`, last dimension fastest; false
/// after the last.
bool advance(llvm::MutableArrayRef<int64_t> position,
             llvm::ArrayRef<int64_t> extents);

/// `2x3xf32`.
std::string formatType(const Tensor &tensor);
/// `2x3xf32 [[1, 2, 3], [4, 5, 6]]`, floats to six digits.
llvm::raw_ostream &operator<<(llvm::raw_ostream &os, const Tensor &tensor);

} // namespace moe::reference
} // namespace mlir

#endif // MOE_REFERENCE_TENSOR_H
