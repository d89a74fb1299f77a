// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.route, step by step as its text numbers them.
#include "Frame.h"
#include "Matrices.h"
#include "WeightStore.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/ScoreMath.h"

#include <cmath>
#include <numeric>

namespace mlir::moe::reference {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Falling values; NaN last.
bool ranksHigher(float a, float b) {
  return std::isnan(b) ? !std::isnan(a) : a > b;
}

/// Positions by falling value, of equal ones the first.
std::vector<int64_t> rank(ArrayRef<float> values) {
  std::vector<int64_t> positions(values.size());
  std::iota(positions.begin(), positions.end(), 0);
  llvm::sort(positions, [&](int64_t a, int64_t b) {
    bool higher = ranksHigher(values[a], values[b]);
    bool lower = ranksHigher(values[b], values[a]);
    return higher || (!lower && a < b);
  });
  return positions;
}

float maximum(ArrayRef<float> values) {
  float largest = -infinity;
  for (float value : values)
    largest = std::fmax(largest, value);
  return largest;
}

class Router {
public:
  Router(RouteOp op, Frame &frame) : op(op), frame(frame), math(ops) {
    Tensor input = frame.tensor(op.getLogits());
    tokens = input.getDim(0);
    columns = op.getNumColumns();
    z = op.getGate() ? project(input) : input.floats().vec();
    topK = op.getTopK();
    choices = op.getNumChoices();
    scoredSlots = topK + (op.hasScoredShared() ? op.getNumShared() : 0);
    ids.resize(tokens * scoredSlots);
    weights.resize(tokens * scoredSlots);
    dropped.resize(tokens * scoredSlots, false);
  }

  LogicalResult run();

private:
  // Rows of one token.
  MutableArrayRef<float> logitsOf(int64_t t) {
    return MutableArrayRef(z).slice(t * columns, columns);
  }
  MutableArrayRef<float> scoresOf(int64_t t) {
    return MutableArrayRef(scores).slice(t * columns, columns);
  }
  MutableArrayRef<int64_t> idsOf(int64_t t) {
    return MutableArrayRef(ids).slice(t * scoredSlots, scoredSlots);
  }
  MutableArrayRef<float> weightsOf(int64_t t) {
    return MutableArrayRef(weights).slice(t * scoredSlots, scoredSlots);
  }

  LogicalResult checkOperands();
  std::vector<float> project(const Tensor &input);       // 1
  void addNoise();                                       // 1
  void capLogits();                                      // 1
  void score(int64_t t);                                 // 2
  void softmax(MutableArrayRef<float> s);                // 2
  std::vector<float> keysOf(int64_t t);                  // 3
  void limitGroups(int64_t t, std::vector<float> &keys); // 3
  LogicalResult choose(int64_t t);                       // 4
  LogicalResult lookUp(int64_t t);                       // 4
  void chooseTokens();                                   // 4
  void weigh(int64_t t);                                 // 5
  void mixSparsely(int64_t t);                           // 5
  void normalize(int64_t t);                             // 6
  void scale(int64_t t);                                 // 7
  void skipNull(int64_t t);                              // 8
  void limitCapacity();                                  // 9
  void dropOverflow(int64_t t);                          // 9
  void bindResults();                                    // 10

  RouteOp op;
  Frame &frame;
  FloatOps ops;
  ScoreMath<FloatOps> math;
  int64_t tokens, columns, choices, topK;
  /// k, and the shared experts that are scored.
  int64_t scoredSlots;
  std::vector<float> z, scores, fullScores;
  /// Columns, until ids of experts replace them.
  std::vector<int64_t> ids;
  std::vector<float> weights;
  /// Pairs that a capacity takes away.
  std::vector<bool> dropped;
};

LogicalResult Router::checkOperands() {
  auto check = [&](Value operand, StringRef what) -> LogicalResult {
    if (!operand)
      return success();
    return checkEqual(op, what, tokens, frame.tensor(operand).getDim(0));
  };
  if (failed(check(op.getForced(), "tokens of forced ids")) ||
      failed(check(op.getTokens(), "length of tokens")))
    return failure();
  return check(op.getSharedWeights(), "tokens of shared_weights");
}

std::vector<float> Router::project(const Tensor &input) {
  int64_t width = input.getDim(1);
  Matrices gate(frame.tensor(op.getGate()), 1, op.getPanelAttr(), columns,
                width);
  std::vector<float> logits;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t e = 0; e < columns; ++e)
      logits.push_back(
          gate.multiply(0, input.floats().slice(t * width, width), e));
  return logits;
}

void Router::addNoise() {
  RouteNoiseAttr noise = *op.getNoise();
  uint64_t seed = noise.getSeed();
  if (op.getNoiseStep())
    seed += frame.tensor(op.getNoiseStep()).integers()[0];
  float stddev = static_cast<float>(noise.getStddev().convertToDouble());
  for (auto [i, value] : llvm::enumerate(z)) {
    uint64_t bits = splitmix64((seed << 32) + i) >> 41;
    value = ops.fma(stddev, math.gaussian(static_cast<int32_t>(bits)), value);
  }
}

void Router::capLogits() {
  float cap = op.getSoftcap()->convertToFloat();
  for (float &value : z)
    value = ops.mul(cap, math.tanh(ops.div(value, cap)));
}

void Router::softmax(MutableArrayRef<float> s) {
  float largest = maximum(s);
  for (float &value : s)
    value = math.exp(ops.sub(value, largest));
  float sum = sumInLanes(s);
  for (float &value : s)
    value = ops.div(value, sum);
}

void Router::score(int64_t t) {
  MutableArrayRef<float> s = scoresOf(t);
  switch (op.getScore()) {
  case ScoreFunction::Softmax:
    softmax(s);
    break;
  case ScoreFunction::Sigmoid:
    for (float &value : s)
      value = math.sigmoid(value);
    break;
  case ScoreFunction::SqrtSoftplus:
    for (float &value : s)
      value = ops.sqrt(math.softplus(value));
    break;
  case ScoreFunction::SoftmaxTopK:
  case ScoreFunction::SparseMixer:
  case ScoreFunction::None:
    break;
  }
  if (!op.getWithScores())
    return;
  MutableArrayRef<float> full =
      MutableArrayRef(fullScores).slice(t * columns, columns);
  llvm::copy(s, full.begin());
  if (op.getScore() == ScoreFunction::SoftmaxTopK ||
      op.getScore() == ScoreFunction::SparseMixer)
    softmax(full);
}

std::vector<float> Router::keysOf(int64_t t) {
  ArrayRef<float> row = op.isChosenOnLogits() ? logitsOf(t) : scoresOf(t);
  std::vector<float> keys = row.take_front(choices).vec();
  if (op.getBias())
    for (auto [key, bias] :
         llvm::zip_equal(keys, frame.tensor(op.getBias()).floats()))
      key = ops.add(key, bias);
  return keys;
}

void Router::limitGroups(int64_t t, std::vector<float> &keys) {
  RouteGroupsAttr groups = *op.getGroups();
  int64_t count = groups.getCount(), size = choices / count;
  ArrayRef<float> unbiased = op.getOnLogits() ? logitsOf(t) : scoresOf(t);
  std::vector<float> groupKeys;
  for (int64_t g = 0; g < count; ++g) {
    bool top2 = groups.getBy() == GroupScore::Top2;
    ArrayRef<float> members =
        (top2 ? ArrayRef<float>(keys) : unbiased).slice(g * size, size);
    std::vector<int64_t> order = rank(members);
    float best = members[order[0]];
    groupKeys.push_back(top2 ? ops.add(best, members[order[1]]) : best);
  }
  GroupMask mask = groups.getMask();
  std::vector<int64_t> order = rank(groupKeys);
  for (int64_t g : ArrayRef(order).drop_front(groups.getKeep()))
    for (int64_t e = g * size; e < (g + 1) * size; ++e) {
      keys[e] = mask == GroupMask::Lowest ? -infinity : 0.0f;
      if (mask == GroupMask::ZeroScore)
        scoresOf(t)[e] = 0.0f;
    }
}

LogicalResult Router::lookUp(int64_t t) {
  Tensor source = frame.tensor(op.getForced() ? op.getForced() : op.getTable());
  int64_t row = t;
  if (op.getTable()) {
    row = frame.tensor(op.getTokens()).integers()[t];
    if (row < 0 || row >= source.getDim(0))
      return op.emitOpError("expected token ")
             << t << " to be 0 to " << source.getDim(0) - 1
             << ", a row of the table, got " << row;
  }
  for (int64_t slot = 0; slot < topK; ++slot) {
    int64_t id = source.integers()[row * topK + slot];
    if (id < 0 || id >= choices)
      return op.emitOpError("expected the id of token ")
             << t << ", slot " << slot << " to be 0 to " << choices - 1
             << ", got " << id;
    idsOf(t)[slot] = id;
  }
  return success();
}

LogicalResult Router::choose(int64_t t) {
  // Shared experts with a column each are like experts chosen last.
  std::iota(idsOf(t).begin() + topK, idsOf(t).end(), choices);
  if (op.hasGivenIds())
    return lookUp(t);
  std::vector<float> keys = keysOf(t);
  if (op.getGroups())
    limitGroups(t, keys);
  llvm::copy(ArrayRef(rank(keys)).take_front(topK), idsOf(t).begin());
  return success();
}

void Router::chooseTokens() {
  int64_t taken =
      std::min(tokens, op.getCapacity()->getCapacity(tokens, choices));
  std::vector<std::vector<float>> keys(choices);
  for (int64_t t = 0; t < tokens; ++t) {
    std::iota(idsOf(t).begin(), idsOf(t).end(), 0);
    for (auto [e, key] : llvm::enumerate(keysOf(t)))
      keys[e].push_back(key);
  }
  for (int64_t e = 0; e < choices; ++e) {
    std::vector<int64_t> order = rank(keys[e]);
    for (int64_t t : ArrayRef(order).drop_front(taken))
      dropped[t * scoredSlots + e] = true;
  }
}

void Router::mixSparsely(int64_t t) {
  float limit = 2.0f * op.getJitter()->convertToFloat();
  std::vector<float> rest = logitsOf(t).vec();
  for (auto [weight, id] : llvm::zip_equal(weightsOf(t), idsOf(t))) {
    float largest = maximum(rest);
    std::vector<float> shares;
    for (float value : rest) {
      float divisor = std::fmax(math.abs(value), largest);
      bool isFar = ops.div(ops.sub(largest, value), divisor) > limit;
      shares.push_back(isFar ? 0.0f : math.exp(ops.sub(value, largest)));
    }
    weight = ops.div(shares[id], sumInLanes(shares));
    rest[id] = -infinity;
  }
}

void Router::weigh(int64_t t) {
  if (op.getScore() == ScoreFunction::SparseMixer)
    return mixSparsely(t);
  MutableArrayRef<float> w = weightsOf(t);
  for (auto [weight, id] : llvm::zip_equal(w, idsOf(t)))
    weight = scoresOf(t)[id];
  if (op.getScore() != ScoreFunction::SoftmaxTopK)
    return;
  float largest = maximum(w), sum = 0.0f;
  for (float &weight : w)
    weight = math.exp(ops.sub(weight, largest));
  for (float weight : w)
    sum = ops.add(sum, weight);
  for (float &weight : w)
    weight = ops.div(weight, sum);
}

void Router::normalize(int64_t t) {
  MutableArrayRef<float> w = weightsOf(t);
  bool onlyKept = op.getCapacity() && op.getCapacity()->getRenormalize();
  std::optional<APFloat> normOrder = op.getNormOrder();
  float p = normOrder ? normOrder->convertToFloat() : 0.0f, sum = 0.0f;
  for (auto [slot, weight] : llvm::enumerate(w)) {
    float part = onlyKept && dropped[t * scoredSlots + slot] ? 0.0f : weight;
    if (p == 2.0f)
      sum = ops.fma(part, part, sum);
    else if (p == 0.0f || p == 1.0f)
      sum = ops.add(sum, p == 0.0f ? part : math.abs(part));
    else
      sum = ops.add(sum, math.pow(math.abs(part), p));
  }
  if (p == 2.0f)
    sum = ops.sqrt(sum);
  else if (p != 0.0f && p != 1.0f)
    sum = math.pow(sum, 1.0f / p);
  float epsilon = op.getNormalize()->convertToFloat();
  float divisor = op.getDivisor() == Divisor::Add ? ops.add(sum, epsilon)
                  : sum < epsilon                 ? epsilon
                                                  : sum;
  for (float &weight : w)
    weight = ops.div(weight, divisor);
}

void Router::scale(int64_t t) {
  float factor = op.getScale().convertToFloat();
  for (auto [weight, id] : llvm::zip_equal(weightsOf(t), idsOf(t))) {
    if (factor != 1.0f)
      weight = ops.mul(weight, factor);
    if (op.getExpertScale())
      weight = ops.mul(weight, frame.tensor(op.getExpertScale()).floats()[id]);
  }
}

void Router::skipNull(int64_t t) {
  for (int64_t slot = 0; slot < topK; ++slot)
    if (idsOf(t)[slot] >= op.getNumRouted()) {
      idsOf(t)[slot] = op.getNumExperts();
      if (op.getNullExperts()->getWeight() == NullWeight::Skip)
        weightsOf(t)[slot] = 0.0f;
    }
}

void Router::limitCapacity() {
  RouteCapacityAttr capacity = *op.getCapacity();
  int64_t routed = op.getNumRouted();
  int64_t room = capacity.getCapacity(tokens, routed);
  std::vector<int64_t> pairs(tokens * topK);
  std::iota(pairs.begin(), pairs.end(), 0);
  // Where in the order of precedence a token stands within a slot.
  std::vector<int64_t> place(tokens);
  std::iota(place.begin(), place.end(), 0);
  if (capacity.getFirst() == Precedence::Weight) {
    std::vector<float> firstWeights;
    for (int64_t t = 0; t < tokens; ++t)
      firstWeights.push_back(weightsOf(t)[0]);
    for (auto [i, t] : llvm::enumerate(rank(firstWeights)))
      place[t] = i;
  }
  if (capacity.getFirst() != Precedence::Token)
    llvm::sort(pairs, [&](int64_t a, int64_t b) {
      return std::make_pair(a % topK, place[a / topK]) <
             std::make_pair(b % topK, place[b / topK]);
    });
  std::vector<int64_t> used(routed);
  for (int64_t pair : pairs) {
    int64_t t = pair / topK, slot = pair % topK, id = idsOf(t)[slot];
    if (id < routed)
      dropped[t * scoredSlots + slot] = used[id]++ >= room;
  }
}

void Router::dropOverflow(int64_t t) {
  for (int64_t slot = 0; slot < topK; ++slot)
    if (dropped[t * scoredSlots + slot]) {
      idsOf(t)[slot] = op.getNumExperts();
      if (op.getCapacity()->getOverflow() == Overflow::Drop)
        weightsOf(t)[slot] = 0.0f;
    }
}

void Router::bindResults() {
  int64_t slots = op.getNumSlots(), experts = op.getNumExperts();
  Tensor allWeights(ElementKind::F32, {tokens, slots});
  Tensor allIds(ElementKind::I32, {tokens, slots});
  MutableArrayRef<float> w = allWeights.mutableFloats();
  MutableArrayRef<int64_t> i = allIds.mutableIntegers();
  Tensor counts =
      Tensor::filled({experts}, Scalar::makeInteger(ElementKind::I32, 0));
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t slot = 0; slot < slots; ++slot) {
      int64_t at = t * slots + slot, shared = slot - topK;
      i[at] = shared < 0 ? idsOf(t)[slot] : op.getNumRouted() + shared;
      if (slot < scoredSlots)
        w[at] = weightsOf(t)[slot];
      else
        w[at] = op.getSharedWeights()
                    ? frame.tensor(op.getSharedWeights())
                          .floats()[t * op.getNumShared() + shared]
                    : 1.0f;
      if (i[at] < experts)
        ++counts.mutableIntegers()[i[at]];
    }
  frame.bind(op.getResult(0), std::move(allWeights));
  frame.bind(op.getResult(1), std::move(allIds));
  if (op.getWithScores()) {
    Tensor all(ElementKind::F32, {tokens, columns});
    llvm::copy(fullScores, all.mutableFloats().begin());
    frame.bind(op.getResult(op.getScoresIndex()), std::move(all));
  }
  if (op.getWithCounts())
    frame.bind(op.getResult(op.getCountsIndex()), std::move(counts));
}

LogicalResult Router::run() {
  if (failed(checkOperands()))
    return failure();
  if (op.getNoise())
    addNoise();
  if (op.getSoftcap())
    capLogits();
  scores = z;
  fullScores = z;
  for (int64_t t = 0; t < tokens; ++t)
    score(t);
  if (op.getExpertChoice())
    chooseTokens();
  for (int64_t t = 0; t < tokens; ++t) {
    if (!op.getExpertChoice() && failed(choose(t)))
      return failure();
    weigh(t);
  }
  // The order of pairs is by the weights of step 5.
  if (op.getCapacity() && !op.getExpertChoice())
    limitCapacity();
  for (int64_t t = 0; t < tokens; ++t) {
    if (op.getNormalize())
      normalize(t);
    scale(t);
    skipNull(t);
    dropOverflow(t);
  }
  bindResults();
  return success();
}

LogicalResult evaluateRoute(RouteOp op, Frame &frame) {
  return Router(op, frame).run();
}

} // namespace

void addRouteHandlers(HandlerTable &table) {
  addHandler<RouteOp, evaluateRoute>(table);
}

} // namespace mlir::moe::reference
