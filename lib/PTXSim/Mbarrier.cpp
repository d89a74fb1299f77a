// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Mbarrier.h"
#include "Observer.h"

#include <cstdlib>
#include <cstring>

namespace moe::ptxsim {

namespace {

constexpr int64_t mostCount = (1 << 20) - 1;

/// What its bytes in shared memory hold.
uint64_t witness(const Mbarrier &barrier) {
  return uint64_t(0xb5) << 56 | (barrier.phase & 0xffff) << 40 |
         uint64_t(barrier.pending) << 20 | barrier.expected;
}

void update(const SharedPlace &place, Mbarrier &barrier) {
  if (!barrier.pending && !barrier.transactions) {
    if (Observer *observer = place.block->grid->observer)
      observer->mbarrierComplete(place);
    ++barrier.phase;
    barrier.pending = barrier.expected;
    place.block->wakeAtMbarrier(place.offset);
  }
  uint64_t bits = witness(barrier);
  std::memcpy(place.pointer(), &bits, sizeof bits);
  ++place.block->cluster->events;
}

bool isIntact(const SharedPlace &place, const Mbarrier &barrier) {
  uint64_t bits;
  std::memcpy(&bits, place.pointer(), sizeof bits);
  return bits == witness(barrier);
}

std::string number(int64_t value) { return std::to_string(value); }

/// o[1], mode, imm: the address; flags: its window.
SharedPlace placeOf(const Op &op, const Warp &warp, unsigned lane,
                    const uint64_t *address) {
  return sharedPlace(op, warp, lane, window(op), address[lane], mbarrierBytes,
                     mbarrierBytes);
}

template <class F>
void forEach(const Op &op, Warp &warp, uint32_t mask, F what) {
  uint64_t address[lanes];
  addresses(op, warp, address);
  for (unsigned i = 0; i < lanes; ++i)
    if (mask >> i & 1)
      what(i, placeOf(op, warp, i, address));
}

void init(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *count = warp.row<uint32_t>(op.o[2]);
  forEach(op, warp, mask, [&](unsigned i, const SharedPlace &place) {
    if (count[i] < 1 || count[i] > mostCount)
      faultOf(op, ErrorKind::IllegalInstruction, i,
              "a count of " + number(count[i]) + "; 1 to " + number(mostCount) +
                  " are possible");
    Mbarrier &barrier = place.block->mbarriers[place.offset];
    if (barrier.init && isIntact(place, barrier))
      faultOf(op, ErrorKind::IllegalInstruction, i,
              "at " + describe(place) +
                  " is an mbarrier already, made in line " +
                  number(barrier.init->line));
    barrier = {};
    barrier.expected = barrier.pending = count[i];
    barrier.init = &op;
    uint64_t bits = witness(barrier);
    std::memcpy(place.pointer(), &bits, sizeof bits);
  });
}

void invalidate(const Op &op, Warp &warp, uint32_t mask) {
  forEach(op, warp, mask, [&](unsigned i, const SharedPlace &place) {
    mbarrierAt(op, i, place);
    place.block->mbarriers.erase(place.offset);
  });
}

/// o[0]: the state or noRow, o[2]: the count or noRow, width: an Arrival.
/// flags & expects: o[2] is of bytes instead.
constexpr uint32_t expects = 16;

void arrive(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *count =
      op.o[2] == noRow ? nullptr : warp.row<uint32_t>(op.o[2]);
  forEach(op, warp, mask, [&](unsigned i, const SharedPlace &place) {
    if (Observer *observer = warp.block->grid->observer)
      observer->mbarrierArrive(warp, i, place);
    uint32_t arrivals = count ? count[i] : 1;
    if (op.flags & expects) {
      expectBytes(op, i, place, count[i]);
      arrivals = 1;
    }
    uint64_t state =
        arriveAtMbarrier(op, i, place, arrivals, Arrival(op.width));
    if (op.o[0] != noRow)
      warp.row<uint64_t>(op.o[0])[i] = state;
  });
}

/// width: whether the bytes are complete rather than expected.
void transact(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *bytes = warp.row<uint32_t>(op.o[2]);
  forEach(op, warp, mask, [&](unsigned i, const SharedPlace &place) {
    expectBytes(op, i, place, op.width ? -int64_t(bytes[i]) : bytes[i]);
  });
}

void pendingCount(const Op &op, Warp &warp, uint32_t mask) {
  const uint64_t *state = warp.row<uint64_t>(op.o[1]);
  for (unsigned i = 0; i < lanes; ++i)
    if (mask >> i & 1)
      warp.row<uint32_t>(op.o[0])[i] = uint32_t(state[i]) & mostCount;
}

/// Whether the phase that a state or parity stands for is complete.
bool isComplete(const Op &op, Warp &warp, unsigned lane,
                const SharedPlace &place, uint64_t wanted, bool parity) {
  const Mbarrier &barrier = mbarrierAt(op, lane, place);
  if (parity) {
    if (wanted > 1)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "a parity of " + number(int64_t(wanted)));
    // Who waits for a phase and sees the next one complete, too, takes it for
    // the one before.
    uint64_t began = warp.now.data2;
    if (began && began != ~uint64_t(0) && warp.now.data == place.offset &&
        barrier.phase >= began + 1)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "the mbarrier at " + describe(place) + " completed phases " +
                  number(int64_t(began - 1)) + " and " +
                  number(int64_t(began)) +
                  " before a thread saw that the first one was complete: it "
                  "is two phases behind");
    return (barrier.phase & 1) != wanted;
  }
  uint64_t phase = wanted >> 20;
  if (phase > barrier.phase || phase + 1 < barrier.phase)
    faultOf(op, ErrorKind::IllegalInstruction, lane,
            "a state of phase " + number(int64_t(phase)) +
                " of the mbarrier at " + describe(place) +
                ", which is in phase " + number(int64_t(barrier.phase)) +
                (phase < barrier.phase ? ": two phases behind" : ""));
  return phase < barrier.phase;
}

/// o[0]: predicate or noRow, o[2]: state or parity; width & 1: parity, & 2: it
/// blocks.
void wait(const Op &op, Warp &warp, uint32_t mask) {
  uint64_t address[lanes];
  addresses(op, warp, address);
  SharedPlace places[lanes];
  uint32_t complete = 0;
  bool parity = op.width & 1;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    places[i] = placeOf(op, warp, i, address);
    uint64_t wanted = parity ? warp.row<uint32_t>(op.o[2])[i]
                             : warp.row<uint64_t>(op.o[2])[i];
    complete |= uint32_t(isComplete(op, warp, i, places[i], wanted, parity))
                << i;
  }
  Cluster &cluster = *warp.block->cluster;
  Grid &grid = *warp.block->grid;
  for (unsigned i = 0; grid.observer && i < lanes; ++i)
    if (complete >> i & 1)
      grid.observer->mbarrierPass(warp, i, places[i]);
  uint32_t missing = mask & ~complete;
  bool gaveUp = warp.now.data2 == ~uint64_t(0) ||
                (grid.device->options.async == AsyncOrder::Random &&
                 nextRandom(grid.asyncRandom) % 4 == 0);
  if (missing && op.width & 2 && !gaveUp) {
    // Lanes that wait for one mbarrier are put to sleep; others have waited as
    // long as they may.
    unsigned first = firstLane(missing);
    uint32_t asleep = 0;
    for (unsigned i = 0; i < lanes; ++i)
      asleep |=
          uint32_t(missing >> i & 1 && places[i].offset == places[first].offset)
          << i;
    if (op.o[0] != noRow)
      warp.setPredicate(op.o[0], complete, mask & ~asleep);
    if (mask & ~asleep) {
      Group others = warp.now;
      others.mask = mask & ~asleep;
      others.data2 = 0;
      warp.rest.push_back(others);
    }
    warp.now.mask = asleep;
    --warp.now.pc; // looks again when it is woken
    warp.now.wait = Wait::Mbarrier;
    warp.now.data = places[first].offset;
    warp.now.data2 = warp.block->mbarriers.at(places[first].offset).phase + 1;
    return;
  }
  warp.now.data2 = 0;
  if (op.o[0] != noRow)
    warp.setPredicate(op.o[0], complete, mask);
  if (missing)
    cluster.looked(places[firstLane(missing)]);
}

} // namespace

Mbarrier &mbarrierAt(const Op &op, unsigned lane, const SharedPlace &place) {
  auto it = place.block->mbarriers.find(place.offset);
  if (it == place.block->mbarriers.end())
    faultOf(op, ErrorKind::IllegalInstruction, lane,
            "no mbarrier is at " + describe(place) +
                ": mbarrier.init did not make one, or mbarrier.inval ended it");
  if (!isIntact(place, it->second))
    faultOf(op, ErrorKind::IllegalInstruction, lane,
            "the mbarrier at " + describe(place) + ", made in line " +
                number(it->second.init->line) + ", was overwritten");
  return it->second;
}

uint64_t arriveAtMbarrier(const Op &op, unsigned lane, const SharedPlace &place,
                          uint32_t count, Arrival how) {
  Mbarrier &barrier = mbarrierAt(op, lane, place);
  bool drops = how == Arrival::Drop || how == Arrival::DropNoComplete;
  bool mayComplete = how == Arrival::Plain || how == Arrival::Drop;
  if (count < 1 || count > barrier.pending)
    faultOf(op, ErrorKind::IllegalInstruction, lane,
            number(count) + " arrivals at the mbarrier at " + describe(place) +
                ", phase " + number(int64_t(barrier.phase)) +
                " of which lacks " + number(barrier.pending) + " of " +
                number(barrier.expected));
  if (!mayComplete && count == barrier.pending && !barrier.transactions)
    faultOf(op, ErrorKind::IllegalInstruction, lane,
            "the arrival would complete phase " +
                number(int64_t(barrier.phase)) + " of the mbarrier at " +
                describe(place));
  uint64_t state = barrier.phase << 20 | barrier.pending;
  barrier.pending -= count;
  if (drops)
    barrier.expected -= count;
  update(place, barrier);
  return state;
}

void expectBytes(const Op &op, unsigned lane, const SharedPlace &place,
                 int64_t bytes) {
  Mbarrier &barrier = mbarrierAt(op, lane, place);
  int64_t sum = barrier.transactions + bytes;
  if (sum > mostCount || sum < -mostCount)
    faultOf(op, ErrorKind::IllegalInstruction, lane,
            "the bytes that phase " + number(int64_t(barrier.phase)) +
                " of the mbarrier at " + describe(place) +
                " lacks overflow: " + number(barrier.transactions) +
                (bytes < 0 ? " - " : " + ") + number(std::abs(bytes)));
  barrier.transactions = sum;
  update(place, barrier);
}

void expectArrival(const Op &op, unsigned lane, const SharedPlace &place) {
  Mbarrier &barrier = mbarrierAt(op, lane, place);
  if (barrier.pending == mostCount)
    faultOf(op, ErrorKind::IllegalInstruction, lane,
            "the arrivals of the mbarrier at " + describe(place) + " overflow");
  ++barrier.pending;
  update(place, barrier);
}

void decodeMbarrier(Decoder &decoder, const ptx::Instruction &instruction,
                    Op &op) {
  using ptx::Modifier;
  using ptx::Opcode;
  using ptx::Type;
  const auto &operands = instruction.operands;
  auto row = [&](size_t i, Type type) {
    return i < operands.size() && !operands[i].is(ptx::Operand::Kind::Sink)
               ? decoder.row(operands[i], type)
               : noRow;
  };
  if (instruction.opcode == Opcode::MbarrierPendingCount) {
    op.o[0] = row(0, Type::U32);
    op.o[1] = row(1, Type::U64);
    op.handler = pendingCount;
    return;
  }
  bool hasResult = instruction.opcode == Opcode::MbarrierArrive ||
                   instruction.opcode == Opcode::MbarrierArriveDrop ||
                   instruction.opcode == Opcode::MbarrierTestWait ||
                   instruction.opcode == Opcode::MbarrierTryWait;
  if (!decodeAddress(decoder, operands[hasResult], instruction.space(), op))
    return;
  switch (instruction.opcode) {
  case Opcode::MbarrierInit:
    op.o[2] = row(1, Type::U32);
    op.handler = init;
    break;
  case Opcode::MbarrierInval:
    op.handler = invalidate;
    break;
  case Opcode::MbarrierExpectTx:
  case Opcode::MbarrierCompleteTx:
    op.o[2] = row(1, Type::U32);
    op.width = instruction.opcode == Opcode::MbarrierCompleteTx;
    op.handler = transact;
    break;
  case Opcode::MbarrierArrive:
  case Opcode::MbarrierArriveDrop: {
    op.o[0] = row(0, Type::U64);
    op.o[2] = row(2, Type::U32);
    op.flags |= instruction.has(Modifier::ExpectTx) ? expects : 0;
    bool drops = instruction.opcode == Opcode::MbarrierArriveDrop;
    bool completes = !instruction.has(Modifier::NoComplete);
    op.width =
        uint8_t(drops ? completes ? Arrival::Drop : Arrival::DropNoComplete
                : completes ? Arrival::Plain
                            : Arrival::NoComplete);
    op.handler = arrive;
    break;
  }
  case Opcode::MbarrierTestWait:
  case Opcode::MbarrierTryWait: {
    bool parity = instruction.has(Modifier::Parity);
    bool blocks = instruction.opcode == Opcode::MbarrierTryWait;
    op.o[0] = row(0, Type::Pred);
    op.o[2] = row(2, parity ? Type::U32 : Type::U64);
    op.width = uint8_t(parity | blocks << 1);
    op.flow = Flow::Barrier;
    op.handler = wait;
    break;
  }
  default:
    break;
  }
}

} // namespace moe::ptxsim
