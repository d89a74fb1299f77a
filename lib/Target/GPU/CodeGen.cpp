// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/GPU/CodeGen.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mlir::moe;

bool moe::isKnownChip(StringRef name) {
  return name == "sm_80" || name == "sm_90a";
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(NVVM::NVVMTargetAttr target) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple(target.getTriple());
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return llvm::createStringError(error);
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, target.getChip(), target.getFeatures(), llvm::TargetOptions(),
      std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// The kernels in the order of their numbers.
static std::vector<DeviceKernel> listKernels(gpu::GPUModuleOp module) {
  std::vector<DeviceKernel> kernels;
  DataLayout layout(module->getParentOfType<ModuleOp>());
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      continue;
    DeviceKernel kernel;
    kernel.name = function.getName().str();
    if (auto size = function->getAttrOfType<DenseI32ArrayAttr>(
            NVVM::NVVMDialect::getMaxntidAttrName()))
      kernel.blockSize = size[0];
    for (Type type : function.getArgumentTypes())
      kernel.parameterBytes.push_back(layout.getTypeSize(type));
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

/// Loops stay loops: ptxas and drivers unroll what they have registers for,
/// and an unrolled body is what they spill.
static void optimize(llvm::Module &code, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(code, modules);
}

/// Fails where code calls what no device has: PTX would name it, and the driver
/// would not find it.
static llvm::Error checkSelfContained(const llvm::Module &code) {
  for (const llvm::Function &function : code)
    if (function.isDeclaration() && !function.isIntrinsic() &&
        !function.use_empty())
      return llvm::createStringError("kernels call '" + function.getName() +
                                     "', which a GPU has not");
  return llvm::Error::success();
}

llvm::Expected<DeviceCode> moe::emitPTX(ModuleOp module) {
  auto modules = llvm::to_vector(module.getOps<gpu::GPUModuleOp>());
  if (modules.size() != 1)
    return llvm::createStringError("expected one gpu.module, got " +
                                   llvm::Twine(modules.size()));
  gpu::GPUModuleOp kernels = modules.front();
  auto target =
      kernels.getTargets() && kernels.getTargets()->size() == 1
          ? dyn_cast<NVVM::NVVMTargetAttr>(*kernels.getTargets()->begin())
          : NVVM::NVVMTargetAttr();
  if (!target)
    return llvm::createStringError(
        "expected a gpu.module with one #nvvm.target");
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();

  DeviceCode result;
  result.chip = target.getChip().str();
  unsigned version = 0;
  StringRef features = target.getFeatures();
  if (!features.consume_front("+ptx") || features.getAsInteger(10, version))
    return llvm::createStringError(
        "expected the features of a gpu.module's target to be a version of "
        "PTX, such as +ptx80, got '" +
        target.getFeatures() + "'");
  result.ptxVersion =
      std::to_string(version / 10) + "." + std::to_string(version % 10);
  result.kernels = listKernels(kernels);

  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(kernels, context, kernels.getName());
  if (!code)
    return llvm::createStringError("translation of kernels to LLVM IR failed");
  code->setTargetTriple((*machine)->getTargetTriple());
  code->setDataLayout((*machine)->createDataLayout());
  optimize(*code, **machine);
  if (llvm::Error error = checkSelfContained(*code))
    return std::move(error);

  llvm::SmallString<0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager emitter;
  if ((*machine)->addPassesToEmitFile(emitter, os, nullptr,
                                      llvm::CodeGenFileType::AssemblyFile))
    return llvm::createStringError("LLVM cannot emit PTX");
  emitter.run(*code);
  result.ptx = text.str().str();
  return result;
}
