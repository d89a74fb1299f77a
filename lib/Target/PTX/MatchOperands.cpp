// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verifier.h"

#include <algorithm>

using namespace moe::ptx;

namespace {

using Kind = Operand::Kind;

Type widened(Type type) {
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  default:
    return Type::S64;
  }
}

bool isShared(Space space) {
  return space == Space::Shared || space == Space::SharedCta ||
         space == Space::SharedCluster;
}
bool isParam(Space space) {
  return space == Space::Param || space == Space::ParamEntry ||
         space == Space::ParamFunc;
}

unsigned dimensions(const Instruction &inst) {
  switch (inst.modifier(ModifierClass::Geometry)) {
  case Modifier::Dim1:
    return 1;
  case Modifier::Dim2:
    return 2;
  case Modifier::Dim3:
    return 3;
  case Modifier::Dim4:
    return 4;
  default:
    return 5;
  }
}

/// The operands of one instruction against those of one rule.
class OperandMatcher {
public:
  OperandMatcher(const Place &place, std::string *why)
      : module(place.module), f(place.function), inst(place.instruction),
        why(why) {}

  int match(const Rule &rule) {
    const auto &operands = inst.operands;
    size_t at = 0;
    for (const OperandSpec &spec : rule.operands) {
      if (spec.role == '.' || spec.role == 'C')
        return problems;
      if (!isPresent(spec))
        continue;
      if (at == operands.size()) {
        if (!spec.optional)
          problem([&] {
            return "too few operands: " + std::to_string(operands.size());
          });
        break;
      }
      operandNumber = at + 1;
      check(spec, operands[at++]);
    }
    if (at < operands.size())
      problem([&] {
        return "too many operands: " + std::to_string(operands.size()) +
               " for " + std::to_string(at);
      });
    return problems;
  }

private:
  template <typename Text>
  bool problem(Text text) {
    if (problems++ == 0 && why)
      *why = text();
    return false;
  }

  bool mismatch(const Operand &operand, const std::string &expected) {
    return problem([&] {
      return "operand " + std::to_string(operandNumber) + ": expected " +
             expected + ", got " + describe(operand, f);
    });
  }

  /// Operands that go with a modifier.
  bool isPresent(const OperandSpec &spec) const {
    switch (spec.role) {
    case 'h':
      return inst.has(Modifier::L2CacheHint);
    case 'k':
      return inst.has(Modifier::MulticastCluster);
    case 'o':
      return inst.has(Modifier::Im2col) || inst.has(Modifier::Im2colW) ||
             inst.has(Modifier::Im2colW128);
    default:
      return true;
    }
  }

  Type typeOf(const OperandSpec &spec) const {
    if (spec.wide)
      return widened(inst.type(0));
    if (spec.typeIndex >= 0)
      return inst.type(size_t(spec.typeIndex));
    return spec.type;
  }

  size_t countOf(const OperandSpec &spec) const {
    size_t base = 1;
    if (spec.count == 'V')
      base = inst.vector;
    else if (spec.count == 'X')
      base = inst.repeat;
    else if (spec.count == 'N')
      base = inst.shape.n;
    else if (spec.count == 'G')
      base = inst.has(Modifier::CtaGroup2) ? 2 : 1;
    return base * size_t(spec.multiply) / size_t(spec.divide);
  }

  bool check(const OperandSpec &spec, const Operand &operand) {
    if (operand.negated && spec.role != 'p' && spec.role != 'm')
      return mismatch(operand, "no \"!\"");
    switch (spec.role) {
    case 'h':
      return checkScalar('s', Type::B64, false, operand);
    case 'k':
      return checkScalar('s', Type::B16, false, operand);
    case 'o':
      return checkOffsets(operand);
    case 'a':
    case 'b':
      return checkAddress(spec, operand);
    case 't':
      return checkTensor(operand);
    case 'c':
      if (!operand.is(Kind::Integer))
        return mismatch(operand, "an integer constant");
      return checkConstant(spec, operand);
    case 'p':
      return checkPredicate(operand);
    case 'P':
      if (spec.pair && operand.is(Kind::Pair))
        return checkPredicateResult(operand.elements[0]) &&
               checkPredicateResult(operand.elements[1]);
      if (spec.pair && !spec.pairOptional)
        return mismatch(operand, "two predicates \"p|q\"");
      return checkPredicateResult(operand);
    case 'l':
      if (operand.is(Kind::Variable))
        return spacesAgree(operand.variable->space, inst.space()) ||
               mismatch(operand, "a variable of ." +
                                     std::string(spelling(inst.space())));
      return checkScalar('r', typeOf(spec), false, operand);
    case '_':
      return operand.is(Kind::Sink) || mismatch(operand, "\"_\"");
    case 'L':
      return operand.is(Kind::Label) || mismatch(operand, "a label");
    case 'T':
      return (operand.is(Kind::TargetList) &&
              !f.targetLists[operand.index].isCall) ||
             mismatch(operand, "a .branchtargets label");
    case 'm':
      return true; // movProblem()
    default:
      return checkValue(spec, operand);
    }
  }

  bool checkPredicateResult(const Operand &operand) {
    if (operand.is(Kind::Sink))
      return true;
    return (operand.is(Kind::Register) && operand.type == Type::Pred) ||
           mismatch(operand, "a register of .pred");
  }

  bool checkPredicate(const Operand &operand) {
    if (operand.is(Kind::Integer))
      return true;
    return (!operand.is(Kind::Sink) && checkPredicateResult(operand)) ||
           mismatch(operand, "a register of .pred");
  }

  bool checkConstant(const OperandSpec &spec, const Operand &operand) {
    int64_t value = operand.integer;
    if (spec.ranged &&
        (value < spec.low || value > spec.high || value % spec.step != 0))
      return problem([&] {
        std::string text = "operand " + std::to_string(operandNumber) +
                           ": expected " + std::to_string(spec.low) + " to " +
                           std::to_string(spec.high);
        if (spec.step > 1)
          text += " in steps of " + std::to_string(spec.step);
        return text + ", got " + std::to_string(value);
      });
    if (!spec.values.empty() &&
        std::find(spec.values.begin(), spec.values.end(), value) ==
            spec.values.end())
      return problem([&] {
        std::string text =
            "operand " + std::to_string(operandNumber) + ": expected";
        const char *separator = " ";
        for (int64_t one : spec.values) {
          text += separator + std::to_string(one);
          separator = " or ";
        }
        return text + ", got " + std::to_string(value);
      });
    return true;
  }

  bool checkScalar(char role, Type want, bool relaxed, const Operand &operand) {
    bool ok = false;
    if (operand.is(Kind::Register))
      ok = fits(operand.type, want, relaxed) &&
           (f.registers[operand.index].vector == 1 ||
            operand.component != Operand::noComponent);
    else if (operand.isImmediate())
      ok = (role == 's' || role == 'S') && immediateFits(operand, want);
    else if (operand.is(Kind::Special))
      ok = role == 'S' && fits(operand.type, want, true) &&
           (info(operand.special).components == 1 ||
            operand.component != Operand::noComponent);
    else if (operand.is(Kind::Sink))
      ok = role == 'D';
    if (ok)
      return true;
    return mismatch(
        operand,
        std::string(role == 's' || role == 'S' ? "a value" : "a register") +
            " of ." + std::string(spelling(want)));
  }

  bool checkValue(const OperandSpec &spec, const Operand &operand) {
    Type want = typeOf(spec);
    if (operand.is(Kind::Pair)) {
      if (!spec.pair)
        return mismatch(operand, "no second result");
      return checkScalar(spec.role, want, spec.relaxed, operand.elements[0]) &&
             checkPredicateResult(operand.elements[1]);
    }
    if (spec.pair && !spec.pairOptional)
      return mismatch(operand, "a predicate as a second result");
    size_t count = countOf(spec);
    // A vector of one may go without braces where ".v1" is not written.
    bool scalar = spec.count == 0 || (spec.count == 'V' && count == 1);
    if (scalar && !(spec.count && operand.is(Kind::Vector))) {
      if (spec.count && operand.is(Kind::Sink))
        return mismatch(operand, "a register");
      if (!checkScalar(spec.role, want, spec.relaxed, operand))
        return false;
      return !operand.is(Kind::Integer) || checkConstant(spec, operand);
    }
    // A register that is a vector stands for its components.
    if (operand.is(Kind::Register) &&
        operand.component == Operand::noComponent &&
        f.registers[operand.index].vector == count)
      return fits(operand.type, want, spec.relaxed) ||
             mismatch(operand, "elements of ." + std::string(spelling(want)));
    if (!operand.is(Kind::Vector) || operand.elements.size() != count)
      return mismatch(operand, "a vector of " + std::to_string(count));
    for (const Operand &element : operand.elements)
      if (!checkScalar(spec.role, want, spec.relaxed, element))
        return false;
    return true;
  }

  bool checkAddress(const OperandSpec &spec, const Operand &operand) {
    if (!operand.is(Kind::Address) || operand.elements.size() != 1)
      return mismatch(operand, "an address");
    Space space = spec.role == 'b'      ? Space::Shared
                  : spec.typeIndex >= 0 ? inst.space(size_t(spec.typeIndex))
                                        : Space::Generic;
    return checkBase(operand.base(), space);
  }

  bool checkBase(const Operand &base, Space space) {
    switch (base.kind) {
    case Kind::Register: {
      unsigned width = bitWidth(base.type);
      bool integer =
          isInteger(base.type) || typeClass(base.type) == TypeClass::Bits;
      bool narrow = isShared(space) || isParam(space) ||
                    space == Space::Local || space == Space::Const ||
                    module.addressSize == 32 ||
                    family(inst.opcode) == Family::Tcgen05;
      if (integer && (width == 64 || (width == 32 && narrow)))
        return true;
      return mismatch(base, narrow ? "an address in 32 or 64 bits"
                                   : "an address in 64 bits");
    }
    case Kind::Variable:
      if (!spacesAgree(base.variable->space, space))
        return mismatch(base, "a variable of ." + std::string(spelling(space)));
      if (inst.opcode == Opcode::St && isInput(base.variable))
        return problem([&] {
          return "parameter \"" + base.variable->name + "\" cannot be written";
        });
      return true;
    case Kind::Integer:
      return space == Space::Local ||
             mismatch(base, "a register or variable as address");
    default:
      return mismatch(base, "a register or variable as address");
    }
  }

  bool isInput(const Variable *variable) const {
    for (const Variable &param : f.params)
      if (&param == variable)
        return true;
    return false;
  }

  bool checkTensor(const Operand &operand) {
    if (!operand.is(Kind::Address) || operand.elements.size() != 2 ||
        !operand.elements[1].is(Kind::Vector))
      return mismatch(operand, "a tensor \"[map, {coordinates}]\"");
    if (!checkBase(operand.base(), Space::Generic))
      return false;
    bool rows =
        inst.has(Modifier::TileGather4) || inst.has(Modifier::TileScatter4);
    size_t count = rows ? 5 : dimensions(inst);
    const auto &coordinates = operand.elements[1].elements;
    if (coordinates.size() != count)
      return problem([&] {
        return "operand " + std::to_string(operandNumber) + ": expected " +
               std::to_string(count) + " coordinates, got " +
               std::to_string(coordinates.size());
      });
    for (const Operand &coordinate : coordinates)
      if (!checkScalar('s', Type::S32, false, coordinate))
        return false;
    return true;
  }

  bool checkOffsets(const Operand &operand) {
    size_t count = inst.has(Modifier::Im2col) ? dimensions(inst) - 2 : 2;
    if (!operand.is(Kind::Vector) || operand.elements.size() != count)
      return mismatch(operand,
                      "a vector of " + std::to_string(count) + " offsets");
    for (const Operand &offset : operand.elements)
      if (!checkScalar('s', Type::U16, false, offset))
        return false;
    return true;
  }

  const Module &module;
  const Function &f;
  const Instruction &inst;
  std::string *why;
  int problems = 0;
  size_t operandNumber = 0;
};

} // namespace

bool moe::ptx::spacesAgree(Space variable, Space space) {
  // Generic addresses of .const and .param are made by cvta.
  if (space == Space::Generic)
    return variable != Space::Const && !isParam(variable);
  return variable == space || (isShared(variable) && isShared(space)) ||
         (isParam(variable) && isParam(space));
}

bool moe::ptx::fits(Type have, Type want, bool relaxed) {
  if (have == Type::Pred || want == Type::Pred)
    return have == want;
  unsigned haveBits = bitWidth(have), wantBits = bitWidth(want);
  TypeClass haveClass = typeClass(have), wantClass = typeClass(want);
  bool isBits = haveClass == TypeClass::Bits;
  if (haveBits != wantBits && !(relaxed && haveBits > wantBits))
    return false;
  if (isBits || wantClass == TypeClass::Bits)
    return true;
  if (isInteger(have))
    return isInteger(want);
  return have == want;
}

bool moe::ptx::immediateFits(const Operand &immediate, Type want) {
  TypeClass wanted = typeClass(want);
  if (immediate.is(Kind::Integer))
    return isInteger(want) || wanted == TypeClass::Bits;
  if (wanted == TypeClass::Bits)
    return bitWidth(immediate.type) == bitWidth(want);
  return want == Type::F32 || want == Type::F64;
}

std::string moe::ptx::describe(const Operand &operand, const Function &f) {
  auto typed = [](Type type) { return " of ." + std::string(spelling(type)); };
  switch (operand.kind) {
  case Kind::Register:
    return (operand.negated ? "!" : "") + f.registers[operand.index].name +
           typed(operand.type);
  case Kind::Special:
    return "%" + std::string(spelling(operand.special));
  case Kind::Integer:
    return std::to_string(operand.integer);
  case Kind::Float:
    return "a constant" + typed(operand.type);
  case Kind::Sink:
    return "\"_\"";
  case Kind::Vector:
    return "a vector of " + std::to_string(operand.elements.size());
  case Kind::Pair:
    return "a pair";
  case Kind::Address:
    return "an address";
  case Kind::Variable:
    return operand.variable->name + " in ." +
           std::string(spelling(operand.variable->space));
  case Kind::Function:
    return "function " + operand.function->name;
  case Kind::Label:
    return "label " + f.labels[operand.index].name;
  case Kind::Arguments:
    return "arguments";
  case Kind::Prototype:
  case Kind::TargetList:
    return "a label of no instruction";
  }
  return {};
}

int moe::ptx::matchOperands(const Place &place, const Rule &rule,
                            std::string *why) {
  return OperandMatcher(place, why).match(rule);
}
