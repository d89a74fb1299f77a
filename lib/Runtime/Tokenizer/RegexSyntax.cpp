// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Oniguruma's syntax to PCRE2's. Most of it is the same text with another
// meaning: ^ and $ are of lines, \h is a hexadecimal digit, {n,m}+ repeats a
// repeat, and \s, \w, \p{…} are of another Unicode. What has no sure
// counterpart is refused.
#include "Regex.h"
#include "RegexClass.h"
#include "Unicode.h"
#include "Utf8.h"

#include <cctype>
#include <vector>

using namespace moe::rt::tok;

namespace {
class Translator {
public:
  explicit Translator(std::string_view pattern)
      : pattern(pattern), classes(this->pattern, position) {}

  std::string run() {
    while (position < pattern.size())
      translateOne();
    return std::move(result);
  }

private:
  void translateOne();
  void translateEscape();
  void translateGroup();
  void translateQuantifier();
  bool translateInterval();

  void atom(const std::string &text) {
    atomBegin = result.size();
    result += text;
  }
  void literal(char32_t codePoint) {
    CodePointSet set;
    set.addRange(codePoint, codePoint);
    atom(set.items);
  }
  /// Makes the atom before the next quantifier a group of its own.
  void wrapAtom() {
    result.insert(atomBegin, "(?:");
    result += ")";
  }
  bool take(std::string_view text) {
    if (pattern.substr(position, text.size()) != text)
      return false;
    position += text.size();
    return true;
  }

  std::string_view pattern;
  size_t position = 0;
  ClassReader classes;
  std::string result;
  size_t atomBegin = 0;
  std::vector<size_t> openGroups;
};

RegexError unsupported(const std::string &what) {
  return {what + " is not supported", true};
}
} // namespace

void Translator::translateOne() {
  switch (pattern[position]) {
  case '\\':
    ++position;
    return translateEscape();
  case '[':
    return atom(classes.readBracket().expression());
  case '(':
    return translateGroup();
  case ')':
    ++position;
    if (openGroups.empty())
      throw RegexError("unmatched )", false);
    result += ")";
    atomBegin = openGroups.back();
    openGroups.pop_back();
    return;
  case '.':
    ++position;
    return atom("[^\\n]");
  case '^':
    ++position;
    return atom("(?m:^)");
  case '$':
    ++position;
    return atom("(?m:$)");
  case '|':
    ++position;
    result += "|";
    return;
  case '*':
  case '+':
  case '?':
    return translateQuantifier();
  case '{':
    if (!translateInterval())
      literal(takeCodePoint(pattern, position));
    return;
  default:
    return literal(takeCodePoint(pattern, position));
  }
}

void Translator::translateEscape() {
  if (auto set = classes.readSetEscape())
    return atom(set->expression());
  if (auto codePoint = classes.readCodePointEscape())
    return literal(*codePoint);
  char c = pattern[position++];
  if (c >= '1' && c <= '9' &&
      (position == pattern.size() ||
       !std::isdigit(static_cast<unsigned char>(pattern[position]))))
    return atom(std::string("\\") + c);
  std::string word = "[" + std::string(onigurumaWordItems()) + "]";
  switch (c) {
  case 'A':
  case 'z':
  case 'Z':
    return atom(std::string("\\") + c);
  case 'b':
    return atom("(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word +
                ")(?=" + word + "))");
  case 'B':
    return atom("(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" +
                word + "))");
  case 'R':
    return atom("(?>\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])");
  default:
    throw unsupported(std::string("\\") + c);
  }
}

void Translator::translateGroup() {
  size_t begin = result.size();
  ++position;
  if (!take("?")) {
    result += "(";
    openGroups.push_back(begin);
    return;
  }
  for (const char *opening : {":", "=", "!", ">", "<=", "<!"}) {
    if (take(opening)) {
      result += std::string("(?") + opening;
      openGroups.push_back(begin);
      return;
    }
  }
  if (take("i:")) {
    result += "(?i:";
    openGroups.push_back(begin);
    return;
  }
  // "(?i)" holds to the end of the group around it, alternatives included, in
  // both; only at the very start is it plain.
  if (begin == 0 && take("i)")) {
    result += "(?i)";
    return;
  }
  throw unsupported("(?" + std::string(pattern.substr(position, 1)) + " here");
}

void Translator::translateQuantifier() {
  result += pattern[position++];
  if (position < pattern.size() &&
      (pattern[position] == '?' || pattern[position] == '+'))
    result += pattern[position++];
}

/// At '{'; false when it is no interval.
bool Translator::translateInterval() {
  size_t end = pattern.find('}', position);
  if (end == std::string_view::npos)
    return false;
  std::string_view body = pattern.substr(position + 1, end - position - 1);
  size_t comma = body.find(',');
  std::string_view least = body.substr(0, comma);
  std::string_view most =
      comma == std::string_view::npos ? "" : body.substr(comma + 1);
  auto isNumber = [](std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!isNumber(least) || !isNumber(most) || (least.empty() && most.empty()))
    return false;

  position = end + 1;
  bool exact = comma == std::string_view::npos;
  result += "{" + (least.empty() ? "0" : std::string(least)) +
            (exact ? "" : "," + std::string(most)) + "}";
  // {n,m}? is lazy, but {n}? and {n,m}+ repeat the repeat.
  if (position < pattern.size() &&
      (pattern[position] == '+' || (exact && pattern[position] == '?'))) {
    wrapAtom();
    result += pattern[position++];
  } else if (take("?")) {
    result += "?";
  }
  return true;
}

std::string moe::rt::tok::translateRegex(std::string_view pattern) {
  return Translator(pattern).run();
}
