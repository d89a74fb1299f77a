// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs moe-run as a user does.
#ifndef MOE_TEST_UNIT_RUNTIME_TOOLPROCESS_H
#define MOE_TEST_UNIT_RUNTIME_TOOLPROCESS_H

#include "FakeArtefact.h"

#include <string>

namespace moe::rt {

struct ToolResult {
  int exitCode = -1;
  std::string output; ///< stdout
  std::string talk;   ///< stderr
};

/// Runs a shell command; arguments are quoted by the caller.
ToolResult runShell(const std::string &command);

/// Runs moe-run with these arguments.
inline ToolResult runTool(const std::string &arguments) {
  return runShell(std::string(MOE_RUN) + " " + arguments);
}

/// A tokenizer of the fake vocabulary: "a" to "n", " " and an end of sequence.
nlohmann::json fakeTokenizer();

/// Adds a tokenizer to an artefact.
void addTokenizer(FakeArtefact &artefact);

/// One line "moe-run: error: …" with `text`, nothing on stdout, this code.
void expectToolError(const ToolResult &result, ExitCode code,
                     const std::string &text);

} // namespace moe::rt

#endif // MOE_TEST_UNIT_RUNTIME_TOOLPROCESS_H
