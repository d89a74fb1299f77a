// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From spellings to the enumerators of Types.h.
#ifndef MOE_LIB_TARGET_PTX_NAMES_H
#define MOE_LIB_TARGET_PTX_NAMES_H

#include "moe/Target/PTX/Instruction.h"

#include <optional>

namespace moe::ptx {

/// A dotted name of an instruction. Its code is what Instruction::parts holds.
struct Part {
  enum class Kind : uint8_t { Modifier, Type, Space, Vector, Repeat, Shape };
  Kind kind;
  uint16_t value; ///< the enumerator, or the number of ".v4" and ".x4"
  Shape shape;

  uint32_t code() const { return uint32_t(kind) << 16 | value; }
};

std::optional<Part> findPart(std::string_view text);
std::optional<Type> findType(std::string_view text);
std::optional<Space> findSpace(std::string_view text);

/// One spelling of an opcode: "bar.sync" and "bar.cta.sync" are two names.
struct OpcodeName {
  std::string_view spelling;
  Opcode opcode;
};
/// An index for opcodeName(), or none.
std::optional<uint16_t> findOpcode(std::string_view text);
const OpcodeName &opcodeName(uint16_t index);
/// Whether any opcode starts with `text`, up to the end or a dot.
bool isFirstName(std::string_view text);

struct SpecialName {
  SpecialRegister special;
  uint32_t number; ///< of %pm3, %envreg3
};
/// `text` without "%".
std::optional<SpecialName> findSpecialRegister(std::string_view text);

} // namespace moe::ptx

#endif // MOE_LIB_TARGET_PTX_NAMES_H
