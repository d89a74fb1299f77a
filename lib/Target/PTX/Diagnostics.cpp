// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/PTX/Diagnostics.h"

using namespace moe::ptx;

void Diagnostics::error(Location where, std::string message) {
  if (errorCount < limit)
    entries.push_back({Diagnostic::Severity::Error, where, std::move(message)});
  ++errorCount;
}

void Diagnostics::warning(Location where, std::string message) {
  if (entries.size() < 2 * limit)
    entries.push_back(
        {Diagnostic::Severity::Warning, where, std::move(message)});
}

std::string Diagnostics::str() const {
  std::string text;
  for (const Diagnostic &entry : entries) {
    text += file + ":" + std::to_string(entry.location.line) + ":" +
            std::to_string(entry.location.column) + ": ";
    text +=
        entry.severity == Diagnostic::Severity::Error ? "error: " : "warning: ";
    text += entry.message + "\n";
  }
  return text;
}
