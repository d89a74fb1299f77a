// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

static ParseResult parseExpertsByTopK(AsmParser &parser, int64_t &experts,
                                      int64_t &topK) {
  SmallVector<int64_t> dimensions;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseDimensionList(dimensions, /*allowDynamic=*/false,
                                /*withTrailingX=*/false))
    return failure();
  if (dimensions.size() != 2)
    return parser.emitError(loc, "expected `experts x k`");
  experts = dimensions[0];
  topK = dimensions[1];
  return success();
}

static void printExpertsByTopK(AsmPrinter &printer, int64_t experts,
                               int64_t topK) {
  printer << experts << " x " << topK;
}

#define GET_TYPEDEF_CLASSES
#include "moe/Dialect/MoE/IR/MoETypes.cpp.inc"

void MoEDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "moe/Dialect/MoE/IR/MoETypes.cpp.inc"
      >();
}

LogicalResult PlanType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t experts, int64_t topK) {
  if (experts < 1)
    return emitError() << "expected at least one expert, got " << experts;
  if (topK < 1 || topK > experts)
    return emitError() << "expected 1 to " << experts << " slots a token, got "
                       << topK;
  return success();
}

//===----------------------------------------------------------------------===//
// KVCacheType
//===----------------------------------------------------------------------===//

/// Slots of a buffer are handled 16 at a time.
static constexpr int64_t kSlotBlock = 16;

static int64_t toBytes(int64_t elements, Type elementType) {
  int64_t bytes = elements * (elementType.getIntOrFloatBitWidth() / 8);
  return llvm::alignTo(bytes, 64);
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  KVPolicy, int64_t length, int64_t heads,
                                  int64_t keyDim, int64_t valueDim,
                                  Type elementType, int64_t chunk,
                                  int64_t batch) {
  struct {
    StringRef name;
    int64_t value;
  } sizes[] = {{"length", length},    {"heads", heads},
               {"key width", keyDim}, {"value width", valueDim},
               {"chunk", chunk},      {"batch", batch}};
  for (auto &size : sizes)
    if (size.value < 1)
      return emitError() << "expected a positive " << size.name << ", got "
                         << size.value;
  if (!elementType.isF32() && !elementType.isBF16())
    return emitError() << "expected cache elements of f32 or bf16, got "
                       << elementType;
  return success();
}

int64_t KVCacheType::getCapacity() const {
  int64_t slots = isSliding() ? getLength() - 1 + getChunk() : getLength();
  return llvm::alignTo(slots, kSlotBlock);
}

MemRefType KVCacheType::getKeyBufferType() const {
  return MemRefType::get({getBatch(), getHeads(), getCapacity() / kSlotBlock,
                          getKeyDim(), kSlotBlock},
                         getElementType());
}

MemRefType KVCacheType::getValueBufferType() const {
  int64_t width = llvm::alignTo(getValueDim(), 16);
  return MemRefType::get({getBatch(), getHeads(), getCapacity(), width},
                         getElementType());
}

int64_t KVCacheType::getKeyBytes() const {
  return toBytes(getKeyBufferType().getNumElements(), getElementType());
}

int64_t KVCacheType::getValueBytes() const {
  return toBytes(getValueBufferType().getNumElements(), getElementType());
}

Type KVCacheType::parse(AsmParser &parser) {
  StringRef policyName;
  int64_t length, valueDim = 0, chunk = 1, batch = 1;
  SmallVector<int64_t> sizes;
  Type elementType;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&policyName))
    return {};
  std::optional<KVPolicy> policy = symbolizeKVPolicy(policyName);
  if (!policy) {
    parser.emitError(
        loc, "expected cache policy `static` or `sliding_window`, got `")
        << policyName << "`";
    return {};
  }
  if (parser.parseLess() || parser.parseInteger(length) ||
      parser.parseGreater() || parser.parseComma() ||
      parser.parseDimensionList(sizes, /*allowDynamic=*/false,
                                /*withTrailingX=*/true) ||
      parser.parseType(elementType))
    return {};
  if (sizes.size() != 2) {
    parser.emitError(loc, "expected `heads x width x element type`");
    return {};
  }
  valueDim = sizes[1];
  while (succeeded(parser.parseOptionalComma())) {
    StringRef key;
    int64_t value;
    SMLoc keyLoc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key) || parser.parseEqual() ||
        parser.parseInteger(value))
      return {};
    if (key == "values")
      valueDim = value;
    else if (key == "chunk")
      chunk = value;
    else if (key == "batch")
      batch = value;
    else {
      parser.emitError(keyLoc, "expected `values`, `chunk` or `batch`, got `")
          << key << "`";
      return {};
    }
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<KVCacheType>(loc, parser.getContext(), *policy,
                                        length, sizes[0], sizes[1], valueDim,
                                        elementType, chunk, batch);
}

void KVCacheType::print(AsmPrinter &printer) const {
  printer << "<" << stringifyKVPolicy(getPolicy()) << "<" << getLength()
          << ">, " << getHeads() << " x " << getKeyDim() << " x "
          << getElementType();
  if (getValueDim() != getKeyDim())
    printer << ", values = " << getValueDim();
  if (getChunk() != 1)
    printer << ", chunk = " << getChunk();
  if (getBatch() != 1)
    printer << ", batch = " << getBatch();
  printer << ">";
}
