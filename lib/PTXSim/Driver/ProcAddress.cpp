// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names and versions of the exported functions, as cuGetProcAddress finds them.
#include "API.h"
#include "State.h"

#include <map>
#include <string_view>

namespace {
using AnyFunction = void (*)();
}

// Only the addresses are of interest here, so each is declared as a function
// without parameters.
namespace exported {
extern "C" {
#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS) void NAME();
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  void NAME();                                                                 \
  void NAME##VARIANT();
#include "moe/CUDA/Functions.def"
#define MOE_CU_STUB(VERSION, NAME) void NAME();
#include "moe/CUDA/Stubs.def"
}
} // namespace exported

namespace moe::driver {

using namespace moe::cuda;

namespace {
constexpr int driverVersion = 13000;

struct Symbol {
  int version;
  const char *name;
  AnyFunction address;
};

const Symbol symbols[] = {
#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)                  \
  {VERSION, #NAME, exported::NAME},
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  {VERSION, #NAME, exported::NAME},                                            \
      {VARIANT_VERSION, #NAME #VARIANT, exported::NAME##VARIANT},
#include "moe/CUDA/Functions.def"
#define MOE_CU_STUB(VERSION, NAME) {VERSION, #NAME, exported::NAME},
#include "moe/CUDA/Stubs.def"
};

/// cuMemcpyHtoD_v2_ptds is the second cuMemcpyHtoD, for threads' own streams.
struct Parts {
  std::string_view base;
  bool perThread;
};
Parts split(std::string_view name) {
  Parts parts{name, false};
  for (std::string_view suffix : {"_ptsz", "_ptds"})
    if (name.size() > suffix.size() &&
        name.substr(name.size() - suffix.size()) == suffix) {
      parts.perThread = true;
      name.remove_suffix(suffix.size());
    }
  if (name.size() > 3 && name.substr(name.size() - 3, 2) == "_v")
    name.remove_suffix(3);
  parts.base = name;
  return parts;
}

using Versions = std::map<int, AnyFunction>;
struct Entry {
  Versions plain, perThread;
};

const std::map<std::string_view, Entry> &index() {
  static const std::map<std::string_view, Entry> all = [] {
    std::map<std::string_view, Entry> result;
    for (const Symbol &symbol : symbols) {
      Parts parts = split(symbol.name);
      Entry &entry = result[parts.base];
      (parts.perThread ? entry.perThread : entry.plain)[symbol.version] =
          symbol.address;
    }
    return result;
  }();
  return all;
}
} // namespace

CUresult api::cuDriverGetVersion(int *version) {
  require(version);
  *version = driverVersion;
  return CUDA_SUCCESS;
}

CUresult api::cuGetProcAddress_v2(const char *symbol, void **address,
                                  int version, cuuint64_t flags,
                                  CUdriverProcAddressQueryResult *found) {
  require(symbol && address);
  constexpr cuuint64_t known = CU_GET_PROC_ADDRESS_LEGACY_STREAM |
                               CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
  require((flags & ~known) == 0 && flags != known);
  *address = nullptr;
  CUdriverProcAddressQueryResult outcome = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  auto it = index().find(symbol);
  if (it != index().end()) {
    bool perThread = flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM ||
                     (flags == 0 && nullStreamIsPerThread());
    const Entry &entry = it->second;
    const Versions &versions =
        perThread && !entry.perThread.empty() ? entry.perThread : entry.plain;
    auto after = versions.upper_bound(version);
    outcome = CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
    if (after != versions.begin() && version <= driverVersion) {
      *address = reinterpret_cast<void *>(std::prev(after)->second);
      outcome = CU_GET_PROC_ADDRESS_SUCCESS;
    }
  }
  if (found)
    *found = outcome;
  // With somewhere to say why, the call itself succeeds.
  return *address || found ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

CUresult api::cuGetProcAddress(const char *symbol, void **address, int version,
                               cuuint64_t flags) {
  return cuGetProcAddress_v2(symbol, address, version, flags, nullptr);
}

} // namespace moe::driver
