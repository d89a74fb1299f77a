// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verifier.h"

using namespace moe::ptx;

namespace {

std::string version(unsigned isa) {
  return std::to_string(isa / 10) + "." + std::to_string(isa % 10);
}

/// Consumes an instruction's dotted names slot by slot.
class NameMatcher {
public:
  NameMatcher(const Place &place, std::string *why, std::string *gate)
      : module(place.module), inst(place.instruction), why(why), gate(gate) {}

  int match(const Rule &rule) {
    for (const Slot &slot : rule.slots)
      matchSlot(slot);
    for (size_t i = 0; i < inst.modifiers.size(); ++i)
      if (!(used >> i & 1))
        problem([&] {
          return "modifier \"." + std::string(spelling(inst.modifiers[i])) +
                 "\" is not allowed here";
        });
    if (typesTaken < inst.types.size())
      problem([&] {
        return "type \"." + std::string(spelling(inst.types[typesTaken])) +
               "\" is not allowed here";
      });
    if (spacesTaken < inst.spaces.size())
      problem([&] {
        return "state space \"." +
               std::string(spelling(inst.spaces[spacesTaken])) +
               "\" is not allowed here";
      });
    if (inst.vector > 1 && !vectorTaken)
      problem([&] {
        return "vector \".v" + std::to_string(inst.vector) +
               "\" is not allowed here";
      });
    if (inst.repeat && !repeatTaken)
      problem([&] {
        return "count \".x" + std::to_string(inst.repeat) +
               "\" is not allowed here";
      });
    if (inst.shape.m && !shapeTaken)
      problem([&] { return std::string("a shape is not allowed here"); });
    check(rule.form.gate);
    return problems;
  }

private:
  template <typename Text>
  void problem(Text text) {
    if (problems++ == 0 && why)
      *why = text();
  }

  void check(const Gate &asked) {
    if (gate && gate->empty())
      *gate = gateProblem(asked, module);
  }

  /// The alternative that `fits` says yes to; its gate is checked.
  template <typename Fits>
  bool take(const Slot &slot, Fits fits) {
    for (const Alternative &alternative : slot.alternatives)
      if (fits(alternative)) {
        check(alternative.gate);
        return true;
      }
    return false;
  }

  bool takeModifier(const Slot &slot) {
    for (size_t i = 0; i < inst.modifiers.size(); ++i) {
      if (used >> i & 1)
        continue;
      uint16_t value = uint16_t(inst.modifiers[i]);
      if (take(slot,
               [&](const Alternative &a) { return a.part.value == value; })) {
        used |= uint64_t(1) << i;
        return true;
      }
      // ".row.col" is not ".col.row".
      if (slot.isLayout &&
          modifierClass(inst.modifiers[i]) == ModifierClass::Layout)
        return false;
    }
    return false;
  }

  bool takeShape(const Slot &slot) {
    return !shapeTaken && take(slot, [&](const Alternative &a) {
      if (!a.anyN)
        return a.part.shape == inst.shape;
      // Products of integers know fewer widths.
      unsigned n = inst.shape.n;
      unsigned multiple = inst.type() == Type::S32 && n > 32 ? 16 : 8;
      return a.part.shape.m == inst.shape.m && a.part.shape.k == inst.shape.k &&
             n % multiple == 0 && n && n <= 256;
    });
  }

  template <typename Enum>
  bool takeOrdered(const Slot &slot, const std::vector<Enum> &list,
                   size_t &taken) {
    if (taken >= list.size() || !take(slot, [&](const Alternative &a) {
          return a.part.value == uint16_t(list[taken]);
        }))
      return false;
    ++taken;
    return true;
  }

  bool takeNumber(const Slot &slot, unsigned number, bool &taken) {
    if (taken || !take(slot, [&](const Alternative &a) {
          return a.part.value == number;
        }))
      return false;
    return taken = true;
  }

  void matchSlot(const Slot &slot) {
    bool found = false;
    switch (slot.kind) {
    case Part::Kind::Modifier:
      found = takeModifier(slot);
      break;
    case Part::Kind::Type:
      found = takeOrdered(slot, inst.types, typesTaken);
      break;
    case Part::Kind::Space:
      found = takeOrdered(slot, inst.spaces, spacesTaken);
      break;
    case Part::Kind::Vector:
      found = inst.vector > 1 && takeNumber(slot, inst.vector, vectorTaken);
      break;
    case Part::Kind::Repeat:
      found = inst.repeat && takeNumber(slot, inst.repeat, repeatTaken);
      break;
    case Part::Kind::Shape:
      found = takeShape(slot);
      shapeTaken |= found;
      break;
    }
    if (!found && !slot.optional)
      problem([&] { return missing(slot); });
  }

  std::string missing(const Slot &slot) {
    std::string text = "one of";
    const char *separator = " ";
    for (const Alternative &a : slot.alternatives) {
      Instruction one; // spells the name as one of an instruction
      one.parts.push_back(a.part.code());
      one.shape = a.part.shape;
      std::string name = fullName(one);
      text += separator + name.substr(name.find('.'));
      separator = ", ";
    }
    if (slot.alternatives.size() == 1)
      text = text.substr(7);
    if (slot.kind == Part::Kind::Type && typesTaken < inst.types.size())
      return "type \"." + std::string(spelling(inst.types[typesTaken])) +
             "\" is not " + text;
    if (slot.kind == Part::Kind::Space && spacesTaken < inst.spaces.size())
      return "state space \"." +
             std::string(spelling(inst.spaces[spacesTaken])) + "\" is not " +
             text;
    return text + " is missing";
  }

  const Module &module;
  const Instruction &inst;
  std::string *why, *gate;
  int problems = 0;
  uint64_t used = 0;
  size_t typesTaken = 0, spacesTaken = 0;
  bool vectorTaken = false, repeatTaken = false, shapeTaken = false;
};

} // namespace

std::string moe::ptx::gateProblem(const Gate &gate, const Module &module) {
  const Target &target = module.target;
  std::string have = "sm_" + std::to_string(target.sm);
  if (target.suffix)
    have += target.suffix;
  if (gate.isa > module.isa)
    return "needs PTX ISA " + version(gate.isa) + ", the module has " +
           version(module.isa);
  std::string sm = "sm_" + std::to_string(gate.sm);
  if (gate.suffix == 'a' && (target.sm != gate.sm || target.suffix != 'a'))
    return "needs " + sm + "a, the module is for " + have;
  if (gate.sm > target.sm || (gate.suffix == 's' && !target.suffix))
    return "needs " + sm + (gate.suffix == 's' ? "a" : "") +
           " or later, the module is for " + have;
  if (gate.maxSm && target.sm > gate.maxSm)
    return "is not of targets later than sm_" + std::to_string(gate.maxSm) +
           ", the module is for " + have;
  return {};
}

int moe::ptx::matchNames(const Place &place, const Rule &rule, std::string *why,
                         std::string *gate) {
  return NameMatcher(place, why, gate).match(rule);
}
