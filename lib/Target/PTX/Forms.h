// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tables of instructions as text, and what is made of them. A row is
//
//   opcode slot… : operand… @gate
//
// A slot is a choice of dotted names, ".rn|.rz", with "?" if it may be left
// out. "$rnd" stands for a set of names (see namedSets). ".m64n*k16" is any n.
// Names may come in any order, as in ptxas, but types, spaces and layouts among
// themselves. A gate is "@isa.sm" ("@78.90": PTX ISA 7.8, sm_90), with a suffix
// 'a' (this architecture alone), 's' (any with a suffix) or an upper bound
// ("-69"); a name may have one too.
//
// An operand is a role, a count in braces, and a type:
//   d  register written        D  the same, or "_"
//   s  register or constant    r  register only     S  s, or special register
//   P  predicate written       p  predicate read, "!p", or 0 and 1
//   c  integer constant        a  address           b  address of an mbarrier
//   l  register or variable    m  of mov            t  "[map, {coordinates}]"
//   _  "_" alone
//   L  label                   T  table of labels   C  a call, from here on
//   h  the policy of .L2::cache_hint                k  the mask of .multicast
//   o  the offsets of .im2col                       .. anything, from here on
// Types: "0", "1": that of the instruction; ".u32"; "w": twice as wide as 0.
// Behind an address the digit is the instruction's state space.
// Counts: a number, V (".v4"), X (".x4"), N (n of the shape), G (cta_group),
// with *n or /n. "|P" and "|P?": "d|p". "(0..15)", "(4,8,16)", "(8..64/8)":
// what constants may be. "~": registers may be wider. "?": may be left out.
#ifndef MOE_LIB_TARGET_PTX_FORMS_H
#define MOE_LIB_TARGET_PTX_FORMS_H

#include "Names.h"
#include "moe/Target/PTX/Form.h"

namespace moe::ptx {

extern const char *const arithmeticForms,
    *const logicForms, *const moveForms,
                           *const memoryForms,
                               *const asyncForms,
                                   *const controlForms,
                                       *const matrixForms,
                                           *const wgmmaForms,
                                               *const tcgen05Forms;

struct Alternative {
  Part part;
  bool anyN = false; ///< "m64n*k16"
  Gate gate;
};

struct Slot {
  Part::Kind kind = Part::Kind::Modifier;
  bool optional = false;
  bool isLayout = false;
  std::vector<Alternative> alternatives;
  std::string_view text;
};

struct OperandSpec {
  char role = 0;
  bool optional = false;
  bool relaxed = false;
  bool pair = false;
  bool pairOptional = false;
  char count = 0; ///< 0: a scalar; '1': a number; V, X, N, G
  int multiply = 1, divide = 1;
  int typeIndex = -1; ///< of the instruction's types or spaces
  bool wide = false;
  Type type = Type::None;
  /// What a constant may be: one of `values`, or low … high in steps.
  std::vector<int64_t> values;
  bool ranged = false;
  int64_t low = 0, high = 0, step = 1;
};

/// A row, taken apart.
struct Rule {
  Form form;
  std::vector<Slot> slots;
  std::vector<OperandSpec> operands;
};

/// The rules of an opcode in the order of the tables.
const std::vector<const Rule *> &rulesOf(Opcode opcode);
/// What is wrong with the tables; empty if they can be read.
const std::vector<std::string> &tableErrors();

} // namespace moe::ptx

#endif // MOE_LIB_TARGET_PTX_FORMS_H
