// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GpuTargetReader.h"

#include <algorithm>

using namespace moe::rt;

namespace {

constexpr int64_t mostThreads = 1024;
/// More than any multiprocessor has.
constexpr int64_t mostSharedBytes = 1 << 20;
/// What PTX lets a kernel have.
constexpr int64_t mostParamBytes = 32764;

bool isWordCharacter(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') ||
         ('0' <= c && c <= '9') || c == '_' || c == '-';
}

/// Modules lie in one folder of the artefact; a name must not lead out of it.
std::string readModule(const JsonReader &reader) {
  constexpr std::string_view folder = "kernels/";
  std::string name = reader.string();
  bool good =
      name.size() > folder.size() && name.rfind(folder, 0) == 0 &&
      std::all_of(name.begin() + folder.size(), name.end(), isWordCharacter);
  if (!good)
    throw reader.mismatch("kernels/ and letters, digits, '_' or '-'");
  return name;
}

std::vector<std::string> readModules(const JsonReader &reader) {
  std::vector<std::string> modules;
  reader.forEachElement([&](const JsonReader &element) {
    std::string name = readModule(element);
    if (std::find(modules.begin(), modules.end(), name) != modules.end())
      throw element.mismatch("each module once");
    modules.push_back(name);
  });
  if (modules.empty())
    throw reader.mismatch("at least one module");
  return modules;
}

KernelSpec readKernel(const JsonReader &reader, size_t modules) {
  KernelSpec kernel;
  JsonReader name = reader["name"];
  kernel.name = name.string();
  // The driver takes it as a C string.
  if (kernel.name.empty() || kernel.name.find('\0') != std::string::npos)
    throw name.mismatch("the name of a kernel");
  kernel.module = static_cast<size_t>(
      reader["module"].integer(0, static_cast<int64_t>(modules) - 1));
  kernel.block = reader["block"].integer(1, mostThreads);
  kernel.sharedBytes = reader["shared"].integer(0, mostSharedBytes);
  JsonReader params = reader["params"];
  int64_t total = 0;
  params.forEachElement([&](const JsonReader &param) {
    kernel.paramBytes.push_back(param.integer(1, mostParamBytes));
    total += kernel.paramBytes.back();
    if (total > mostParamBytes)
      throw params.mismatch("at most " + std::to_string(mostParamBytes) +
                            " bytes together");
  });
  return kernel;
}

/// "8.0": the version that the driver has to know. It checks that itself.
void checkPtxVersion(const JsonReader &reader) {
  std::string text = reader.string();
  auto digit = [&](size_t i) { return '0' <= text[i] && text[i] <= '9'; };
  if (text.size() != 3 || !digit(0) || text[1] != '.' || !digit(2))
    throw reader.mismatch("a version such as 8.0");
}

} // namespace

GpuTarget moe::rt::readGpuTarget(const JsonReader &root) {
  GpuTarget result;
  JsonReader target = root["target"];
  JsonReader arch = target["arch"];
  std::optional<GpuArch> parsed = GpuArch::parse(arch.string());
  if (!parsed)
    throw arch.mismatch("an architecture such as sm_80");
  result.arch = *parsed;
  checkPtxVersion(target["ptx"]);
  JsonReader kernels = root["kernels"];
  result.modules = readModules(kernels["modules"]);
  kernels["list"].forEachElement([&](const JsonReader &kernel) {
    result.kernels.push_back(readKernel(kernel, result.modules.size()));
  });
  return result;
}
