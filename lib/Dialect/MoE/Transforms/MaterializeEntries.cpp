// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/Analysis/UpperBound.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MATERIALIZEENTRIESPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Every weight and cache starts on a cache line.
static constexpr int64_t kAlignment = 64;

static int64_t byteSize(ShapedType type) {
  return type.getNumElements() * (type.getElementTypeBitWidth() / 8);
}

static MemRefType toMemRef(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

static MemRefType bytesType(MLIRContext *context,
                            int64_t size = ShapedType::kDynamic) {
  return MemRefType::get({size}, IntegerType::get(context, 8));
}

/// `type` at byte `offset` of `bytes`.
static Value viewAt(OpBuilder &b, Location loc, Value bytes, int64_t offset,
                    MemRefType type) {
  Value at = arith::ConstantIndexOp::create(b, loc, offset);
  return memref::ViewOp::create(b, loc, type, bytes, at, ValueRange());
}

namespace {
struct MaterializeEntriesPass
    : moe::impl::MaterializeEntriesPassBase<MaterializeEntriesPass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    placeWeights(module);
    SmallVector<func::FuncOp> entries;
    for (auto func : module.getOps<func::FuncOp>()) {
      if (func.isDeclaration()) {
        func.emitError("expected a body: generated code calls nothing outside "
                       "itself");
        return signalPassFailure();
      }
      if (func.isPublic())
        entries.push_back(func);
    }
    for (func::FuncOp entry : entries)
      if (failed(checkEntry(entry)) || failed(placeCaches(entry)) ||
          failed(boundResults(entry)))
        return signalPassFailure();
    for (func::FuncOp entry : entries)
      materialize(entry);
    Builder b(&getContext());
    module->setAttr(kWeightsBytesAttr, b.getI64IntegerAttr(weightsBytes));
    module->setAttr(kKVBytesAttr, b.getI64IntegerAttr(kvBytes));
    SmallVector<Type> types;
    for (const PlacedCache &cache : caches)
      types.push_back(cache.type);
    module->setAttr(kKVCachesAttr, b.getTypeArrayAttr(types));
  }

private:
  /// Offsets in module order, for weights that are used.
  void placeWeights(ModuleOp module) {
    SymbolTable symbols(module);
    llvm::SmallPtrSet<Operation *, 32> used;
    module.walk(
        [&](GetWeightOp get) { used.insert(symbols.lookup(get.getWeight())); });
    for (WeightOp weight :
         llvm::make_early_inc_range(module.getOps<WeightOp>())) {
      if (!used.contains(weight)) {
        weight.erase();
        continue;
      }
      weight.setOffset(weightsBytes);
      offsets[weight.getSymNameAttr()] = weightsBytes;
      weightsBytes +=
          llvm::alignTo(byteSize(weight.getStoredType()), kAlignment);
    }
  }

  LogicalResult checkEntry(func::FuncOp entry) {
    if (!llvm::hasSingleElement(entry.getBody()))
      return entry.emitError("expected an entry of one block");
    for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
      if (isa<KVCacheType>(type))
        continue;
      auto bound = entry.getArgAttrOfType<DenseI64ArrayAttr>(i, kMaxShapeAttr);
      if (failed(checkTensor(entry, "argument " + Twine(i), type, bound)))
        return failure();
      if (!bound && !cast<ShapedType>(type).hasStaticShape())
        return entry.emitError("expected `")
               << kMaxShapeAttr << "` on argument " << i
               << ", whose type has dynamic extents: " << type;
    }
    for (auto [i, type] : llvm::enumerate(entry.getResultTypes()))
      if (failed(checkTensor(
              entry, "result " + Twine(i), type,
              entry.getResultAttrOfType<DenseI64ArrayAttr>(i, kMaxShapeAttr))))
        return failure();
    WalkResult calls = entry.walk([](func::CallOp call) {
      auto isTensor = [](Type type) {
        return isa<TensorType, KVCacheType>(type);
      };
      if (llvm::none_of(call.getOperandTypes(), isTensor) &&
          llvm::none_of(call.getResultTypes(), isTensor))
        return WalkResult::advance();
      call.emitError("expected calls on tensors to be inlined before entries "
                     "are made; a recursive one cannot be");
      return WalkResult::interrupt();
    });
    return failure(calls.wasInterrupted());
  }

  /// An argument or result of an entry, with the bound given for it, if any.
  static LogicalResult checkTensor(func::FuncOp entry, const Twine &what,
                                   Type type, DenseI64ArrayAttr bound) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return entry.emitError("expected ")
             << what << " of an entry to be a ranked tensor or a cache, got "
             << type;
    Type element = tensor.getElementType();
    if (!element.isF32() && !element.isBF16() && !element.isInteger(32) &&
        !element.isInteger(64))
      return entry.emitError("expected ")
             << what
             << " of an entry to be a tensor of f32, bf16, i32 or i64, got "
             << type;
    if (!bound)
      return success();
    ArrayRef<int64_t> extents = bound.asArrayRef();
    auto fits = [&](int64_t dim) {
      return tensor.isDynamicDim(dim) ? extents[dim] >= 0
                                      : extents[dim] == tensor.getDimSize(dim);
    };
    if (bound.size() == tensor.getRank() &&
        llvm::all_of(llvm::seq(tensor.getRank()), fits))
      return success();
    return entry.emitError("expected `")
           << kMaxShapeAttr << "` of " << what << " to fit " << type << ", got "
           << bound;
  }

  LogicalResult placeCaches(func::FuncOp entry) {
    unsigned i = 0;
    for (Type type : entry.getArgumentTypes()) {
      auto cache = dyn_cast<KVCacheType>(type);
      if (!cache)
        continue;
      if (i == caches.size()) {
        caches.push_back({cache, kvBytes});
        kvBytes += cache.getBytes();
      } else if (caches[i].type != cache) {
        return entry.emitError("expected cache ")
               << i
               << " to have the same type in every entry: " << caches[i].type
               << ", got " << cache;
      }
      ++i;
    }
    return success();
  }

  /// Gives every result of dynamic shape its largest extents.
  LogicalResult boundResults(func::FuncOp entry) {
    Operation *ret = entry.getBody().front().getTerminator();
    for (auto [i, value] : llvm::enumerate(ret->getOperands())) {
      auto type = cast<RankedTensorType>(value.getType());
      if (type.hasStaticShape() || entry.getResultAttr(i, kMaxShapeAttr))
        continue;
      SmallVector<int64_t> shape;
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        std::optional<int64_t> extent = getExtentUpperBound(value, dim);
        if (!extent)
          return entry.emitError("cannot bound extent ")
                 << dim << " of result " << i << "; give it `" << kMaxShapeAttr
                 << "`";
        shape.push_back(*extent);
      }
      entry.setResultAttr(i, kMaxShapeAttr,
                          DenseI64ArrayAttr::get(&getContext(), shape));
    }
    return success();
  }

  /// Rewrites the function's signature and feeds its body from memory.
  void materialize(func::FuncOp entry) {
    MLIRContext *context = &getContext();
    Location loc = entry.getLoc();
    Block &body = entry.getBody().front();
    OpBuilder b = OpBuilder::atBlockBegin(&body);

    SmallVector<Type> inputs(3, bytesType(context));
    SmallVector<DictionaryAttr> attrs(3, b.getDictionaryAttr({}));
    unsigned oldArgs = body.getNumArguments();
    SmallVector<Value> fixed;
    for (Type type : inputs)
      fixed.push_back(body.addArgument(type, loc));
    Value weights = fixed[0], kv = fixed[1];

    unsigned cache = 0, tensors = 0;
    for (unsigned i = 0; i < oldArgs; ++i) {
      BlockArgument arg = body.getArgument(i);
      if (auto type = dyn_cast<KVCacheType>(arg.getType())) {
        Value bytes = viewAt(b, loc, kv, caches[cache++].offset,
                             bytesType(context, type.getBytes()));
        arg.replaceAllUsesWith(KVViewOp::create(b, loc, type, bytes));
        continue;
      }
      inputs.push_back(toMemRef(arg.getType()));
      attrs.push_back(entry.getArgAttrDict(i) ? entry.getArgAttrDict(i)
                                              : b.getDictionaryAttr({}));
      ++tensors;
      Value buffer = body.addArgument(inputs.back(), loc);
      arg.replaceAllUsesWith(
          bufferization::ToTensorOp::create(b, loc, arg.getType(), buffer,
                                            /*restrict=*/true));
    }
    entry.walk([&](GetWeightOp get) {
      OpBuilder at(get);
      auto type = cast<RankedTensorType>(get.getType());
      Value buffer =
          viewAt(at, get.getLoc(), weights,
                 offsets.lookup(get.getWeightAttr().getAttr()), toMemRef(type));
      get.replaceAllUsesWith(bufferization::ToTensorOp::create(
                                 at, get.getLoc(), type, buffer, true)
                                 .getResult());
      get.erase();
    });

    auto ret = cast<func::ReturnOp>(body.getTerminator());
    b.setInsertionPoint(ret);
    for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
      inputs.push_back(toMemRef(value.getType()));
      attrs.push_back(entry.getResultAttrDict(i) ? entry.getResultAttrDict(i)
                                                 : b.getDictionaryAttr({}));
      Value out = body.addArgument(inputs.back(), loc);
      bufferization::MaterializeInDestinationOp::create(
          b, ret.getLoc(), /*result=*/Type(), value, out, /*restrict=*/true,
          /*writable=*/true);
    }
    ret->setOperands({});
    body.eraseArguments(0, oldArgs);
    entry.setType(FunctionType::get(context, inputs, {}));
    entry.setAllArgAttrs(attrs);
    entry.removeResAttrsAttr();
    entry->setAttr(kEntryAttr, b.getI64IntegerAttr(tensors));
  }

  struct PlacedCache {
    KVCacheType type;
    int64_t offset;
  };
  SmallVector<PlacedCache> caches;
  DenseMap<StringAttr, int64_t> offsets;
  int64_t weightsBytes = 0, kvBytes = 0;
};
} // namespace
