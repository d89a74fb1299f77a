// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX text to a Module, and the checks that come after.
#ifndef MOE_TARGET_PTX_PARSER_H
#define MOE_TARGET_PTX_PARSER_H

#include "moe/Target/PTX/Module.h"

#include <memory>

namespace moe::ptx {

/// Parses `text` (PTX ISA up to 9.1). On errors, which `diagnostics` then has,
/// the result is null. Trailing zero bytes are taken for the end of the text.
std::unique_ptr<Module> parse(std::string_view text, Diagnostics &diagnostics);

/// Checks every instruction and declaration against the tables of the ISA and
/// sets Instruction::form. True if no error was found.
bool verify(Module &module, Diagnostics &diagnostics);

/// parse() and verify(): null and diagnostics if either finds an error.
std::unique_ptr<Module> parseAndVerify(std::string_view text,
                                       Diagnostics &diagnostics);

} // namespace moe::ptx

#endif // MOE_TARGET_PTX_PARSER_H
