// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What checkers and counters must know of an instruction: made once a kernel.
#ifndef MOE_LIB_PTXSIM_INSPECT_INSIGHT_H
#define MOE_LIB_PTXSIM_INSPECT_INSIGHT_H

#include "../Core.h"

namespace moe::ptxsim {

/// How far a strong access or a fence reaches, from near to far.
enum class Scope : uint8_t { Block, Cluster, Gpu, System };

struct Insight {
  enum class Kind : uint8_t {
    Other,
    Load,
    Store,
    Atomic,
    LoadMatrix,
    StoreMatrix,
    CopyAsync,
    CopyCommit,
    CopyWait, ///< all but `count` groups
    CopyWaitAll,
    Fence,
    Select, ///< selp: one of two values
    Mma,
    Wgmma,
    WgmmaCommit,
    WgmmaWait,
    WgmmaFence,
    BulkWait,
    FenceProxy,
    WarpBarrier,
  };
  Kind kind = Kind::Other;
  uint8_t bytes = 0; ///< of a lane's access
  bool strong = false, acquires = false, releases = false;
  bool mixesLanes = false; ///< a result has no one lane that it comes from
  bool aligned = false; ///< a barrier that all lanes of a warp reach together
  Scope scope = Scope::Block;
  /// Of a fence of the async proxy: the memory that it is for.
  bool fencesShared = false, fencesGlobal = false;
  /// Slots (row / 64) of registers in InsightTable::slots: those whose values
  /// decide (addresses, conditions), those that are stored, other sources,
  /// destinations.
  uint32_t first = 0;
  uint8_t deciding = 0, stored = 0, sources = 0, destinations = 0;
};

class InsightTable {
public:
  explicit InsightTable(const Code &code);

  const Insight &operator[](const Op &op) const { return insights[op.index]; }
  const uint32_t *slotsOf(const Insight &insight) const {
    return slots.data() + insight.first;
  }
  /// The bytes that accesses of shared and of global memory are multiples of.
  uint32_t sharedGranule = 16, globalGranule = 16;
  /// Copies into shared memory; work through the async proxy, such of global
  /// memory; wgmma.
  bool hasCopies = false, hasProxies = false, hasGlobalCopies = false,
       hasProducts = false;

private:
  void add(const FunctionCode &function, const Op &op);

  std::vector<Insight> insights;
  std::vector<uint32_t> slots;
};

/// "kernel.cu:12" of the .loc before an instruction; empty without.
std::string sourceOf(const Code &code, const Op &op);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_INSPECT_INSIGHT_H
