// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Names.h"

#include <unordered_map>
#include <unordered_set>

using namespace moe::ptx;

namespace {

struct TypeRow {
  std::string_view spelling;
  uint16_t bits;
  TypeClass kind;
};
constexpr TypeRow typeRows[] = {
    {"", 0, TypeClass::Opaque},
#define MOE_PTX_TYPE(enumerator, spelling, bits, kind)                         \
  {spelling, bits, TypeClass::kind},
#include "moe/Target/PTX/Types.def"
};

constexpr std::string_view spaceNames[] = {
    "",       "reg",         "global",          "const",
    "local",  "param",       "param::entry",    "param::func",
    "shared", "shared::cta", "shared::cluster", "tex"};

constexpr std::string_view opcodeSpellings[] = {
#define MOE_PTX_OPCODE(enumerator, spelling, family) spelling,
#include "moe/Target/PTX/Opcodes.def"
};
constexpr Family opcodeFamilies[] = {
#define MOE_PTX_OPCODE(enumerator, spelling, family) Family::family,
#include "moe/Target/PTX/Opcodes.def"
};
constexpr OpcodeName opcodeNames[] = {
#define MOE_PTX_OPCODE(enumerator, spelling, family)                           \
  {spelling, Opcode::enumerator},
#define MOE_PTX_OPCODE_ALIAS(enumerator, spelling)                             \
  {spelling, Opcode::enumerator},
#include "moe/Target/PTX/Opcodes.def"
};

constexpr std::string_view familyNames[] = {
    "arithmetic", "logic",  "approximation", "compare",  "move",
    "convert",    "memory", "atomic",        "cp.async", "bulk copy",
    "barrier",    "fence",  "mbarrier",      "cluster",  "warp",
    "matrix",     "wgmma",  "tcgen05",       "control",  "texture"};

struct ModifierRow {
  std::string_view spelling;
  ModifierClass kind;
};
constexpr ModifierRow modifierRows[] = {
    {"", ModifierClass::None},
#define MOE_PTX_MODIFIER(enumerator, spelling, kind)                           \
  {spelling, ModifierClass::kind},
#include "moe/Target/PTX/Modifiers.def"
};

struct SpecialRow {
  std::string_view spelling;
  SpecialRegisterInfo info;
};
constexpr SpecialRow specialRows[] = {
#define MOE_PTX_SREG(enumerator, spelling, type, components, isa, sm)          \
  {spelling, {Type::type, components, isa, sm}},
#include "moe/Target/PTX/SpecialRegisters.def"
};

using PartMap = std::unordered_map<std::string_view, Part>;

const PartMap &partMap() {
  static const PartMap map = [] {
    PartMap parts;
    uint16_t index = 0;
    for (const ModifierRow &row : modifierRows)
      parts.insert({row.spelling, {Part::Kind::Modifier, index++, {}}});
    index = 0;
    for (const TypeRow &row : typeRows)
      parts.insert({row.spelling, {Part::Kind::Type, index++, {}}});
    index = 0;
    for (std::string_view name : spaceNames)
      parts.insert({name, {Part::Kind::Space, index++, {}}});
    parts.insert({"v2", {Part::Kind::Vector, 2, {}}});
    parts.insert({"v4", {Part::Kind::Vector, 4, {}}});
    parts.insert({"v8", {Part::Kind::Vector, 8, {}}});
    static constexpr std::string_view repeats[] = {"x1",  "x2",  "x4",  "x8",
                                                   "x16", "x32", "x64", "x128"};
    uint16_t count = 1;
    for (std::string_view name : repeats) {
      parts.insert({name, {Part::Kind::Repeat, count, {}}});
      count = uint16_t(count * 2);
    }
    parts.erase("");
    return parts;
  }();
  return map;
}

/// The number behind `letter` at the start of `text`, which it is taken from.
uint16_t shapePart(std::string_view &text, char letter) {
  if (text.size() < 2 || text[0] != letter)
    return 0;
  uint32_t value = 0;
  size_t at = 1;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && at < 5; ++at)
    value = value * 10 + uint32_t(text[at] - '0');
  if (at == 1 || text[1] == '0')
    return 0;
  text.remove_prefix(at);
  return uint16_t(value);
}

} // namespace

std::string_view moe::ptx::spelling(Type type) {
  return typeRows[size_t(type)].spelling;
}
std::string_view moe::ptx::spelling(Space space) {
  return spaceNames[size_t(space)];
}
std::string_view moe::ptx::spelling(Opcode opcode) {
  return opcodeSpellings[size_t(opcode)];
}
std::string_view moe::ptx::spelling(Modifier modifier) {
  return modifierRows[size_t(modifier)].spelling;
}
std::string_view moe::ptx::spelling(SpecialRegister sreg) {
  return specialRows[size_t(sreg)].spelling;
}
std::string_view moe::ptx::spelling(Family family) {
  return familyNames[size_t(family)];
}
unsigned moe::ptx::bitWidth(Type type) { return typeRows[size_t(type)].bits; }
TypeClass moe::ptx::typeClass(Type type) { return typeRows[size_t(type)].kind; }
Family moe::ptx::family(Opcode opcode) {
  return opcodeFamilies[size_t(opcode)];
}
ModifierClass moe::ptx::modifierClass(Modifier modifier) {
  return modifierRows[size_t(modifier)].kind;
}
const SpecialRegisterInfo &moe::ptx::info(SpecialRegister sreg) {
  return specialRows[size_t(sreg)].info;
}

std::optional<Part> moe::ptx::findPart(std::string_view text) {
  const PartMap &map = partMap();
  if (auto found = map.find(text); found != map.end())
    return found->second;
  Part part{Part::Kind::Shape, 0, {}};
  std::string_view rest = text;
  part.shape.m = shapePart(rest, 'm');
  part.shape.n = shapePart(rest, 'n');
  part.shape.k = shapePart(rest, 'k');
  if (!rest.empty() || !part.shape.m || !part.shape.n)
    return std::nullopt;
  return part;
}

std::optional<Type> moe::ptx::findType(std::string_view text) {
  std::optional<Part> part = findPart(text);
  if (!part || part->kind != Part::Kind::Type)
    return std::nullopt;
  return Type(part->value);
}

std::optional<Space> moe::ptx::findSpace(std::string_view text) {
  std::optional<Part> part = findPart(text);
  if (!part || part->kind != Part::Kind::Space)
    return std::nullopt;
  return Space(part->value);
}

std::optional<uint16_t> moe::ptx::findOpcode(std::string_view text) {
  static const auto map = [] {
    std::unordered_map<std::string_view, uint16_t> names;
    uint16_t index = 0;
    for (const OpcodeName &name : opcodeNames)
      names.insert({name.spelling, index++});
    return names;
  }();
  auto found = map.find(text);
  if (found == map.end())
    return std::nullopt;
  return found->second;
}

const OpcodeName &moe::ptx::opcodeName(uint16_t index) {
  return opcodeNames[index];
}

bool moe::ptx::isFirstName(std::string_view text) {
  static const auto set = [] {
    std::unordered_set<std::string_view> firsts;
    for (const OpcodeName &name : opcodeNames)
      firsts.insert(name.spelling.substr(0, name.spelling.find('.')));
    return firsts;
  }();
  return set.count(text) != 0;
}

std::optional<SpecialName>
moe::ptx::findSpecialRegister(std::string_view text) {
  static const auto map = [] {
    std::unordered_map<std::string_view, SpecialRegister> names;
    uint8_t index = 0;
    for (const SpecialRow &row : specialRows)
      names.insert({row.spelling, SpecialRegister(index++)});
    // These carry a number.
    names.erase("pm");
    names.erase("pm64");
    names.erase("envreg");
    return names;
  }();
  if (auto found = map.find(text); found != map.end())
    return SpecialName{found->second, 0};
  auto numbered = [&](std::string_view digits, SpecialRegister special,
                      uint32_t limit) -> std::optional<SpecialName> {
    if (digits.empty() || digits.size() > 2 ||
        (digits.size() == 2 && digits[0] == '0'))
      return std::nullopt;
    uint32_t number = 0;
    for (char c : digits) {
      if (c < '0' || c > '9')
        return std::nullopt;
      number = number * 10 + uint32_t(c - '0');
    }
    if (number >= limit)
      return std::nullopt;
    return SpecialName{special, number};
  };
  if (text.substr(0, 6) == "envreg")
    return numbered(text.substr(6), SpecialRegister::Envreg, 32);
  if (text.substr(0, 2) == "pm") {
    std::string_view rest = text.substr(2);
    if (rest.size() == 4 && rest.substr(1) == "_64")
      return numbered(rest.substr(0, 1), SpecialRegister::Pm64, 8);
    return numbered(rest, SpecialRegister::Pm, 8);
  }
  return std::nullopt;
}
