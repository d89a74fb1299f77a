// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_SUPPORT_TERMINAL_H
#define MOE_TOOLS_SUPPORT_TERMINAL_H

#include <chrono>
#include <string>
#include <string_view>

namespace moe::tool {

/// stdout, written as text is made.
class Output {
public:
  /// False once the reader has gone away, which is no error: it has seen what
  /// it wanted. Any other failure throws Error.
  bool write(std::string_view text);

private:
  bool closed = false;
};

/// A line to stderr: "<program>: <text>".
void say(const std::string &text);

/// Text as printf would write it, cut at 511 bytes.
__attribute__((format(printf, 1, 2))) std::string format(const char *pattern,
                                                         ...);

/// A bar on stderr that redraws itself; draws nothing unless stderr is a
/// terminal. Erased at the end.
class ProgressBar {
public:
  ProgressBar(std::string label, size_t total, bool wanted);
  ~ProgressBar();
  ProgressBar(const ProgressBar &) = delete;
  ProgressBar &operator=(const ProgressBar &) = delete;

  void show(size_t done);

private:
  std::string label;
  size_t total;
  bool shown;
  std::chrono::steady_clock::time_point lastDrawn;
};

} // namespace moe::tool

#endif // MOE_TOOLS_SUPPORT_TERMINAL_H
