// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the tree of a function to compact records. Each family of instructions
// has a function that fills an Op; what it does not know it leaves without a
// handler, and the decoder names it.
#ifndef MOE_LIB_PTXSIM_DECODER_H
#define MOE_LIB_PTXSIM_DECODER_H

#include "Core.h"

#include <map>

namespace moe::ptxsim {

/// Where the symbols of a module lie.
struct Layout {
  std::unordered_map<const ptx::Variable *, Address> globals;
  std::unordered_map<const ptx::Variable *, uint32_t> shared;
  std::unordered_map<const ptx::Variable *, uint32_t> kernelParams;
  /// Definitions whose address is taken, in the order of the module.
  std::vector<std::pair<const ptx::Function *, Address>> functions;

  /// The address of a function, or 0.
  Address addressOf(const ptx::Module &module,
                    const ptx::Function &function) const;
};

class Decoder {
public:
  Decoder(const ptx::Module &module, const Layout &layout, const Memory &memory,
          const Options &options, Code &code)
      : module(module), layout(layout), memory(memory), options(options),
        code(code) {}

  /// Decodes the kernel and every function it calls. What cannot be run is
  /// appended to `problems`.
  void decode(const ptx::Function &kernel, std::vector<std::string> &problems);

  // For the families of instructions.

  /// The row of an operand that is read or written as `type`.
  uint32_t row(const ptx::Operand &operand, ptx::Type type);
  uint32_t constant(uint64_t bits, unsigned width);
  /// The row of a predicate; its negation goes to `negated`.
  uint32_t predicate(const ptx::Operand &operand, bool &negated);
  /// Bytes of a register, or of `type` for what is none.
  unsigned width(const ptx::Operand &operand, ptx::Type type) const;
  /// Sets base row (o[slot]; noRow: none), its width (`op.mode` 4 or 8) and the
  /// offset (imm) of an address.
  void address(const ptx::Operand &operand, Op &op, unsigned slot);
  /// A row that no one reads.
  uint32_t scratch(unsigned width);
  /// Appends to Code::extras, as part of `op`.
  void extra(Op &op, uint32_t value);

  struct ParamPlace {
    bool kernel; ///< of the block of parameters, at `offset`
    ParamArea area;
    uint32_t offset;
  };
  /// Of an address whose base is a .param variable.
  bool paramPlace(const ptx::Operand &operand, ParamPlace &place);
  /// An exact reason for an unsupported instruction.
  void unsupported(std::string why) { reason = std::move(why); }

  const ptx::Module &module;
  const Layout &layout;
  const Memory &memory;
  const Options &options;
  Code &code;

private:
  void decodeFunction(const ptx::Function &function, FunctionCode &into);
  void decodeInstruction(const ptx::Instruction &instruction);
  void decodeControl(const ptx::Instruction &instruction, Op &op);
  void decodeCall(const ptx::Instruction &instruction, Op &op);
  ParamArea areaOf(const ptx::Variable *variable);
  uint32_t filledRow(const FilledRow &filled);
  uint32_t allocate(uint32_t bytes);
  const FunctionCode *functionCode(const ptx::Function &function);

  const ptx::Function *function = nullptr;
  FunctionCode *into = nullptr;
  std::vector<uint32_t> registerRows, labelTargets;
  std::map<std::pair<uint64_t, unsigned>, uint32_t> constants;
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> filledRows;
  std::map<unsigned, uint32_t> scratchRows;
  std::unordered_map<const ptx::Variable *, ParamArea> areas;
  std::unordered_map<const ptx::Variable *, uint32_t> locals;
  std::unordered_map<const ptx::Function *, FunctionCode *> known;
  std::vector<const ptx::Function *> open;
  uint32_t frameBytes = 0;
  bool takesStack = false; ///< there is an alloca
  std::string reason;
  std::vector<std::string> *problems = nullptr;
};

/// Makes an instruction with .rz, .rm or .rp run its handler in that mode of
/// the host; uses Op::imm.
void setRounding(const ptx::Instruction &instruction, Op &op);

using FamilyDecoder = void (*)(Decoder &, const ptx::Instruction &, Op &);
void decodeInteger(Decoder &, const ptx::Instruction &, Op &);
void decodeLop3(Decoder &, const ptx::Instruction &, Op &);
void decodeLogic(Decoder &, const ptx::Instruction &, Op &);
void decodeFloat(Decoder &, const ptx::Instruction &, Op &);
void decodeHalf(Decoder &, const ptx::Instruction &, Op &);
void decodeApproximation(Decoder &, const ptx::Instruction &, Op &);
void decodeCompare(Decoder &, const ptx::Instruction &, Op &);
void decodeMove(Decoder &, const ptx::Instruction &, Op &);
void decodeConvert(Decoder &, const ptx::Instruction &, Op &);
void decodeMemory(Decoder &, const ptx::Instruction &, Op &);
void decodeAtomic(Decoder &, const ptx::Instruction &, Op &);
void decodeAsyncCopy(Decoder &, const ptx::Instruction &, Op &);
void decodeCopyArrival(Decoder &, const ptx::Instruction &, Op &);
void decodeAsyncStore(Decoder &, const ptx::Instruction &, Op &);
void decodeBulkCopy(Decoder &, const ptx::Instruction &, Op &);
void decodeMbarrier(Decoder &, const ptx::Instruction &, Op &);
void decodeCluster(Decoder &, const ptx::Instruction &, Op &);
void decodeTensorMapFence(Decoder &, const ptx::Instruction &, Op &);
void decodeRegisters(Decoder &, const ptx::Instruction &, Op &);
void decodeBarrier(Decoder &, const ptx::Instruction &, Op &);
void decodeWarp(Decoder &, const ptx::Instruction &, Op &);
void decodeMatrix(Decoder &, const ptx::Instruction &, Op &);
void decodeMma(Decoder &, const ptx::Instruction &, Op &);
void decodeWmma(Decoder &, const ptx::Instruction &, Op &);
void decodeWgmma(Decoder &, const ptx::Instruction &, Op &);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_DECODER_H
