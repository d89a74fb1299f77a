// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compiler.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "moe/Import/Error.h"
#include "moe/Import/HuggingFace.h"
#include "moe/Pipelines/CPUPipeline.h"
#include "moe/Pipelines/GPUPipeline.h"
#include "moe/Target/CPU/Artefact.h"
#include "moe/Target/GPU/CodeGen.h"
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

/// The phases of a target; `vectorBits` counts for a CPU.
static Phases getPhases(const CompileOptions &options, int64_t vectorBits) {
  if (options.target == "cpu") {
    CPUPipelineOptions pipeline;
    pipeline.vectorBits = vectorBits;
    pipeline.fuse = options.fuse;
    pipeline.checkConservation = options.checkConservation;
    return getCPUPhases(pipeline);
  }
  GPUPipelineOptions pipeline;
  pipeline.chip = options.target;
  pipeline.fuse = options.fuse;
  pipeline.checkConservation = options.checkConservation;
  return getGPUPhases(pipeline);
}

llvm::Error moe::checkPhase(StringRef target, StringRef name) {
  CompileOptions options;
  options.target = target.str();
  auto names =
      llvm::map_to_vector(getPhases(options, 512),
                          [](const Phase &phase) { return phase.name.str(); });
  if (llvm::is_contained(names, name))
    return llvm::Error::success();
  return expectedGot("--compile-to", "", "one of " + llvm::join(names, ", "),
                     "'" + name.str() + "'");
}

static llvm::Error runPhase(const Phase &phase, ModuleOp module) {
  PassManager manager(module.getContext());
  phase.build(manager);
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

/// Takes the kernels out of the module: PTX, and machine code where ptxas is at
/// hand.
static llvm::Expected<DevicePart> takeDevicePart(ModuleOp module) {
  llvm::Expected<DeviceCode> code = emitPTX(module);
  if (!code)
    return code.takeError();
  for (auto kernels :
       llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>()))
    kernels.erase();
  module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  if (std::string ptxas = findPtxas(); !ptxas.empty())
    if (llvm::Error error = assemble(*code, ptxas))
      return std::move(error);
  DevicePart part;
  part.arch = code->chip;
  part.ptxVersion = code->ptxVersion;
  for (const DeviceKernel &kernel : code->kernels)
    part.kernels.push_back(llvm::json::Object{
        {"name", kernel.name},
        {"module", 0},
        {"block", kernel.blockSize},
        {"shared", kernel.sharedBytes},
        {"params", llvm::json::Array(kernel.parameterBytes)}});
  part.files.emplace_back("kernels/model.ptx", code->ptx);
  part.files.emplace_back("kernels/model.json", describeKernels(*code));
  if (!code->cubin.empty())
    part.files.emplace_back("kernels/model.cubin", code->cubin);
  return part;
}

llvm::Error moe::compile(MLIRContext *context, const CompileOptions &options) {
  if (!options.dumpDirectory.empty())
    if (std::error_code code =
            llvm::sys::fs::create_directories(options.dumpDirectory))
      return invalidInput(options.dumpDirectory, "",
                          "cannot be created: " + code.message());

  llvm::Expected<CPUTarget> target = CPUTarget::get(options.isa);
  if (!target)
    return target.takeError();
  Phases phases = getPhases(options, target->vectorBits);

  showProgress("importing " + options.input);
  llvm::Expected<OwningOpRef<ModuleOp>> module = readInput(context, options);
  if (!module)
    return module.takeError();

  ArtefactPlan plan;
  bool reported = !options.report;
  for (auto [i, phase] : llvm::enumerate(phases)) {
    showProgress("compiling: phase " + llvm::Twine(i + 1) + " of " +
                 llvm::Twine(phases.size()) + ", " + phase.name);
    if (llvm::Error error = runPhase(phase, **module))
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
  std::optional<DevicePart> device;
  if (options.target != "cpu") {
    showProgress("generating PTX");
    llvm::Expected<DevicePart> part = takeDevicePart(**module);
    if (!part)
      return part.takeError();
    device = std::move(*part);
  }
  // Relative checkpoint paths in a file are relative to the file.
  StringRef base = llvm::sys::path::parent_path(options.input);
  showProgress("generating code");
  llvm::Error error = writeArtefact(
      std::move(plan), **module, *target, device ? &*device : nullptr,
      options.output, base.empty() ? "." : base, kVersion,
      [](int64_t written, int64_t total) {
        showProgress(llvm::formatv("packing weights {0}%",
                                   total ? written * 100 / total : 100)
                         .str());
      });
  showProgress("");
  return error;
}
