// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checks of verify(), one file each.
#ifndef MOE_LIB_TARGET_PTX_VERIFIER_H
#define MOE_LIB_TARGET_PTX_VERIFIER_H

#include "Forms.h"
#include "moe/Target/PTX/Parser.h"

namespace moe::ptx {

/// Where an instruction stands.
struct Place {
  const Module &module;
  const Function &function;
  const Instruction &instruction;
};

/// The empty string, or what the gate asks that the module has not.
std::string gateProblem(const Gate &gate, const Module &module);

/// How many dotted names do not fit the rule; the first goes to `why`. A gate
/// that is closed is no such problem: the first goes to `gate`.
int matchNames(const Place &place, const Rule &rule, std::string *why,
               std::string *gate);

/// How many operands do not fit the rule; the first goes to `why`.
int matchOperands(const Place &place, const Rule &rule, std::string *why);

/// The empty string, or what is wrong with the operands of mov or call.
std::string movProblem(const Place &place);
std::string callProblem(const Place &place);

/// Whether a register of type `have` can stand for `want`.
bool fits(Type have, Type want, bool relaxed);
/// Whether a constant can.
bool immediateFits(const Operand &immediate, Type want);
/// Whether a variable of `variable` can be meant by an address in `space`.
bool spacesAgree(Space variable, Space space);
/// "register %r1 of .b32", for messages.
std::string describe(const Operand &operand, const Function &function);

void verifyInstruction(const Module &module, const Function &function,
                       Instruction &instruction, Diagnostics &diagnostics);
void verifyVariable(const Variable &variable, const Module &module,
                    bool ofFunction, Diagnostics &diagnostics);

} // namespace moe::ptx

#endif // MOE_LIB_TARGET_PTX_VERIFIER_H
