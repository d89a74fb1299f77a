// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_PTXSIM_DRIVER_MODULE_H
#define MOE_LIB_PTXSIM_DRIVER_MODULE_H

#include "Memory.h"

#include "moe/PTXSim/Program.h"

namespace moe::driver {

/// A kernel of a loaded module, with what cuFuncSetAttribute set.
struct Function {
  cuda::CUfunction handle = nullptr;
  std::weak_ptr<Context> context;
  cuda::CUmodule module = nullptr;
  std::shared_ptr<ptxsim::Program> program;
  const ptxsim::Kernel *kernel = nullptr;
  std::map<cuda::CUfunction_attribute, int> attributes;

  uint32_t maxDynamicShared() const;
};
using FunctionRef = std::shared_ptr<Function>;

struct Module {
  cuda::CUmodule handle = nullptr;
  std::weak_ptr<Context> context;
  std::shared_ptr<ptxsim::Program> program;
  /// One for each kernel of the program, in its order.
  std::vector<FunctionRef> functions;

  /// The function of a name; CUDA_ERROR_NOT_FOUND without one.
  const FunctionRef &find(std::string_view name) const;
};
using ModuleRef = std::shared_ptr<Module>;

/// A module that is loaded into a context when one of its kernels is asked for
/// there.
struct Library {
  cuda::CUlibrary handle = nullptr;
  std::string ptx;
  std::map<cuda::CUcontext, cuda::CUmodule> modules;
  std::map<std::string, cuda::CUkernel> kernels;
};

struct Kernel {
  cuda::CUkernel handle = nullptr;
  std::string name;
  std::weak_ptr<Library> library;
};

/// Inputs of cuLinkAddData, and what cuLinkComplete made of them.
struct LinkState {
  cuda::CUlinkState handle = nullptr;
  std::vector<std::string> inputs;
  std::string output;
};

/// Options of the just-in-time compiler: logs are filled, the rest changes
/// nothing here.
class JitOptions {
public:
  JitOptions(unsigned count, cuda::CUjit_option *names, void **values);
  void writeInfo(const std::string &text) { write(info, text); }
  void writeError(const std::string &text) { write(error, text); }

private:
  struct Log {
    char *buffer = nullptr;
    size_t bytes = 0;
    void **written = nullptr;
  };
  static void write(Log &log, const std::string &text);
  Log info, error;
};

/// The PTX of an image; fails, and says why in the log and on stderr, without.
std::string ptxOf(const void *image, uint64_t bytes, JitOptions &options);
ModuleRef loadModule(const ContextRef &context, const std::string &ptx,
                     JitOptions &options);
ModuleRef findModule(cuda::CUmodule handle);
/// A function from its handle, or from that of a kernel of a library.
FunctionRef findFunction(cuda::CUfunction handle);
FunctionRef functionOf(const std::shared_ptr<Kernel> &kernel);
ModuleRef moduleOf(const std::shared_ptr<Library> &library,
                   const ContextRef &context);
std::string readFile(const char *path);

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_MODULE_H
