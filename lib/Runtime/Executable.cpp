// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Executable.h"

#include "moe/Runtime/Error.h"

using namespace moe::rt;

Executable::~Executable() = default;

size_t Executable::entryIndex(std::string_view name) const {
  std::string known;
  for (size_t i = 0; i < description().entries.size(); ++i) {
    const std::string &entry = description().entries[i].name;
    if (entry == name)
      return i;
    known += (known.empty() ? "" : ", ") + entry;
  }
  throw Error(ExitCode::unsupported,
              "entries: expected " + std::string(name) + ", got " + known);
}
