// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Constant.h"

namespace mlir::moe::reference {

/// f32 and bf16 both convert to float without rounding.
static float toFloat(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToFloat();
}

static std::optional<Tensor> convertDense(DenseElementsAttr attribute) {
  ShapedType type = attribute.getType();
  std::optional<ElementKind> kind = getElementKind(type.getElementType());
  if (!kind)
    return std::nullopt;
  Tensor result(*kind, type.getShape());
  if (isFloat(*kind)) {
    llvm::MutableArrayRef<float> values = result.mutableFloats();
    for (auto [i, value] : llvm::enumerate(attribute.getValues<APFloat>()))
      values[i] = toFloat(value);
    return result;
  }
  llvm::MutableArrayRef<int64_t> values = result.mutableIntegers();
  for (auto [i, value] : llvm::enumerate(attribute.getValues<APInt>()))
    values[i] = Scalar::makeInteger(*kind, value.getSExtValue()).i;
  return result;
}

std::optional<Datum> convertAttribute(Attribute attribute) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    if (std::optional<Tensor> tensor = convertDense(dense))
      return Datum(std::move(*tensor));
    return std::nullopt;
  }
  auto typed = dyn_cast<TypedAttr>(attribute);
  std::optional<ElementKind> kind =
      typed ? getElementKind(typed.getType()) : std::nullopt;
  if (!kind)
    return std::nullopt;
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return Scalar::makeFloat(*kind, toFloat(number.getValue()));
  return Scalar::makeInteger(
      *kind, cast<IntegerAttr>(attribute).getValue().getSExtValue());
}

} // namespace mlir::moe::reference
