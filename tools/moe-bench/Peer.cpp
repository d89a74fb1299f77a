// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Peer.h"

#include "Terminal.h"
#include "moe/Runtime/Error.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace moe::rt;
using namespace moe::bench;
using namespace moe::tool;
using nlohmann::json;

namespace moe::bench {
/// python/bench_peers.py, put into this program when it is built.
extern const char *const peersScript;
} // namespace moe::bench

static std::string pythonProgram(const std::string &python) {
  const char *variable = std::getenv("MOE_PYTHON");
  if (!python.empty())
    return python;
  return variable && *variable ? variable : "python3";
}

std::unique_ptr<Peer> Peer::start(const std::string &python,
                                  const json &setup) {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0)
    throw Error(ExitCode::internal, "cannot make a pipe");
  std::string program = pythonProgram(python);
  std::string arguments[] = {program, "-c", peersScript};
  char *argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                  nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  pid_t process = -1;
  int code =
      ::posix_spawnp(&process, argv[0], &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  std::unique_ptr<Peer> peer(new Peer(code == 0 ? process : -1,
                                      ::fdopen(input[1], "w"),
                                      ::fdopen(output[0], "r")));
  peer->send(setup);
  json answer = peer->receive();
  if (answer.contains("name")) {
    peer->label = answer["name"];
    return peer;
  }
  say(setup["peer"].get<std::string>() + " is left out: " + program + ": " +
      answer["missing"].get<std::string>());
  return nullptr;
}

Peer::~Peer() {
  // Its loop ends with its input.
  std::fclose(toPeer);
  std::fclose(fromPeer);
  while (process > 0 && ::waitpid(process, nullptr, 0) < 0 && errno == EINTR)
    ;
}

void Peer::send(const json &message) {
  // A peer that has gone away shows when its answer is read.
  std::fputs((message.dump() + "\n").c_str(), toPeer);
  std::fflush(toPeer);
}

json Peer::receive() {
  std::string line;
  for (int c; (c = std::fgetc(fromPeer)) != EOF && c != '\n';)
    line += static_cast<char>(c);
  json answer = json::parse(line, nullptr, false);
  if (answer.is_object())
    return answer;
  return {{"missing", line.empty() ? "it does not run" : line}};
}

json Peer::measure(const json &request) {
  send(request);
  json answer = receive();
  if (answer.contains("missing"))
    throw Error(ExitCode::unsupported,
                label + ": " + answer["missing"].get<std::string>());
  return answer;
}
