// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Between the dialect and other formats. Importing a model is a mode of its
// own, as its input is a directory, which mlir-translate's driver does not
// take.
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "moe/Import/Error.h"
#include "moe/Import/HuggingFace.h"
#include "moe/Target/Dot/ModuleToDot.h"
#include "moe/Target/GPU/CodeGen.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace mlir::moe;
namespace cl = llvm::cl;

namespace {

constexpr llvm::StringLiteral toolName = "moe-translate";
constexpr llvm::StringLiteral overview =
    R"(MoE compiler: imports models and translates IR

  moe-translate --import-hf models/olmoe -o olmoe.mlir

Without --import-hf it takes a file and one of mlir-translate's options, such as
--mlir-to-llvmir, or --moe-to-dot or --mlir-to-ptx.
)";

cl::OptionCategory importOptions("Options of --import-hf");
cl::opt<std::string>
    importHF("import-hf", cl::value_desc("DIR"), cl::cat(importOptions),
             cl::desc("Print the module of a Hugging Face model directory"));
cl::opt<std::string> dtype("dtype", cl::value_desc("f32|bf16"), cl::init("f32"),
                           cl::cat(importOptions),
                           cl::desc("Type of weight matrices and caches"));
cl::opt<std::string> kv("kv", cl::value_desc("static|sliding:W|hybrid|auto"),
                        cl::init("auto"), cl::cat(importOptions),
                        cl::desc("Which positions the KV caches keep"));
cl::opt<int64_t> maxLen(
    "max-len", cl::value_desc("N"), cl::init(0), cl::cat(importOptions),
    cl::desc("Positions of a sequence (default: the model's, at most 4096)"));
cl::opt<int64_t> batch("batch", cl::value_desc("N"), cl::init(1),
                       cl::cat(importOptions),
                       cl::desc("Sequences decoded at once"));
cl::opt<int64_t> prefillChunk("prefill-chunk", cl::value_desc("N"),
                              cl::init(256), cl::cat(importOptions),
                              cl::desc("Most tokens of one prefill call"));
llvm::Expected<ImportOptions> readOptions() {
  ImportOptions options;
  llvm::Expected<ImportOptions::DType> type = ImportOptions::parseDType(dtype);
  if (!type)
    return type.takeError();
  llvm::Expected<KVOption> caches = KVOption::parse(kv);
  if (!caches)
    return caches.takeError();
  options.dtype = *type;
  options.kv = *caches;
  options.maxLen = maxLen;
  options.batch = batch;
  options.prefillChunk = prefillChunk;
  return options;
}

int importMain(llvm::StringRef outputPath) {
  llvm::Expected<ImportOptions> options = readOptions();
  if (!options)
    return reportImportError(toolName, options.takeError());
  MLIRContext context;
  llvm::Expected<OwningOpRef<ModuleOp>> module =
      importHuggingFace(&context, importHF, *options);
  if (!module)
    return reportImportError(toolName, module.takeError());
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> output =
      openOutputFile(outputPath, &message);
  if (!output)
    return reportImportError(toolName, invalidInput(outputPath, "", message));
  (*module)->print(output->os());
  output->os().flush();
  if (output->os().has_error()) {
    std::error_code code = output->os().error();
    output->os().clear_error();
    return reportImportError(
        toolName,
        invalidInput(outputPath, "", "cannot be written: " + code.message()));
  }
  output->keep();
  return 0;
}

} // namespace

/// Whether an argument is one of our own mode: `--import-hf DIR`, `--help`.
static bool isOwnArgument(llvm::StringRef argument) {
  argument = argument.ltrim('-').split('=').first;
  return argument == "import-hf" || argument == "help" || argument == "h";
}

int main(int argc, char **argv) {
  if (llvm::none_of(llvm::ArrayRef(argv, argc).drop_front(), isOwnArgument)) {
    registerAllTranslations();
    registerToDotTranslation();
    registerToPTXTranslation();
    return failed(mlirTranslateMain(argc, argv, overview));
  }
  llvm::InitLLVM init(argc, argv);
  // mlir-translate's driver has an option of this name too.
  cl::opt<std::string> output("o", cl::value_desc("FILE"), cl::init("-"),
                              cl::cat(importOptions),
                              cl::desc("Where to write the module"));
  cl::HideUnrelatedOptions(importOptions);
  std::string message;
  llvm::raw_string_ostream errors(message);
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &errors)) {
    llvm::errs() << message;
    return 2;
  }
  return importMain(output);
}
