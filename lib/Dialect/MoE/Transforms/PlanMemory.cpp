// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Liveness of a buffer is the interval of operations of the entry's block from
// the one that allocates it to the last that touches it or any view of it. An
// operation nested in a loop counts as the loop. Buffers are placed largest
// first at the lowest offset where they overlap no other buffer that is alive
// at the same time.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "moe/Analysis/UpperBound.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static constexpr int64_t kAlignment = 64;
/// More than any machine has; sums of a few such sizes do not overflow.
static constexpr int64_t kMaxBytes = int64_t(1) << 48;

namespace {
struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes = 0;
  unsigned first = 0, last = 0;
  int64_t offset = 0;

  bool isAliveWith(const Buffer &other) const {
    return first <= other.last && other.first <= last;
  }
};
} // namespace

/// Bytes of the largest shape that the allocation may have.
static FailureOr<int64_t> boundBytes(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!getExtentUpperBound(alloc, dim))
      return alloc.emitError("moe-plan-memory: cannot bound extent ")
             << dim << " of buffer " << type << "; give the entry's arguments `"
             << kMaxShapeAttr << "`";
  std::optional<int64_t> bytes = getByteSizeUpperBound(alloc);
  if (!bytes || *bytes > kMaxBytes)
    return alloc.emitError("moe-plan-memory: buffer ")
           << type << " is too large";
  return llvm::alignTo(*bytes, kAlignment);
}

/// Whether `alias` of the buffer outlives an iteration of a loop around the
/// allocation: one place cannot hold the buffers of two iterations at once.
static bool leavesLoop(memref::AllocOp alloc, Value alias) {
  for (auto loop = alloc->getParentOfType<LoopLikeOpInterface>(); loop;
       loop = loop->getParentOfType<LoopLikeOpInterface>())
    if (!loop->isAncestor(alias.getParentRegion()->getParentOp()))
      return true;
  return false;
}

/// Largest first; equal ones in program order, so that plans are reproducible.
/// Returns the arena's size.
static int64_t placeBuffers(MutableArrayRef<Buffer> buffers) {
  SmallVector<Buffer *> order;
  for (Buffer &buffer : buffers)
    order.push_back(&buffer);
  llvm::sort(order, [](Buffer *a, Buffer *b) {
    return std::make_pair(b->bytes, a) < std::make_pair(a->bytes, b);
  });
  int64_t total = 0;
  SmallVector<Buffer *> placed; // by offset
  for (Buffer *buffer : order) {
    int64_t offset = 0;
    for (Buffer *other : placed)
      if (buffer->isAliveWith(*other) &&
          offset < other->offset + other->bytes &&
          other->offset < offset + buffer->bytes)
        offset = other->offset + other->bytes;
    buffer->offset = offset;
    total = std::max(total, offset + buffer->bytes);
    auto *at = llvm::upper_bound(placed, buffer, [](Buffer *a, Buffer *b) {
      return a->offset < b->offset;
    });
    placed.insert(at, buffer);
  }
  return total;
}

namespace {
struct PlanMemoryPass : moe::impl::PlanMemoryPassBase<PlanMemoryPass> {
  using Base::Base;

  void runOnOperation() override {
    FunctionOpInterface entry = getOperation();
    if (!entry->hasAttr(kEntryAttr))
      return;
    forwardCopies(entry);
    keepRowsOnStack(entry);

    Block &block = entry.getFunctionBody().front();
    DenseMap<Operation *, unsigned> position;
    for (auto [i, op] : llvm::enumerate(block))
      position[&op] = i;
    auto positionOf = [&](Operation *op) {
      return position.lookup(block.findAncestorOpInBlock(*op));
    };

    BufferViewFlowAnalysis aliases(entry);
    SmallVector<Buffer> buffers;
    WalkResult walked = entry->walk([&](memref::AllocOp alloc) {
      Buffer buffer;
      buffer.alloc = alloc;
      FailureOr<int64_t> bytes = boundBytes(alloc);
      if (failed(bytes))
        return WalkResult::interrupt();
      buffer.bytes = *bytes;
      buffer.first = buffer.last = positionOf(alloc);
      for (Value alias : aliases.resolve(alloc.getResult())) {
        if (leavesLoop(alloc, alias)) {
          alloc.emitError("moe-plan-memory: buffer ")
              << alloc.getType() << " is made in a loop and leaves it";
          return WalkResult::interrupt();
        }
        for (Operation *user : alias.getUsers())
          buffer.last = std::max(buffer.last, positionOf(user));
      }
      buffers.push_back(buffer);
      return WalkResult::advance();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();

    int64_t bytes = placeBuffers(buffers);
    numBuffers += buffers.size();
    Value arena = entry.getArgument(kArenaArgument);
    for (Buffer &buffer : buffers) {
      OpBuilder b(buffer.alloc);
      Location loc = buffer.alloc.getLoc();
      Value offset = arith::ConstantIndexOp::create(b, loc, buffer.offset);
      auto view =
          memref::ViewOp::create(b, loc, buffer.alloc.getType(), arena, offset,
                                 buffer.alloc.getDynamicSizes());
      buffer.alloc.replaceAllUsesWith(view.getResult());
      buffer.alloc.erase();
    }
    entry->setAttr(
        kArenaBytesAttr,
        IntegerAttr::get(IntegerType::get(&getContext(), 64), bytes));
  }

  /// Rows that a loop over rows works on at the same time have a buffer each:
  /// on the stack of the thread.
  void keepRowsOnStack(FunctionOpInterface entry) {
    entry->walk([](memref::AllocOp alloc) {
      if (!alloc->getParentOp() || !isRowLoop(alloc->getParentOp()) ||
          !alloc.getType().hasStaticShape())
        return;
      OpBuilder b(alloc);
      auto onStack = memref::AllocaOp::create(
          b, alloc.getLoc(), alloc.getType(), b.getI64IntegerAttr(kAlignment));
      alloc.replaceAllUsesWith(onStack.getResult());
      alloc.erase();
    });
  }

  /// Lets a buffer that ends up in a result be that result from the start.
  void forwardCopies(FunctionOpInterface entry) {
    SmallVector<memref::CopyOp> copies;
    for (auto copy : entry.getFunctionBody().front().getOps<memref::CopyOp>())
      copies.push_back(copy);
    for (memref::CopyOp copy : copies) {
      auto alloc = copy.getSource().getDefiningOp<memref::AllocOp>();
      auto out = dyn_cast<BlockArgument>(copy.getTarget());
      if (!alloc || !out || !out.hasOneUse() ||
          alloc.getType() != out.getType() ||
          alloc->getBlock() != copy->getBlock())
        continue;
      copy.erase();
      alloc.replaceAllUsesWith(Value(out));
      alloc.erase();
      ++numForwarded;
    }
  }
};
} // namespace
