// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registers of kernels as ptxas allocates them.
#include "Counter.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace moe::ptxsim {

namespace {

/// MOE_SIM_PTXAS, else that of a toolkit, else one in PATH.
std::string assembler() {
  if (const char *named = std::getenv("MOE_SIM_PTXAS"))
    return named;
  if (access("/usr/local/cuda/bin/ptxas", X_OK) == 0)
    return "/usr/local/cuda/bin/ptxas";
  return "ptxas";
}

std::string quoted(const std::string &word) {
  std::string text = "'";
  for (char c : word)
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// "ptxas info    : Compiling entry function 'name' for 'sm_80'" and, lines
/// later, "ptxas info    : Used 40 registers, …".
std::map<std::string, uint32_t> readRegisters(std::FILE *from) {
  std::map<std::string, uint32_t> registers;
  std::string kernel;
  char line[4096];
  while (std::fgets(line, sizeof line, from)) {
    if (const char *name = std::strstr(line, "entry function '")) {
      name += std::strlen("entry function '");
      kernel.assign(name, std::strcspn(name, "'"));
    } else if (const char *used = std::strstr(line, ": Used ")) {
      if (!kernel.empty())
        registers[kernel] = uint32_t(std::strtoul(used + 7, nullptr, 10));
    }
  }
  return registers;
}

} // namespace

std::map<std::string, uint32_t> ptxasRegisters(const ptx::Module &module) {
  char path[] = "/tmp/moe-sim-XXXXXX";
  int file = mkstemp(path);
  if (file < 0)
    return {};
  std::string text = module.str();
  bool written = write(file, text.data(), text.size()) == ssize_t(text.size());
  close(file);
  std::map<std::string, uint32_t> registers;
  std::string target = "sm_" + std::to_string(module.target.sm);
  if (module.target.suffix)
    target += module.target.suffix;
  std::string command = quoted(assembler()) + " -v --gpu-name=" + target + " " +
                        path + " -o /dev/null 2>&1";
  if (std::FILE *output = written ? popen(command.c_str(), "r") : nullptr) {
    registers = readRegisters(output);
    pclose(output);
  }
  std::remove(path);
  return registers;
}

} // namespace moe::ptxsim
