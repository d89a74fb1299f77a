// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/CPU/CodeGen.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::moe;

/// Extensions worth compiling for. Others that the host may have are left out,
/// so that an artefact does not depend on what it does not use.
static constexpr llvm::StringLiteral kUsefulFeatures[] = {
    "avx",     "avx2",     "avx512bf16", "avx512bw", "avx512cd", "avx512dq",
    "avx512f", "avx512vl", "bmi",        "bmi2",     "f16c",     "fma",
    "lzcnt",   "movbe",    "popcnt",     "sse4.2",
};

llvm::Expected<CPUTarget> CPUTarget::get(StringRef level) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  bool hasAVX512 = true;
  for (StringRef feature : {"avx512f", "avx512bw", "avx512dq", "avx512vl"})
    hasAVX512 &= host.lookup(feature);
  for (StringRef needed : {"avx2", "fma"})
    if (!host.lookup(needed))
      return llvm::createStringError("this CPU lacks " + needed +
                                     ", which generated code needs");
  if (level == "avx512" && !hasAVX512)
    return llvm::createStringError("this CPU lacks AVX-512 (F, BW, DQ, VL)");

  CPUTarget target;
  target.triple = llvm::sys::getDefaultTargetTriple();
  target.vectorBits = hasAVX512 && level != "avx2" ? 512 : 256;
  for (StringRef feature : kUsefulFeatures)
    if (host.lookup(feature) &&
        (target.vectorBits == 512 || !feature.starts_with("avx512")))
      target.features.push_back(feature.str());
  return target;
}

/// A machine for the target. Scheduling follows the architecture level, never a
/// CPU's name: names lie on virtual machines.
static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(const CPUTarget &target) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::Triple triple(target.triple);
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return llvm::createStringError(error);
  StringRef level = target.vectorBits == 512 ? "x86-64-v4" : "x86-64-v3";
  std::string features;
  for (const std::string &feature : target.features)
    features += (features.empty() ? "+" : ",+") + feature;
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, level, features, llvm::TargetOptions(), llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
}

llvm::Expected<llvm::SmallVector<char, 0>>
moe::emitObject(ModuleOp module, const CPUTarget &target) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(module, context, "moe");
  if (!code)
    return llvm::createStringError("translation to LLVM IR failed");
  // Without both the vectoriser does nothing.
  code->setTargetTriple((*machine)->getTargetTriple());
  code->setDataLayout((*machine)->createDataLayout());
  for (llvm::Function &function : *code)
    if (!function.isDeclaration())
      function.addFnAttr("prefer-vector-width",
                         std::to_string(target.vectorBits));
  auto optimize = makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0,
                                            machine->get());
  if (llvm::Error error = optimize(code.get()))
    return std::move(error);

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream os(object);
  llvm::legacy::PassManager emitter;
  if ((*machine)->addPassesToEmitFile(emitter, os, nullptr,
                                      llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("the target cannot emit object files");
  emitter.run(*code);
  return object;
}
