// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async: between its issue and the wait of its thread nobody may touch the
// destination; afterwards it is a write of that thread.
#include "../Access.h"
#include "Checker.h"

namespace moe::ptxsim {

void Checker::copy(const Op &op, const Insight &insight, Warp &warp,
                   uint32_t mask) {
  uint64_t address[lanes];
  // Lanes that read all of their source; of shorter ones only the write is
  // followed.
  uint32_t whole = mask;
  for (unsigned i = 0; i < lanes && op.o[4] != noRow; ++i) {
    bool all = op.flags & 16 ? (warp.predicate(op.o[4]) >> i & 1) ==
                                   (op.flags & 32 ? 1u : 0u)
                             : warp.row<uint32_t>(op.o[4])[i] >= op.width;
    if (!all)
      whole &= ~(1u << i);
  }
  const uint32_t *extras = warp.extras(op);
  Op from = op;
  from.o[1] = op.o[3];
  from.imm = int64_t(uint64_t(extras[1]) << 32 | extras[0]);
  from.mode = uint8_t(extras[2]);
  addresses(from, warp, address);
  Access read{op,       insight, warp,  watched(warp), whole,
              op.width, true,    false, false,         address};
  if (whole)
    globalAccess(read);
  addresses(op, warp, address);
  Access write{op,       insight, warp, watched(warp), mask,
               op.width, false,   true, true,          address};
  divide(write, uint8_t(window(op)));
}

/// The destination is being written from now on.
void Checker::fly(Access &access, WatchedBlock &home, const uint32_t *offset) {
  WatchedWarp &own = access.watched;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(access.mask >> i & 1))
      continue;
    FlyingCopy copy{
        &home,
        offset[i] >> sharedShift,
        access.bytes >> sharedShift,
        access.op.index,
        own.committed[i],
        uint8_t(i),
        access.warp.copyCount +
            unsigned(__builtin_popcount(access.mask & ((2u << i) - 1)))};
    for (uint32_t c = copy.first; c < copy.first + copy.count; ++c)
      home.flying[c] = access.op.index + 1;
    home.flights += 1;
    own.copies.push_back(copy);
  }
}

/// Copies are done for which `which` says so.
template <class F>
void Checker::landIf(Warp &warp, F which) {
  WatchedWarp &own = watched(warp);
  size_t kept = 0;
  for (FlyingCopy &copy : own.copies) {
    if (!which(copy)) {
      own.copies[kept++] = copy;
      continue;
    }
    --copy.home->flights;
    for (uint32_t c = copy.first; c < copy.first + copy.count; ++c) {
      copy.home->flying[c] = 0;
      if (ordered)
        copy.home->writes[c] = {
            own.clock.self, moment(own.clock.clock, copy.lane), copy.op << 4};
    }
  }
  own.copies.resize(kept);
}

/// Those of these lanes, but for their `newest` last groups; all if it is
/// negative.
void Checker::land(Warp &warp, uint32_t mask, int64_t newest) {
  const uint32_t *committed = watched(warp).committed;
  landIf(warp, [&](const FlyingCopy &copy) {
    return mask >> copy.lane & 1 &&
           (newest < 0 ||
            int64_t(copy.group) < int64_t(committed[copy.lane]) - newest);
  });
}

void Checker::landUpTo(Warp &warp, unsigned lane, uint64_t number) {
  landIf(warp, [&](const FlyingCopy &copy) {
    return copy.lane == lane && copy.number <= number;
  });
}

/// An access of a granule that a copy writes.
void Checker::flying(const Access &access, const WatchedBlock &home,
                     uint32_t granule, unsigned lane) {
  if (!has(Check::Wait))
    return;
  Finding finding;
  finding.check = Check::Wait;
  finding.kernel = grid.kernel->name;
  finding.message = ptx::fullName(*access.op.source) +
                    (access.writes ? " writes" : " reads") +
                    " shared memory at " +
                    std::to_string(granule << sharedShift) +
                    ", which a copy writes that was not waited for";
  finding.place = place(access.op, access.warp, lane);
  finding.hasOther = true;
  finding.other = finding.place;
  const Op &copy = grid.code->ops[home.flying[granule] - 1];
  finding.other.line = copy.line;
  finding.other.source = sourceOf(*grid.code, copy);
  findings.add(std::move(finding));
}

} // namespace moe::ptxsim
