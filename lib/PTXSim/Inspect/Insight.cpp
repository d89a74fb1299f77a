// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Insight.h"

#include "../Access.h"

#include <algorithm>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Operand;

namespace {

/// How far behind a load its compare-and-swap may stand.
constexpr unsigned instructionsToSwap = 16;

bool hasDestination(const ptx::Instruction &instruction) {
  switch (instruction.opcode) {
  case Opcode::St:
  case Opcode::Red:
  case Opcode::Stmatrix:
  case Opcode::Prefetch:
  case Opcode::Prefetchu:
  case Opcode::Applypriority:
  case Opcode::Discard:
  case Opcode::MbarrierInit:
  case Opcode::MbarrierInval:
  case Opcode::MbarrierExpectTx:
  case Opcode::MbarrierCompleteTx:
  case Opcode::RedAsync:
  case Opcode::StAsync:
  case Opcode::BarrierClusterArrive:
  case Opcode::BarrierClusterWait:
  case Opcode::WgmmaFence:
  case Opcode::WgmmaCommitGroup:
  case Opcode::WgmmaWaitGroup:
  case Opcode::WmmaStoreD:
    return false;
  case Opcode::BarRed:
  case Opcode::BarrierRed:
    return true;
  default:
    break;
  }
  switch (ptx::family(instruction.opcode)) {
  case ptx::Family::AsyncCopy:
  case ptx::Family::BulkCopy:
  case ptx::Family::Barrier:
  case ptx::Family::Fence:
  case ptx::Family::Control:
    return false;
  default:
    return true;
  }
}

Scope scopeOf(const ptx::Instruction &instruction) {
  switch (instruction.modifier(ptx::ModifierClass::Scope)) {
  case Modifier::Cta:
    return Scope::Block;
  case Modifier::Cluster:
    return Scope::Cluster;
  case Modifier::Gpu:
    return Scope::Gpu;
  case Modifier::Sys:
    return Scope::System;
  default:
    return Scope::Gpu; // what atom, red and fence mean without
  }
}

/// Strong accesses, acquire and release.
void readSemantics(const ptx::Instruction &instruction, Insight &insight) {
  insight.scope = scopeOf(instruction);
  bool isAtomic = insight.kind == Insight::Kind::Atomic;
  switch (instruction.modifier(ptx::ModifierClass::Semantics)) {
  case Modifier::Acquire:
    insight.acquires = true;
    break;
  case Modifier::Release:
    insight.releases = true;
    break;
  case Modifier::AcqRel:
  case Modifier::Sc:
    insight.acquires = insight.releases = true;
    break;
  case Modifier::Relaxed:
  case Modifier::Mmio:
    break;
  default:
    insight.strong = isAtomic || instruction.has(Modifier::Volatile);
    if (instruction.has(Modifier::Volatile))
      insight.scope = Scope::System;
    return;
  }
  insight.strong = true;
}

/// The load before a loop of compare-and-swap on the same place: the swap finds
/// out whether the value is still right.
bool isGuess(const ptx::Instruction &load, const ptx::Instruction *end) {
  const Operand &from = load.operands[1];
  if (!from.is(Operand::Kind::Address) ||
      !from.base().is(Operand::Kind::Register))
    return false;
  uint32_t base = from.base().index;
  int64_t offset = from.offset;
  const ptx::Instruction *next = &load + 1;
  for (unsigned i = 0; i < instructionsToSwap && next < end; ++i, ++next) {
    if (ptx::family(next->opcode) == ptx::Family::Control)
      return false;
    const auto &operands = next->operands;
    if (next->opcode == Opcode::Add &&
        operands[1].is(Operand::Kind::Register) && operands[1].index == base &&
        operands[2].is(Operand::Kind::Integer) &&
        operands[2].integer == offset) { // the same place by another name
      base = operands[0].index;
      offset = 0;
    }
    if (next->opcode == Opcode::Atom && next->has(Modifier::Cas)) {
      const Operand &at = operands[1];
      return at.is(Operand::Kind::Address) &&
             at.base().is(Operand::Kind::Register) && at.base().index == base &&
             at.offset == offset;
    }
  }
  return false;
}

} // namespace

InsightTable::InsightTable(const Code &code) {
  insights.resize(code.ops.size());
  for (const FunctionCode &function : code.functions)
    for (uint32_t i = function.entry; i < code.ops.size(); ++i) {
      const Op &op = code.ops[i];
      if (!op.source) // the end of the function
        break;
      add(function, op);
    }
}

void InsightTable::add(const FunctionCode &function, const Op &op) {
  Insight &insight = insights[op.index];
  const ptx::Instruction &instruction = *op.source;
  const ptx::Instruction *last = function.function->instructions.data() +
                                 function.function->instructions.size();
  using Kind = Insight::Kind;
  switch (instruction.opcode) {
  case Opcode::Ld:
  case Opcode::Ldu:
    insight.kind = Kind::Load;
    break;
  case Opcode::St:
    insight.kind = Kind::Store;
    break;
  case Opcode::Atom:
  case Opcode::Red:
    insight.kind = Kind::Atomic;
    break;
  case Opcode::Ldmatrix:
    insight.kind = Kind::LoadMatrix;
    break;
  case Opcode::Stmatrix:
    insight.kind = Kind::StoreMatrix;
    break;
  case Opcode::CpAsync:
    insight.kind = Kind::CopyAsync;
    hasCopies = true;
    break;
  case Opcode::CpAsyncCommitGroup:
    insight.kind = Kind::CopyCommit;
    break;
  case Opcode::CpAsyncWaitGroup:
    insight.kind = Kind::CopyWait;
    break;
  case Opcode::CpAsyncWaitAll:
    insight.kind = Kind::CopyWaitAll;
    break;
  case Opcode::Fence:
  case Opcode::Membar:
    insight.kind = Kind::Fence;
    break;
  case Opcode::FenceProxy: {
    ptx::Space space = instruction.space();
    bool both =
        instruction.has(Modifier::Async) && space == ptx::Space::Generic;
    insight.fencesGlobal = both || space == ptx::Space::Global;
    insight.fencesShared = both || space == ptx::Space::SharedCta ||
                           space == ptx::Space::SharedCluster ||
                           instruction.has(Modifier::AsyncGeneric);
    if (insight.fencesGlobal || insight.fencesShared)
      insight.kind = Kind::FenceProxy;
    break;
  }
  case Opcode::BarWarpSync:
    insight.kind = Kind::WarpBarrier;
    break;
  case Opcode::Selp:
    insight.kind = Kind::Select;
    break;
  case Opcode::Mma:
  case Opcode::MmaSp:
    insight.kind = Kind::Mma;
    break;
  case Opcode::WgmmaMmaAsync:
  case Opcode::WgmmaMmaAsyncSp:
    insight.kind = Kind::Wgmma;
    hasProxies = hasProducts = true;
    break;
  case Opcode::WgmmaCommitGroup:
    insight.kind = Kind::WgmmaCommit;
    break;
  case Opcode::WgmmaWaitGroup:
    insight.kind = Kind::WgmmaWait;
    break;
  case Opcode::WgmmaFence:
    insight.kind = Kind::WgmmaFence;
    break;
  case Opcode::CpAsyncBulkWaitGroup:
    insight.kind = Kind::BulkWait;
    break;
  default:
    break;
  }
  if (ptx::family(instruction.opcode) == ptx::Family::BulkCopy ||
      instruction.opcode == Opcode::StAsync ||
      instruction.opcode == Opcode::RedAsync)
    hasProxies = hasCopies = true;
  if (ptx::family(instruction.opcode) == ptx::Family::BulkCopy)
    hasGlobalCopies = true;
  if (instruction.opcode == Opcode::StAsync ||
      instruction.opcode == Opcode::RedAsync)
    sharedGranule = std::min(sharedGranule,
                             std::max(1u, ptx::byteSize(instruction.type())));
  switch (insight.kind) {
  case Kind::Load:
  case Kind::Store:
    insight.bytes =
        uint8_t(op.count * std::max(1u, ptx::byteSize(instruction.type())));
    readSemantics(instruction, insight);
    if (insight.kind == Kind::Load && isGuess(instruction, last))
      insight.strong = true;
    break;
  case Kind::Atomic:
    insight.bytes = uint8_t(std::max<unsigned>(op.width, 1) *
                            ptx::byteSize(instruction.type()));
    readSemantics(instruction, insight);
    break;
  case Kind::LoadMatrix:
  case Kind::StoreMatrix:
    insight.bytes = 16;
    break;
  case Kind::CopyAsync:
    insight.bytes = op.width;
    break;
  case Kind::Fence:
    insight.scope = scopeOf(instruction);
    if (instruction.opcode == Opcode::Membar)
      insight.scope =
          instruction.has(Modifier::Cta) ? Scope::Block : Scope::Gpu;
    break;
  default:
    break;
  }
  Window where = window(op);
  switch (instruction.opcode) {
  case Opcode::WmmaLoadA:
  case Opcode::WmmaLoadB:
  case Opcode::WmmaLoadC:
  case Opcode::WmmaStoreD: {
    unsigned bits = ptx::bitWidth(instruction.type());
    uint32_t bytes = bits < 8 ? 4 : bits / 8; // narrow ones go by words
    sharedGranule = std::min(sharedGranule, bytes);
    globalGranule = std::min(globalGranule, bytes);
    break;
  }
  default:
    break;
  }
  if (insight.bytes) {
    bool generic = where == Window::Generic;
    if (generic || where == Window::Shared || where == Window::Cluster)
      sharedGranule = std::min<uint32_t>(sharedGranule, insight.bytes);
    if (generic || where == Window::Global || insight.kind == Kind::CopyAsync)
      globalGranule = std::min<uint32_t>(globalGranule, insight.bytes);
  }
  insight.mixesLanes = insight.kind == Kind::Mma ||
                       ptx::family(instruction.opcode) == ptx::Family::Warp ||
                       ptx::family(instruction.opcode) == ptx::Family::Matrix;
  insight.aligned = instruction.has(Modifier::Aligned) ||
                    instruction.opcode == Opcode::BarSync ||
                    instruction.opcode == Opcode::BarArrive ||
                    instruction.opcode == Opcode::BarRed;

  // Registers of the kernel itself: those of functions are not followed.
  insight.first = uint32_t(slots.size());
  std::vector<uint32_t> deciding, stored, sources, destinations;
  auto slot = [&](const Operand &operand) {
    const ptx::Register &reg = function.function->registers[operand.index];
    uint32_t row = function.registerRows[operand.index];
    if (operand.component != Operand::noComponent)
      row += operand.component *
             ((ptx::byteSize(reg.type) * lanes + 63) / 64 * 64);
    return row / 64;
  };
  auto collect = [&](const Operand &operand, std::vector<uint32_t> &to,
                     auto &&self) -> void {
    if (operand.is(Operand::Kind::Register))
      to.push_back(slot(operand));
    else if (operand.is(Operand::Kind::Address))
      for (const Operand &element : operand.elements)
        self(element, deciding, self);
    else
      for (const Operand &element : operand.elements)
        self(element, to, self);
  };
  if (instruction.guarded)
    deciding.push_back(function.registerRows[instruction.guard] / 64);
  bool destination = hasDestination(instruction);
  bool stores = insight.kind == Kind::Store || insight.kind == Kind::Atomic ||
                insight.kind == Kind::StoreMatrix;
  bool isCall = instruction.opcode == Opcode::Call;
  for (size_t i = 0; i < instruction.operands.size(); ++i)
    collect(instruction.operands[i],
            (i == 0 && (destination || isCall)) ? destinations
            : stores                            ? stored
                                                : sources,
            collect);
  if (instruction.opcode == Opcode::BrxIdx) {
    deciding.insert(deciding.end(), sources.begin(), sources.end());
    sources.clear();
  }
  for (auto *list : {&deciding, &stored, &sources, &destinations})
    slots.insert(slots.end(), list->begin(), list->end());
  insight.deciding = uint8_t(deciding.size());
  insight.stored = uint8_t(stored.size());
  insight.sources = uint8_t(std::min<size_t>(sources.size(), 255));
  insight.destinations = uint8_t(std::min<size_t>(destinations.size(), 255));
}

std::string sourceOf(const Code &code, const Op &op) {
  if (!op.source || op.source->loc == ptx::Instruction::noLoc)
    return "";
  for (const FunctionCode &function : code.functions) {
    const auto &instructions = function.function->instructions;
    if (op.source < instructions.data() ||
        op.source >= instructions.data() + instructions.size())
      continue;
    const ptx::Loc &loc = function.function->locs[op.source->loc];
    const ptx::File *file = code.module->findFile(loc.file);
    if (!file || !loc.line)
      return "";
    size_t slash = file->name.rfind('/');
    return (slash == file->name.npos ? file->name
                                     : file->name.substr(slash + 1)) +
           ":" + std::to_string(loc.line);
  }
  return "";
}

} // namespace moe::ptxsim
