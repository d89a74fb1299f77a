// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"

#include "Terminal.h"
#include "moe/Runtime/Error.h"

#include <algorithm>
#include <csignal>
#include <new>

using namespace moe::rt;
using namespace moe::tool;

std::vector<std::string> moe::tool::splitArguments(int argc, char **argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    size_t equals = argument.find('=');
    bool emptyValue = argument.rfind("--", 0) == 0 && equals > 2 &&
                      equals + 1 == argument.size();
    if (emptyValue || argument.rfind("-n=", 0) == 0) {
      arguments.push_back(argument.substr(equals + 1));
      argument.resize(equals);
    }
    arguments.push_back(argument);
  }
  return arguments;
}

void moe::tool::requireOneOf(const char *option, const std::string &value,
                             const std::vector<std::string> &known,
                             const std::vector<std::string> &later) {
  auto has = [&](const std::vector<std::string> &list) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  if (has(known))
    return;
  std::string expected;
  for (const std::string &name : known)
    expected += (expected.empty() ? "" : ", ") + name;
  throw Error::mismatch(
      option, "", has(later) ? expected + " in this version" : expected, value,
      has(later) ? ExitCode::unsupported : ExitCode::commandLine);
}

static int fail(ExitCode code, const std::string &message) {
  // moe-compile has already said what an empty message stands for.
  if (!message.empty())
    say("error: " + message);
  return static_cast<int>(code);
}

int moe::tool::runTool(const std::function<void()> &tool) {
  // A reader that goes away shows as a failed write.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    tool();
    return 0;
  } catch (const Error &error) {
    return fail(error.exitCode(), error.what());
  } catch (const std::bad_alloc &) {
    return fail(ExitCode::memory, "out of memory");
  } catch (const std::exception &error) {
    return fail(ExitCode::internal, std::string("internal: ") + error.what());
  }
}
