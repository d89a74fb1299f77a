// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What decoder, instructions and scheduler share: decoded code, and the state
// of the warps and blocks that run it.
//
// A register is a row of 32 lanes, a predicate one word of 32 bits. Immediates,
// special registers and addresses of symbols are rows too, so that an operand
// of an instruction is always the offset of a row in the frame of its function.
#ifndef MOE_LIB_PTXSIM_CORE_H
#define MOE_LIB_PTXSIM_CORE_H

#include "moe/PTXSim/Device.h"
#include "moe/Target/PTX/Module.h"

#include <array>
#include <deque>
#include <unordered_map>

namespace moe::ptxsim {

constexpr unsigned lanes = 32;
constexpr uint32_t allLanes = ~0u;
constexpr uint32_t noRow = ~0u;

struct Op;
struct Warp;
struct Block;
struct Cluster;
struct Grid;
class Observer;
struct WatchedBlock;
using Handler = void (*)(const Op &, Warp &, uint32_t mask);

/// How an instruction moves the program counter.
enum class Flow : uint8_t {
  Next,   ///< to the next instruction
  Branch, ///< lanes of the guard go to `target`
  Index,  ///< brx.idx
  Call,
  Return,
  Exit,
  Sync,    ///< waits until the lanes of its member mask stand here
  Barrier, ///< of the block: the handler may make the group wait
};

struct Op {
  Handler handler = nullptr;
  uint32_t o[6] = {noRow, noRow, noRow, noRow, noRow, noRow};
  int64_t imm = 0;
  uint32_t extra = 0; ///< first of `count` entries of Code::extras
  uint16_t count = 0;
  uint8_t width = 0; ///< bytes, or what the handler makes of it
  uint8_t mode = 0;
  uint32_t flags = 0;
  uint32_t guard = noRow;
  uint32_t target = 0;
  uint32_t index = 0; ///< in Code::ops
  Flow flow = Flow::Next;
  bool guardNegated = false;
  uint32_t line = 0;
  const ptx::Instruction *source = nullptr;
};

/// A row that is filled when a frame is made.
struct FilledRow {
  enum class Kind : uint8_t { Special, Shared, Local };
  Kind kind;
  ptx::SpecialRegister special{};
  uint8_t component = 0;
  uint8_t width = 4;
  uint32_t row = 0;
  uint64_t offset = 0;
};

/// The memory of .param variables of a function: lane i has its bytes at
/// frame + row + i * stride.
struct ParamArea {
  uint32_t row = 0, stride = 0, bytes = 0;
};

struct ConstantRow {
  uint64_t bits;
  uint32_t row;
  uint8_t width;
};

struct FunctionCode {
  const ptx::Function *function = nullptr;
  uint32_t entry = 0; ///< of Code::ops
  uint32_t frameBytes = 0;
  uint32_t registerBytes = 0; ///< they come first in a frame
  uint32_t localBytes = 0;
  std::vector<uint32_t> registerRows; ///< of Function::registers
  std::vector<ConstantRow> constants;
  std::vector<FilledRow> filled;
  std::vector<ParamArea> params, returns;
};

/// What a call instruction passes: from the caller's areas or rows.
struct CallSite {
  const FunctionCode *callee = nullptr; ///< null: a builtin, or by a pointer
  std::vector<ParamArea> arguments, results;
  /// vprintf, __assertfail, malloc, free: run by the executor.
  std::string builtin;
};

struct Code {
  std::vector<Op> ops;
  std::vector<uint32_t> extras;
  std::deque<FunctionCode> functions; ///< the kernel first
  std::vector<CallSite> calls;
  std::unordered_map<Address, const FunctionCode *> pointers;
  std::vector<std::vector<uint32_t>> targets; ///< of brx.idx
  uint32_t localBytes = 0;
  std::shared_ptr<const ptx::Module> module;
};

struct Frame {
  const FunctionCode *function = nullptr;
  Frame *parent = nullptr;
  uint32_t returnTo = 0;
  uint32_t localBase = 0;
  uint32_t live = 0; ///< lanes that have not returned
  /// Bytes that each lane took by alloca, above those of the function.
  uint32_t taken[lanes] = {};
  const CallSite *site = nullptr;
  std::unique_ptr<std::byte[]> storage;
  std::byte *base = nullptr; ///< aligned
};

enum class Wait : uint8_t {
  None,
  Sync,
  WarpBarrier,
  Barrier,
  Mbarrier,
  Cluster,
  Registers
};

/// Lanes of a warp that stand at one instruction.
struct Group {
  uint32_t pc = 0, mask = 0;
  Frame *frame = nullptr;
  uint32_t turn = 0, backward = 0;
  Wait wait = Wait::None;
  uint32_t data = 0;  ///< member mask, number of the barrier, or mbarrier
  uint64_t data2 = 0; ///< of an mbarrier: the phase it waits for, plus 1
};

/// One cp.async of one lane.
struct CopyRecord {
  Address from, to;
  uint16_t bytes, sourceBytes;
  uint8_t lane;
  uint32_t group;
  uint64_t number; ///< of the copies of its warp
};

/// One wgmma.mma_async of a warp that is not done.
struct WgmmaRecord {
  const Op *op;
  std::byte *frame; ///< of its registers
  uint64_t a, b;    ///< descriptors of matrices in shared memory
  uint64_t group;
  bool accumulates;
  std::array<uint32_t, lanes> metadata; ///< of a sparse A
};

struct Range {
  Address low = 0, high = 0; ///< empty: nothing is in it
  bool readOnly = false;
};

struct Warp {
  std::byte *r = nullptr; ///< frame of the current group
  Block *block = nullptr;
  uint32_t index = 0, live = 0;
  Group now;
  std::vector<Group> rest;
  std::vector<std::unique_ptr<Frame>> frames;
  Frame bottom;
  std::vector<std::byte> local; ///< lane after lane
  uint32_t localStride = 0;
  std::vector<CopyRecord> copies;
  uint32_t committed[lanes] = {};
  uint64_t copyCount = 0;
  uint32_t bulkCommitted[lanes] = {}; ///< bulk groups of each lane
  /// Lanes that arrived at the barrier of the cluster and have not waited:
  /// while others are missing, and when all have arrived.
  uint32_t clusterArrived = 0, clusterComplete = 0;
  std::vector<WgmmaRecord> products;
  uint64_t productGroups = 0;
  uint32_t carry = 0;     ///< the condition code of each lane
  uint32_t registers = 0; ///< of each thread, for setmaxnreg; 0: not counted
  uint64_t warpInstructions = 0, threadInstructions = 0;

  /// An array that `Op` has in Code::extras.
  const uint32_t *extras(const Op &op) const;
  template <class T>
  T *row(uint32_t offset) {
    return reinterpret_cast<T *>(r + offset);
  }
  uint32_t &predicate(uint32_t offset) { return *row<uint32_t>(offset); }
  void setPredicate(uint32_t offset, uint32_t value, uint32_t mask) {
    uint32_t &p = predicate(offset);
    p = (p & ~mask) | (value & mask);
  }

  void start(Block &block, uint32_t index);
  /// Runs until every group waits, or for `budget` instructions.
  void run(uint64_t budget);
  bool done() const { return live == 0; }
  bool waits() const;
  /// Lets groups go on whose bar.warp.sync all its members have reached.
  void checkWarpBarrier();
  void exitLanes(uint32_t mask);

private:
  friend struct Block;
  template <bool Observed>
  void runFor(uint64_t budget);
  bool select();
  void branch(uint32_t target, uint32_t taken);
  void call(const Op &op, uint32_t mask);
  void returnLanes(uint32_t mask);
  void prepare(Frame &frame, const FunctionCode &function);
  void fill(Frame &frame);
  uint32_t complete(const Op &op, uint32_t mask);
  void synchronise(const Op &op, uint32_t mask);
  void splitOff(uint32_t mask);
};

struct Barrier {
  std::vector<uint32_t> arrived; ///< lanes a warp
  std::vector<uint32_t> predicate;
  uint32_t expected = 0; ///< threads; 0: all of the block
  bool used = false;
};

/// The eight bytes in shared memory only witness that nothing else was written
/// there.
struct Mbarrier {
  uint32_t expected = 0,
           pending = 0;     ///< arrivals of a phase, and those to come
  int64_t transactions = 0; ///< bytes expected and not yet complete
  uint64_t phase = 0;       ///< the one that is not complete
  const Op *init = nullptr;
};

struct Block {
  Grid *grid = nullptr;
  Cluster *cluster = nullptr;
  Dim3 id{};
  uint32_t rank = 0; ///< in its cluster
  std::vector<Warp> warps;
  std::vector<std::byte> shared;
  std::byte *sharedBase = nullptr;
  uint32_t sharedBytes = 0;
  Barrier barriers[16];
  std::unordered_map<uint32_t, Mbarrier> mbarriers; ///< by offset in `shared`
  bool ended = false; ///< and what it left behind was looked at
  /// Registers that warps have given back, for each thread of a warp.
  uint32_t freeRegisters = 0;
  WatchedBlock *watched = nullptr; ///< what an observer keeps of it

  void start(Grid &grid, Cluster &cluster, Dim3 id, uint32_t rank);
  bool done() const;
  /// Lets every warp run for a while; true if one did something.
  bool pass();
  void arrive(Warp &warp, unsigned barrier, uint32_t mask, uint32_t expected,
              uint32_t predicate);
  void checkBarrier(unsigned barrier);
  void checkBarriers();
  /// Lets the groups that wait for this mbarrier look at it again.
  void wakeAtMbarrier(uint32_t offset);
  /// And those that wait for registers.
  void wakeForRegisters();
  std::string places() const;
};

/// One launch.
struct Grid {
  const Device *device = nullptr;
  Memory *memory = nullptr;
  const Kernel *kernel = nullptr;
  const Code *code = nullptr;
  Dim3 grid{}, block{}, cluster{};
  uint32_t threads = 0, warps = 0;
  uint32_t sharedBytes = 0, dynamicSharedBytes = 0;
  uint32_t registers = 0; ///< a thread begins with, see launchRegisters()
  Address params = 0;
  std::vector<Range> ranges; ///< what each instruction last touched
  std::function<void(std::string_view)> *output = nullptr;
  uint64_t random = 0; ///< state of the schedule
  uint64_t asyncRandom = 0;
  uint64_t steps = 0;
  Warp *running = nullptr;
  Observer *observer = nullptr; ///< null: nobody looks
};

/// An error of the running kernel; the scheduler adds the place.
struct Fault {
  ErrorKind kind;
  std::string message;
  uint32_t mask; ///< lanes that it is about
  /// Of an asynchronous operation: who began it, and where.
  const Warp *warp = nullptr;
  const Op *op = nullptr;
};

[[noreturn]] void fault(ErrorKind kind, std::string message,
                        uint32_t mask = allLanes);

uint32_t launchRegisters(const ptx::Directives &directives,
                         uint32_t registersOfBlock);

/// Lets the copies of these lanes take effect.
void finishCopies(Warp &warp, uint32_t mask);
/// Those of a lane up to the copy of that number.
void finishCopiesUpTo(Warp &warp, unsigned lane, uint64_t number);
/// Where the 16-byte parts of shared memory lie that a warp reads for a product
/// with these matrix descriptors.
void wgmmaParts(const Op &op, const Warp &warp, uint64_t a, uint64_t b,
                std::vector<uint32_t> &parts);

inline uint64_t nextRandom(uint64_t &state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

inline const uint32_t *Warp::extras(const Op &op) const {
  return block->grid->code->extras.data() + op.extra;
}

inline unsigned firstLane(uint32_t mask) {
  return unsigned(__builtin_ctz(mask));
}

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_CORE_H
