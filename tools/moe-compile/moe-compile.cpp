// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compiler.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "moe/Dialect/MoE/Transforms/BufferizableOpInterfaceImpl.h"
#include "moe/Import/Error.h"
#include "moe/Target/GPU/CodeGen.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

#include <csignal>

using namespace mlir;
using namespace mlir::moe;
namespace cl = llvm::cl;

/// Exit codes that the tools share.
enum ExitCode {
  kDone = 0,
  kInputWrong = 1,
  kCommandLine = 2,
  kNotSupported = 3
};

static cl::OptionCategory category("Options of moe-compile");

static cl::opt<std::string> input(cl::Positional,
                                  cl::desc("<model directory or file.mlir>"),
                                  cl::cat(category));
static cl::opt<std::string>
    output("o", cl::value_desc("path"), cl::cat(category),
           cl::desc("Artefact directory to make; with --compile-to the "
                    "file to write (default: standard output)"));
static cl::opt<std::string> target("target", cl::init("cpu"), cl::cat(category),
                                   cl::desc("Target: cpu (default), or a GPU's "
                                            "architecture: sm_80, sm_90a"));
static cl::opt<std::string> instructionSet(
    "isa", cl::init("host"), cl::cat(category),
    cl::desc("Instruction-set level of the code: host (default: the "
             "highest that this CPU has), avx2, avx512"));
static cl::opt<std::string>
    dtype("dtype", cl::init(""), cl::cat(category),
          cl::desc("Type of weights and caches: f32 (default) or bf16"));
static cl::opt<std::string>
    kv("kv", cl::init("auto"), cl::cat(category),
       cl::desc("KV cache: auto (default), static, sliding:W, hybrid"));
static cl::opt<int64_t>
    maxLen("max-len", cl::init(0), cl::cat(category),
           cl::desc("Positions a sequence may have (default: the model's, at "
                    "most 4096)"));
static cl::opt<int64_t>
    batch("batch", cl::init(1), cl::cat(category),
          cl::desc("Sequences decoded at once (default 1)"));
static cl::opt<int64_t>
    prefillChunk("prefill-chunk", cl::init(256), cl::cat(category),
                 cl::desc("Most prompt tokens in one call (default 256)"));
static cl::opt<bool>
    fuse("fuse", cl::init(true), cl::cat(category),
         cl::desc("Fuse what surrounds the experts' products into them; "
                  "--fuse=false computes the same bits, more slowly"));
static cl::opt<std::string>
    check("check", cl::value_desc("what"), cl::cat(category),
          cl::desc("Check the running code, which becomes slower: "
                   "conservation (every row is written once and read once)"));
static cl::opt<std::string> compileTo(
    "compile-to", cl::value_desc("phase"), cl::cat(category),
    cl::desc("Stop after a phase and write its IR: graph, sorted, "
             "fused, verified, packed (for a GPU: portable), buffers, "
             "kernels, target, llvm"));
static cl::opt<std::string>
    dumpPhasesTo("dump-phases-to", cl::value_desc("directory"),
                 cl::cat(category), cl::desc("Write the IR after every phase"));
static cl::opt<bool>
    report("report", cl::cat(category),
           cl::desc("Print what each operation costs and what the artefact "
                    "holds to standard error"));
static cl::opt<std::string>
    machine("machine", cl::value_desc("name"), cl::cat(category),
            cl::desc("Machine that --report gives times for: a known one, "
                     "GBS:F32-GFLOPS[:BF16-GFLOPS], or a .json file"));
static cl::opt<std::string>
    profile("profile", cl::init("uniform"), cl::cat(category),
            cl::desc("Routing that --report assumes: uniform (default), "
                     "zipf:S, or a .json file"));

static cl::extrahelp example(
    "\nExample:\n"
    "  moe-compile models/olmoe -o olmoe.moe --dtype=bf16 --max-len=2048\n"
    "  moe-run olmoe.moe --prompt='Once upon a time' -n 64\n");

static int fail(int code, const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "moe-compile") << message << "\n";
  return code;
}

/// Prints what went wrong in one line and says how to exit.
static int fail(llvm::Error error, int code = kInputWrong) {
  std::string text;
  llvm::handleAllErrors(
      std::move(error),
      [&](const ImportError &import) {
        if (import.getKind() == ImportErrorKind::NotSupported)
          code = kNotSupported;
        text = llvm::toString(llvm::make_error<ImportError>(import));
      },
      [&](const llvm::ErrorInfoBase &other) { text = other.message(); });
  return fail(code, text);
}

static void registerDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  registry.insert<MoEDialect>();
  moe::registerBufferizableOpInterfaceExternalModels(registry);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  // Writing past a limit on file sizes is an error like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  cl::HideUnrelatedOptions(category);
  // LLVM's parser exits with 1 by itself; the tools promise 2 for a bad command
  // line.
  std::string parseErrors;
  llvm::raw_string_ostream parseStream(parseErrors);
  if (!cl::ParseCommandLineOptions(
          argc, argv, "Ahead-of-time compiler for Mixture-of-Experts models\n",
          &parseStream)) {
    llvm::errs() << parseErrors;
    return kCommandLine;
  }
  if (input.empty())
    return fail(kCommandLine,
                "expected a model directory or an .mlir file (see --help)");
  if (output.empty()) {
    if (compileTo.empty())
      return fail(kCommandLine,
                  "expected -o with the artefact directory to make");
    output = "-";
  }
  for (const cl::opt<int64_t> *option : {&batch, &prefillChunk})
    if (*option < 1)
      return fail(kCommandLine, "--" + option->ArgStr +
                                    ": expected a positive number, got " +
                                    llvm::Twine(*option));
  if (maxLen < 0 || (maxLen == 0 && maxLen.getNumOccurrences()))
    return fail(kCommandLine, "--max-len: expected a positive number, got " +
                                  llvm::Twine(maxLen));
  if (target != "cpu" && !isKnownChip(target))
    return fail(llvm::StringRef(target).starts_with("sm_") ? kNotSupported
                                                           : kCommandLine,
                "--target: expected cpu, sm_80 or sm_90a, got '" + target +
                    "'");

  if (instructionSet != "host" && instructionSet != "avx2" &&
      instructionSet != "avx512")
    return fail(kCommandLine, "--isa: expected host, avx2 or avx512, got '" +
                                  instructionSet + "'");

  if (check.getNumOccurrences() && check != "conservation")
    return fail(kCommandLine,
                "--check: expected conservation, got '" + check + "'");

  if (compileTo.getNumOccurrences())
    if (llvm::Error error = checkPhase(target, compileTo))
      return fail(std::move(error), kCommandLine);

  CompileOptions options;
  options.target = target;
  options.isa = instructionSet;
  options.fuse = fuse;
  options.checkConservation = !check.empty();
  options.input = input;
  options.output = output;
  options.import.maxLen = maxLen;
  options.import.batch = batch;
  options.import.prefillChunk = prefillChunk;
  options.compileTo = compileTo;
  options.dumpDirectory = dumpPhasesTo;
  options.report = report;
  llvm::Expected<RoutingProfile> routing = RoutingProfile::parse(profile);
  if (!routing)
    return fail(routing.takeError(), kCommandLine);
  options.cost.profile = std::move(*routing);
  if (!machine.empty()) {
    llvm::Expected<Machine> known = Machine::parse(machine);
    if (!known)
      return fail(known.takeError(), kCommandLine);
    options.cost.machine = std::move(*known);
  }
  if (!dtype.empty()) {
    llvm::Expected<ImportOptions::DType> parsed =
        ImportOptions::parseDType(dtype);
    if (!parsed)
      return fail(parsed.takeError(), kCommandLine);
    options.import.dtype = *parsed;
  }
  llvm::Expected<KVOption> parsedKV = KVOption::parse(kv);
  if (!parsedKV)
    return fail(parsedKV.takeError(), kCommandLine);
  options.import.kv = *parsedKV;

  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  if (llvm::Error error = compile(&context, options))
    return fail(std::move(error));
  return kDone;
}
