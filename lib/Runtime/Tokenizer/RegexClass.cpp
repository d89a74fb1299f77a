// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RegexClass.h"

#include "Regex.h"
#include "Unicode.h"
#include "Utf8.h"

#include <cctype>
#include <cstdio>

using namespace moe::rt::tok;

namespace {
constexpr int kDeepestSet = 16;

RegexError broken(const std::string &message) { return {message, false}; }

RegexError unsupported(std::string_view what) {
  return {std::string(what) + " is not supported", true};
}

CodePointSet setOf(std::string_view items, bool negated = false) {
  CodePointSet set;
  set.items = items;
  set.negated = negated;
  return set;
}

/// \p{C} and \p{Cn} shrink as Unicode grows, so they are what the others leave.
std::optional<CodePointSet> leftoverCategory(std::string_view name) {
  if (name != "C" && name != "Cn")
    return std::nullopt;
  CodePointSet assigned;
  for (const char *category : {"L", "M", "N", "P", "S", "Z"})
    assigned.items += *propertyItems(category);
  if (name == "Cn")
    assigned.items += *propertyItems("Cc") + *propertyItems("Cf") +
                      *propertyItems("Co") + "\\p{Cs}";
  assigned.negated = true;
  return assigned;
}
} // namespace

void CodePointSet::addRange(char32_t first, char32_t last) {
  char text[32];
  std::snprintf(text, sizeof(text),
                first == last ? "\\x{%x}" : "\\x{%x}-\\x{%x}",
                static_cast<unsigned>(first), static_cast<unsigned>(last));
  items += text;
}

void CodePointSet::add(const CodePointSet &other) {
  if (other.negated || !other.alternatives.empty()) {
    alternatives += other.expression() + "|";
    return;
  }
  items += other.items;
}

std::string CodePointSet::expression() const {
  if (alternatives.empty())
    return (negated ? "[^" : "[") + items + "]";
  std::string any = "(?:" + alternatives.substr(0, alternatives.size() - 1) +
                    (items.empty() ? "" : "|[" + items + "]") + ")";
  return negated ? "(?:(?!" + any + ")\\p{Any})" : any;
}

char32_t ClassReader::readHex(size_t least, size_t most) {
  char32_t value = 0;
  size_t digits = 0;
  for (; digits < most && position < pattern.size() &&
         std::isxdigit(static_cast<unsigned char>(pattern[position]));
       ++digits, ++position) {
    unsigned char c = static_cast<unsigned char>(pattern[position]);
    value =
        value * 16 + (std::isdigit(c) ? c - '0' : std::tolower(c) - 'a' + 10u);
  }
  if (digits < least || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
    throw broken("\\x and \\u need the hexadecimal digits of a code point");
  return value;
}

std::optional<char32_t> ClassReader::readCodePointEscape() {
  char c = position < pattern.size() ? pattern[position] : '\0';
  switch (c) {
  case 't':
    ++position;
    return U'\t';
  case 'n':
    ++position;
    return U'\n';
  case 'r':
    ++position;
    return U'\r';
  case 'f':
    ++position;
    return U'\f';
  case 'v':
    ++position;
    return U'\v';
  case 'a':
    ++position;
    return U'\a';
  case 'e':
    ++position;
    return U'\x1B';
  case 'u':
    ++position;
    return readHex(4, 4);
  case 'x': {
    ++position;
    if (!at("{"))
      return readHex(1, 2);
    ++position;
    char32_t value = readHex(1, 8);
    if (!at("}"))
      throw broken("\\x{ needs a closing }");
    ++position;
    return value;
  }
  default:
    break;
  }
  if (position == pattern.size())
    throw broken("the pattern ends with a backslash");
  // A letter or digit behind a backslash means something of its own.
  if (std::isalnum(static_cast<unsigned char>(c)))
    return std::nullopt;
  return takeCodePoint(pattern, position);
}

CodePointSet ClassReader::readProperty(bool negated) {
  if (!at("{"))
    throw broken("\\p needs {");
  size_t end = pattern.find('}', position);
  if (end == std::string_view::npos)
    throw broken("\\p{ needs a closing }");
  std::string_view name = pattern.substr(position + 1, end - position - 1);
  std::string shown = "\\p{" + std::string(name) + "}";
  position = end + 1;
  if (!name.empty() && name.front() == '^') {
    negated = !negated;
    name.remove_prefix(1);
  }
  if (auto set = leftoverCategory(name)) {
    set->negated = !negated;
    return *set;
  }
  auto items = propertyItems(name);
  if (!items)
    throw unsupported(shown);
  return setOf(*items, negated);
}

std::optional<CodePointSet> ClassReader::readSetEscape() {
  if (position == pattern.size())
    return std::nullopt;
  char c = pattern[position];
  bool negated = std::isupper(static_cast<unsigned char>(c));
  switch (std::tolower(static_cast<unsigned char>(c))) {
  case 'p':
    ++position;
    return readProperty(negated);
  case 's':
    ++position;
    return setOf(spaceItems(), negated);
  case 'w':
    ++position;
    return setOf(onigurumaWordItems(), negated);
  case 'd':
    ++position;
    return setOf(*propertyItems("Nd"), negated);
  case 'h':
    ++position;
    return setOf("0-9a-fA-F", negated);
  default:
    return std::nullopt;
  }
}

/// One member of a bracket expression: a set, or else a code point.
char32_t ClassReader::readMember(std::optional<CodePointSet> &set) {
  if (!at("\\"))
    return takeCodePoint(pattern, position);
  ++position;
  set = readSetEscape();
  if (set)
    return 0;
  if (at("b")) { // backspace, inside brackets only
    ++position;
    return U'\b';
  }
  if (auto codePoint = readCodePointEscape())
    return *codePoint;
  throw unsupported("\\" + std::string(1, pattern[position]) + " in a set");
}

CodePointSet ClassReader::readBracket(int depth) {
  if (depth == kDeepestSet)
    throw broken("sets nested too deeply");
  ++position;
  CodePointSet set;
  bool negated = at("^");
  position += negated;
  std::string required; // what stood before each &&, as look-aheads
  bool first = true;
  for (;; first = false) {
    if (position >= pattern.size())
      throw broken("a set needs a closing ]");
    if (at("]") && !first)
      break;
    if (at("[:"))
      throw unsupported("a POSIX bracket such as [:alpha:]");
    if (at("[")) {
      set.add(readBracket(depth + 1));
      continue;
    }
    if (at("&&")) {
      position += 2;
      if (set.items.empty() && set.alternatives.empty())
        throw broken("&& needs a set on each side");
      required += "(?=" + set.expression() + ")";
      set = CodePointSet();
      continue;
    }
    std::optional<CodePointSet> nested;
    char32_t low = readMember(nested);
    if (nested) {
      set.add(*nested);
      continue;
    }
    bool isRange = at("-") && position + 1 < pattern.size() &&
                   pattern[position + 1] != ']' &&
                   pattern.substr(position + 1, 2) != "&&";
    if (!isRange) {
      set.addRange(low, low);
      continue;
    }
    ++position;
    if (at("["))
      throw unsupported("a range up to a set");
    char32_t high = readMember(nested);
    if (nested)
      throw unsupported("a range up to a set");
    if (high < low)
      throw broken("a range in a set runs backwards");
    set.addRange(low, high);
  }
  ++position;
  if (set.items.empty() && set.alternatives.empty())
    throw broken("empty set");
  if (!required.empty()) {
    CodePointSet both;
    both.alternatives = "(?:" + required + set.expression() + ")|";
    set = both;
  }
  set.negated = negated;
  return set;
}
