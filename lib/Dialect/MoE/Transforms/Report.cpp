// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Analysis/CostReport.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ToolOutputFile.h"

namespace mlir::moe {
#define GEN_PASS_DEF_REPORTPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {
struct ReportPass : moe::impl::ReportPassBase<ReportPass> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *mlirContext) override {
    auto fail = [&](const Twine &message) {
      return emitError(UnknownLoc::get(mlirContext)) << message;
    };
    for (int64_t count : tokens)
      if (count < 0)
        return fail("tokens: expected numbers that are not negative, got " +
                    Twine(count));
    options.tokens.assign(tokens.begin(), tokens.end());
    if (context < -1)
      return fail("context: expected a number of positions, got " +
                  Twine(context));
    if (context >= 0)
      options.context = context;
    llvm::Expected<RoutingProfile> routing = RoutingProfile::parse(profile);
    if (!routing)
      return fail(toString(routing.takeError()));
    options.profile = std::move(*routing);
    if (machine.empty())
      return success();
    llvm::Expected<Machine> known = Machine::parse(machine);
    if (!known)
      return fail(toString(known.takeError()));
    options.machine = std::move(*known);
    return success();
  }

  void runOnOperation() override {
    FailureOr<CostReport> report = CostReport::create(getOperation(), options);
    if (failed(report))
      return signalPassFailure();
    std::error_code code;
    llvm::ToolOutputFile file(output, code, llvm::sys::fs::OF_Text);
    if (code) {
      emitError(UnknownLoc::get(&getContext()), output)
          << ": cannot be written: " << code.message();
      return signalPassFailure();
    }
    if (json)
      file.os() << llvm::formatv("{0:2}", report->toJson()) << '\n';
    else
      report->printTable(file.os());
    file.keep();
    markAllAnalysesPreserved();
  }

private:
  CostReportOptions options;
};
} // namespace
