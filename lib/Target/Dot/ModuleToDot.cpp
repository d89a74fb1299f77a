// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/Dot/ModuleToDot.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/GraphWriter.h"

using namespace mlir;
using namespace mlir::moe;

/// The part of a weight's name that names its layer, up to the first component
/// that is a number: `model.layers.3` of `model.layers.3.mlp.gate.weight`.
static StringRef getLayer(StringRef weight) {
  for (size_t begin = 0, end; begin < weight.size(); begin = end + 1) {
    end = std::min(weight.find('.', begin), weight.size());
    StringRef component = weight.slice(begin, end);
    if (!component.empty() && llvm::all_of(component, llvm::isDigit))
      return weight.take_front(end);
  }
  return "";
}

/// Wiring that hides the picture: where results go, and extents of dimensions.
static bool isHidden(Operation *op) {
  auto isShown = [](Type type) {
    return isa<ShapedType, PlanType, KVCacheType>(type);
  };
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<tensor::EmptyOp, tensor::DimOp, linalg::FillOp>(op) ||
         (llvm::none_of(op->getResultTypes(), isShown) &&
          llvm::none_of(op->getOperandTypes(), isShown));
}

/// `?x64xf32`, `plan<8 x 2>`.
static std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto shaped = dyn_cast<ShapedType>(type)) {
    for (int64_t extent : shaped.getShape())
      (ShapedType::isDynamic(extent) ? os << '?' : os << extent) << 'x';
    os << shaped.getElementType();
    return text;
  }
  os << type;
  StringRef name = text;
  name.consume_front("!moe.");
  return name.str();
}

/// The operation's name; for a loop over elements also what it computes.
static std::string describe(Operation *op) {
  std::string text = op->getName().getStringRef().str();
  if (!isa<linalg::GenericOp>(op))
    return text;
  llvm::SetVector<StringRef> body;
  for (Operation &inner : op->getRegion(0).front().without_terminator())
    body.insert(inner.getName().stripDialect());
  return body.empty() ? text : text + "\n" + llvm::join(body, " ");
}

namespace {
/// The picture of one function.
class FunctionGraph {
public:
  FunctionGraph(func::FuncOp function, llvm::raw_ostream &os)
      : function(function), os(os) {}

  void write() {
    for (BlockArgument argument : function.getArguments())
      addNode(argument,
              getLabel(function.getArgAttrDict(argument.getArgNumber()), "%arg",
                       argument.getArgNumber()),
              "shape=ellipse", /*layer=*/"");
    for (Operation &op : function.front().without_terminator())
      if (!isHidden(&op))
        addOperation(&op);
    Operation *terminator = function.front().getTerminator();
    for (OpOperand &returned : terminator->getOpOperands()) {
      unsigned number = returned.getOperandNumber();
      unsigned node = addNode(
          ValueRange(),
          getLabel(function.getResultAttrDict(number), "result ", number),
          "shape=ellipse", /*layer=*/"");
      addEdge(returned.get(), node);
    }

    os << "  subgraph \"cluster " << escape(function.getName())
       << "\" {\n    label=\"" << escape(function.getName()) << "\";\n";
    for (auto &[layer, lines] : layers) {
      if (layer.empty()) {
        os << lines;
        continue;
      }
      os << "    subgraph \"cluster " << escape(function.getName()) << ' '
         << escape(layer) << "\" {\n    label=\"" << escape(layer)
         << "\"; style=filled; color=gray94;\n"
         << lines << "    }\n";
    }
    os << edges << "  }\n";
  }

private:
  static std::string escape(StringRef text) {
    return llvm::DOT::EscapeString(text.str());
  }

  static std::string getLabel(DictionaryAttr attributes, StringRef prefix,
                              unsigned number) {
    if (attributes)
      if (auto name = attributes.getAs<StringAttr>("moe.name"))
        return name.str();
    return (prefix + Twine(number)).str();
  }

  /// Where an operation is: in the layer of its weights; without weights, in
  /// the last layer that it takes something from.
  StringRef placeOf(ArrayRef<Value> uses) {
    bool hasWeights = false;
    StringRef last;
    for (Value use : uses) {
      auto it = layerOf.find(use);
      if (it == layerOf.end())
        continue;
      bool isWeight = use.getDefiningOp<GetWeightOp>();
      if (isWeight && !hasWeights) {
        hasWeights = true;
        last = "";
      }
      if (isWeight == hasWeights && numberOf(it->second) > numberOf(last))
        last = it->second;
    }
    return last;
  }

  /// Layers in the order of their first weights; 0 is none.
  unsigned numberOf(StringRef layer) {
    if (layer.empty())
      return 0;
    return layerNumbers.try_emplace(layer, layerNumbers.size() + 1)
        .first->second;
  }

  void addOperation(Operation *op) {
    if (auto weight = dyn_cast<GetWeightOp>(op)) {
      StringRef name = weight.getWeight(), layer = getLayer(name);
      numberOf(layer);
      StringRef label =
          layer.empty() ? name : name.drop_front(layer.size() + 1);
      addNode(weight.getResult(), label, "shape=note, fontsize=10", layer);
      return;
    }
    llvm::SetVector<Value> uses(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), uses);
    bool ours = isa<MoEDialect>(op->getDialect());
    unsigned node = addNode(op->getResults(), describe(op),
                            ours ? "style=filled, fillcolor=gold" : "",
                            placeOf(uses.getArrayRef()));
    for (Value use : uses)
      addEdge(use, node);
  }

  /// Returns the number of the node, which stands for `values`.
  unsigned addNode(ValueRange values, StringRef label, StringRef style,
                   StringRef layer) {
    unsigned node = numNodes++;
    for (Value value : values) {
      nodes[value] = node;
      layerOf[value] = layer;
    }
    llvm::raw_string_ostream line(layers[layer]);
    line << "    \"" << escape(function.getName()) << ' ' << node
         << "\" [label=\"" << escape(label) << '"';
    if (!style.empty())
      line << ", " << style;
    line << "];\n";
    return node;
  }

  void addEdge(Value from, unsigned to) {
    auto it = nodes.find(from);
    if (it == nodes.end())
      return;
    std::string name = escape(function.getName());
    llvm::raw_string_ostream(edges)
        << "    \"" << name << ' ' << it->second << "\" -> \"" << name << ' '
        << to << "\" [label=\"" << escape(describe(from.getType())) << "\"];\n";
  }

  func::FuncOp function;
  llvm::raw_ostream &os;
  unsigned numNodes = 0;
  DenseMap<Value, unsigned> nodes;
  DenseMap<Value, StringRef> layerOf;
  llvm::DenseMap<StringRef, unsigned> layerNumbers;
  llvm::MapVector<StringRef, std::string> layers; ///< their nodes, as text
  std::string edges;
};
} // namespace

void moe::writeDot(ModuleOp module, llvm::raw_ostream &os) {
  os << "digraph moe {\n  node [shape=box, fontname=\"sans-serif\"];\n"
        "  edge [fontname=\"sans-serif\", fontsize=9];\n";
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      FunctionGraph(function, os).write();
  os << "}\n";
}

void moe::registerToDotTranslation() {
  static TranslateFromMLIRRegistration registration(
      "moe-to-dot", "draw the entry functions as a Graphviz digraph",
      [](ModuleOp module, llvm::raw_ostream &os) {
        writeDot(module, os);
        return success();
      },
      [](DialectRegistry &registry) {
        registerAllDialects(registry);
        registry.insert<MoEDialect>();
      });
}
