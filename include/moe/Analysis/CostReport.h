// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cost of every operation of a module, as a table or as JSON.
#ifndef MOE_ANALYSIS_COSTREPORT_H
#define MOE_ANALYSIS_COSTREPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Analysis/CostModel.h"
#include "moe/Analysis/Machine.h"
#include "llvm/Support/JSON.h"

namespace mlir::moe {

struct CostReportOptions {
  /// Numbers of tokens to report functions of a dynamic number of tokens for;
  /// empty: the largest that `moe.max_shape` of their arguments allows.
  llvm::SmallVector<int64_t> tokens;
  RoutingProfile profile;
  std::optional<int64_t> context;
  /// Without a machine there are no times.
  std::optional<Machine> machine;
};

struct OpReport {
  std::string operation;
  /// The weights that it reads, else its location.
  std::vector<std::string> of;
  /// Nothing where an extent has no bound.
  std::optional<OpCost> cost;
};

struct FunctionReport {
  std::string name;
  /// Nothing where the function takes a static number.
  std::optional<int64_t> tokens;
  std::vector<OpReport> operations;
};

/// What a module costs: each public function, for each number of tokens.
class CostReport {
public:
  /// Fails with an error at a function whose number of tokens is
  /// not known, or where the profile does not fit an operation.
  static FailureOr<CostReport> create(ModuleOp module,
                                      CostReportOptions options);

  void printTable(llvm::raw_ostream &os) const;
  llvm::json::Value toJson() const;

private:
  explicit CostReport(CostReportOptions options)
      : options(std::move(options)) {}

  void addWeights(ModuleOp module);
  LogicalResult addFunction(FunctionOpInterface function);
  LogicalResult addOperations(FunctionOpInterface function,
                              std::optional<int64_t> tokens);

  CostReportOptions options;
  /// All weights of the module: tensors, elements, bytes.
  int64_t numWeights = 0, parameters = 0, weightBytes = 0;
  std::vector<FunctionReport> functions;
};

} // namespace mlir::moe

#endif // MOE_ANALYSIS_COSTREPORT_H
