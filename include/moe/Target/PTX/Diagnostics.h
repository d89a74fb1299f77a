// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What parser and verifier have to say, with places in the PTX text.
#ifndef MOE_TARGET_PTX_DIAGNOSTICS_H
#define MOE_TARGET_PTX_DIAGNOSTICS_H

#include <cstdint>
#include <string>
#include <vector>

namespace moe::ptx {

/// A place in the PTX text; both count from 1, 0 is nowhere.
struct Location {
  uint32_t line = 0;
  uint32_t column = 0;
};

struct Diagnostic {
  enum class Severity : uint8_t { Error, Warning };
  Severity severity = Severity::Error;
  Location location;
  std::string message;
};

/// Diagnostics in the order of their discovery. At most `limit` errors are
/// kept, so that a file of nonsense does not fill the memory.
class Diagnostics {
public:
  explicit Diagnostics(std::string file = "<ptx>", size_t limit = 100)
      : file(std::move(file)), limit(limit) {}

  void error(Location where, std::string message);
  void warning(Location where, std::string message);

  bool hasErrors() const { return errorCount != 0; }
  size_t errors() const { return errorCount; }
  bool full() const { return errorCount >= limit; }
  const std::vector<Diagnostic> &all() const { return entries; }
  const std::string &fileName() const { return file; }

  /// "file:line:column: error: message" a line.
  std::string str() const;

private:
  std::string file;
  size_t limit;
  size_t errorCount = 0;
  std::vector<Diagnostic> entries;
};

} // namespace moe::ptx

#endif // MOE_TARGET_PTX_DIAGNOSTICS_H
