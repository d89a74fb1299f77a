// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Kernels.h"

using namespace moe::rt;
using namespace moe::cuda;

namespace {

/// Dynamic shared memory that every kernel may have without asking.
constexpr int64_t plainSharedBytes = 48 << 10;

std::string list(const std::vector<int64_t> &numbers) {
  std::string text;
  for (int64_t number : numbers)
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "[" + text + "]";
}

CudaModule load(const CudaContext &context, const Artefact &artefact,
                const std::string &module) {
  GpuArch arch = artefact.manifest().gpu->arch;
  std::string cubin = module + ".cubin", ptx = module + ".ptx";
  // Our simulated GPU runs PTX alone. A driver older than the assembler may not
  // read what that wrote; PTX then says more clearly whether it is too old.
  if (const MappedFile *file = artefact.kernels(cubin);
      file && arch.machineCodeRunsOn(context.arch()) && !context.simulated()) {
    try {
      return CudaModule(context, file->data(), artefact.path(cubin));
    } catch (const Error &error) {
      if (error.exitCode() == ExitCode::memory)
        throw;
    }
  }
  std::string text(artefact.kernels(ptx)->text());
  return CudaModule(context, text.c_str(), artefact.path(ptx));
}

} // namespace

CudaKernels::CudaKernels(const CudaContext &context, const Artefact &artefact)
    : context(context), specs(artefact.manifest().gpu->kernels),
      mostBlocks(context.attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X)) {
  const GpuTarget &target = *artefact.manifest().gpu;
  std::string manifest = artefact.path("manifest.json");
  if (!target.arch.ptxRunsOn(context.arch()))
    throw Error::mismatch(manifest, "target.arch",
                          "code for " + context.arch().str() + ", which " +
                              context.name() + " is",
                          target.arch.str(), ExitCode::unsupported);
  for (const std::string &module : target.modules)
    modules.push_back(load(context, artefact, module));
  for (size_t i = 0; i < specs.size(); ++i)
    functions.push_back(prepare(specs[i], manifest + ": kernels.list[" +
                                              std::to_string(i) + "]"));
}

CUfunction CudaKernels::prepare(const KernelSpec &spec,
                                const std::string &where) const {
  const CudaDriver &driver = context.driver();
  CUfunction function = modules[spec.module].function(spec.name);
  CudaContext::Scope scope(context);
  checkParams(spec, function, where);
  int mostThreads = 0;
  driver.check(
      driver.cuFuncGetAttribute(
          &mostThreads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function),
      where + ": cuFuncGetAttribute");
  if (spec.block > mostThreads)
    throw Error::mismatch(where, "block",
                          "at most " + std::to_string(mostThreads) +
                              " threads, as " + spec.name + " has on " +
                              context.name(),
                          std::to_string(spec.block), ExitCode::unsupported);
  if (spec.sharedBytes > plainSharedBytes) {
    int most = context.attribute(
        CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    if (spec.sharedBytes > most)
      throw Error::mismatch(
          where, "shared",
          "at most " + std::to_string(most) + " bytes, which a block has on " +
              context.name(),
          std::to_string(spec.sharedBytes), ExitCode::unsupported);
    driver.check(driver.cuFuncSetAttribute(
                     function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                     static_cast<int>(spec.sharedBytes)),
                 where + ": cuFuncSetAttribute");
  }
  return function;
}

/// Launches read as many values, of such sizes, as the kernel has parameters.
void CudaKernels::checkParams(const KernelSpec &spec, CUfunction function,
                              const std::string &where) const {
  const CudaDriver &driver = context.driver();
  if (!driver.cuFuncGetParamInfo)
    return;
  std::vector<int64_t> sizes;
  size_t offset = 0, bytes = 0;
  while (driver.cuFuncGetParamInfo(function, sizes.size(), &offset, &bytes) ==
         CUDA_SUCCESS)
    sizes.push_back(static_cast<int64_t>(bytes));
  if (sizes != spec.paramBytes)
    throw Error::mismatch(where, "params",
                          list(sizes) + ", as " + spec.name + " has in " +
                              modules[spec.module].file(),
                          list(spec.paramBytes));
}

void CudaKernels::launch(int32_t kernel, int64_t blocks, void **params,
                         const CudaStream &stream) const {
  if (kernel < 0 || static_cast<size_t>(kernel) >= functions.size())
    throw Error(ExitCode::inputWrong, "launch: expected a kernel below " +
                                          std::to_string(functions.size()) +
                                          ", got " + std::to_string(kernel));
  const KernelSpec &spec = specs[kernel];
  if (blocks < 1 || blocks > mostBlocks)
    throw Error(ExitCode::unsupported,
                spec.name + ": expected 1 to " + std::to_string(mostBlocks) +
                    " blocks, got " + std::to_string(blocks));
  CUresult result = context.driver().cuLaunchKernel(
      functions[kernel], static_cast<unsigned>(blocks), 1, 1,
      static_cast<unsigned>(spec.block), 1, 1,
      static_cast<unsigned>(spec.sharedBytes), stream.get(), params, nullptr);
  if (result != CUDA_SUCCESS)
    throw context.driver().error(
        result, spec.name + " on " + std::to_string(blocks) + " blocks of " +
                    std::to_string(spec.block) + " threads");
}
