// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Manifest.h"

#include <algorithm>

using namespace moe::rt;

std::optional<GpuArch> GpuArch::parse(std::string_view text) {
  constexpr std::string_view prefix = "sm_";
  if (text.substr(0, prefix.size()) != prefix)
    return std::nullopt;
  text.remove_prefix(prefix.size());
  GpuArch arch;
  if (!text.empty() && (text.back() == 'a' || text.back() == 'f')) {
    arch.suffix = text.back();
    text.remove_suffix(1);
  }
  bool digits = std::all_of(text.begin(), text.end(),
                            [](char c) { return '0' <= c && c <= '9'; });
  if (!digits || text.size() < 2 || text.size() > 3 || text[0] == '0')
    return std::nullopt;
  arch.minor = text.back() - '0';
  text.remove_suffix(1);
  for (char digit : text)
    arch.major = arch.major * 10 + (digit - '0');
  return arch;
}

std::string GpuArch::str() const {
  return "sm_" + std::to_string(major) + std::to_string(minor) +
         (suffix ? std::string(1, suffix) : "");
}

bool GpuArch::ptxRunsOn(const GpuArch &device) const {
  if (suffix)
    return machineCodeRunsOn(device);
  return device.major > major ||
         (device.major == major && device.minor >= minor);
}

bool GpuArch::machineCodeRunsOn(const GpuArch &device) const {
  return device.major == major &&
         (suffix == 'a' ? device.minor == minor : device.minor >= minor);
}
