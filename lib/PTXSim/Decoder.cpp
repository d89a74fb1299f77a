// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StackOps.h"

#include <algorithm>

namespace moe::ptxsim {

using ptx::Opcode;
using ptx::Operand;
using ptx::Type;

namespace {

FamilyDecoder familyDecoder(const ptx::Instruction &instruction) {
  Type type = instruction.type();
  bool half = type == Type::F16 || type == Type::F16x2 || type == Type::BF16 ||
              type == Type::BF16x2;
  switch (ptx::family(instruction.opcode)) {
  case ptx::Family::Arithmetic:
    if (half)
      return decodeHalf;
    return ptx::isFloat(type) ? decodeFloat : decodeInteger;
  case ptx::Family::Logic:
    return decodeLogic;
  case ptx::Family::Approximation:
    return decodeApproximation;
  case ptx::Family::Compare:
    return decodeCompare;
  case ptx::Family::Move:
    return decodeMove;
  case ptx::Family::Convert:
    return instruction.opcode == Opcode::Cvta ? decodeMove : decodeConvert;
  case ptx::Family::Memory:
    return decodeMemory;
  case ptx::Family::Atomic:
    return decodeAtomic;
  case ptx::Family::AsyncCopy:
    return decodeAsyncCopy;
  case ptx::Family::BulkCopy:
    return decodeBulkCopy;
  case ptx::Family::Mbarrier:
    return decodeMbarrier;
  case ptx::Family::Cluster:
    return decodeCluster;
  case ptx::Family::Barrier:
  case ptx::Family::Fence:
    return decodeBarrier;
  case ptx::Family::Warp:
    return decodeWarp;
  case ptx::Family::Matrix:
    switch (instruction.opcode) {
    case Opcode::Mma:
    case Opcode::MmaSp:
      return decodeMma;
    case Opcode::WmmaLoadA:
    case Opcode::WmmaLoadB:
    case Opcode::WmmaLoadC:
    case Opcode::WmmaMma:
    case Opcode::WmmaStoreD:
      return decodeWmma;
    default:
      return decodeMatrix;
    }
  case ptx::Family::Wgmma:
    return decodeWgmma;
  default:
    return nullptr;
  }
}

} // namespace

/// Of the registers and parameters of a warp, of one parameter, and of the
/// local memory of a thread; GPUs have no more of the two last ones.
constexpr uint32_t largestFrame = 1u << 28;
constexpr uint64_t largestParam = 32764;
constexpr uint64_t largestLocal = 512 << 10;

Address Layout::addressOf(const ptx::Module &module,
                          const ptx::Function &function) const {
  const ptx::Function *definition = module.definition(function);
  for (const auto &[known, address] : functions)
    if (known == definition)
      return address;
  return 0;
}

uint32_t Decoder::allocate(uint32_t bytes) {
  uint32_t at = frameBytes;
  if (at + uint64_t(bytes) > largestFrame) {
    problems->push_back("\"" + function->name +
                        "\" has more registers and parameters than the "
                        "executor has room for");
    return 0;
  }
  frameBytes += (bytes + 63) / 64 * 64;
  return at;
}

uint32_t Decoder::constant(uint64_t bits, unsigned width) {
  auto [it, isNew] = constants.try_emplace({bits, width}, 0);
  if (isNew) {
    it->second = allocate(width ? width * lanes : 4);
    into->constants.push_back({bits, it->second, uint8_t(width)});
  }
  return it->second;
}

uint32_t Decoder::scratch(unsigned width) {
  auto [it, isNew] = scratchRows.try_emplace(width, 0);
  if (isNew)
    it->second = allocate(std::max(width, 1u) * lanes);
  return it->second;
}

uint32_t Decoder::filledRow(const FilledRow &filled) {
  uint32_t what = uint32_t(filled.kind) << 24 | uint32_t(filled.special) << 16 |
                  uint32_t(filled.component) << 8 | filled.width;
  auto [it, isNew] = filledRows.try_emplace({what, filled.offset}, 0);
  if (isNew) {
    it->second = allocate(filled.width * lanes);
    into->filled.push_back(filled);
    into->filled.back().row = it->second;
  }
  return it->second;
}

void Decoder::extra(Op &op, uint32_t value) {
  if (!op.count)
    op.extra = uint32_t(code.extras.size());
  code.extras.push_back(value);
  ++op.count;
}

unsigned Decoder::width(const Operand &operand, Type type) const {
  if (operand.is(Operand::Kind::Register))
    return std::max(1u, ptx::byteSize(function->registers[operand.index].type));
  return std::max(1u, ptx::byteSize(type));
}

uint32_t Decoder::row(const Operand &operand, Type type) {
  unsigned bytes = ptx::byteSize(type);
  switch (operand.kind) {
  case Operand::Kind::Register: {
    uint32_t at = registerRows[operand.index];
    if (operand.component != Operand::noComponent) {
      const ptx::Register &reg = function->registers[operand.index];
      at += operand.component *
            ((ptx::byteSize(reg.type) * lanes + 63) / 64 * 64);
    }
    return at;
  }
  case Operand::Kind::Integer:
  case Operand::Kind::Float:
    if (type == Type::Pred)
      return constant(operand.integer ? ~0u : 0, 0);
    return constant(ptx::immediateBits(operand, type), bytes);
  case Operand::Kind::Sink:
    return scratch(bytes);
  case Operand::Kind::Special: {
    FilledRow filled{};
    filled.kind = FilledRow::Kind::Special;
    filled.special = operand.special;
    filled.component =
        operand.component == Operand::noComponent ? 0 : operand.component;
    filled.width = uint8_t(bytes ? bytes : 4);
    return filledRow(filled);
  }
  case Operand::Kind::Function:
    if (Address address = layout.addressOf(module, *operand.function))
      return constant(address, bytes);
    unsupported("the address of \"" + operand.function->name +
                "\", which has no body");
    return scratch(bytes);
  case Operand::Kind::Variable: {
    const ptx::Variable *variable = operand.variable;
    FilledRow filled{};
    filled.width = uint8_t(bytes);
    filled.offset = uint64_t(operand.offset);
    if (auto it = layout.globals.find(variable); it != layout.globals.end())
      return constant(it->second + uint64_t(operand.offset), bytes);
    if (auto it = layout.shared.find(variable); it != layout.shared.end()) {
      filled.kind = FilledRow::Kind::Shared;
      filled.offset += it->second;
      return filledRow(filled);
    }
    if (auto it = locals.find(variable); it != locals.end()) {
      filled.kind = FilledRow::Kind::Local;
      filled.offset += it->second;
      return filledRow(filled);
    }
    if (auto it = layout.kernelParams.find(variable);
        it != layout.kernelParams.end()) // from the begin of the block
      return constant(it->second + uint64_t(operand.offset), bytes);
    unsupported("the address of \"" + variable->name + "\"");
    return scratch(bytes);
  }
  default:
    unsupported("an operand of this kind");
    return scratch(bytes);
  }
}

uint32_t Decoder::predicate(const Operand &operand, bool &negated) {
  negated = operand.negated;
  return row(operand, Type::Pred);
}

void Decoder::address(const Operand &operand, Op &op, unsigned slot) {
  const Operand &base =
      operand.is(Operand::Kind::Address) ? operand.base() : operand;
  int64_t offset = operand.is(Operand::Kind::Address) ? operand.offset : 0;
  op.o[slot] = noRow;
  op.mode = 8;
  if (base.is(Operand::Kind::Register)) {
    op.o[slot] = row(base, Type::U64);
    op.mode = uint8_t(width(base, Type::U64));
    op.imm = offset;
  } else if (base.is(Operand::Kind::Integer)) {
    op.imm = base.integer + offset;
  } else if (auto it = layout.globals.find(base.variable);
             base.variable && it != layout.globals.end()) {
    op.imm = int64_t(it->second) + base.offset + offset;
  } else {
    op.o[slot] = row(base, Type::U64);
    op.imm = offset;
  }
}

ParamArea Decoder::areaOf(const ptx::Variable *variable) {
  auto [it, isNew] = areas.try_emplace(variable);
  if (isNew) {
    if (variable->size() > largestParam)
      problems->push_back("\"" + variable->name + "\" of " +
                          std::to_string(variable->size()) +
                          " bytes is too large for a parameter");
    uint32_t bytes = uint32_t(std::min(variable->size(), largestParam));
    uint32_t stride = (bytes + 15) / 16 * 16;
    it->second = {allocate(stride * lanes), stride, bytes};
  }
  return it->second;
}

bool Decoder::paramPlace(const Operand &operand, ParamPlace &place) {
  if (!operand.is(Operand::Kind::Address) ||
      !operand.base().is(Operand::Kind::Variable))
    return false;
  const ptx::Variable *variable = operand.base().variable;
  uint32_t offset = uint32_t(operand.offset + operand.base().offset);
  if (auto it = layout.kernelParams.find(variable);
      it != layout.kernelParams.end()) {
    place = {true, {}, it->second + offset};
    return true;
  }
  if (variable->space != ptx::Space::Param &&
      variable->space != ptx::Space::ParamFunc)
    return false;
  place = {false, areaOf(variable), offset};
  return true;
}

const FunctionCode *Decoder::functionCode(const ptx::Function &callee) {
  const ptx::Function *definition = module.definition(callee);
  if (!definition || !definition->hasBody)
    return nullptr;
  auto [it, isNew] = known.try_emplace(definition);
  if (isNew) {
    code.functions.emplace_back();
    it->second = &code.functions.back();
    open.push_back(definition);
  }
  return it->second;
}

void Decoder::decodeCall(const ptx::Instruction &instruction, Op &op) {
  const Operand &callee = instruction.operands[1];
  CallSite site;
  if (callee.is(Operand::Kind::Function)) {
    const std::string &name = callee.function->name;
    site.callee = functionCode(*callee.function);
    if (!site.callee) {
      if (name != "vprintf" && name != "__assertfail")
        return unsupported("a call of \"" + name + "\", which has no body");
      site.builtin = name;
    }
  } else {
    op.o[0] = row(callee, Type::U64);
    for (const auto &[target, address] : layout.functions)
      code.pointers[address] = functionCode(*target);
  }
  auto areasOf = [&](const Operand &list, std::vector<ParamArea> &to) {
    for (const Operand &element : list.elements) {
      if (element.is(Operand::Kind::Variable)) {
        to.push_back(areaOf(element.variable));
        continue;
      }
      Type type =
          element.is(Operand::Kind::Register) ? element.type : Type::B32;
      unsigned bytes = width(element, type);
      to.push_back({row(element, type), bytes, bytes});
    }
  };
  areasOf(instruction.operands[0], site.results);
  areasOf(instruction.operands[2], site.arguments);
  op.flow = Flow::Call;
  op.target = uint32_t(code.calls.size());
  code.calls.push_back(std::move(site));
}

void Decoder::decodeControl(const ptx::Instruction &instruction, Op &op) {
  switch (instruction.opcode) {
  case Opcode::Bra:
    op.flow = Flow::Branch;
    op.target = instruction.operands[0].index; // a label until it is linked
    break;
  case Opcode::BrxIdx: {
    op.flow = Flow::Index;
    op.o[0] = row(instruction.operands[0], Type::U32);
    op.target = uint32_t(code.targets.size());
    code.targets.push_back(
        function->targetLists[instruction.operands[1].index].labels);
    break;
  }
  case Opcode::Call:
    decodeCall(instruction, op);
    break;
  case Opcode::Ret:
    op.flow = Flow::Return;
    break;
  case Opcode::Exit:
    op.flow = Flow::Exit;
    break;
  case Opcode::Trap:
  case Opcode::Brkpt:
    op.handler = [](const Op &, Warp &, uint32_t mask) {
      fault(ErrorKind::Trap, "the kernel ran into trap", mask);
    };
    break;
  case Opcode::Setmaxnreg:
    decodeRegisters(*this, instruction, op);
    break;
  case Opcode::Alloca:
  case Opcode::Stacksave:
  case Opcode::Stackrestore:
    takesStack = true;
    decodeStack(*this, instruction, op);
    break;
  case Opcode::Nanosleep:
  case Opcode::Pmevent:
  case Opcode::GriddepcontrolLaunchDependents:
  case Opcode::GriddepcontrolWait:
    // Kernels of a stream run one after the other.
    op.handler = [](const Op &, Warp &, uint32_t) {};
    break;
  default:
    break;
  }
}

void Decoder::decodeInstruction(const ptx::Instruction &instruction) {
  Op op;
  op.source = &instruction;
  op.line = instruction.location.line;
  op.index = uint32_t(code.ops.size());
  if (instruction.guarded) {
    op.guard = registerRows[instruction.guard];
    op.guardNegated = instruction.guardNegated;
  }
  reason.clear();
  if (ptx::family(instruction.opcode) == ptx::Family::Control)
    decodeControl(instruction, op);
  else if (FamilyDecoder family = familyDecoder(instruction))
    family(*this, instruction, op);
  bool plain = op.flow == Flow::Next || op.flow == Flow::Sync ||
               op.flow == Flow::Barrier;
  if ((plain && !op.handler) || !reason.empty())
    problems->push_back("line " + std::to_string(op.line) + ": " +
                        ptx::fullName(instruction) +
                        (reason.empty() ? "" : ": " + reason));
  code.ops.push_back(op);
}

void Decoder::decodeFunction(const ptx::Function &what, FunctionCode &to) {
  function = &what;
  into = &to;
  to.function = &what;
  to.entry = uint32_t(code.ops.size());
  frameBytes = 0;
  registerRows.clear();
  constants.clear();
  filledRows.clear();
  scratchRows.clear();
  areas.clear();
  locals.clear();
  for (const ptx::Register &reg : what.registers) {
    unsigned bytes = ptx::byteSize(reg.type);
    uint32_t one = bytes ? (bytes * lanes + 63) / 64 * 64 : 64;
    registerRows.push_back(allocate(one * reg.vector));
  }
  to.registerBytes = frameBytes;
  to.registerRows = registerRows;
  for (const ptx::Variable &variable : what.variables) {
    if (variable.space != ptx::Space::Local)
      continue;
    uint32_t alignment = std::max(variable.effectiveAlignment(), 1u);
    uint64_t at =
        (to.localBytes + uint64_t(alignment) - 1) / alignment * alignment;
    if (at + variable.size() > largestLocal) {
      problems->push_back("\"" + what.name + "\" has " +
                          std::to_string(at + variable.size()) +
                          " bytes of local memory, at most " +
                          std::to_string(largestLocal) + " are possible");
      break;
    }
    locals[&variable] = uint32_t(at);
    to.localBytes = uint32_t(at + variable.size());
  }
  to.localBytes = (to.localBytes + 15) / 16 * 16;
  if (!what.isEntry) {
    for (const ptx::Variable &variable : what.params)
      to.params.push_back(areaOf(&variable));
    for (const ptx::Variable &variable : what.returns)
      to.returns.push_back(areaOf(&variable));
  }
  size_t firstList = code.targets.size();
  for (const ptx::Instruction &instruction : what.instructions)
    decodeInstruction(instruction);
  Op end;
  end.flow = Flow::Return;
  end.index = uint32_t(code.ops.size());
  end.line = what.endLocation.line;
  code.ops.push_back(end);
  auto place = [&](uint32_t label) {
    return to.entry + what.labels[label].instruction;
  };
  for (uint32_t i = to.entry; i < code.ops.size(); ++i)
    if (code.ops[i].flow == Flow::Branch)
      code.ops[i].target = place(code.ops[i].target);
  for (size_t i = firstList; i < code.targets.size(); ++i)
    for (uint32_t &target : code.targets[i])
      target = place(target);
  to.frameBytes = frameBytes;
}

void Decoder::decode(const ptx::Function &kernel,
                     std::vector<std::string> &found) {
  problems = &found;
  functionCode(kernel);
  // Functions are decoded in the order of their first call.
  for (size_t i = 0; i < open.size(); ++i) {
    const ptx::Function *next = open[i];
    decodeFunction(*next, *known[next]);
    code.localBytes += known[next]->localBytes;
  }
  if (open.size() > 1 || takesStack) // calls may nest: room for a stack
    code.localBytes += 16384;
}

} // namespace moe::ptxsim
