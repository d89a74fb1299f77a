// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries: modules that do not belong to a context. Each context gets its own
// module of a library when it first asks for something of it. Linking is here
// too: of a single PTX, as compilers at run time use it.
#include "API.h"
#include "Image.h"
#include "Module.h"

namespace moe::driver {

using namespace moe::cuda;

ModuleRef moduleOf(const std::shared_ptr<Library> &library,
                   const ContextRef &context) {
  CUmodule &handle = library->modules[context->handle];
  if (ModuleRef module = state().modules.lookup(handle))
    return module;
  JitOptions options(0, nullptr, nullptr);
  ModuleRef module = loadModule(context, library->ptx, options);
  handle = module->handle;
  return module;
}

FunctionRef functionOf(const std::shared_ptr<Kernel> &kernel) {
  std::shared_ptr<Library> library = kernel->library.lock();
  require(library != nullptr, CUDA_ERROR_INVALID_HANDLE);
  for (const FunctionRef &function :
       moduleOf(library, currentContext())->functions)
    if (function->kernel->name == kernel->name)
      return function;
  fail(CUDA_ERROR_NOT_FOUND);
}

namespace {
CUkernel kernelOf(const std::shared_ptr<Library> &library,
                  const std::string &name) {
  CUkernel &handle = library->kernels[name];
  if (!handle) {
    auto kernel = std::make_shared<Kernel>();
    kernel->name = name;
    kernel->library = library;
    handle = state().kernels.add(std::move(kernel));
  }
  return handle;
}

std::shared_ptr<Library> findLibrary(CUlibrary handle) {
  return state().libraries.find(handle);
}
} // namespace

namespace {
CUresult loadLibrary(CUlibrary *result, const void *image, uint64_t bytes,
                     JitOptions options) {
  require(result && image);
  auto library = std::make_shared<Library>();
  library->ptx = ptxOf(image, bytes, options);
  *result = state().libraries.add(library);
  // With a context at hand, errors of the PTX show now rather than at the first
  // kernel.
  if (!contextStack().empty() && contextStack().back()) {
    try {
      library->modules[contextStack().back()] =
          loadModule(currentContext(), library->ptx, options)->handle;
    } catch (const Failure &) {
      state().libraries.take(*result);
      throw;
    }
  }
  return CUDA_SUCCESS;
}
} // namespace

CUresult api::cuLibraryLoadData(CUlibrary *result, const void *image,
                                CUjit_option *names, void **values,
                                unsigned count, CUlibraryOption *, void **,
                                unsigned) {
  return loadLibrary(result, image, unknownBytes,
                     JitOptions(count, names, values));
}

CUresult api::cuLibraryLoadFromFile(CUlibrary *result, const char *path,
                                    CUjit_option *names, void **values,
                                    unsigned count, CUlibraryOption *, void **,
                                    unsigned) {
  std::string image = readFile(path);
  return loadLibrary(result, image.data(), image.size(),
                     JitOptions(count, names, values));
}

CUresult api::cuLibraryUnload(CUlibrary handle) {
  std::shared_ptr<Library> library = findLibrary(handle);
  for (const auto &[context, module] : library->modules)
    if (state().modules.lookup(module) && !contextStack().empty())
      cuModuleUnload(module);
  for (const auto &[name, kernel] : library->kernels)
    state().kernels.take(kernel);
  state().libraries.take(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuLibraryGetModule(CUmodule *result, CUlibrary handle) {
  require(result);
  *result = moduleOf(findLibrary(handle), currentContext())->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuLibraryGetKernel(CUkernel *result, CUlibrary handle,
                                 const char *name) {
  require(result && name);
  std::shared_ptr<Library> library = findLibrary(handle);
  moduleOf(library, currentContext())->find(name);
  *result = kernelOf(library, name);
  return CUDA_SUCCESS;
}

CUresult api::cuLibraryGetKernelCount(unsigned *count, CUlibrary handle) {
  require(count);
  *count = moduleOf(findLibrary(handle), currentContext())->functions.size();
  return CUDA_SUCCESS;
}

CUresult api::cuLibraryEnumerateKernels(CUkernel *kernels, unsigned count,
                                        CUlibrary handle) {
  require(kernels);
  std::shared_ptr<Library> library = findLibrary(handle);
  ModuleRef module = moduleOf(library, currentContext());
  for (unsigned i = 0; i < count && i < module->functions.size(); ++i)
    kernels[i] = kernelOf(library, module->functions[i]->kernel->name);
  return CUDA_SUCCESS;
}

CUresult api::cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes,
                                 CUlibrary handle, const char *name) {
  return cuModuleGetGlobal_v2(
      address, bytes, moduleOf(findLibrary(handle), currentContext())->handle,
      name);
}

CUresult api::cuLibraryGetManaged(CUdeviceptr *address, size_t *bytes,
                                  CUlibrary handle, const char *name) {
  return cuLibraryGetGlobal(address, bytes, handle, name);
}

CUresult api::cuKernelGetFunction(CUfunction *result, CUkernel handle) {
  require(result);
  *result = functionOf(state().kernels.find(handle))->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuKernelGetLibrary(CUlibrary *result, CUkernel handle) {
  require(result);
  std::shared_ptr<Library> library =
      state().kernels.find(handle)->library.lock();
  require(library != nullptr, CUDA_ERROR_INVALID_HANDLE);
  *result = library->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuKernelGetName(const char **name, CUkernel handle) {
  require(name);
  *name = state().kernels.find(handle)->name.c_str();
  return CUDA_SUCCESS;
}

CUresult api::cuLinkCreate_v2(unsigned count, CUjit_option *names,
                              void **values, CUlinkState *result) {
  currentContext();
  require(result);
  JitOptions options(count, names, values);
  *result = state().links.add(std::make_shared<LinkState>());
  return CUDA_SUCCESS;
}

CUresult api::cuLinkAddData_v2(CUlinkState handle, CUjitInputType type,
                               void *data, size_t bytes, const char *,
                               unsigned count, CUjit_option *names,
                               void **values) {
  std::shared_ptr<LinkState> link = state().links.find(handle);
  require(data && bytes > 0);
  JitOptions options(count, names, values);
  require(type == CU_JIT_INPUT_PTX || type == CU_JIT_INPUT_FATBINARY ||
              type == CU_JIT_INPUT_CUBIN,
          CUDA_ERROR_NOT_SUPPORTED);
  link->inputs.push_back(ptxOf(data, bytes, options));
  return CUDA_SUCCESS;
}

CUresult api::cuLinkAddFile_v2(CUlinkState handle, CUjitInputType type,
                               const char *path, unsigned count,
                               CUjit_option *names, void **values) {
  std::string image = readFile(path);
  return cuLinkAddData_v2(handle, type, image.data(), image.size(), path, count,
                          names, values);
}

CUresult api::cuLinkComplete(CUlinkState handle, void **image, size_t *bytes) {
  std::shared_ptr<LinkState> link = state().links.find(handle);
  require(image && !link->inputs.empty());
  // Several modules would need symbols resolved between them, which ptxas and
  // nvlink do ahead of time.
  require(link->inputs.size() == 1, CUDA_ERROR_NOT_SUPPORTED);
  link->output = link->inputs.front();
  *image = link->output.data();
  if (bytes)
    *bytes = link->output.size() + 1;
  return CUDA_SUCCESS;
}

CUresult api::cuLinkDestroy(CUlinkState handle) {
  state().links.take(handle);
  return CUDA_SUCCESS;
}

} // namespace moe::driver
