// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The router projection as a part of moe.route: logits of a block of tokens,
// on the stack.
#include "RouteKernel.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;

/// Logits on the stack, and the tokens that a block has at most: enough for
/// every panel that is read to serve several blocks of rows.
static constexpr int64_t blockLogits = 8192, maxBlockTokens = 32;

LogicalResult RouteKernel::prepareGate(int64_t lanes) {
  if (!op.getGate())
    return success();
  int64_t padded = llvm::alignTo(columns, routeBlock);
  blockTokens = std::clamp<int64_t>(blockLogits / padded, 1, maxBlockTokens);
  source = b.scratch({blockTokens, columns}, b.getF32Type());
  if (!op.getPanel())
    return success();
  FailureOr<PanelProduct> created = PanelProduct::create(
      b, op, op.getGate(), op.getLogits(), columns, *op.getPanel(), lanes);
  if (failed(created))
    return failure();
  product.emplace(*created);
  return success();
}

void RouteKernel::forEachToken(Value begin, Value end,
                               llvm::function_ref<void(Value)> body) {
  if (!op.getGate()) {
    source = op.getLogits();
    b.loop(begin, end, 1, [&](Value token) {
      sourceRow = token;
      body(token);
    });
    return;
  }
  b.loop(begin, end, blockTokens, [&](Value first) {
    Value last = b.min(b.add(first, blockTokens), end);
    emitProjection(first, last);
    b.loop(first, last, 1, [&](Value token) {
      sourceRow = b.sub(token, first);
      body(token);
    });
  });
}

/// Logits of the tokens [begin, end) to the rows of `source`.
void RouteKernel::emitProjection(Value begin, Value end) {
  Value input = op.getLogits(), gate = op.getGate();
  if (product) {
    PanelProduct::Range range;
    range.panelBegin = b.index(0);
    range.panelEnd = b.index(product->getPanels());
    range.rowBegin = b.index(0);
    range.rowEnd = b.sub(end, begin);
    range.inputRow = [&](Value row) { return b.add(begin, row); };
    range.rows = ShapedType::kDynamic;
    auto store = [&](Value row, const PanelProduct::Place &place,
                     ValueRange products) {
      b.storeVector(products[0], source, {row, place.column}, place.mask);
    };
    product->emit(range, {store});
    return;
  }
  Value inner = b.dim(input, 1);
  b.loop(begin, end, 1, [&](Value token) {
    b.loop(b.index(0), b.index(columns), 1, [&](Value column) {
      Value sum = b.loop(
          b.index(0), inner, 1, b.f32(0.0f), [&](Value d, ValueRange carried) {
            Value weight = b.load(gate, {column, d});
            if (!weight.getType().isF32())
              weight = arith::ExtFOp::create(b, b.getF32Type(), weight);
            return SmallVector<Value>{
                math::FmaOp::create(b, b.load(input, {token, d}), weight,
                                    carried[0])
                    .getResult()};
          })[0];
      b.store(sum, source, {b.sub(token, begin), column});
    });
  });
}
