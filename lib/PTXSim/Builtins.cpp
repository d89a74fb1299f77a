// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Builtins.h"

#include <cstring>
#include <mutex>

namespace moe::ptxsim {

namespace {

std::string readString(Warp &warp, unsigned lane, Address address) {
  std::string text;
  for (;; ++address) {
    const std::byte *at = resolveGeneric(warp, lane, address, 1);
    if (!at)
      fault(ErrorKind::IllegalAddress,
            "a string runs out of its allocation: " +
                warp.block->grid->memory->describe(address, 1),
            1u << lane);
    if (*at == std::byte(0))
      return text;
    text += char(*at);
  }
}

/// printf with the arguments in a buffer, each aligned to its size.
std::string format(Warp &warp, unsigned lane, const std::string &pattern,
                   Address arguments) {
  std::string text;
  uint64_t offset = 0;
  auto take = [&](unsigned bytes) {
    offset = (offset + bytes - 1) / bytes * bytes;
    uint64_t value = 0;
    if (const std::byte *at =
            resolveGeneric(warp, lane, arguments + offset, bytes))
      std::memcpy(&value, at, bytes);
    offset += bytes;
    return value;
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      text += pattern[i];
      continue;
    }
    size_t end = pattern.find_first_of("diouxXcsfFeEgGaAp%", i + 1);
    if (end == std::string::npos) {
      text += pattern.substr(i);
      break;
    }
    std::string spec = pattern.substr(i, end - i);
    char kind = pattern[end];
    i = end;
    if (kind == '%') {
      text += '%';
      continue;
    }
    // Stars take an int each.
    for (size_t star; (star = spec.find('*')) != std::string::npos;)
      spec.replace(star, 1, std::to_string(int32_t(take(4))));
    bool wide = spec.find("ll") != std::string::npos ||
                spec.find('l') != std::string::npos;
    while (!spec.empty() && (spec.back() == 'l' || spec.back() == 'h'))
      spec.pop_back();
    char buffer[512];
    int length = 0;
    if (kind == 's') {
      text += readString(warp, lane, take(8));
      continue;
    }
    if (std::strchr("fFeEgGaA", kind)) {
      uint64_t bits = take(8);
      double value;
      std::memcpy(&value, &bits, 8);
      length =
          std::snprintf(buffer, sizeof buffer, (spec + kind).c_str(), value);
    } else if (kind == 'p') {
      length = std::snprintf(buffer, sizeof buffer, (spec + 'p').c_str(),
                             reinterpret_cast<void *>(take(8)));
    } else if (kind == 'c') {
      length = std::snprintf(buffer, sizeof buffer, (spec + 'c').c_str(),
                             int(take(4)));
    } else {
      bool isSigned = kind == 'd' || kind == 'i';
      uint64_t bits = take(wide ? 8 : 4);
      long long value = isSigned && !wide ? int32_t(bits) : int64_t(bits);
      length = std::snprintf(buffer, sizeof buffer,
                             (spec + "ll" + kind).c_str(), value);
    }
    text.append(buffer, size_t(std::min(length, int(sizeof buffer) - 1)));
  }
  return text;
}

} // namespace

void callBuiltin(const CallSite &site, Warp &warp, uint32_t mask) {
  auto argument = [&](size_t i, unsigned lane) {
    uint64_t value = 0;
    if (i < site.arguments.size()) {
      ParamArea area = site.arguments[i];
      std::memcpy(&value, warp.r + area.row + lane * area.stride,
                  std::min(area.bytes, 8u));
    }
    return value;
  };
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    if (site.builtin == "__assertfail")
      fault(ErrorKind::Assert,
            readString(warp, lane, argument(1, lane)) + ":" +
                std::to_string(uint32_t(argument(2, lane))) + ": " +
                readString(warp, lane, argument(3, lane)) + ": assertion `" +
                readString(warp, lane, argument(0, lane)) + "' failed",
            1u << lane);
    std::string text =
        format(warp, lane, readString(warp, lane, argument(0, lane)),
               argument(1, lane));
    {
      // Blocks may run on several threads of the host.
      static std::mutex mutex;
      std::lock_guard<std::mutex> lock(mutex);
      (*warp.block->grid->output)(text);
    }
    if (!site.results.empty()) {
      int32_t count = int32_t(text.size());
      std::memcpy(warp.r + site.results[0].row + lane * site.results[0].stride,
                  &count, 4);
    }
  }
}

} // namespace moe::ptxsim
