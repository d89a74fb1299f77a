// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Another implementation, in a Python process that measures when it is told to,
// so that its runs and ours take turns on the machine.
#ifndef MOE_TOOLS_MOE_BENCH_PEER_H
#define MOE_TOOLS_MOE_BENCH_PEER_H

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/types.h>

namespace moe::bench {

class Peer {
public:
  /// Starts python/bench_peers.py with `setup`. Null, after a line on stderr
  /// that says why, if Python or one of its packages is missing.
  static std::unique_ptr<Peer> start(const std::string &python,
                                     const nlohmann::json &setup);
  ~Peer();
  Peer(const Peer &) = delete;
  Peer &operator=(const Peer &) = delete;

  /// Name and version, such as "torch 2.13.0".
  const std::string &name() const { return label; }

  /// One measurement. Throws Error (unsupported) with the peer's reason if it
  /// fails.
  nlohmann::json measure(const nlohmann::json &request);

private:
  Peer(pid_t process, std::FILE *toPeer, std::FILE *fromPeer)
      : process(process), toPeer(toPeer), fromPeer(fromPeer) {}
  void send(const nlohmann::json &message);
  /// The next line; an object with "missing" when there is none.
  nlohmann::json receive();

  pid_t process;
  std::FILE *toPeer, *fromPeer;
  std::string label;
};

} // namespace moe::bench

#endif // MOE_TOOLS_MOE_BENCH_PEER_H
