// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The report as a table and as JSON. Both round expectations to whole numbers,
// so that they read the same everywhere.
#include "moe/Analysis/CostReport.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace mlir::moe;
namespace json = llvm::json;

namespace {
/// Seconds on a machine, and what they are spent on.
struct Roofline {
  double seconds = 0.0;
  bool ofMemory = true;

  Roofline(const OpCost &cost, const Machine &machine) {
    double memory = machine.getMemorySeconds(cost.getBytes());
    double compute = machine.getComputeSeconds(cost.flops, cost.isBF16);
    seconds = std::max(memory, compute);
    ofMemory = memory >= compute;
  }
  StringRef getBound() const { return ofMemory ? "memory" : "compute"; }
};

/// The sum over a function's operations; their times add up, as one runs after
/// the other.
struct Total {
  OpCost cost;
  double seconds = 0.0;
  size_t unknown = 0;

  Total(const FunctionReport &function, const std::optional<Machine> &machine) {
    for (const OpReport &op : function.operations) {
      if (!op.cost) {
        ++unknown;
        continue;
      }
      cost += *op.cost;
      if (machine)
        seconds += Roofline(*op.cost, *machine).seconds;
    }
  }
};
} // namespace

static int64_t toInteger(double value) { return std::llround(value); }
static std::string integer(double value) {
  return std::to_string(toInteger(value));
}
static std::string microseconds(double seconds) {
  return llvm::formatv("{0:f3}", seconds * 1e6).str();
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

using Row = SmallVector<std::string>;

/// Columns as wide as their widest cell; the first two to the left.
static void printRows(raw_ostream &os, ArrayRef<Row> rows) {
  constexpr size_t leftColumns = 2;
  SmallVector<size_t> widths(rows.front().size(), 0);
  for (const Row &row : rows)
    for (auto [width, cell] : llvm::zip_equal(widths, row))
      width = std::max(width, cell.size());
  for (const Row &row : rows) {
    std::string line;
    for (auto [i, cell] : llvm::enumerate(row)) {
      std::string padding(widths[i] - cell.size(), ' ');
      line += "  ";
      line += i < leftColumns ? cell + padding : padding + cell;
    }
    os << StringRef(line).rtrim() << '\n';
  }
}

static Row makeRow(const OpReport &op, const std::optional<Machine> &machine) {
  std::string others =
      op.of.size() > 1 ? " +" + std::to_string(op.of.size() - 1) : "";
  Row row = {op.operation, op.of.front() + others};
  if (!op.cost) {
    row.append(5 + (machine ? 2 : 0), "?");
    return row;
  }
  const OpCost &cost = *op.cost;
  row.append({integer(cost.parameters), integer(cost.weightBytes),
              integer(cost.activationBytes), integer(cost.flops),
              cost.activeExperts
                  ? llvm::formatv("{0:f2}", *cost.activeExperts).str()
                  : ""});
  if (machine) {
    Roofline roofline(cost, *machine);
    row.append({microseconds(roofline.seconds), roofline.getBound().str()});
  }
  return row;
}

void CostReport::printTable(raw_ostream &os) const {
  os << "weights: " << parameters << " parameters, " << weightBytes
     << " bytes in " << numWeights << " tensors\n";
  os << "routing: " << options.profile.getName() << '\n';
  os << "attention: over ";
  if (options.context)
    os << *options.context << " positions\n";
  else
    os << "all positions that the cache keeps\n";
  if (const std::optional<Machine> &machine = options.machine)
    os << llvm::formatv("machine: {0}, {1:f1} GB/s, {2:f1} GFLOP/s f32, "
                        "{3:f1} GFLOP/s bf16\n",
                        machine->name, machine->bandwidthGBs,
                        machine->f32GFlops, machine->bf16GFlops);
  for (const FunctionReport &function : functions) {
    os << '\n' << function.name;
    if (function.tokens)
      os << ", T = " << *function.tokens;
    os << '\n';
    SmallVector<Row> rows = {{"operation", "of", "parameters", "weight bytes",
                              "other bytes", "FLOPs", "experts"}};
    if (options.machine)
      rows.front().append({"time (us)", "bound by"});
    for (const OpReport &op : function.operations)
      rows.push_back(makeRow(op, options.machine));
    Total total(function, options.machine);
    rows.push_back({"total", "", integer(total.cost.parameters),
                    integer(total.cost.weightBytes),
                    integer(total.cost.activationBytes),
                    integer(total.cost.flops), ""});
    if (options.machine)
      rows.back().append({microseconds(total.seconds), ""});
    printRows(os, rows);
    if (total.unknown != 0)
      os << "  not in the total: " << total.unknown
         << " operations with an extent that has no bound (?)\n";
  }
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json::Object toObject(const OpCost &cost) {
  return json::Object{{"parameters", toInteger(cost.parameters)},
                      {"weight_bytes", toInteger(cost.weightBytes)},
                      {"other_bytes", toInteger(cost.activationBytes)},
                      {"flops", toInteger(cost.flops)}};
}

static json::Object toObject(const OpReport &op,
                             const std::optional<Machine> &machine) {
  json::Object object;
  if (op.cost) {
    object = toObject(*op.cost);
    if (op.cost->activeExperts)
      object["active_experts"] = *op.cost->activeExperts;
    if (machine) {
      Roofline roofline(*op.cost, *machine);
      object["seconds"] = roofline.seconds;
      object["bound_by"] = roofline.getBound();
    }
  }
  object["operation"] = op.operation;
  object["of"] = json::Array(op.of);
  return object;
}

json::Value CostReport::toJson() const {
  json::Array reports;
  for (const FunctionReport &function : functions) {
    json::Array operations;
    for (const OpReport &op : function.operations)
      operations.push_back(toObject(op, options.machine));
    Total total(function, options.machine);
    json::Object sum = toObject(total.cost);
    sum["unknown_operations"] = int64_t(total.unknown);
    if (options.machine)
      sum["seconds"] = total.seconds;
    json::Object object{{"name", function.name},
                        {"operations", std::move(operations)},
                        {"total", std::move(sum)}};
    if (function.tokens)
      object["tokens"] = *function.tokens;
    reports.push_back(std::move(object));
  }
  json::Object report{
      {"functions", std::move(reports)},
      {"routing", options.profile.getName()},
      {"context", options.context ? json::Value(*options.context) : nullptr},
      {"weights", json::Object{{"tensors", numWeights},
                               {"parameters", parameters},
                               {"bytes", weightBytes}}}};
  if (const std::optional<Machine> &machine = options.machine)
    report["machine"] = json::Object{{"name", machine->name},
                                     {"bandwidth_gbs", machine->bandwidthGBs},
                                     {"f32_gflops", machine->f32GFlops},
                                     {"bf16_gflops", machine->bf16GFlops}};
  return report;
}
