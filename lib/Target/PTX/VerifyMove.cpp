// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mov and call, whose operands no row of a table describes.
#include "Verifier.h"

using namespace moe::ptx;

namespace {

using Kind = Operand::Kind;

/// "{a, b}" as one value of `type`, on either side of mov.
std::string vectorProblem(const Place &place, const Operand &vector, Type type,
                          bool written) {
  unsigned bits = 0, width = 0;
  size_t count = vector.elements.size();
  if (typeClass(type) != TypeClass::Bits)
    return "a vector is moved by .b types, not ." + std::string(spelling(type));
  if (count != 2 && count != 4)
    return "a vector that is moved has 2 or 4 elements, got " +
           std::to_string(count);
  unsigned each = bitWidth(type) / unsigned(count);
  for (const Operand &element : vector.elements) {
    bool sink = element.is(Kind::Sink) && written;
    bool constant = element.is(Kind::Integer) && !written;
    if (element.is(Kind::Register) && element.type != Type::Pred)
      width = bitWidth(element.type);
    else if (sink || constant)
      width = each;
    else
      return "elements are registers, got " + describe(element, place.function);
    if (width != each)
      return "elements of " + std::to_string(each) + " bits are needed, got " +
             describe(element, place.function);
    bits += width;
  }
  if (bits != bitWidth(type))
    return "the vector has " + std::to_string(bits) + " bits, the type " +
           std::to_string(bitWidth(type));
  return {};
}

std::string specialProblem(const Place &place, const Operand &source,
                           Type type) {
  const SpecialRegisterInfo &row = info(source.special);
  std::string name = "%" + std::string(spelling(source.special));
  if (std::string gate = gateProblem({row.isa, row.sm, 0, 0}, place.module);
      !gate.empty())
    return name + " " + gate;
  if (row.components > 1 && source.component == Operand::noComponent)
    return name + " has components";
  // %tid and its like were 16 bits wide once, %gridid 32.
  bool narrow =
      (type == Type::U16 && row.components > 1) ||
      (type == Type::U32 && source.special == SpecialRegister::Gridid);
  if (narrow || (fits(row.type, type, false) && !isFloat(type)))
    return {};
  return name + " cannot be moved as ." + std::string(spelling(type));
}

std::string addressProblem(const Place &place, const Operand &source,
                           Type type) {
  bool integer = isInteger(type) || typeClass(type) == TypeClass::Bits;
  unsigned width = bitWidth(type);
  bool narrow = false;
  if (source.is(Kind::Variable)) {
    Space space = source.variable->space;
    narrow = space == Space::Shared || space == Space::Local ||
             space == Space::Param || space == Space::Const;
  }
  if (integer && (width == place.module.addressSize || (width == 32 && narrow)))
    return {};
  return "an address cannot be moved as ." + std::string(spelling(type));
}

/// An argument or a result of a call against what the callee declares.
std::string argumentProblem(const Place &place, const Operand &actual,
                            const Variable &formal) {
  if (actual.is(Kind::Variable)) {
    const Variable &variable = *actual.variable;
    if (variable.space != Space::Param)
      return "\"" + variable.name + "\" is no .param";
    if (variable.size() != formal.size() && !formal.isUnsized())
      return "\"" + variable.name + "\" has " +
             std::to_string(variable.size()) + " bytes, the callee wants " +
             std::to_string(formal.size());
    return {};
  }
  bool ok = formal.extents.empty() &&
            (actual.is(Kind::Register)
                 ? fits(actual.type, formal.type, false)
                 : actual.isImmediate() && immediateFits(actual, formal.type));
  if (ok || actual.is(Kind::Sink))
    return {};
  return describe(actual, place.function) + " does not fit ." +
         std::string(spelling(formal.type)) + " " + formal.name;
}

std::string listProblem(const Place &place, const Operand &actuals,
                        const std::deque<Variable> &formals, const char *what) {
  if (actuals.elements.size() != formals.size())
    return "the callee has " + std::to_string(formals.size()) + " " + what +
           ", the call " + std::to_string(actuals.elements.size());
  for (size_t i = 0; i < formals.size(); ++i)
    if (std::string text =
            argumentProblem(place, actuals.elements[i], formals[i]);
        !text.empty())
      return text;
  return {};
}

} // namespace

std::string moe::ptx::movProblem(const Place &place) {
  const Instruction &inst = place.instruction;
  const Operand &result = inst.operands[0], &source = inst.operands[1];
  Type type = inst.type();
  auto scalar = [&](const Operand &operand) {
    return operand.is(Kind::Register) &&
           (place.function.registers[operand.index].vector == 1 ||
            operand.component != Operand::noComponent);
  };
  auto got = [&](const Operand &operand) {
    return "expected a register of ." + std::string(spelling(type)) + ", got " +
           describe(operand, place.function);
  };
  if (inst.vector > 1) { // mov.v4.u32 {…}, %tid
    if (inst.vector * bitWidth(type) > 128)
      return "a vector of more than 128 bits";
    auto matches = [&](const Operand &operand) {
      if (operand.is(Kind::Vector))
        return operand.elements.size() == inst.vector;
      return operand.component == Operand::noComponent &&
             ((operand.is(Kind::Register) &&
               place.function.registers[operand.index].vector == inst.vector) ||
              (operand.is(Kind::Special) &&
               info(operand.special).components == inst.vector));
    };
    return matches(result) ? matches(source) ? "" : got(source) : got(result);
  }
  if (result.is(Kind::Vector)) {
    if (!(source.isImmediate() && immediateFits(source, type)) &&
        (!scalar(source) || !fits(source.type, type, false)))
      return got(source);
    return vectorProblem(place, result, type, true);
  }
  if (!scalar(result) || result.negated || !fits(result.type, type, false))
    return got(result);
  if (source.negated && type != Type::Pred)
    return "only a predicate has \"!\"";
  switch (source.kind) {
  case Kind::Register:
    return scalar(source) && fits(source.type, type, false) ? "" : got(source);
  case Kind::Integer:
  case Kind::Float:
    if (type == Type::Pred)
      return source.is(Kind::Integer) ? "" : got(source);
    return immediateFits(source, type) ? "" : got(source);
  case Kind::Special:
    return specialProblem(place, source, type);
  case Kind::Variable:
  case Kind::Function:
    return addressProblem(place, source, type);
  case Kind::Vector:
    return vectorProblem(place, source, type, false);
  default:
    return got(source);
  }
}

std::string moe::ptx::callProblem(const Place &place) {
  const auto &operands = place.instruction.operands;
  const std::deque<Variable> *returns = nullptr, *params = nullptr;
  const Operand &callee = operands[1];
  if (callee.is(Kind::Function)) {
    if (callee.function->isEntry)
      return "\"" + callee.function->name + "\" is an entry";
    returns = &callee.function->returns;
    params = &callee.function->params;
    if (operands.size() > 3)
      return "a call of a function by its name has no prototype";
  } else {
    if (callee.type == Type::Pred ||
        bitWidth(callee.type) != place.module.addressSize)
      return "what is called has to be an address, got " +
             describe(callee, place.function);
    if (operands.size() < 4)
      return "an indirect call needs a prototype or a list of targets";
    const Operand &last = operands[3];
    if (last.is(Kind::Prototype)) {
      returns = &place.function.prototypes[last.index].returns;
      params = &place.function.prototypes[last.index].params;
    } else if (last.is(Kind::TargetList) &&
               place.function.targetLists[last.index].isCall) {
      const Function *first =
          place.function.targetLists[last.index].functions.front();
      returns = &first->returns;
      params = &first->params;
    } else {
      return "expected a prototype or a list of targets, got " +
             describe(last, place.function);
    }
  }
  std::string text = listProblem(place, operands[0], *returns, "results");
  return text.empty() ? listProblem(place, operands[2], *params, "parameters")
                      : text;
}
