// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Generate.h"

#include <algorithm>

using namespace moe::rt;

StopMatcher::StopMatcher(std::vector<std::string> strings)
    : stops(std::move(strings)) {
  stops.erase(std::remove(stops.begin(), stops.end(), ""), stops.end());
}

std::string StopMatcher::push(const std::string &piece) {
  if (found)
    return "";
  held += piece;
  size_t earliest = std::string::npos;
  for (const std::string &stop : stops)
    earliest = std::min(earliest, held.find(stop));
  if (earliest != std::string::npos) {
    found = true;
    std::string shown = held.substr(0, earliest);
    held.clear();
    return shown;
  }
  // The longest end of the text that begins a stop string.
  size_t pending = 0;
  for (const std::string &stop : stops)
    for (size_t size = std::min(stop.size() - 1, held.size()); size > pending;
         --size)
      if (held.compare(held.size() - size, size, stop, 0, size) == 0)
        pending = size;
  std::string shown = held.substr(0, held.size() - pending);
  held.erase(0, shown.size());
  return shown;
}

std::string StopMatcher::flush() {
  std::string rest;
  if (!found)
    rest.swap(held);
  return rest;
}
