// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LayerModule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <sstream>

using namespace moe::bench;

namespace {

/// Calls of so few tokens get an entry for exactly that many, as decoding does.
constexpr int64_t mostStaticTokens = 8;
constexpr int64_t routerSeed = 1;

/// Keeps values near 1 in magnitude from layer to layer: a product over `dim`
/// elements of variance 1 has variance 1.
double scaleFor(int64_t dim) {
  return std::sqrt(3.0 / static_cast<double>(dim));
}

/// Element `index` of `#moe.random<seed, scale>`.
float randomWeight(uint64_t seed, uint64_t index, double scale) {
  uint64_t z = (seed << 32) + index + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  double uniform = static_cast<double>(z >> 40) / (1 << 23) - 1.0;
  return static_cast<float>(uniform * scale);
}

class Emitter {
public:
  explicit Emitter(const LayerOptions &options) : options(options) {
    os.precision(17);
    os << "#a = affine_map<(m, n, k) -> (m, k)>\n"
          "#b = affine_map<(m, n, k) -> (n, k)>\n"
          "#c = affine_map<(m, n, k) -> (m, n)>\n"
          "#id = affine_map<(m, n) -> (m, n)>\n";
  }

  void weight(const char *name, const std::string &shape, int64_t columns) {
    os << "moe.weight @" << name << " : tensor<" << shape << columns << "x"
       << options.dtype << "> from #moe.random<seed = " << nextSeed++
       << ", scale = " << scaleFor(columns) << ">\n";
  }

  /// `body` computes %y from %x and %t, tensors of `rows` (a number or "?").
  void entry(int64_t tokens,
             const std::function<void(const std::string &rows)> &body) {
    bool isStatic = tokens <= mostStaticTokens;
    std::string rows = isStatic ? std::to_string(tokens) : "?";
    std::string type = tensor(rows, options.dim);
    os << "func.func @tokens_" << tokens << "(%x: " << type
       << " {moe.name = \"x\"";
    if (!isStatic)
      os << ", moe.max_shape = array<i64: " << tokens << ", " << options.dim
         << ">";
    os << "}) -> (" << type << " {moe.name = \"y\"}) {\n"
       << "  %zero = arith.constant 0.0 : f32\n"
       << "  %one = arith.constant 1.0 : f32\n"
       << "  %c0 = arith.constant 0 : index\n"
       << "  %t = tensor.dim %x, %c0 : " << type << "\n";
    rowCount = "%t";
    body(rows);
    os << "  return %y : " << type << "\n}\n";
  }

  void getWeight(const char *name, const std::string &shape, int64_t columns) {
    os << "  %" << name << " = moe.get_weight @" << name << " : "
       << weightType(shape, columns) << "\n";
  }

  /// %result = %input [rows, in] times the transposed %weight [out, in].
  void project(const std::string &result, const std::string &input,
               const std::string &weight, const std::string &rows, int64_t out,
               int64_t in) {
    std::string type = tensor(rows, out);
    os << "  %" << result << "_empty = tensor.empty(" << extent(rows)
       << ") : " << type << "\n  %" << result
       << "_zero = linalg.fill ins(%zero : f32) outs(%" << result
       << "_empty : " << type << ") -> " << type << "\n  %" << result
       << " = linalg.matmul indexing_maps = [#a, #b, #c] ins(%" << input
       << ", %" << weight << " : " << tensor(rows, in) << ", "
       << weightType("", out, in) << ") outs(%" << result << "_zero : " << type
       << ") -> " << type << "\n";
  }

  /// %result = down(silu(gate(%input)) * up(%input)), SwiGLU of `width`, with
  /// the weights %gate, %up and %down followed by `suffix`.
  void swiglu(const std::string &result, const std::string &input,
              const std::string &rows, int64_t width,
              const std::string &suffix) {
    rowCount = "%t" + suffix;
    std::string type = tensor(rows, width);
    project("g", input, "gate" + suffix, rows, width, options.dim);
    project("u", input, "up" + suffix, rows, width, options.dim);
    os << "  %h_empty = tensor.empty(" << extent(rows) << ") : " << type
       << "\n  %h = linalg.generic {indexing_maps = [#id, #id, #id], "
          "iterator_types = [\"parallel\", \"parallel\"]} ins(%g, %u : "
       << type << ", " << type << ") outs(%h_empty : " << type << ") {\n"
       << "  ^bb0(%a: f32, %b: f32, %old: f32):\n"
          "    %n = arith.negf %a : f32\n"
          "    %e = math.exp %n : f32\n"
          "    %d = arith.addf %e, %one : f32\n"
          "    %s = arith.divf %a, %d : f32\n"
          "    %p = arith.mulf %s, %b : f32\n"
          "    linalg.yield %p : f32\n"
          "  } -> "
       << type << "\n";
    project(result, "h", "down" + suffix, rows, options.dim, width);
  }

  static std::string tensor(const std::string &rows, int64_t columns,
                            const char *element = "f32") {
    return "tensor<" + rows + "x" + std::to_string(columns) + "x" + element +
           ">";
  }
  std::string weightType(const std::string &shape, int64_t columns) const {
    return "tensor<" + shape + std::to_string(columns) + "x" + options.dtype +
           ">";
  }
  std::string weightType(const std::string &shape, int64_t rows,
                         int64_t columns) const {
    return weightType(shape + std::to_string(rows) + "x", columns);
  }

  std::ostringstream os;

private:
  std::string extent(const std::string &rows) const {
    return rows == "?" ? rowCount : "";
  }

  const LayerOptions &options;
  int64_t nextSeed = routerSeed;
  std::string rowCount;
};

std::string prefix(int64_t size) { return std::to_string(size) + "x"; }

} // namespace

std::string moe::bench::moeLayer(const LayerOptions &options) {
  int64_t dim = options.dim, ffn = options.ffn;
  std::string experts = prefix(options.experts);
  std::string topK = std::to_string(options.topK);
  Emitter ir(options);
  ir.weight("router", experts, dim);
  ir.weight("gate", experts + prefix(ffn), dim);
  ir.weight("up", experts + prefix(ffn), dim);
  ir.weight("down", experts + prefix(dim), ffn);
  std::string plan =
      "!moe.plan<" + experts.substr(0, experts.size() - 1) + " x " + topK + ">";
  for (int64_t tokens : options.tokens)
    ir.entry(tokens, [&](const std::string &rows) {
      std::string slots =
          rows == "?" ? rows : std::to_string(tokens * options.topK);
      std::string x = Emitter::tensor(rows, dim);
      std::string dispatched = Emitter::tensor(slots, dim);
      std::string weights = Emitter::tensor(rows, options.topK);
      std::string ids = Emitter::tensor(rows, options.topK, "i32");
      ir.getWeight("router", experts, dim);
      ir.project("logits", "x", "router", rows, options.experts, dim);
      ir.os << "  %w, %ids = moe.route %logits top_k(" << topK
            << ") score(softmax) normalize(0.0) : "
            << Emitter::tensor(rows, options.experts) << " -> " << weights
            << ", " << ids
            << "\n  %rows, %plan = moe.dispatch %x, %ids experts("
            << options.experts << ") : " << x << ", " << ids << " -> "
            << dispatched << ", " << plan << "\n";
      ir.getWeight("gate", experts + prefix(ffn), dim);
      ir.getWeight("up", experts + prefix(ffn), dim);
      ir.getWeight("down", experts + prefix(dim), ffn);
      std::string wide = ir.weightType(experts, ffn, dim);
      ir.os << "  %outs = moe.expert %rows, %plan weights(%gate, %up, %down : "
            << wide << ", " << wide << ", " << ir.weightType(experts, dim, ffn)
            << ") {\n  ^bb0(%block: " << Emitter::tensor("?", dim)
            << ", %gate_e: " << ir.weightType("", ffn, dim)
            << ", %up_e: " << ir.weightType("", ffn, dim)
            << ", %down_e: " << ir.weightType("", dim, ffn)
            << "):\n  %t_e = tensor.dim %block, %c0 : "
            << Emitter::tensor("?", dim) << "\n";
      ir.swiglu("o", "block", "?", ffn, "_e");
      ir.os << "  moe.yield %o : " << Emitter::tensor("?", dim)
            << "\n  } : " << dispatched << ", " << plan << " -> " << dispatched
            << "\n  %y = moe.combine %outs, %plan, %w : " << dispatched << ", "
            << plan << ", " << weights << " -> " << x << "\n";
    });
  return ir.os.str();
}

std::string moe::bench::denseLayer(const LayerOptions &options) {
  int64_t dim = options.dim, width = options.dense;
  Emitter ir(options);
  ir.weight("gate", prefix(width), dim);
  ir.weight("up", prefix(width), dim);
  ir.weight("down", prefix(dim), width);
  for (int64_t tokens : options.tokens)
    ir.entry(tokens, [&](const std::string &rows) {
      ir.getWeight("gate", prefix(width), dim);
      ir.getWeight("up", prefix(width), dim);
      ir.getWeight("down", prefix(dim), width);
      ir.swiglu("y", "x", rows, width, "");
    });
  return ir.os.str();
}

ExpertCounter::ExpertCounter(const LayerOptions &options)
    : options(options),
      router(static_cast<size_t>(options.experts * options.dim)) {
  // Rounding to bf16 moves a logit by less than what separates two experts in
  // all but a few tokens, so it is left out.
  for (size_t i = 0; i < router.size(); ++i)
    router[i] = randomWeight(routerSeed, i, scaleFor(options.dim));
}

int64_t ExpertCounter::count(const std::vector<float> &tokens) const {
  auto dim = static_cast<size_t>(options.dim);
  std::vector<char> hit(options.experts);
  std::vector<float> logits(options.experts);
  std::vector<int64_t> order(options.experts);
  for (size_t t = 0; t < tokens.size(); t += dim) {
    for (size_t e = 0; e < logits.size(); ++e)
      logits[e] = std::inner_product(&tokens[t], &tokens[t] + dim,
                                     &router[e * dim], 0.0f);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(
        order.begin(), order.begin() + options.topK, order.end(),
        [&](int64_t a, int64_t b) { return logits[a] > logits[b]; });
    for (int64_t i = 0; i < options.topK; ++i)
      hit[order[i]] = 1;
  }
  return std::count(hit.begin(), hit.end(), 1);
}
