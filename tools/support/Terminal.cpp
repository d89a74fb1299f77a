// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Terminal.h"

#include "moe/Runtime/Error.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <unistd.h>

using namespace moe::rt;
using namespace moe::tool;

bool Output::write(std::string_view text) {
  while (!closed && !text.empty()) {
    ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<size_t>(written));
    else if (errno == EPIPE)
      closed = true;
    else if (errno != EINTR)
      throw Error(ExitCode::inputWrong,
                  std::string("stdout: cannot write: ") + std::strerror(errno));
  }
  return !closed;
}

std::string moe::tool::format(const char *pattern, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(buffer, sizeof buffer, pattern, arguments);
  va_end(arguments);
  return buffer;
}

void moe::tool::say(const std::string &text) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, text.c_str());
}

ProgressBar::ProgressBar(std::string label, size_t total, bool wanted)
    : label(std::move(label)), total(total),
      shown(wanted && total > 0 && ::isatty(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() {
  if (shown)
    std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::show(size_t done) {
  constexpr int width = 32;
  constexpr std::chrono::milliseconds interval{50};
  auto now = std::chrono::steady_clock::now();
  if (!shown || (done < total && now - lastDrawn < interval))
    return;
  lastDrawn = now;
  int filled = static_cast<int>(width * done / total);
  std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  std::fprintf(stderr, "\r\x1b[K%s [%s] %zu/%zu", label.c_str(), bar.c_str(),
               done, total);
  std::fflush(stderr);
}
