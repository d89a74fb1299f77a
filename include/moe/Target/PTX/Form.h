// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tables of instructions: which dotted names, types and operands each has,
// since which version of the ISA and on which targets. A row is written as
//
//   fma .rn .relu? .bf16|.bf16x2 : d0 r0 r0 r0 @70.80
//
// (lib/Target/PTX/Forms.h tells the notation); the verifier finds the row of an
// instruction, and what an executor says of rows it says by Form::id.
#ifndef MOE_TARGET_PTX_FORM_H
#define MOE_TARGET_PTX_FORM_H

#include "moe/Target/PTX/Instruction.h"

namespace moe::ptx {

/// What a row, or one of its alternatives, asks of the module.
struct Gate {
  uint16_t isa = 10;  ///< PTX ISA, major * 10 + minor
  uint16_t sm = 0;    ///< at least this one
  uint16_t maxSm = 0; ///< at most this one; 0: no bound
  /// 'a': exactly sm_<sm>a (or its family); 's': any target with a suffix.
  char suffix = 0;
};

struct Form {
  uint32_t id = 0; ///< its place in forms()
  Opcode opcode{};
  std::string_view text; ///< the row
  Gate gate;
};

/// The rows of all tables.
size_t formCount();
const Form &form(size_t id);

} // namespace moe::ptx

#endif // MOE_TARGET_PTX_FORM_H
