// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A PTX module that is loaded on a device.
#ifndef MOE_PTXSIM_PROGRAM_H
#define MOE_PTXSIM_PROGRAM_H

#include "moe/PTXSim/Memory.h"

#include <memory>
#include <string_view>
#include <vector>

namespace moe::ptx {
class Module;
}

namespace moe::ptxsim {

class Device;
struct Code;

struct Param {
  std::string name;
  uint32_t offset, bytes, alignment;
};

class Kernel {
public:
  std::string name;
  std::vector<Param> params;
  uint32_t paramBytes = 0;
  uint32_t staticSharedBytes = 0;
  /// Alignment that the dynamic shared memory begins with.
  uint32_t dynamicSharedAlignment = 16;
  uint32_t localBytes = 0; ///< a thread
  uint32_t constantBytes = 0;
  /// 32-bit registers a thread: the peak of live registers, no more than
  /// .maxnreg. An estimate: ptxas decides on silicon.
  uint32_t registers = 0;
  uint32_t maxThreads = 0; ///< .maxntid, .reqntid, or the device's
  Dim3 requiredBlock{};    ///< .reqntid; 0: any
  Dim3 requiredCluster{};  ///< .reqnctapercluster; 0: none
  uint32_t target = 0;     ///< 80 of ".target sm_80"
  uint32_t isa = 0;        ///< 87 of ".version 8.7"

  const Code &code() const { return *decoded; }

private:
  friend class Program;
  std::shared_ptr<const Code> decoded;
};

struct Global {
  std::string name;
  Address address = 0;
  uint64_t bytes = 0;
  bool constant = false;
};

class Program {
public:
  /// Decodes the module for the device and allocates its variables. Everything
  /// that the executor cannot run is named in the error: opcode, modifiers and
  /// line, for as many instructions as there are.
  static std::unique_ptr<Program>
  load(std::shared_ptr<const ptx::Module> module, Device &device, Error &error);
  ~Program(); ///< frees the variables

  const std::vector<std::unique_ptr<Kernel>> &kernels() const {
    return entries;
  }
  const std::vector<Global> &globals() const { return variables; }
  const Kernel *findKernel(std::string_view name) const;
  const Global *findGlobal(std::string_view name) const;

private:
  Program(Device &device) : device(device) {}

  Device &device;
  std::shared_ptr<const ptx::Module> module;
  std::vector<std::unique_ptr<Kernel>> entries;
  std::vector<Global> variables;
  std::vector<Address> functions; ///< what pointers to them hold
};

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_PROGRAM_H
