// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks that run together: they reach each other's shared memory, have a
// barrier of their own, and the asynchronous operations they began and that
// nobody has waited for. All of a cluster runs on one thread of the host.
#ifndef MOE_LIB_PTXSIM_CLUSTER_H
#define MOE_LIB_PTXSIM_CLUSTER_H

#include "Access.h"
#include "moe/PTXSim/TensorMap.h"

namespace moe::ptxsim {

/// A place in the shared memory of a block of the cluster.
struct SharedPlace {
  Block *block = nullptr;
  uint32_t offset = 0;

  std::byte *pointer() const { return block->sharedBase + offset; }
};

/// The place of `bytes` bytes at an address of shared memory (`window` Shared:
/// of the block itself, Cluster, or Generic), or a fault that says why not.
SharedPlace sharedPlace(const Op &op, const Warp &warp, unsigned lane,
                        Window window, uint64_t address, uint64_t bytes,
                        uint32_t alignment);
/// "byte 0x40 of the shared memory of block (1, 0, 0)"
std::string describe(const SharedPlace &place);

/// A fault of one lane that names the instruction.
[[noreturn]] void faultOf(const Op &op, ErrorKind kind, unsigned lane,
                          const std::string &why);

/// Something that one lane began and the hardware does on its own. First what
/// is to be moved is read, then it is written and told of.
struct AsyncRecord {
  using Step = void (*)(AsyncRecord &);

  const Op *op = nullptr;
  Warp *warp = nullptr;
  unsigned lane = 0;
  Step read = nullptr;  ///< fills `data`; null: there is nothing to read
  Step write = nullptr; ///< gives it to its destination
  std::vector<std::byte> data;

  SharedPlace from, to; ///< null blocks: what is moved is not in there
  Address global = 0;   ///< the other end, or the tensor map
  int32_t coordinates[5] = {};
  TensorMap map;
  uint64_t bytes = 0;
  Block *first = nullptr; ///< of those that one copy writes; null: only `to`
  /// The mbarrier that `bytes` are told to when they are written.
  SharedPlace barrier;
  uint64_t number = 0; ///< of a cp.async: the last one that counts
  bool grouped = false;
  uint32_t group = 0; ///< bulk group of the lane
  uint32_t age = 0;   ///< turns of the cluster since it began
  bool isRead = false;
};

struct Cluster {
  Grid *grid = nullptr;
  std::vector<Block> blocks;

  void start();

  /// Takes on an operation: does it at once or puts it off.
  void issue(AsyncRecord record);
  /// Does (or, of `readOnly`, reads) what these lanes began in all but their
  /// `newest` newest bulk groups.
  void finishGroups(Warp &warp, uint32_t mask, uint32_t newest, bool readOnly);
  /// A thread looked at an mbarrier in vain and will not stop looking: what has
  /// been put off for it must happen some time.
  void looked(const SharedPlace &barrier);

  /// After every turn: what happens by itself. True: something did.
  bool pass();
  /// When no warp can go on: does one operation that was put off, or lets waits
  /// that may give up do so. False: nothing is left to hope for. `steps`: warp
  /// instructions so far.
  bool relieve(uint64_t steps);
  /// When all blocks have ended.
  void end();

  void arrive(Warp &warp, uint32_t mask);
  void checkBarrier();
  /// Threads that have arrived at the barrier of the cluster.
  uint32_t arrived() const;
  uint32_t threads() const;

  /// Tensor maps as copies saw them at first. They may go on seeing them so
  /// until a fence says that they changed.
  std::unordered_map<Address, TensorMap> seenMaps;

  /// Counted for whatever may let another warp go on.
  uint64_t events = 0;

private:
  void perform(size_t index, bool readOnly = false);
  bool chance(uint32_t of);
  void checkEnded(Block &block);
  std::deque<AsyncRecord> records; ///< oldest first
  uint64_t eventsAtTimeout = 0, stepsAtTimeout = 0;
  uint32_t timeouts = 0, looks = 0;
};

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_CLUSTER_H
