// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Simulator.h"

#include "moe/Runtime/Error.h"

#include <filesystem>

using namespace moe::rt;

std::string moe::sim::simulatorFolder() {
  std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe");
  std::filesystem::path folder =
      program.parent_path().parent_path() / "lib" / "sim";
  if (!std::filesystem::exists(folder / "libcuda.so.1"))
    throw Error(ExitCode::inputWrong,
                (folder / "libcuda.so.1").string() + ": not there");
  return folder.string();
}
