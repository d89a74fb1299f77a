// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp: groups of lanes, each with a program counter of its own. The ready
// group with the lowest counter runs, so that lanes meet again behind the
// branches that parted them; after many backward branches another group has
// its turn, so that lanes that spin do not starve those they wait for.
#include "Cluster.h"
#include "Observer.h"

#include <algorithm>
#include <cstring>

namespace moe::ptxsim {

namespace {

constexpr uint32_t backwardBranchesOfATurn = 512;

template <class T>
void broadcast(std::byte *row, T value) {
  for (unsigned i = 0; i < lanes; ++i)
    std::memcpy(row + i * sizeof(T), &value, sizeof(T));
}

void broadcastBits(std::byte *row, uint64_t bits, unsigned width) {
  switch (width) {
  case 0: // a predicate
    return void(std::memcpy(row, &bits, 4));
  case 1:
    return broadcast(row, uint8_t(bits));
  case 2:
    return broadcast(row, uint16_t(bits));
  case 4:
    return broadcast(row, uint32_t(bits));
  default:
    return broadcast(row, bits);
  }
}

uint64_t specialValue(const FilledRow &row, const Warp &warp, unsigned lane) {
  const Block &block = *warp.block;
  const Grid &grid = *block.grid;
  unsigned c = row.component;
  uint32_t thread = warp.index * lanes + lane;
  auto at = [&](const Dim3 &d) { return c < 3 ? d[c] : 0; };
  auto clusters = [&](unsigned i) { return grid.grid[i] / grid.cluster[i]; };
  using S = ptx::SpecialRegister;
  switch (row.special) {
  case S::Tid: {
    uint32_t x = grid.block[0], y = grid.block[1];
    return at({thread % x, thread / x % y, thread / x / y});
  }
  case S::Ntid:
    return at(grid.block);
  case S::Laneid:
    return lane;
  case S::Warpid:
    return warp.index;
  case S::Nwarpid:
    return grid.device->properties().maxThreadsPerMultiprocessor / lanes;
  case S::Ctaid:
    return at(block.id);
  case S::Nctaid:
    return at(grid.grid);
  case S::Smid:
    return (block.id[0] + block.id[1] * grid.grid[0]) %
           grid.device->properties().multiprocessors;
  case S::Nsmid:
    return grid.device->properties().multiprocessors;
  case S::IsExplicitCluster:
    return grid.cluster[0] * grid.cluster[1] * grid.cluster[2] > 1;
  case S::Clusterid:
    return c < 3 ? block.id[c] / grid.cluster[c] : 0;
  case S::Nclusterid:
    return c < 3 ? clusters(c) : 0;
  case S::ClusterCtaid:
    return c < 3 ? block.id[c] % grid.cluster[c] : 0;
  case S::ClusterNctaid:
    return at(grid.cluster);
  case S::ClusterCtarank:
    return block.rank;
  case S::ClusterNctarank:
    return grid.cluster[0] * grid.cluster[1] * grid.cluster[2];
  case S::LanemaskEq:
    return 1u << lane;
  case S::LanemaskLt:
    return (1u << lane) - 1;
  case S::LanemaskLe:
    return (2u << lane) - 1;
  case S::LanemaskGt:
    return ~((2u << lane) - 1);
  case S::LanemaskGe:
    return ~((1u << lane) - 1);
  case S::TotalSmemSize:
    return grid.sharedBytes;
  case S::AggrSmemSize:
    return grid.sharedBytes;
  case S::DynamicSmemSize:
    return grid.dynamicSharedBytes;
  default: // %gridid, %envreg, %pm, reserved shared memory
    return 0;
  }
}

} // namespace

void fault(ErrorKind kind, std::string message, uint32_t mask) {
  throw Fault{kind, std::move(message), mask};
}

void Warp::prepare(Frame &frame, const FunctionCode &function) {
  frame.function = &function;
  frame.storage = std::make_unique<std::byte[]>(function.frameBytes + 128);
  auto address = reinterpret_cast<uintptr_t>(frame.storage.get());
  frame.base = frame.storage.get() + (-address & 63);
  for (const ConstantRow &row : function.constants)
    broadcastBits(frame.base + row.row, row.bits, row.width);
}

void Warp::fill(Frame &frame) {
  for (const FilledRow &row : frame.function->filled) {
    std::byte *to = frame.base + row.row;
    switch (row.kind) {
    case FilledRow::Kind::Special:
      for (unsigned i = 0; i < lanes; ++i) {
        uint64_t value = specialValue(row, *this, i);
        std::memcpy(to + i * row.width, &value, row.width);
      }
      break;
    case FilledRow::Kind::Shared:
      broadcastBits(
          to, row.offset + (uint64_t(block->rank) << Memory::sharedRankShift),
          row.width);
      break;
    case FilledRow::Kind::Local:
      broadcastBits(to, row.offset + frame.localBase, row.width);
      break;
    }
  }
}

void Warp::start(Block &ofBlock, uint32_t number) {
  block = &ofBlock;
  index = number;
  const Grid &grid = *block->grid;
  const FunctionCode &kernel = grid.code->functions.front();
  if (bottom.function != &kernel)
    prepare(bottom, kernel);
  std::memset(bottom.base, 0, kernel.registerBytes);
  localStride = grid.code->localBytes;
  local.assign(size_t(localStride) * lanes, std::byte(0));
  uint32_t threads = grid.threads - number * lanes;
  live = threads >= lanes ? allLanes : (1u << threads) - 1;
  fill(bottom);
  bottom.live = live;
  std::fill_n(bottom.taken, lanes, 0);
  for (auto &frame : frames)
    frame->live = 0;
  rest.clear();
  copies.clear();
  products.clear();
  productGroups = 0;
  std::fill_n(committed, lanes, 0);
  std::fill_n(bulkCommitted, lanes, 0);
  copyCount = 0;
  clusterArrived = clusterComplete = 0;
  registers = grid.registers;
  now = {};
  now.pc = kernel.entry;
  now.mask = live;
  now.frame = &bottom;
  r = bottom.base;
}

bool Warp::waits() const {
  if (now.mask && now.wait == Wait::None)
    return false;
  for (const Group &group : rest)
    if (group.wait == Wait::None)
      return false;
  return true;
}

/// Merges groups that stand at one place and makes the one current that should
/// run; false if none can.
bool Warp::select() {
  auto free = [](const Group &g) {
    return g.wait == Wait::None || g.wait == Wait::Sync;
  };
  for (size_t i = 0; i < rest.size();) {
    Group &other = rest[i];
    if (now.mask && other.pc == now.pc && other.frame == now.frame &&
        free(other) && free(now)) {
      now.mask |= other.mask;
      now.turn = std::max(now.turn, other.turn);
      now.wait = Wait::None; // what it waited for may have come
      other = rest.back();
      rest.pop_back();
    } else {
      ++i;
    }
  }
  auto before = [](const Group &a, const Group &b) {
    return a.turn != b.turn ? a.turn < b.turn : a.pc < b.pc;
  };
  Group *best = now.mask && now.wait == Wait::None ? &now : nullptr;
  for (Group &other : rest)
    if (other.wait == Wait::None && (!best || before(other, *best)))
      best = &other;
  if (!best)
    return false;
  if (best != &now) {
    if (now.mask) {
      std::swap(*best, now);
    } else {
      now = *best;
      *best = rest.back();
      rest.pop_back();
    }
    // Whom it meets at its place joins it.
    if (!rest.empty()) {
      for (const Group &other : rest)
        if (other.pc == now.pc && other.frame == now.frame && free(other))
          return select();
    }
  }
  if (rest.empty())
    now.turn = 0;
  r = now.frame->base;
  return true;
}

/// Lanes of the current group outside of `mask` go on behind the instruction.
void Warp::splitOff(uint32_t mask) {
  if (mask == now.mask)
    return;
  Group others = now;
  others.mask &= ~mask;
  ++others.pc;
  now.mask = mask;
  rest.push_back(others);
}

void Warp::branch(uint32_t target, uint32_t taken) {
  if (!taken) {
    ++now.pc;
    return;
  }
  bool backward = target <= now.pc;
  splitOff(taken);
  now.pc = target;
  if (backward && ++now.backward >= backwardBranchesOfATurn) {
    now.backward = 0;
    ++now.turn;
  }
}

void Warp::exitLanes(uint32_t mask) {
  if (!mask)
    return;
  finishCopies(*this, mask);
  if (Observer *observer = block->grid->observer)
    observer->exit(*this, mask);
  live &= ~mask;
  now.mask &= ~mask;
  for (Frame *frame = now.frame; frame; frame = frame->parent)
    frame->live &= ~mask;
  for (Group &group : rest)
    if (group.wait == Wait::Sync)
      group.wait = Wait::None;
  checkWarpBarrier();
  block->checkBarriers();
  clusterArrived &= ~mask;
  block->cluster->checkBarrier();
}

void Warp::checkWarpBarrier() {
  auto each = [&](auto &&what) {
    if (now.mask && now.wait == Wait::WarpBarrier)
      what(now);
    for (Group &group : rest)
      if (group.wait == Wait::WarpBarrier)
        what(group);
  };
  each([&](Group &group) {
    uint32_t here = 0, members = group.data;
    each([&](Group &other) { here |= other.data == members ? other.mask : 0; });
    if ((here & members & live) == (members & live))
      each([&](Group &other) {
        if (other.data != members)
          return;
        other.wait = Wait::None;
        if (Observer *observer = block->grid->observer)
          observer->warpBarrier(*this, other.mask);
      });
  });
}

/// Lanes of `mask` that a synchronising instruction can be run for: all those
/// that their member mask names are here. Lanes of one warp may come with
/// different masks, each of which is a set of its own.
uint32_t Warp::complete(const Op &op, uint32_t mask) {
  if (op.o[5] == noRow)
    return (mask & live) == live ? mask : 0;
  const uint32_t *members = row<uint32_t>(op.o[5]);
  for (uint32_t todo = mask; todo;) {
    uint32_t named = members[firstLane(todo)], same = 0;
    for (unsigned i = 0; i < lanes; ++i)
      same |= uint32_t(members[i] == named) << i;
    same &= todo;
    todo &= ~same;
    if ((named & same) != same)
      fault(ErrorKind::IllegalInstruction,
            "a lane runs " + ptx::fullName(*op.source) +
                " that its member mask does not name",
            same & ~named);
    if ((same & named & live) == (named & live))
      return same;
  }
  return 0;
}

void Warp::synchronise(const Op &op, uint32_t mask) {
  uint32_t ready = complete(op, mask);
  if (!ready) {
    splitOff(mask);
    now.wait = Wait::Sync;
    now.data =
        op.o[5] == noRow ? live : row<uint32_t>(op.o[5])[firstLane(mask)];
    return;
  }
  if (ready != mask) { // the others have their turn here after these
    Group others = now;
    others.mask &= ~ready;
    rest.push_back(others);
    now.mask = ready;
  }
  if (Observer *observer = block->grid->observer)
    observer->observe(op, *this, ready);
  op.handler(op, *this, ready);
  ++now.pc;
}

void Warp::run(uint64_t budget) {
  if (block->grid->observer)
    runFor<true>(budget);
  else
    runFor<false>(budget);
}

template <bool Observed>
void Warp::runFor(uint64_t budget) {
  const Grid &grid = *block->grid;
  const Op *ops = grid.code->ops.data();
  if (!live || ((now.wait != Wait::None || !now.mask) && !select()))
    return;
  r = now.frame->base;
  for (uint64_t left = budget; left; --left) {
    if ((!rest.empty() || !now.mask) && !select())
      return;
    const Op &op = ops[now.pc];
    uint32_t mask = now.mask;
    ++warpInstructions;
    threadInstructions += unsigned(__builtin_popcount(mask));
    if (op.guard != noRow) {
      uint32_t p = predicate(op.guard);
      mask &= op.guardNegated ? ~p : p;
    }
    if constexpr (Observed)
      if (op.flow != Flow::Sync)
        grid.observer->observe(op, *this, mask);
    switch (op.flow) {
    case Flow::Next:
      if (mask)
        op.handler(op, *this, mask);
      ++now.pc;
      break;
    case Flow::Branch:
      branch(op.target, mask);
      break;
    case Flow::Index: {
      const auto &targets = grid.code->targets[op.target];
      const uint32_t *index = row<uint32_t>(op.o[0]);
      splitOff(mask);
      for (uint32_t todo = mask; todo;) {
        uint32_t value = index[firstLane(todo)], same = 0;
        for (unsigned i = 0; i < lanes; ++i)
          same |= uint32_t(index[i] == value) << i;
        same &= todo;
        todo &= ~same;
        if (value >= targets.size())
          fault(ErrorKind::IllegalInstruction,
                "brx.idx: index " + std::to_string(value) + " of " +
                    std::to_string(targets.size()) + " targets",
                same);
        Group group = now;
        group.mask = same;
        group.pc = targets[value];
        rest.push_back(group);
      }
      now.mask = 0;
      break;
    }
    case Flow::Call:
      if (mask)
        call(op, mask);
      else
        ++now.pc;
      break;
    case Flow::Return:
      if (mask)
        returnLanes(mask);
      else
        ++now.pc;
      break;
    case Flow::Exit:
      exitLanes(mask);
      ++now.pc;
      break;
    case Flow::Sync:
      if (mask)
        synchronise(op, mask);
      else
        ++now.pc;
      if (now.wait != Wait::None && !select())
        return;
      break;
    case Flow::Barrier:
      if (!mask) {
        ++now.pc;
        break;
      }
      splitOff(mask);
      ++now.pc;
      op.handler(op, *this, mask);
      if (now.wait != Wait::None && !select())
        return;
      break;
    }
    if (!live)
      return;
  }
}

} // namespace moe::ptxsim
