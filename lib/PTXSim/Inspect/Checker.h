// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks a launch while it runs.
//
// Races are found by order, not by chance: two accesses of which one writes
// race unless a chain of barriers, or of releases and acquires, lies between
// them, whatever the schedule was. Shared memory remembers the last write of
// each place and the last read by each warp; global memory the last write and
// the last read, and up to five accesses more that nothing orders. So a race
// may be missed where more happened at a place, but what is reported is one.
//
// What a bulk copy does in global memory is done by an agent that knows what
// its thread knew when it began: of loads that of the mbarrier, of stores one
// of the thread, whose clock counts groups.
#ifndef MOE_LIB_PTXSIM_INSPECT_CHECKER_H
#define MOE_LIB_PTXSIM_INSPECT_CHECKER_H

#include "AccessSets.h"
#include "Clocks.h"
#include "Insight.h"
#include "moe/PTXSim/Inspection.h"

namespace moe::ptxsim {

struct AsyncRecord;
struct SharedPlace;

/// A cp.async that was not waited for.
struct FlyingCopy {
  WatchedBlock *home;
  uint32_t first, count; ///< granules
  uint32_t op, group;
  uint8_t lane;
  uint64_t number; ///< of the cp.async of its warp
};

/// A wgmma that was not waited for.
struct FlyingProduct {
  uint64_t group = 0;
  std::vector<uint32_t> granules;      ///< that it reads
  std::vector<uint32_t> reads, writes; ///< slots of registers
};

struct WatchedMbarrier {
  Views gathering, done;
  uint32_t agent = 0;
  uint64_t phase = 0;
};

struct WatchedWarp {
  WarpClock clock;
  uint32_t began = 0; ///< lanes
  std::vector<FlyingCopy> copies;
  uint32_t committed[lanes] = {};
  std::vector<uint32_t> registers;    ///< by slot: lanes that have a value
  std::vector<uint64_t> localDefined; ///< a bit a byte
  std::vector<FlyingCopy> bulkReads;
  std::vector<FlyingProduct> products;
  uint64_t productGroups = 0;
  std::vector<bool> touched; ///< slots that were written since wgmma.fence
  uint32_t stores = 0;       ///< lanes that began bulk stores
  const WatchedMbarrier *passed = nullptr;
  uint64_t passedPhase = 0;
};

struct WatchedBarrier {
  Views gathering, gathered;
  std::vector<uint32_t> from; ///< by warp: 1 + the op that it arrived by
  bool used = false;
};

/// `source`: op << 4 | asynchronous | scope << 1 | whether it is strong.
constexpr uint32_t asynchronous = 8;
struct SharedWrite {
  uint32_t who = 0; ///< in the cluster
  Moment when = 0;
  uint32_t source = 0;
};
struct SharedRead {
  Moment when = 0;
  uint32_t source = 0;
};

struct WatchedCluster;

struct WatchedBlock {
  WatchedCluster *cluster = nullptr;
  Block *block = nullptr;
  uint32_t firstWarp = 0; ///< in the cluster
  std::vector<WatchedWarp> warps;
  WatchedBarrier barriers[16];
  std::vector<SharedWrite> writes; ///< by granule
  std::vector<SharedRead> reads;   ///< by warp of the cluster, then granule
  std::vector<uint32_t> flying;    ///< by granule: 1 + op of a copy under way
  uint32_t flights = 0;
  std::vector<uint16_t> readers; ///< by granule: asynchronous work that reads
  uint32_t readerFlights = 0;
  std::unordered_map<uint32_t, WatchedMbarrier> mbarriers; ///< by offset
  std::vector<uint64_t> defined;                           ///< a bit a byte
};

/// Writes for an mbarrier.
struct WatchedAgent {
  uint32_t clock = 1;
  uint32_t issuer = 0, lane = 0; ///< of its last copy
};
constexpr uint32_t agentSlots = 16;

struct WatchedCluster {
  std::vector<WatchedBlock> blocks;
  uint32_t warps = 0;
  uint32_t slots = 0; ///< of clocks: warps, then agents
  WatchedAgent agents[agentSlots];
  uint32_t agentsUsed = 0;
  Views gathering, gathered; ///< of its barrier
  uint32_t firstWarp = 0;    ///< of the cluster, in the grid; from 1
  std::unordered_map<uint64_t, Message> messages; ///< in shared memory
};

struct alignas(32) GlobalCell {
  GlobalAccess write, read; ///< the last ones
  uint32_t others = 0;      ///< of AccessSets: what nothing orders with them
};
struct GlobalPage {
  std::vector<GlobalCell> cells;
};

/// Reductions of several copies may meet at one place.
bool reduces(const AsyncRecord &record);

class Checker {
public:
  Checker(const Grid &grid, uint32_t checks, Findings &findings);
  Checker(const Checker &) = delete;

  // What Observer says.
  void start(std::vector<Block> &cluster);
  void end(std::vector<Block> &cluster);
  void observe(const Op &op, Warp &warp, uint32_t mask);
  void accessOf(const Op &op, Warp &warp, uint32_t mask,
                const uint64_t *addresses, uint32_t bytes, bool writes);
  void arrive(Block &block, Warp &warp, unsigned barrier, uint32_t mask);
  void complete(Block &block, unsigned barrier);
  void pass(Warp &warp, unsigned barrier, uint32_t mask);
  void warpBarrier(Warp &warp, uint32_t mask);
  void exit(Warp &warp, uint32_t mask);
  void clusterArrive(Warp &warp, uint32_t mask);
  void clusterComplete(Cluster &cluster);
  void clusterPass(Warp &warp, uint32_t mask);
  void mbarrierArrive(Warp &warp, unsigned lane, const SharedPlace &place);
  void mbarrierComplete(const SharedPlace &place);
  void mbarrierPass(Warp &warp, unsigned lane, const SharedPlace &place);
  void issue(const AsyncRecord &record);
  void perform(const AsyncRecord &record);
  void fault(const Error &error);

private:
  /// An access of some lanes to one state space.
  struct Access {
    const Op &op;
    const Insight &insight;
    Warp &warp;
    WatchedWarp &watched;
    uint32_t mask;
    uint32_t bytes;
    bool reads, writes, flies;
    uint64_t *address;  ///< offsets in their window, or addresses
    bool async = false; ///< through the async proxy

    uint32_t source() const {
      return op.index << 4 | (async ? asynchronous : 0) |
             uint32_t(insight.scope) << 1 | uint32_t(insight.strong);
    }
  };
  /// The other access of a race.
  struct Other {
    uint32_t who = 0; ///< in the grid, from 1
    Moment when = 0;
    uint32_t source = 0;
    bool writes = false;
  };

  /// What became of a cell of the same access: the reads before and after.
  struct Alike {
    bool any = false;
    GlobalAccess read, toRead;
    uint32_t others = 0, toOthers = 0;
  };

  bool has(Check check) const { return checks & bit(check); }
  WatchedWarp &watched(const Warp &warp) const {
    return warp.block->watched->warps[warp.index];
  }

  // Where accesses go: Accesses.cpp.
  void access(const Op &op, const Insight &insight, Warp &warp, uint32_t mask);
  void divide(Access &access, uint8_t window);
  void sharedAccess(Access &access);
  void sharedAccessOf(Access &access, WatchedBlock &home,
                      const uint32_t *offset);
  void localAccess(Access &access);
  void order(Access &access, uint64_t address, unsigned lane, bool shared);

  // Races: SharedRaces.cpp, GlobalRaces.cpp.
  template <bool Writes>
  void sharedRaces(Access &access, WatchedBlock &home, const uint32_t *offset);
  void globalAccess(Access &access);
  GlobalCell *cells(uint64_t address);
  /// Whether the access races with what the cell remembers.
  bool globalRace(const Access &access, const GlobalCell &cell, unsigned lane,
                  uint64_t address);
  void write(GlobalCell &cell, const GlobalAccess &write, const Access &access,
             unsigned lane);
  void read(GlobalCell &cell, const GlobalAccess &read, const Access &access,
            unsigned lane, Alike &alike);
  void addRead(GlobalCell &cell, const GlobalAccess &read, const Access &access,
               unsigned lane);
  bool conflict(const Access &access, const Other &other, unsigned lane,
                uint64_t address, const WatchedBlock *home);
  bool known(const Access &access, const Other &other, unsigned lane) const;
  bool writesTheSame(const Access &access, const Other &other, unsigned lane,
                     uint64_t address, const WatchedBlock *home) const;

  // Asynchronous copies: Copies.cpp.
  void copy(const Op &op, const Insight &insight, Warp &warp, uint32_t mask);
  void fly(Access &access, WatchedBlock &home, const uint32_t *offset);
  void land(Warp &warp, uint32_t mask, int64_t newest);
  void flying(const Access &access, const WatchedBlock &home, uint32_t granule,
              unsigned lane);

  void landUpTo(Warp &warp, unsigned lane, uint64_t number);
  template <class F>
  void landIf(Warp &warp, F which);

  // Bulk copies, mbarriers: Asynchronous.cpp.
  WatchedMbarrier &mbarrierOf(const SharedPlace &place);
  /// A range that one lane hands to something asynchronous.
  void asyncAccess(Access &access, WatchedBlock &home, uint32_t first,
                   uint32_t bytes, unsigned lane);
  void bulkWait(Warp &warp, uint32_t mask, int64_t newest);
  void overwritten(const Access &access, const WatchedBlock &home,
                   uint32_t granule, unsigned lane);
  void unfenced(const Access &access, const WatchedBlock &home,
                uint32_t granule, unsigned lane);
  void tell(Views &to, const WatchedWarp &from, uint32_t mask,
            uint32_t live) const;
  void learn(WatchedWarp &to, const Views &from) const;

  // Bulk copies in global memory: GlobalCopies.cpp.
  void defineGlobal(const AsyncRecord &record);
  void globalCopy(const AsyncRecord &record);
  void globalRange(const Access &access, const GlobalAccess &own, unsigned lane,
                   Address begin, uint64_t bytes, bool &clean, Alike &alike);
  void storesDone(Warp &warp, uint32_t mask, int64_t newest);
  void unfencedGlobal(const Access &access, const GlobalAccess &write,
                      unsigned lane, uint64_t address);

  // wgmma: Products.cpp.
  void product(const Op &op, const Insight &insight, Warp &warp, uint32_t mask);
  void productWait(Warp &warp, uint64_t newest);
  void productRegisters(const Op &op, const Insight &insight, Warp &warp,
                        uint32_t mask);

  // Values that nobody wrote: Defined.cpp.
  void registers(const Op &op, const Insight &insight, Warp &warp,
                 uint32_t mask);
  void undefined(const Access &access, unsigned lane, uint64_t address,
                 const char *what);
  /// Reports lanes whose bytes were not written, or writes them.
  void bytesDefined(const Access &access, uint64_t *bits, size_t words,
                    uint64_t lowest, uint64_t laneStride, const char *what);

  Place place(const Op &op, const Warp &warp, unsigned lane) const;
  Place placeOf(uint32_t who, uint32_t lane, uint32_t op) const;
  void report(Check check, const Op &op, const Warp &warp, unsigned lane,
              std::string message);

  const Grid &grid;
  uint32_t checks;
  bool ordered;               ///< accesses are remembered
  bool orderedGlobal = false; ///< those of global memory, too
  /// Numbers of a cluster: warps, agents of mbarriers, lanes that store.
  uint32_t clusterWarps, clusterNumbers;
  Findings &findings;
  InsightTable insights;
  uint32_t sharedShift, globalShift; ///< of granules
  std::vector<std::unique_ptr<WatchedCluster>> clusters;
  std::vector<WatchedCluster *> spare; ///< those that have ended
  std::unordered_map<uint64_t, std::unique_ptr<GlobalPage>> pages;
  static constexpr unsigned cachedPages = 64;
  uint64_t cachedNumber[cachedPages];
  GlobalCell *cachedCells[cachedPages];
  AccessSets accessSets;
  std::unordered_map<uint64_t, Message> messages; ///< in global memory
  /// Which thread began a copy from or to global memory.
  struct Issue {
    uint32_t who = 0; ///< in the grid
    Moment when = 0;
  };
  std::unordered_map<uint64_t, Issue> issues;
  static uint64_t issueKey(uint32_t agent, uint32_t clock) {
    return uint64_t(agent) << 32 | clock;
  }
  /// By instruction: the allocation it touched last and its bits.
  struct DefinedRange {
    Address low = 0, high = 0;
    uint64_t *bits = nullptr; ///< null: all of it is defined
    bool readOnly = false;
  };
  std::vector<DefinedRange> ranges;
};

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_INSPECT_CHECKER_H
