// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a bracket expression or an escape such as \w matches: one code point.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_REGEXCLASS_H
#define MOE_LIB_RUNTIME_TOKENIZER_REGEXCLASS_H

#include <optional>
#include <string>
#include <string_view>

namespace moe::rt::tok {

/// A set of code points as PCRE2 text. PCRE2 has neither nested sets nor
/// intersections, and a negated property is only right with our additions; such
/// members become alternatives beside the plain class.
struct CodePointSet {
  std::string items;        // between [ and ]
  std::string alternatives; // expressions of one code point, each with a '|'
  bool negated = false;

  void addRange(char32_t first, char32_t last);
  void add(const CodePointSet &other);
  /// An expression that matches one code point of the set.
  std::string expression() const;
};

/// Reads escapes and bracket expressions of Oniguruma's syntax at `position`,
/// which is moved past them. All throw RegexError.
class ClassReader {
public:
  ClassReader(std::string_view pattern, size_t &position)
      : pattern(pattern), position(position) {}

  /// At the '[' of a bracket expression.
  CodePointSet readBracket(int depth = 0);
  /// Behind a backslash: \p{…}, \w, \S, …; none (and no move) for others.
  std::optional<CodePointSet> readSetEscape();
  /// Behind a backslash: \n, \x{…}, \., …; none (and no move) for others.
  std::optional<char32_t> readCodePointEscape();

private:
  CodePointSet readProperty(bool negated);
  char32_t readHex(size_t least, size_t most);
  bool at(std::string_view text) const {
    return pattern.substr(position, text.size()) == text;
  }
  char32_t readMember(std::optional<CodePointSet> &set);

  std::string_view pattern;
  size_t &position;
};

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_REGEXCLASS_H
