// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one exception of the runtime: a message for people and an exit code for
// tools. Messages have the form "<file>: <key or offset>: expected …, got …".
#ifndef MOE_RUNTIME_ERROR_H
#define MOE_RUNTIME_ERROR_H

#include <stdexcept>
#include <string>

namespace moe::rt {

/// Exit codes of the command line tools.
enum class ExitCode : int {
  done = 0,
  inputWrong = 1,
  commandLine = 2,
  unsupported = 3,
  memory = 4,
  checkFailed = 5,
  internal = 70,
};

class Error : public std::runtime_error {
public:
  Error(ExitCode code, const std::string &message)
      : std::runtime_error(message), code(code) {}

  ExitCode exitCode() const { return code; }

  /// "<file>: <key>: expected <expected>, got <got>"; the input is wrong.
  static Error mismatch(const std::string &file, const std::string &key,
                        const std::string &expected, const std::string &got,
                        ExitCode code = ExitCode::inputWrong) {
    return Error(code, file + ": " + (key.empty() ? "" : key + ": ") +
                           "expected " + expected + ", got " + got);
  }

private:
  ExitCode code;
};

} // namespace moe::rt

#endif // MOE_RUNTIME_ERROR_H
