// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parameters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::moe;

/// Extents, or strides, that a type leaves open.
static int64_t countDynamic(ArrayRef<int64_t> numbers) {
  return llvm::count_if(numbers, ShapedType::isDynamic);
}

namespace {
/// What must be passed of a memref of some type besides its address.
struct OpenParts {
  explicit OpenParts(MemRefType type) : sizes(type.getShape()) {
    if (type.getLayout().isIdentity()) {
      // Strides follow from sizes.
      offset = 0;
      return;
    }
    LogicalResult hasStrides = type.getStridesAndOffset(strides, offset);
    assert(succeeded(hasStrides) && "kernels capture strided memrefs");
    (void)hasStrides;
  }
  int64_t count() const {
    return countDynamic(sizes) + countDynamic(strides) +
           ShapedType::isDynamic(offset);
  }

  ArrayRef<int64_t> sizes;
  SmallVector<int64_t> strides;
  int64_t offset;
};
} // namespace

/// What an address is passed as: a memref whose bare pointer it is.
static MemRefType getAddressType(MemRefType type) {
  return MemRefType::get({1}, type.getElementType());
}

void moe::appendParameterTypes(Type type, SmallVectorImpl<Type> &types) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref) {
    types.push_back(type);
    return;
  }
  types.push_back(getAddressType(memref));
  types.append(OpenParts(memref).count(), IndexType::get(type.getContext()));
}

void moe::appendArguments(OpBuilder &b, Location loc, Value capture,
                          SmallVectorImpl<Value> &arguments) {
  auto type = dyn_cast<MemRefType>(capture.getType());
  if (!type) {
    arguments.push_back(capture);
    return;
  }
  OpenParts parts(type);
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  arguments.push_back(
      memref::ReinterpretCastOp::create(b, loc, getAddressType(type), capture,
                                        zero, ArrayRef(one), ArrayRef(one)));
  for (auto [dim, size] : llvm::enumerate(parts.sizes))
    if (ShapedType::isDynamic(size))
      arguments.push_back(b.createOrFold<memref::DimOp>(loc, capture, dim));
  if (countDynamic(parts.strides) == 0 && !ShapedType::isDynamic(parts.offset))
    return;
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, capture);
  for (auto [stride, value] :
       llvm::zip_equal(parts.strides, metadata.getStrides()))
    if (ShapedType::isDynamic(stride))
      arguments.push_back(value);
  if (ShapedType::isDynamic(parts.offset))
    arguments.push_back(metadata.getOffset());
}

Value moe::rebuildCapture(OpBuilder &b, Location loc, Type type,
                          ValueRange &parameters) {
  auto take = [&]() -> Value {
    Value next = parameters.front();
    parameters = parameters.drop_front();
    return next;
  };
  auto memref = dyn_cast<MemRefType>(type);
  Value address = take();
  if (!memref)
    return address;
  OpenParts parts(memref);
  auto complete = [&](ArrayRef<int64_t> numbers) {
    return llvm::map_to_vector(numbers, [&](int64_t number) -> OpFoldResult {
      if (ShapedType::isDynamic(number))
        return take();
      return b.getIndexAttr(number);
    });
  };
  SmallVector<OpFoldResult> sizes = complete(parts.sizes);
  SmallVector<OpFoldResult> strides;
  if (memref.getLayout().isIdentity()) {
    strides.resize(sizes.size());
    Value stride = arith::ConstantIndexOp::create(b, loc, 1);
    int64_t known = 1;
    for (int64_t i = sizes.size() - 1; i >= 0; --i) {
      strides[i] = ShapedType::isDynamic(known)
                       ? OpFoldResult(stride)
                       : OpFoldResult(b.getIndexAttr(known));
      Value size = isa<Value>(sizes[i])
                       ? cast<Value>(sizes[i])
                       : arith::ConstantIndexOp::create(b, loc, parts.sizes[i]);
      stride = b.createOrFold<arith::MulIOp>(loc, stride, size);
      bool isKnown = !ShapedType::isDynamic(known) &&
                     !ShapedType::isDynamic(parts.sizes[i]);
      known = isKnown ? known * parts.sizes[i] : ShapedType::kDynamic;
    }
  } else {
    strides = complete(parts.strides);
  }
  OpFoldResult offset = complete(parts.offset).front();
  return memref::ReinterpretCastOp::create(b, loc, memref, address, offset,
                                           sizes, strides);
}
