// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls, and memory that functions take from the stack while they run: alloca,
// stacksave, stackrestore. What a frame took lies above its variables, and goes
// when it returns.
#include "StackOps.h"
#include "Builtins.h"
#include "Lanes.h"

#include <algorithm>
#include <cstring>

namespace moe::ptxsim {

using ptx::Opcode;
using ptx::Type;

namespace {

/// What the first lane of `mask` calls through its pointer (row o[0]); `mask`
/// keeps the lanes that call the same.
const FunctionCode *calleeOf(const Op &op, Warp &warp, uint32_t &mask) {
  const Code &code = *warp.block->grid->code;
  const uint64_t *pointers = warp.row<uint64_t>(op.o[0]);
  uint64_t pointer = pointers[firstLane(mask)];
  mask &= ballot([&](unsigned i) { return pointers[i] == pointer; });
  auto found = code.pointers.find(pointer);
  if (found == code.pointers.end())
    fault(ErrorKind::IllegalInstruction,
          "a call through a pointer that points to no function", mask);
  const FunctionCode *callee = found->second;
  const CallSite &site = code.calls[op.target];
  auto fits = [](const std::vector<ParamArea> &here,
                 const std::vector<ParamArea> &there) {
    return std::equal(
        here.begin(), here.end(), there.begin(), there.end(),
        [](ParamArea a, ParamArea b) { return a.bytes == b.bytes; });
  };
  if (!fits(site.arguments, callee->params) ||
      !fits(site.results, callee->returns))
    fault(ErrorKind::IllegalInstruction,
          "a call through a pointer passes other parameters than those of \"" +
              callee->function->name + "\"",
          mask);
  return callee;
}

/// Where the stack of these lanes ends, as an offset in their local memory.
uint32_t stackTop(const Frame &frame, uint32_t mask) {
  uint32_t taken = 0;
  for (unsigned i = 0; i < lanes; ++i)
    if (mask >> i & 1)
      taken = std::max(taken, frame.taken[i]);
  // As aligned as what a function has from the start.
  return frame.localBase + frame.function->localBytes + (taken + 15) / 16 * 16;
}

} // namespace

void Warp::call(const Op &op, uint32_t mask) {
  const CallSite &site = block->grid->code->calls[op.target];
  if (!site.builtin.empty()) {
    callBuiltin(site, *this, mask);
    ++now.pc;
    return;
  }
  splitOff(mask);
  const FunctionCode *callee = site.callee;
  if (!callee) {
    callee = calleeOf(op, *this, mask);
    if (mask != now.mask) { // the others have their turn here after these
      rest.push_back(now);
      rest.back().mask &= ~mask;
      now.mask = mask;
    }
  }
  Frame *frame = nullptr;
  for (auto &other : frames)
    if (!other->live && other->function == callee)
      frame = other.get();
  if (!frame) {
    frames.push_back(std::make_unique<Frame>());
    frame = frames.back().get();
    prepare(*frame, *callee);
  }
  frame->parent = now.frame;
  frame->returnTo = now.pc + 1;
  frame->site = &site;
  frame->live = mask;
  frame->localBase = stackTop(*now.frame, mask);
  std::fill_n(frame->taken, lanes, 0);
  if (frame->localBase + callee->localBytes > localStride)
    fault(ErrorKind::IllegalAddress, "the stack of local memory overflowed",
          mask);
  fill(*frame);
  for (size_t i = 0; i < site.arguments.size(); ++i) {
    ParamArea from = site.arguments[i], to = callee->params[i];
    for (unsigned lane = 0; lane < lanes; ++lane)
      std::memcpy(frame->base + to.row + lane * to.stride,
                  r + from.row + lane * from.stride,
                  std::min(from.bytes, to.bytes));
  }
  now.frame = frame;
  now.pc = callee->entry;
  r = frame->base;
}

void Warp::returnLanes(uint32_t mask) {
  Frame &frame = *now.frame;
  if (!frame.parent) {
    exitLanes(mask);
    ++now.pc;
    return;
  }
  splitOff(mask);
  for (size_t i = 0; i < frame.site->results.size(); ++i) {
    ParamArea to = frame.site->results[i], from = frame.function->returns[i];
    for (unsigned lane = 0; lane < lanes; ++lane)
      if (mask >> lane & 1)
        std::memcpy(frame.parent->base + to.row + lane * to.stride,
                    frame.base + from.row + lane * from.stride,
                    std::min(from.bytes, to.bytes));
  }
  frame.live &= ~mask;
  now.pc = frame.returnTo;
  now.frame = frame.parent;
  r = now.frame->base;
}

namespace {

/// A result of 32 or 64 bits.
template <class F>
void putAddress(const Op &op, Warp &warp, uint32_t mask, F value) {
  if (op.width == 8)
    put(warp.row<uint64_t>(op.o[0]), mask, value);
  else
    put(warp.row<uint32_t>(op.o[0]), mask, value);
}

uint64_t read(const Op &op, Warp &warp, unsigned slot, unsigned lane) {
  return op.width == 8 ? warp.row<uint64_t>(op.o[slot])[lane]
                       : warp.row<uint32_t>(op.o[slot])[lane];
}

/// imm: the alignment.
void takeMemory(const Op &op, Warp &warp, uint32_t mask) {
  Frame &frame = *warp.now.frame;
  uint32_t base = frame.localBase + frame.function->localBytes;
  uint64_t at[lanes] = {};
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    uint64_t alignment = uint64_t(op.imm);
    at[i] = (base + frame.taken[i] + alignment - 1) / alignment * alignment;
    uint64_t bytes = read(op, warp, 1, i);
    if (bytes > warp.localStride || at[i] + bytes > warp.localStride)
      fault(ErrorKind::IllegalAddress,
            "the stack of local memory overflowed: alloca of " +
                std::to_string(bytes) + " bytes",
            1u << i);
    frame.taken[i] = uint32_t(at[i] + bytes - base);
  }
  putAddress(op, warp, mask, [&](unsigned i) { return at[i]; });
}

void saveStack(const Op &op, Warp &warp, uint32_t mask) {
  const Frame &frame = *warp.now.frame;
  putAddress(op, warp, mask, [&](unsigned i) {
    return frame.localBase + frame.function->localBytes + frame.taken[i];
  });
}

void restoreStack(const Op &op, Warp &warp, uint32_t mask) {
  Frame &frame = *warp.now.frame;
  uint32_t base = frame.localBase + frame.function->localBytes;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    uint64_t top = read(op, warp, 1, i);
    if (top < base || top > base + frame.taken[i])
      fault(ErrorKind::IllegalInstruction,
            "stackrestore to what this function has not saved", 1u << i);
    frame.taken[i] = uint32_t(top - base);
  }
}

} // namespace

void decodeStack(Decoder &decoder, const ptx::Instruction &instruction,
                 Op &op) {
  const auto &operands = instruction.operands;
  Type type = instruction.type();
  op.width = uint8_t(ptx::byteSize(type));
  switch (instruction.opcode) {
  case Opcode::Alloca:
    op.o[0] = decoder.row(operands[0], type);
    op.o[1] = decoder.row(operands[1], type);
    op.imm =
        operands.size() > 2 ? std::max<int64_t>(operands[2].integer, 1) : 16;
    op.handler = takeMemory;
    break;
  case Opcode::Stacksave:
    op.o[0] = decoder.row(operands[0], type);
    op.handler = saveStack;
    break;
  case Opcode::Stackrestore:
    op.o[1] = decoder.row(operands[0], type);
    op.handler = restoreStack;
    break;
  default:
    break;
  }
}

} // namespace moe::ptxsim
