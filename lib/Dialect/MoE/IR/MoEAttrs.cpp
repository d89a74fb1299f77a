// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

#include "moe/Dialect/MoE/IR/MoEEnums.cpp.inc"

/// A floating-point literal in an attribute's parameter list.
static ParseResult parseDouble(AsmParser &parser, FailureOr<APFloat> &value) {
  double parsed;
  if (parser.parseFloat(parsed))
    return failure();
  value = APFloat(parsed);
  return success();
}

static void printDouble(AsmPrinter &printer, const APFloat &value) {
  printer.printFloat(value);
}

#define GET_ATTRDEF_CLASSES
#include "moe/Dialect/MoE/IR/MoEAttrs.cpp.inc"

void MoEDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "moe/Dialect/MoE/IR/MoEAttrs.cpp.inc"
      >();
}

LogicalResult
CheckpointAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                       StringRef directory, ArrayAttr keys) {
  if (keys.empty())
    return emitError() << "expected at least one checkpoint key";
  for (Attribute key : keys)
    if (!isa<StringAttr>(key))
      return emitError() << "expected checkpoint keys to be strings, got "
                         << key;
  return success();
}

LogicalResult StackAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> extents, ArrayAttr sources) {
  if (extents.size() != sources.size())
    return emitError() << "expected an extent for each of " << sources.size()
                       << " sources, got " << extents.size();
  for (int64_t extent : extents)
    if (extent < 0)
      return emitError() << "expected extents of 0 or more, got " << extent;
  return success();
}

LogicalResult SliceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                Attribute source, int64_t dim, int64_t extent,
                                int64_t first, int64_t step) {
  if (dim < 0)
    return emitError() << "expected a dimension of 0 or more, got " << dim;
  if (extent < 0)
    return emitError() << "expected an extent of 0 or more, got " << extent;
  if (first < 0)
    return emitError() << "expected a first step of 0 or more, got " << first;
  if (step <= 0)
    return emitError() << "expected a positive step, got " << step;
  return success();
}

int64_t RowsAttr::getMappingId() const { return 0; }
bool RowsAttr::isLinearMapping() const { return true; }
int64_t RowsAttr::getRelativeIndex() const { return 0; }

LogicalResult
PanelLayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        int64_t width, int64_t pair) {
  if (width <= 0)
    return emitError() << "expected a positive panel width, got " << width;
  if (pair != 1 && pair != 2)
    return emitError() << "expected pair to be 1 or 2, got " << pair;
  return success();
}

RankedTensorType PanelLayoutAttr::getPackedType(RankedTensorType type) const {
  ArrayRef<int64_t> shape = type.getShape();
  SmallVector<int64_t> packed(shape.drop_back(2));
  int64_t n = shape[shape.size() - 2], k = shape.back();
  packed.push_back(llvm::divideCeil(n, getWidth()));
  packed.push_back(llvm::divideCeil(k, getPair()));
  packed.push_back(getWidth());
  if (getPair() > 1)
    packed.push_back(getPair());
  return RankedTensorType::get(packed, type.getElementType());
}
