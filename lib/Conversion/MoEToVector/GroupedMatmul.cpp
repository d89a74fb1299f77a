// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three kernels. Without a combination a unit is a panel of a group of rows,
// which is an expert's or a pair's. A combination needs all slots of a token:
// with ids a unit is a panel of a token, whose slots are multiplied side by
// side and added in registers; with sorted rows it is a panel of all experts,
// whose rows wait in the scratch memory until all of them are there.
#include "MatmulMicroKernel.h"
#include "VectorRegion.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;

/// Streams of weights that a token's slots are read in.
static constexpr int64_t streamsOfToken = 4;

namespace {
/// A pair of a token and a slot, and the row it has; null where not known.
struct Pair {
  Value token, slot, row;
};

class GroupedLowering {
public:
  GroupedLowering(GroupedMatmulOp op, const KernelContext &kernel)
      : op(op), kernel(kernel), b(op, kernel), lanes(kernel.lanes) {}

  LogicalResult run();

private:
  using Place = PanelProduct::Place;
  using Body =
      llvm::function_ref<void(Value index, Value panelBegin, Value panelEnd)>;

  void forEachUnitRow(Body body);
  void emitRows();
  void emitTokens();
  void emitTokenPanels(Value token, Value panel, int64_t count);
  SmallVector<Value> addSlots(Value token, Value slot, int64_t count,
                              ArrayRef<Place> places, ValueRange sums);
  SmallVector<Value> addKept(ArrayRef<Pair> pairs, ArrayRef<Place> places,
                             ValueRange sums);
  SmallVector<Value> addSkipped(const Pair &pair, ArrayRef<Place> places,
                                ValueRange sums);
  void emitColumns();
  void combineRows(Value panel);

  Pair pairOf(Value row);
  Value sourceOf(const Pair &pair);
  Value expertOf(const Pair &pair);
  Value isKept(Value expert);
  SmallVector<Value> finish(const Pair &pair, Value expert, const Place &place,
                            ValueRange products);
  SmallVector<Place> placesOf(Value panel, int64_t count);
  SmallVector<Value> startOf(Value token, ArrayRef<Place> places);
  void storeToken(Value token, ArrayRef<Place> places, ValueRange sums);
  Value splatWeight(const Pair &pair) {
    return b.splat(b.load(op.getCombine(), {pair.token, pair.slot}), lanes);
  }

  GroupedMatmulOp op;
  const KernelContext &kernel;
  KernelBuilder b;
  int64_t lanes;
  std::optional<PanelProduct> product;
};
} // namespace

LogicalResult GroupedLowering::run() {
  if (!op.getPanel())
    return op.emitOpError("expected packed weights in a kernel");
  FailureOr<PanelProduct> created =
      PanelProduct::create(b, op, op.getWeights(), op.getInput(), op.getWidth(),
                           *op.getPanel(), lanes);
  if (failed(created))
    return failure();
  product.emplace(*created);
  if (!op.getCombine())
    emitRows();
  else if (op.getIds())
    emitTokens();
  else
    emitColumns();
  return success();
}

/// The token, slot and row of sorted row or pair `row`.
Pair GroupedLowering::pairOf(Value row) {
  Value pair = row;
  if (op.getOrder())
    pair = b.loadIndex(op.getOrder(), row);
  else if (op.getOffsets())
    return {nullptr, nullptr, row};
  int64_t slots = *op.getNumSlots();
  return {b.div(pair, slots), b.rem(pair, slots), row};
}

Value GroupedLowering::sourceOf(const Pair &pair) {
  return op.getBroadcast() ? pair.token : pair.row;
}

Value GroupedLowering::expertOf(const Pair &pair) {
  return b.loadIndex(op.getIds(), {pair.token, pair.slot});
}

Value GroupedLowering::isKept(Value expert) {
  return b.isLess(expert, b.index(op.getNumExperts()));
}

/// The epilogue's values for one vector of columns of a row.
SmallVector<Value> GroupedLowering::finish(const Pair &pair, Value expert,
                                           const Place &place,
                                           ValueRange products) {
  if (op.getEpilogue().empty())
    return products;
  Value dims[GroupedMatmulOp::NumMapDims] = {pair.row, place.column, expert,
                                             pair.token, pair.slot};
  SmallVector<Value> arguments(products);
  for (auto [extra, map] :
       llvm::zip_equal(op.getExtras(), op.getEpilogueMaps()))
    arguments.push_back(loadMapped(b, extra, map, dims, GroupedMatmulOp::Column,
                                   place.mask, lanes));
  return emitRegionOnVectors(b, op.getEpilogue(), arguments, lanes);
}

/// Calls `body` for each row of the grid of units, which are panels, and the
/// panels of it that are in the kernel's range.
void GroupedLowering::forEachUnitRow(Body body) {
  int64_t panels = product->getPanels();
  Value first = b.div(kernel.begin, panels);
  Value end = b.div(b.add(kernel.end, panels - 1), panels);
  b.loop(first, end, 1, [&](Value index) {
    Value firstUnit = b.mul(index, panels);
    body(index, b.max(b.sub(kernel.begin, firstUnit), b.index(0)),
         b.min(b.sub(kernel.end, firstUnit), b.index(panels)));
  });
}

void GroupedLowering::emitRows() {
  forEachUnitRow([&](Value group, Value panelBegin, Value panelEnd) {
    PanelProduct::Range range;
    range.panelBegin = panelBegin;
    range.panelEnd = panelEnd;
    Pair pair;
    if (op.getOffsets()) {
      range.matrix = group;
      range.rowBegin = b.loadIndex(op.getOffsets(), group);
      range.rowEnd = b.loadIndex(op.getOffsets(), b.add(group, 1));
      range.rows = ShapedType::kDynamic;
    } else {
      pair = pairOf(group);
      range.matrix = expertOf(pair);
      range.rowBegin = group;
      range.rowEnd = b.add(group, 1);
      range.rows = 1;
    }
    if (op.getBroadcast())
      range.inputRow = [&](Value row) {
        return (op.getOffsets() ? pairOf(row) : pair).token;
      };
    auto store = [&](Value row, const Place &place, ValueRange products) {
      Pair at = op.getOffsets() ? pairOf(row) : pair;
      for (auto [value, out] : llvm::zip_equal(
               finish(at, range.matrix, place, products), op.getOuts()))
        b.storeVector(value, out, {row, place.column}, place.mask);
    };
    auto emit = [&] {
      product->emit(range, {store, /*isLong=*/!op.getEpilogue().empty()});
    };
    if (op.getPartial() && op.getIds())
      b.when(isKept(range.matrix), emit);
    else
      emit();
  });
}

//===----------------------------------------------------------------------===//
// Combination of unsorted rows
//===----------------------------------------------------------------------===//

/// The vectors of `count` panels from `panel` on.
SmallVector<PanelProduct::Place> GroupedLowering::placesOf(Value panel,
                                                           int64_t count) {
  SmallVector<Place> places;
  for (int64_t p = 0; p < count; ++p)
    for (int64_t lane = 0; lane < product->getWidth(); lane += lanes)
      places.push_back(product->getPlace(b.add(panel, p), b.index(lane)));
  return places;
}

SmallVector<Value> GroupedLowering::startOf(Value token,
                                            ArrayRef<Place> places) {
  return llvm::map_to_vector(places, [&](const Place &place) -> Value {
    if (!op.getInit())
      return b.splatF32(0.0f, lanes);
    return b.loadVector(op.getInit(), {token, place.column}, lanes, place.mask);
  });
}

void GroupedLowering::storeToken(Value token, ArrayRef<Place> places,
                                 ValueRange sums) {
  for (auto [place, sum] : llvm::zip_equal(places, sums))
    b.storeVector(sum, op.getOuts()[0], {token, place.column}, place.mask);
}

void GroupedLowering::emitTokens() {
  int64_t panelsAtOnce =
      std::max<int64_t>(1, streamsOfToken / (*op.getNumSlots() *
                                             int64_t(op.getWeights().size())));
  forEachUnitRow([&](Value token, Value begin, Value end) {
    for (int64_t count = llvm::bit_floor(uint64_t(panelsAtOnce)); count > 0;
         count /= 2) {
      if (count > product->getPanels())
        continue;
      Value stop = b.add(begin, b.mul(b.div(b.sub(end, begin), count), count));
      b.loop(begin, stop, count,
             [&](Value panel) { emitTokenPanels(token, panel, count); });
      begin = stop;
    }
  });
}

/// All slots of a token for `count` panels from `panel` on, some of them at a
/// time, and always in order.
void GroupedLowering::emitTokenPanels(Value token, Value panel, int64_t count) {
  SmallVector<Place> places = placesOf(panel, count);
  SmallVector<Value> sums = startOf(token, places);
  int64_t slots = *op.getNumSlots();
  int64_t most =
      std::max<int64_t>(1, streamsOfToken / int64_t(op.getWeights().size()));
  int64_t step = llvm::divideCeil(slots, llvm::divideCeil(slots, most));
  int64_t rest = slots % step;
  sums = b.loop(b.index(0), b.index(slots - rest), step, sums,
                [&](Value slot, ValueRange carried) {
                  return addSlots(token, slot, step, places, carried);
                });
  if (rest > 0)
    sums = addSlots(token, b.index(slots - rest), rest, places, sums);
  storeToken(token, places, sums);
}

SmallVector<Value> GroupedLowering::addSlots(Value token, Value slot,
                                             int64_t count,
                                             ArrayRef<Place> places,
                                             ValueRange sums) {
  int64_t slots = *op.getNumSlots();
  SmallVector<Pair> pairs;
  for (int64_t i = 0; i < count; ++i) {
    Value at = b.add(slot, i);
    pairs.push_back({token, at, b.add(b.mul(token, slots), at)});
  }
  if (!op.getPartial())
    return addKept(pairs, places, sums);
  Value allKept;
  for (const Pair &pair : pairs) {
    Value kept = isKept(expertOf(pair));
    allKept = allKept ? arith::AndIOp::create(b, allKept, kept) : kept;
  }
  return b.choose(
      allKept, [&] { return addKept(pairs, places, sums); },
      [&] {
        SmallVector<Value> next(sums);
        for (const Pair &pair : pairs)
          next = b.choose(
              isKept(expertOf(pair)),
              [&] { return addKept(pair, places, next); },
              [&] { return addSkipped(pair, places, next); });
        return next;
      });
}

/// Adds slots that have experts, which are read side by side.
SmallVector<Value> GroupedLowering::addKept(ArrayRef<Pair> pairs,
                                            ArrayRef<Place> places,
                                            ValueRange sums) {
  int64_t vectors = product->getWidth() / lanes;
  unsigned matrices = op.getWeights().size();
  SmallVector<Value> experts;
  SmallVector<PanelProduct::Stream> streams;
  for (const Pair &pair : pairs) {
    experts.push_back(expertOf(pair));
    for (size_t i = 0; i < places.size(); i += vectors)
      for (unsigned w = 0; w < matrices; ++w)
        streams.push_back(
            {w, experts.back(), places[i].panel, {sourceOf(pair)}});
  }
  SmallVector<Value> products = product->multiply(streams);
  SmallVector<Value> next(sums);
  // [pair][panel][matrix][vector]
  const Value *panelProducts = products.begin();
  for (auto [pair, expert] : llvm::zip_equal(pairs, experts)) {
    Value weight = splatWeight(pair);
    for (size_t i = 0; i < places.size(); i += vectors) {
      for (int64_t v = 0; v < vectors; ++v) {
        SmallVector<Value> values;
        for (unsigned w = 0; w < matrices; ++w)
          values.push_back(panelProducts[w * vectors + v]);
        Value value = finish(pair, expert, places[i + v], values).front();
        next[i + v] = b.fma(weight, value, next[i + v]);
      }
      panelProducts += matrices * vectors;
    }
  }
  return next;
}

/// Adds what a slot without an expert stands for.
SmallVector<Value> GroupedLowering::addSkipped(const Pair &pair,
                                               ArrayRef<Place> places,
                                               ValueRange sums) {
  SmallVector<Value> next(sums);
  if (!op.getSkipped())
    return next;
  Value weight = splatWeight(pair);
  for (auto [place, sum] : llvm::zip_equal(places, next))
    sum = b.fma(weight,
                b.loadVector(op.getSkipped(), {pair.token, place.column}, lanes,
                             place.mask),
                sum);
  return next;
}

//===----------------------------------------------------------------------===//
// Combination of sorted rows
//===----------------------------------------------------------------------===//

void GroupedLowering::emitColumns() {
  b.loop(b.index(0), b.index(op.getNumExperts()), 1, [&](Value expert) {
    PanelProduct::Range range;
    range.matrix = expert;
    range.panelBegin = kernel.begin;
    range.panelEnd = kernel.end;
    range.rowBegin = b.loadIndex(op.getOffsets(), expert);
    range.rowEnd = b.loadIndex(op.getOffsets(), b.add(expert, 1));
    range.rows = ShapedType::kDynamic;
    if (op.getBroadcast())
      range.inputRow = [&](Value row) { return pairOf(row).token; };
    auto store = [&](Value row, const Place &place, ValueRange products) {
      Value value = finish(pairOf(row), expert, place, products).front();
      b.storeVector(value, op.getScratch(), {place.panel, row, place.lane},
                    /*mask=*/Value());
    };
    product->emit(range, {store, /*isLong=*/!op.getEpilogue().empty()});
  });
  b.loop(kernel.begin, kernel.end, 1, [&](Value panel) { combineRows(panel); });
}

/// Adds the rows of each token for one panel.
void GroupedLowering::combineRows(Value panel) {
  SmallVector<Place> places = placesOf(panel, 1);
  Value zero = b.index(0), slots = b.index(*op.getNumSlots());
  Value kept;
  if (op.getPartial())
    kept = b.loadIndex(op.getOffsets(), b.index(op.getNumExperts()));
  b.loop(zero, b.dim(op.getOuts()[0], 0), 1, [&](Value token) {
    SmallVector<Value> sums = b.loop(
        zero, slots, 1, startOf(token, places),
        [&](Value slot, ValueRange carried) {
          Pair pair = {token, slot,
                       b.loadIndex(op.getInverse(), {token, slot})};
          auto addRow = [&] {
            Value weight = splatWeight(pair);
            SmallVector<Value> next;
            for (auto [place, sum] : llvm::zip_equal(places, carried)) {
              Value value = b.loadVector(
                  op.getScratch(), {place.panel, pair.row, place.lane}, lanes);
              next.push_back(b.fma(weight, value, sum));
            }
            return next;
          };
          if (!op.getPartial())
            return addRow();
          return b.choose(b.isLess(pair.row, kept), addRow,
                          [&] { return addSkipped(pair, places, carried); });
        });
    storeToken(token, places, sums);
  });
}

LogicalResult moe::lowerToRange(GroupedMatmulOp op,
                                const KernelContext &kernel) {
  return GroupedLowering(op, kernel).run();
}
