// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Device.h"

#include "CompileOnUse.h"
#include "moe/Runtime/Error.h"

#include <cstdlib>
#include <filesystem>

using namespace moe::rt;
using namespace moe::tool;
namespace fs = std::filesystem;

bool moe::tool::isGpu(const std::string &device) {
  return device == "cuda" || device == "sim";
}

std::string moe::tool::simulatorFolder() {
  const char *named = std::getenv("MOE_SIM_FOLDER");
  fs::path folder =
      named && *named ? fs::path(named)
                      : fs::path(programFolder()).parent_path() / "lib" / "sim";
  std::error_code error;
  if (!fs::exists(folder / "libcuda.so.1", error))
    throw Error::mismatch((folder / "libcuda.so.1").string(), "",
                          "the simulated GPU", "nothing",
                          ExitCode::unsupported);
  return folder.string();
}

std::unique_ptr<Executable> moe::tool::openOn(const std::string &device,
                                              Artefact artefact, int threads) {
  const Manifest &manifest = artefact.manifest();
  bool gpu = manifest.gpu.has_value();
  if (!device.empty() && isGpu(device) != gpu)
    throw Error::mismatch("--device", "",
                          std::string(gpu ? "cuda or sim" : "cpu") +
                              ", as the artefact was compiled for " +
                              manifest.target(),
                          device, ExitCode::commandLine);
  if (!gpu)
    return makeCompiledModel(std::move(artefact), threads);
  return makeDeviceModel(std::move(artefact),
                         device == "sim" ? simulatorFolder() + "/libcuda.so.1"
                                         : "libcuda.so.1");
}
