// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Module.h"

#include "API.h"
#include "Image.h"

#include "moe/Target/PTX/Parser.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace moe::driver {

using namespace moe::cuda;

namespace {
/// Says why an image does not load, as silicon's just-in-time compiler would,
/// and leaves.
[[noreturn]] void refuse(JitOptions &options, CUresult result,
                         const std::string &why) {
  std::fprintf(stderr, "moe-sim: error: %s\n", why.c_str());
  options.writeError(why);
  fail(result);
}

/// Whether PTX for this target runs on the device: older plain targets do,
/// those with a suffix only on their own.
bool targetFits(const ptx::Target &target, const ptxsim::Properties &gpu) {
  unsigned sm = gpu.major * 10 + gpu.minor;
  if (target.suffix == 'a')
    return target.sm == sm;
  if (target.suffix == 'f')
    return target.sm <= sm && target.sm / 10 == gpu.major;
  return target.sm <= sm;
}

const ptxsim::Global &findGlobal(const ModuleRef &module, const char *name) {
  require(name);
  const ptxsim::Global *global = module->program->findGlobal(name);
  require(global, CUDA_ERROR_NOT_FOUND);
  return *global;
}
} // namespace

JitOptions::JitOptions(unsigned count, CUjit_option *names, void **values) {
  require(count == 0 || (names && values));
  for (unsigned i = 0; i < count; ++i) {
    size_t number = reinterpret_cast<size_t>(values[i]);
    switch (names[i]) {
    case CU_JIT_INFO_LOG_BUFFER:
      info.buffer = static_cast<char *>(values[i]);
      break;
    case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
      info.bytes = unsigned(number);
      info.written = &values[i];
      break;
    case CU_JIT_ERROR_LOG_BUFFER:
      error.buffer = static_cast<char *>(values[i]);
      break;
    case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
      error.bytes = unsigned(number);
      error.written = &values[i];
      break;
    case CU_JIT_WALL_TIME: {
      // The value is the float itself, in the place of a pointer.
      float none = 0;
      std::memcpy(&values[i], &none, sizeof none);
      break;
    }
    default:
      break;
    }
  }
  writeInfo("");
  writeError("");
}

void JitOptions::write(Log &log, const std::string &text) {
  size_t copied = 0;
  if (log.buffer && log.bytes > 0) {
    copied = std::min(text.size(), log.bytes - 1);
    std::memcpy(log.buffer, text.data(), copied);
    log.buffer[copied] = 0;
  }
  if (log.written)
    *log.written = reinterpret_cast<void *>(copied);
}

std::string readFile(const char *path) {
  require(path);
  std::ifstream file(path, std::ios::binary);
  require(file.good(), CUDA_ERROR_FILE_NOT_FOUND);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string ptxOf(const void *data, uint64_t bytes, JitOptions &options) {
  require(data);
  const ptxsim::Properties &gpu = state().memory->properties();
  Image image = findPtx(data, bytes, gpu.major * 10 + gpu.minor);
  if (image.result != CUDA_SUCCESS)
    refuse(options, image.result, image.message);
  return std::move(image.ptx);
}

ModuleRef loadModule(const ContextRef &context, const std::string &text,
                     JitOptions &options) {
  ptx::Diagnostics diagnostics;
  std::shared_ptr<const ptx::Module> parsed =
      ptx::parseAndVerify(text, diagnostics);
  if (!parsed)
    refuse(options, CUDA_ERROR_INVALID_PTX, diagnostics.str());
  options.writeInfo(diagnostics.str());
  ptxsim::Device &device = state().memory->device();
  const ptxsim::Properties &gpu = device.properties();
  if (!targetFits(parsed->target, gpu))
    refuse(options, CUDA_ERROR_NO_BINARY_FOR_GPU,
           "PTX for sm_" + std::to_string(parsed->target.sm) +
               (parsed->target.suffix ? std::string(1, parsed->target.suffix)
                                      : "") +
               " does not run on " + gpu.name);
  ptxsim::Error error;
  std::shared_ptr<ptxsim::Program> program =
      ptxsim::Program::load(parsed, device, error);
  if (!program)
    refuse(options,
           error.kind == ptxsim::ErrorKind::Unsupported ? CUDA_ERROR_INVALID_PTX
                                                        : resultOf(error.kind),
           error.str());
  auto module = std::make_shared<Module>();
  module->context = context;
  module->program = program;
  state().modules.add(module);
  for (const auto &kernel : program->kernels()) {
    auto function = std::make_shared<Function>();
    function->context = context;
    function->module = module->handle;
    function->program = program;
    function->kernel = kernel.get();
    state().functions.add(function);
    module->functions.push_back(std::move(function));
  }
  for (const ptxsim::Global &global : program->globals())
    if (global.bytes > 0)
      state().memory->addVariable(context, global.address, global.bytes);
  return module;
}

ModuleRef findModule(CUmodule handle) {
  currentContext();
  return state().modules.find(handle);
}

namespace {
CUresult loadImage(CUmodule *result, const void *image, uint64_t bytes,
                   JitOptions options) {
  ContextRef context = currentContext();
  require(result && image);
  *result = loadModule(context, ptxOf(image, bytes, options), options)->handle;
  return CUDA_SUCCESS;
}
} // namespace

CUresult api::cuModuleLoadDataEx(CUmodule *result, const void *image,
                                 unsigned count, CUjit_option *names,
                                 void **values) {
  return loadImage(result, image, unknownBytes,
                   JitOptions(count, names, values));
}

CUresult api::cuModuleLoadData(CUmodule *result, const void *image) {
  return cuModuleLoadDataEx(result, image, 0, nullptr, nullptr);
}

CUresult api::cuModuleLoadFatBinary(CUmodule *result, const void *image) {
  return cuModuleLoadData(result, image);
}

CUresult api::cuModuleLoad(CUmodule *result, const char *path) {
  currentContext();
  std::string image = readFile(path);
  return loadImage(result, image.data(), image.size(),
                   JitOptions(0, nullptr, nullptr));
}

CUresult api::cuModuleUnload(CUmodule handle) {
  ContextRef context = currentContext();
  ModuleRef module = findModule(handle);
  synchronize(context);
  state().memory->device();
  for (const ptxsim::Global &global : module->program->globals())
    state().memory->removeVariable(global.address);
  state().functions.removeIf(
      [&](const Function &function) { return function.module == handle; });
  state().modules.take(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuModuleGetLoadingMode(CUmoduleLoadingMode *mode) {
  require(mode);
  *mode = CU_MODULE_EAGER_LOADING;
  return CUDA_SUCCESS;
}

const FunctionRef &Module::find(std::string_view name) const {
  auto found = std::find_if(functions.begin(), functions.end(),
                            [&](const FunctionRef &function) {
                              return function->kernel->name == name;
                            });
  require(found != functions.end(), CUDA_ERROR_NOT_FOUND);
  return *found;
}

CUresult api::cuModuleGetFunction(CUfunction *result, CUmodule handle,
                                  const char *name) {
  require(result && name);
  *result = findModule(handle)->find(name)->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuModuleGetFunctionCount(unsigned *count, CUmodule handle) {
  require(count);
  *count = findModule(handle)->functions.size();
  return CUDA_SUCCESS;
}

CUresult api::cuModuleEnumerateFunctions(CUfunction *functions, unsigned count,
                                         CUmodule handle) {
  require(functions);
  ModuleRef module = findModule(handle);
  for (unsigned i = 0; i < count && i < module->functions.size(); ++i)
    functions[i] = module->functions[i]->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes,
                                   CUmodule handle, const char *name) {
  const ptxsim::Global &global = findGlobal(findModule(handle), name);
  if (address)
    *address = global.address;
  if (bytes)
    *bytes = global.bytes;
  return CUDA_SUCCESS;
}

} // namespace moe::driver
