// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values that nobody wrote. Of memory each read is reported. Registers may be
// copied and computed with: reported is one that decides (an address, a
// branch, a guard) or that is stored.
#include "Checker.h"

#include <cinttypes>
#include <cstdio>

namespace moe::ptxsim {

void Checker::registers(const Op &op, const Insight &insight, Warp &warp,
                        uint32_t mask) {
  uint32_t *defined = watched(warp).registers.data();
  const uint32_t *slot = insights.slotsOf(insight);
  auto use = [&](unsigned count, uint32_t of, const char *what) {
    for (unsigned k = 0; k < count; ++k, ++slot) {
      uint32_t wrong = of & ~defined[*slot];
      if (!wrong)
        continue;
      report(Check::Init, op, warp, firstLane(wrong),
             std::string(what) + " is of a register that nobody wrote");
      defined[*slot] |= wrong; // once
    }
  };
  // A guard decides for lanes that it turns off, too.
  if (insight.deciding) {
    unsigned guard = op.source->guarded;
    use(guard, warp.now.mask, "the guard");
    use(insight.deciding - guard, mask, "an address or the target of a branch");
  }
  if (insight.stored)
    use(insight.stored, mask, "a stored value");
  uint32_t all = allLanes;
  if (insight.kind == Insight::Kind::Select && insight.sources == 3) {
    // Registers are a, b and p; a constant leaves fewer.
    uint32_t p = warp.predicate(slot[2] * 64);
    all = ((p & defined[slot[0]]) | (~p & defined[slot[1]])) & defined[slot[2]];
  } else if (!insight.mixesLanes) {
    for (unsigned k = 0; k < insight.sources; ++k)
      all &= defined[slot[k]];
  }
  slot += insight.sources;
  for (unsigned k = 0; k < insight.destinations; ++k)
    defined[slot[k]] = (defined[slot[k]] & ~mask) | (all & mask);
}

void Checker::undefined(const Access &access, unsigned lane, uint64_t address,
                        const char *what) {
  char text[96];
  std::snprintf(text, sizeof text,
                "reads %u bytes of %s memory at 0x%" PRIx64
                " that nobody wrote",
                access.bytes, what, address);
  report(Check::Init, access.op, access.warp, lane, text);
}

void Checker::bytesDefined(const Access &access, uint64_t *bits, size_t words,
                           uint64_t lowest, uint64_t laneStride,
                           const char *what) {
  uint64_t pattern =
      access.bytes >= 64 ? ~uint64_t(0) : (uint64_t(1) << access.bytes) - 1;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(access.mask >> i & 1))
      continue;
    uint64_t at = access.address[i] - lowest + i * laneStride;
    // Accesses are aligned to their size: none lies in two words.
    size_t word = at / 64;
    if (word >= words)
      continue;
    uint64_t mine = pattern << at % 64;
    if (access.reads && (bits[word] & mine) != mine) {
      undefined(access, i, access.address[i], what);
    } else if (access.writes) {
      bits[word] |= mine;
    }
  }
}

} // namespace moe::ptxsim
