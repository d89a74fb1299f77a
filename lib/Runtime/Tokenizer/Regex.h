// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Patterns of tokenizer.json. They are written for Oniguruma (Ruby's syntax);
// we translate them to PCRE2 and search as the `tokenizers` package does.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_REGEX_H
#define MOE_LIB_RUNTIME_TOKENIZER_REGEX_H

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moe::rt::tok {

/// A pattern that cannot be used: wrong, or outside what is supported.
struct RegexError : std::runtime_error {
  RegexError(const std::string &message, bool unsupported)
      : std::runtime_error(message), unsupported(unsupported) {}
  bool unsupported;
};

/// Part of a text: a match, or what lies between two matches.
struct Span {
  size_t begin, end;
  bool isMatch;
};

/// Oniguruma's `pattern` in PCRE2's syntax, to be compiled with UTF and UCP.
/// Throws RegexError.
std::string translateRegex(std::string_view pattern);

/// A compiled pattern; const use is thread-safe.
class Regex {
public:
  /// From Oniguruma's syntax. Throws RegexError.
  static Regex fromPattern(std::string_view pattern);
  /// Matches exactly `text`.
  static Regex fromLiteral(std::string_view text);
  /// Matches one code point of a PCRE2 class; `items` as in Unicode.h.
  static Regex fromClass(std::string_view items);
  /// PCRE2's own syntax.
  static Regex fromPCRE2(const std::string &pattern);

  /// All of valid UTF-8 `text`, in order, in matches and the parts between
  /// them. Throws Error when the pattern exceeds its match limit on the text.
  std::vector<Span> spans(std::string_view text) const;

private:
  struct Code;
  std::shared_ptr<const Code> code;
};

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_REGEX_H
