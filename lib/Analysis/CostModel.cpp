// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Analysis/CostModel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "moe/Analysis/UpperBound.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

OpCost &OpCost::operator+=(const OpCost &other) {
  parameters += other.parameters;
  weightBytes += other.weightBytes;
  activationBytes += other.activationBytes;
  flops += other.flops;
  isBF16 |= other.isBF16;
  return *this;
}

/// What `value` is a view of.
static Value getSource(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp, tensor::CastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Whether data outlives the call: a weight, a slice of one, a constant.
static bool isWeight(Value value) {
  Value source = getSource(value);
  if (auto argument = dyn_cast<BlockArgument>(source))
    return isa<ExpertOp>(argument.getOwner()->getParentOp()) &&
           argument.getArgNumber() > 0;
  Operation *op = source.getDefiningOp();
  return isa<GetWeightOp>(op) || op->hasTrait<OpTrait::ConstantLike>();
}

/// Whether an operand is one of the matrices of experts.
static bool isExpertWeights(OpOperand &operand) {
  return TypeSwitch<Operation *, bool>(operand.getOwner())
      .Case([&](PackedMatmulOp op) { return operand.get() == op.getWeights(); })
      .Case([&](GroupedMatmulOp op) {
        return llvm::is_contained(op.getWeights(), operand.get());
      })
      .Case([&](ExpertRowsOp op) { return operand.get() == op.getVectors(); })
      .Default([](Operation *) { return false; });
}

/// Whether a value is only the place to start a sum from.
static bool isBlank(Value value) {
  return value.getDefiningOp<tensor::EmptyOp>() ||
         value.getDefiningOp<linalg::FillOp>();
}

/// Floating-point operations of one run of a body.
static int64_t countFlops(Block &body) {
  int64_t count = 0;
  for (Operation &op : body)
    if (isa<math::FmaOp>(op))
      count += 2;
    else if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
                 arith::RemFOp, arith::NegFOp, arith::MaximumFOp,
                 arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp>(op) ||
             (isa<math::MathDialect>(op.getDialect()) &&
              isa<FloatType>(op.getResult(0).getType())))
      ++count;
  return count;
}

namespace {
/// The loop over experts or the region of an expert that an operation is in.
struct ExpertScope {
  int64_t experts;
  int64_t topK;
  double tokens;
};

/// Computes the cost of one operation; members hold what went wrong.
class CostBuilder {
public:
  CostBuilder(const RoutingProfile &profile, std::optional<int64_t> context)
      : profile(profile), context(context) {}

  OpCost build(Operation *op);

  bool isBounded = true;
  bool isWrong = false;

private:
  double boundOf(std::optional<int64_t> bound) {
    isBounded &= bound.has_value();
    return bound.value_or(0);
  }
  double extent(Value shaped, int64_t dim) {
    return boundOf(getExtentUpperBound(shaped, dim));
  }
  double elements(Value shaped) {
    double count = 1.0;
    for (int64_t dim : llvm::seq(cast<ShapedType>(shaped.getType()).getRank()))
      count *= extent(shaped, dim);
    return count;
  }
  static double elementBytes(Value shaped) {
    Type type = getElementTypeOrSelf(shaped);
    return type.isIndex() ? sizeof(int64_t)
                          : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
  }
  double bytes(Value shaped) { return elements(shaped) * elementBytes(shaped); }

  double activeExperts(Operation *op, int64_t experts, int64_t topK,
                       double tokens);
  /// How many experts run `op`: the active ones of all regions and loops
  /// around it.
  double instances(Operation *op);
  /// How often a loop over rows (`scf.forall`) around `op` runs it.
  double countRows(Operation *op);
  std::optional<ExpertScope> getScope(Operation *parent);

  /// How many experts' weights an operation reads that finds the expert of each
  /// of its rows by `ids` or `offsets`; sets the active experts.
  double countMatrices(OpCost &cost, Operation *op, Value ids, Value offsets,
                       int64_t experts, double rows);
  void addWeight(OpCost &cost, Value weights, double count);
  void addOperands(OpCost &cost, Operation *op);
  OpCost buildLinalg(linalg::LinalgOp op);
  OpCost buildGroupedMatmul(GroupedMatmulOp op);
  OpCost buildAttention(AttentionOp op);
  OpCost buildMoE(Operation *op);

  const RoutingProfile &profile;
  std::optional<int64_t> context;
};
} // namespace

double CostBuilder::activeExperts(Operation *op, int64_t experts, int64_t topK,
                                  double tokens) {
  size_t shares = profile.getNumShares();
  if (shares != 0 && shares != size_t(experts)) {
    op->emitOpError("expected as many shares in ")
        << profile.getName() << " as experts, " << experts << ", got "
        << shares;
    isWrong = true;
    return 0.0;
  }
  double around = instances(op);
  return around == 0.0 ? 0.0
                       : around * profile.getActiveExperts(experts, topK,
                                                           tokens / around);
}

std::optional<ExpertScope> CostBuilder::getScope(Operation *parent) {
  if (auto expert = dyn_cast<ExpertOp>(parent)) {
    PlanType plan = expert.getPlan().getType();
    return ExpertScope{plan.getExperts(), plan.getTopK(),
                       extent(expert.getRows(), 0) / plan.getTopK()};
  }
  // A loop over experts reads the offsets of its step's rows.
  auto loop = dyn_cast<scf::ForOp>(parent);
  if (!loop)
    return std::nullopt;
  for (auto extract : loop.getBody()->getOps<tensor::ExtractOp>())
    if (auto sort = extract.getTensor().getDefiningOp<SortTokensOp>())
      return ExpertScope{
          int64_t(sort.getExperts()),
          cast<ShapedType>(sort.getIds().getType()).getDimSize(1),
          extent(sort.getIds(), 0)};
  return std::nullopt;
}

double CostBuilder::instances(Operation *op) {
  for (Operation *parent = op->getParentOp();
       parent && !isa<FunctionOpInterface>(parent);
       parent = parent->getParentOp()) {
    if (std::optional<ExpertScope> scope = getScope(parent))
      return activeExperts(parent, scope->experts, scope->topK, scope->tokens);
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      std::optional<int64_t> end = getUpperBound(loop.getUpperBound());
      return boundOf(end) * instances(loop);
    }
  }
  return 1.0;
}

double CostBuilder::countRows(Operation *op) {
  double rows = 1.0;
  for (auto loop = op->getParentOfType<scf::ForallOp>(); loop;
       loop = loop->getParentOfType<scf::ForallOp>())
    for (OpFoldResult end : loop.getMixedUpperBound()) {
      auto value = dyn_cast<Value>(end);
      rows *= boundOf(value ? getUpperBound(value) : getConstantIntValue(end));
    }
  return rows;
}

/// Whether `value` lives for one step of a loop over rows only, in a cache.
static bool isOfOneRow(Value value) {
  Operation *op = getSource(value).getDefiningOp();
  return op && op->getParentOfType<scf::ForallOp>();
}

void CostBuilder::addWeight(OpCost &cost, Value weights, double count) {
  cost.parameters += count;
  cost.weightBytes += count * elementBytes(weights);
  cost.isBF16 |= getElementTypeOrSelf(weights).isBF16();
}

OpCost CostBuilder::buildLinalg(linalg::LinalgOp op) {
  SmallVector<double> extents;
  for (OpOperand &operand : op->getOpOperands())
    for (int64_t dim : llvm::seq(op.getRank(&operand)))
      extents.push_back(extent(operand.get(), dim));
  double steps = 1.0;
  bool ofRows = false;
  for (auto [loop, size] : llvm::zip_equal(
           op.getShapesToLoopsMap().getResults(), op.getStaticLoopRanges())) {
    steps *= extents[cast<AffineDimExpr>(loop).getPosition()];
    ofRows |= ShapedType::isDynamic(size);
  }
  // The blocks of rows of all experts add up to all rows. What does not depend
  // on the rows is done for each expert.
  double times = instances(op), rows = countRows(op),
         timesRows = rows * (ofRows ? 1.0 : times);

  OpCost cost;
  cost.flops = timesRows * steps * countFlops(*op.getBlock());
  auto read = [&](Value value, double count) {
    if (isWeight(value))
      addWeight(cost, value, times * count);
    else if (!isOfOneRow(value))
      cost.activationBytes += timesRows * count * elementBytes(value);
  };
  llvm::SmallSetVector<Value, 4> whole;
  for (OpOperand *input : op.getDpsInputOperands())
    if (isa<RankedTensorType>(input->get().getType()) &&
        op.payloadUsesValueFromOperand(input))
      whole.insert(input->get());
  for (OpOperand &init : op.getDpsInitsMutable())
    if (op.payloadUsesValueFromOperand(&init) && !isBlank(init.get()))
      whole.insert(init.get());
  for (Value value : whole)
    read(value, elements(value));
  // A step reads one element of what is indexed in the body; rows share what
  // they read of a weight.
  llvm::SmallSetVector<Value, 2> indexed;
  op.getBlock()->walk(
      [&](tensor::ExtractOp extract) { indexed.insert(extract.getTensor()); });
  for (Value value : indexed)
    if (!whole.contains(value))
      read(value,
           std::min(isWeight(value) ? rows * steps : steps, elements(value)));
  for (Value init : op.getDpsInits())
    if (!isOfOneRow(init))
      cost.activationBytes += timesRows * bytes(init);
  return cost;
}

/// Adds every shaped operand but the ones to write, and every result.
void CostBuilder::addOperands(OpCost &cost, Operation *op) {
  auto destinationStyle = dyn_cast<DestinationStyleOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()) ||
        isExpertWeights(operand) ||
        (destinationStyle && destinationStyle.isDpsInit(&operand)))
      continue;
    if (isWeight(operand.get()))
      addWeight(cost, operand.get(), instances(op) * elements(operand.get()));
    else
      cost.activationBytes += bytes(operand.get());
  }
  for (Value result : op->getResults())
    if (isa<RankedTensorType>(result.getType()))
      cost.activationBytes += bytes(result);
}

double CostBuilder::countMatrices(OpCost &cost, Operation *op, Value ids,
                                  Value offsets, int64_t experts, double rows) {
  // Rows say nothing of slots: without ids take the sort's.
  Value chosen = ids;
  if (!ids)
    if (auto sort = offsets.getDefiningOp<SortTokensOp>())
      chosen = sort.getIds();
  int64_t topK = chosen ? cast<ShapedType>(chosen.getType()).getDimSize(1) : 1;
  cost.activeExperts = activeExperts(op, experts, topK, rows / topK);
  return ids ? rows : *cost.activeExperts;
}

OpCost CostBuilder::buildGroupedMatmul(GroupedMatmulOp op) {
  OpCost cost;
  addOperands(cost, op);
  int64_t experts = op.getNumExperts();
  double rows = extent(op->getResult(0), 0),
         width = extent(op->getResult(0), 1);
  if (op.getCombine())
    rows *= *op.getNumSlots();
  double matrices =
      countMatrices(cost, op, op.getIds(), op.getOffsets(), experts, rows);
  double perElement = op.getCombine() ? 2.0 : 0.0;
  if (!op.getEpilogue().empty())
    perElement += countFlops(op.getEpilogue().front());
  for (Value weights : op.getWeights()) {
    addWeight(cost, weights, elements(weights) / experts * matrices);
    perElement += 2.0 * extent(op.getInput(), 1);
  }
  cost.flops = rows * width * perElement;
  return cost;
}

OpCost CostBuilder::buildAttention(AttentionOp op) {
  OpCost cost;
  addOperands(cost, op);
  KVCacheType cache = op.getCache().getType();
  double visible = cache.getWindow();
  if (context)
    visible = std::min<double>(visible, *context);
  double rows = extent(op.getQuery(), 0), heads = extent(op.getQuery(), 1);
  int64_t width = cache.getKeyDim() + cache.getValueDim();
  // Rows of one sequence share what they read; there are at most `batch`.
  double sequences = std::min<double>(rows, cache.getBatch());
  cost.activationBytes += sequences * visible * cache.getHeads() * width *
                          cache.getElementType().getIntOrFloatBitWidth() / 8;
  // Scale, and largest, difference, exponential, sum, quotient of the softmax.
  cost.flops = rows * heads * visible * (2.0 * width + 6.0);
  return cost;
}

OpCost CostBuilder::buildMoE(Operation *op) {
  OpCost cost;
  addOperands(cost, op);
  TypeSwitch<Operation *>(op)
      .Case([&](RouteOp route) {
        // Five for each score (softmax: largest, difference, exponential, sum,
        // quotient), three for each weight (sum, quotient, scale).
        double logits = extent(route.getLogits(), 0) * route.getNumColumns();
        cost.flops = 5.0 * logits + 3.0 * elements(route->getResult(0));
        if (route.getGate())
          cost.flops += 2.0 * logits * extent(route.getLogits(), 1);
      })
      .Case([&](DispatchOp dispatch) {
        double pairs = elements(dispatch.getIds());
        int64_t experts = dispatch.getExperts();
        int64_t topK = dispatch.getPlan().getType().getTopK();
        // The plan: offsets, the order and its inverse.
        cost.activationBytes += 4.0 * (experts + 1 + 2.0 * pairs);
        cost.activeExperts = activeExperts(op, experts, topK, pairs / topK);
      })
      .Case([&](SortTokensOp sort) {
        double tokens = extent(sort.getIds(), 0);
        int64_t topK = cast<ShapedType>(sort.getIds().getType()).getDimSize(1);
        cost.activeExperts = activeExperts(op, sort.getExperts(), topK, tokens);
      })
      .Case([&](CombineOp combine) {
        cost.activationBytes += 4.0 * elements(combine.getWeights());
        cost.flops = 2.0 * elements(combine.getRows());
      })
      .Case([&](GatherRowsOp gather) {
        if (gather.getScale())
          cost.flops = elements(gather->getResult(0));
      })
      .Case([&](ExpertRowsOp copy) {
        double vectors = countMatrices(
            cost, op, copy.getIds(), copy.getOffsets(),
            cast<ShapedType>(copy.getVectors().getType()).getDimSize(0),
            extent(copy->getResult(0), 0));
        addWeight(cost, copy.getVectors(),
                  vectors * extent(copy.getVectors(), 1));
      })
      .Case([&](CombineRowsOp combine) {
        cost.flops =
            2.0 * elements(combine.getWeights()) * extent(combine.getRows(), 1);
      })
      .Case([&](PackedMatmulOp matmul) {
        addWeight(cost, matmul.getWeights(),
                  instances(op) * elements(matmul.getWeights()));
        cost.flops =
            2.0 * elements(matmul->getResult(0)) * extent(matmul.getInput(), 1);
      })
      .Case([&](KVAppendOp append) {
        double count =
            elements(append.getKeys()) + elements(append.getValues());
        Type type = append.getCache().getType().getElementType();
        cost.activationBytes += count * type.getIntOrFloatBitWidth() / 8;
      });
  return cost;
}

OpCost CostBuilder::build(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return buildLinalg(linalgOp);
  if (auto grouped = dyn_cast<GroupedMatmulOp>(op))
    return buildGroupedMatmul(grouped);
  if (auto attention = dyn_cast<AttentionOp>(op))
    return buildAttention(attention);
  OpCost cost;
  auto expert = dyn_cast<ExpertOp>(op);
  if (!expert) {
    cost = buildMoE(op);
    double rows = countRows(op);
    cost.activationBytes *= rows;
    cost.flops *= rows;
    return cost;
  }
  for (Operation &inner : expert.getBody().getOps())
    if (CostModel::isCosted(&inner))
      cost += build(&inner);
  PlanType plan = expert.getPlan().getType();
  cost.activeExperts =
      activeExperts(op, plan.getExperts(), plan.getTopK(),
                    extent(expert.getRows(), 0) / plan.getTopK());
  return cost;
}

bool CostModel::isCosted(Operation *op) {
  if (isa<linalg::FillOp>(op))
    return llvm::any_of(op->getUses(), [](OpOperand &use) {
      auto user = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
      return !user || !user.isDpsInit(&use);
    });
  if (isa<linalg::LinalgOp>(op))
    return true;
  return isa_and_present<MoEDialect>(op->getDialect()) &&
         !isa<WeightOp, GetWeightOp, YieldOp, KVViewOp, LaunchOp>(op);
}

FailureOr<std::optional<OpCost>> CostModel::getCost(Operation *op) const {
  CostBuilder builder(profile, context);
  OpCost cost = builder.build(op);
  if (builder.isWrong)
    return failure();
  return builder.isBounded ? std::optional(cost) : std::nullopt;
}

LayerFormCosts moe::getLayerFormCosts(const ExpertLayer &layer) {
  double pairs = double(layer.tokens) * layer.topK;
  double active = RoutingProfile().getActiveExperts(layer.experts, layer.topK,
                                                    layer.tokens);
  LayerFormCosts costs;
  costs.unsorted = pairs * layer.expertBytes;
  // Ids are read; offsets, order and its inverse are written and read.
  costs.sorted = active * layer.expertBytes +
                 4.0 * (pairs + 2.0 * (layer.experts + 1 + 2.0 * pairs));
  return costs;
}

SortCosts moe::getSortCosts(int64_t pairs, int64_t experts) {
  // A launch takes about as long as a thousand steps, a microsecond. Four
  // threads are what any machine has that a long sort matters on.
  constexpr int64_t launchSteps = 1000, threads = 4, smallestChunk = 1024;
  SortCosts costs;
  int64_t columns = experts + 1;
  // Large enough for the counts of a chunk to be few beside its pairs.
  costs.chunk =
      std::max<int64_t>(smallestChunk, llvm::PowerOf2Ceil(4 * columns));
  int64_t chunks = pairs / costs.chunk + 1;
  // Pairs are counted, then placed; counts are cleared, and summed up.
  costs.onePass = launchSteps + 2 * pairs + 2 * columns;
  int64_t rounds = llvm::divideCeil(chunks, threads);
  costs.chunked =
      3 * launchSteps + 2 * rounds * (costs.chunk + columns) + chunks * columns;
  return costs;
}
