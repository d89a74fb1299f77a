// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compiler.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "moe/Import/Error.h"
#include "moe/Import/HuggingFace.h"
#include "moe/Pipelines/CPUPipeline.h"
#include "moe/Target/CPU/Artefact.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace mlir::moe;

static constexpr llvm::StringLiteral kVersion =
    "moe-compile " MOE_VERSION ", LLVM " LLVM_VERSION_STRING;

/// The phase after which everything that the manifest needs is known.
static constexpr llvm::StringLiteral kPlannedPhase = "buffers";

/// One line of progress that overwrites itself; silent unless stderr is a
/// terminal.
static void showProgress(const llvm::Twine &text) {
  if (llvm::sys::Process::StandardErrIsDisplayed())
    llvm::errs() << "\r\033[K" << text;
}

/// Prints IR to a file, or to standard output for "-"; all of it or nothing.
static llvm::Error printModule(ModuleOp module, StringRef path) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_Text);
  if (code)
    return invalidInput(path, "", "cannot be written: " + code.message());
  module->print(file.os(), OpPrintingFlags().elideLargeElementsAttrs(1 << 20));
  file.os() << '\n';
  file.os().flush();
  if (file.os().has_error()) {
    std::error_code code = file.os().error();
    file.os().clear_error();
    return invalidInput(path, "", "cannot be written: " + code.message());
  }
  file.keep();
  return llvm::Error::success();
}

llvm::Expected<OwningOpRef<ModuleOp>>
moe::readInput(MLIRContext *context, const CompileOptions &options) {
  if (llvm::sys::fs::is_directory(options.input))
    return importHuggingFace(context, options.input, options.import);
  if (!llvm::sys::fs::exists(options.input))
    return invalidInput(
        options.input, "",
        "expected a model directory or an .mlir file, found nothing");
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(options.input, context);
  if (!module)
    return invalidInput(options.input, "", "is not a valid module");
  return std::move(module);
}

llvm::Error moe::checkPhase(StringRef name) {
  auto names = llvm::map_to_vector(
      getCPUPhases(), [](const Phase &phase) { return phase.name.str(); });
  if (llvm::is_contained(names, name))
    return llvm::Error::success();
  return expectedGot("--compile-to", "", "one of " + llvm::join(names, ", "),
                     "'" + name.str() + "'");
}

static llvm::Error runPhase(const Phase &phase, ModuleOp module,
                            const CPUPipelineOptions &options) {
  PassManager manager(module.getContext());
  phase.build(manager, options);
  if (failed(manager.run(module)))
    return llvm::createStringError("compiling failed in phase '" + phase.name +
                                   "'");
  return llvm::Error::success();
}

static llvm::Error dumpPhase(ModuleOp module, StringRef directory, size_t index,
                             StringRef name) {
  SmallString<128> path(directory);
  llvm::sys::path::append(path,
                          llvm::formatv("{0,0+2}-{1}.mlir", index, name).str());
  return printModule(module, path);
}

/// The last phase whose operations work on tensors, weights being as written.
static constexpr llvm::StringLiteral kReportedPhase = "verified";

static llvm::Error printCosts(ModuleOp module,
                              const CostReportOptions &options) {
  showProgress("");
  FailureOr<CostReport> report = CostReport::create(module, options);
  if (failed(report))
    return llvm::createStringError("the cost report failed");
  report->printTable(llvm::errs());
  return llvm::Error::success();
}

static void printReport(const ArtefactPlan &plan, StringRef output) {
  const llvm::json::Object *memory = plan.description.getObject("memory");
  auto megabytes = [&](StringRef key) {
    return llvm::formatv("{0:f2} MiB", *memory->getInteger(key) / 1048576.0)
        .str();
  };
  llvm::errs() << "artefact " << output << "\n  weights "
               << megabytes("weights_bytes") << " in " << plan.weights.size()
               << " tensors\n  KV cache " << megabytes("kv_bytes")
               << "\n  arena " << megabytes("arena_bytes") << "\n";
}

llvm::Error moe::compile(MLIRContext *context, const CompileOptions &options) {
  ArrayRef<Phase> phases = getCPUPhases();
  if (!options.dumpDirectory.empty())
    if (std::error_code code =
            llvm::sys::fs::create_directories(options.dumpDirectory))
      return invalidInput(options.dumpDirectory, "",
                          "cannot be created: " + code.message());

  llvm::Expected<CPUTarget> target = CPUTarget::get(options.isa);
  if (!target)
    return target.takeError();
  CPUPipelineOptions pipeline;
  pipeline.vectorBits = target->vectorBits;
  pipeline.fuse = options.fuse;
  pipeline.checkConservation = options.checkConservation;

  showProgress("importing " + options.input);
  llvm::Expected<OwningOpRef<ModuleOp>> module = readInput(context, options);
  if (!module)
    return module.takeError();

  ArtefactPlan plan;
  bool reported = !options.report;
  for (auto [i, phase] : llvm::enumerate(phases)) {
    showProgress("compiling: phase " + llvm::Twine(i + 1) + " of " +
                 llvm::Twine(phases.size()) + ", " + phase.name);
    if (llvm::Error error = runPhase(phase, **module, pipeline))
      return error;
    if (!options.dumpDirectory.empty())
      if (llvm::Error error =
              dumpPhase(**module, options.dumpDirectory, i, phase.name))
        return error;
    bool isLast = phase.name == options.compileTo;
    if (!reported && (isLast || phase.name == kReportedPhase)) {
      if (llvm::Error error = printCosts(**module, options.cost))
        return error;
      reported = true;
    }
    if (isLast) {
      showProgress("");
      return printModule(**module, options.output);
    }
    if (phase.name == kPlannedPhase) {
      llvm::Expected<ArtefactPlan> planned = planArtefact(**module);
      if (!planned)
        return planned.takeError();
      plan = std::move(*planned);
    }
  }
  if (options.report) {
    showProgress("");
    printReport(plan, options.output);
  }
  // Relative checkpoint paths in a file are relative to the file.
  StringRef base = llvm::sys::path::parent_path(options.input);
  showProgress("generating code");
  llvm::Error error = writeArtefact(
      std::move(plan), **module, *target, options.output,
      base.empty() ? "." : base, kVersion, [](int64_t written, int64_t total) {
        showProgress(llvm::formatv("packing weights {0}%",
                                   total ? written * 100 / total : 100)
                         .str());
      });
  showProgress("");
  return error;
}
