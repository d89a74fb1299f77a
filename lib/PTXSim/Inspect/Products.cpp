// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma: until its wait it reads shared memory through the async proxy, reads
// fragments and writes accumulators in registers.
#include "Checker.h"

#include <algorithm>

namespace moe::ptxsim {

void Checker::product(const Op &op, const Insight &insight, Warp &warp,
                      uint32_t mask) {
  WatchedWarp &own = watched(warp);
  WatchedBlock &home = *warp.block->watched;
  unsigned lane = firstLane(mask);
  Access access{op, insight, warp, own, mask, 16, true, false, false, nullptr};
  FlyingProduct made;
  made.group = own.productGroups;
  std::vector<uint32_t> parts;
  wgmmaParts(op, warp, op.mode ? 0 : warp.row<uint64_t>(op.o[1])[lane],
             warp.row<uint64_t>(op.o[2])[lane], parts);
  for (uint32_t part : parts) {
    if (part + 16 > warp.block->sharedBytes)
      continue; // the product will fail
    asyncAccess(access, home, part, 16, lane);
    for (uint32_t c = part >> sharedShift; c < (part + 16) >> sharedShift;
         ++c) {
      made.granules.push_back(c);
      home.readers[c] += 1;
    }
  }
  ++home.readerFlights;
  if (warp.now.frame == &warp.bottom) {
    const uint32_t *slot = insights.slotsOf(insight) + insight.deciding;
    uint32_t fragments = op.mode ? std::min<uint32_t>(insight.sources, 4) : 0;
    bool touched = false;
    for (uint32_t k = 0; k < fragments; ++k)
      made.reads.push_back(slot[k]);
    slot += insight.sources;
    made.writes.assign(slot, slot + insight.destinations);
    for (uint32_t s : made.reads)
      touched |= own.touched[s];
    for (uint32_t s : made.writes)
      touched |= own.touched[s];
    if (touched && has(Check::Wait))
      report(Check::Wait, op, warp, lane,
             "its registers were written and no wgmma.fence is between");
  }
  own.products.push_back(std::move(made));
}

void Checker::productWait(Warp &warp, uint64_t newest) {
  WatchedWarp &own = watched(warp);
  WatchedBlock &home = *warp.block->watched;
  size_t kept = 0;
  for (FlyingProduct &made : own.products) {
    if (made.group + newest >= own.productGroups) {
      std::swap(own.products[kept++], made);
      continue;
    }
    for (uint32_t c : made.granules)
      home.readers[c] -= 1;
    --home.readerFlights;
  }
  own.products.resize(kept);
}

/// Any other instruction, while products may be under way.
void Checker::productRegisters(const Op &op, const Insight &insight, Warp &warp,
                               uint32_t mask) {
  WatchedWarp &own = watched(warp);
  const uint32_t *first = insights.slotsOf(insight);
  uint32_t reads = insight.deciding + insight.stored + insight.sources;
  if (!mask)
    return;
  for (uint32_t k = reads; k < reads + insight.destinations; ++k)
    own.touched[first[k]] = true;
  for (const FlyingProduct &made : own.products) {
    auto has = [](const std::vector<uint32_t> &list, uint32_t slot) {
      return std::find(list.begin(), list.end(), slot) != list.end();
    };
    for (uint32_t k = 0; k < reads + insight.destinations; ++k) {
      bool isWrite = k >= reads;
      bool wrong =
          has(made.writes, first[k]) || (isWrite && has(made.reads, first[k]));
      if (!wrong || !this->has(Check::Wait))
        continue;
      return report(Check::Wait, op, warp, firstLane(mask),
                    std::string(isWrite ? "writes" : "reads") +
                        " a register of a wgmma that was not waited for");
    }
  }
}

} // namespace moe::ptxsim
