// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// UTF-8, one code point at a time.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_UTF8_H
#define MOE_LIB_RUNTIME_TOKENIZER_UTF8_H

#include <cstddef>
#include <string>
#include <string_view>

namespace moe::rt::tok {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

/// What stands at the start of some bytes.
struct Utf8Unit {
  enum Kind { valid, invalid, incomplete };
  Kind kind;
  /// valid: bytes of the code point; else bytes of the maximal ill-formed part
  /// (for `incomplete`, all that is left: more bytes could make it valid).
  size_t size;
  char32_t codePoint;
};

/// `bytes` must not be empty.
Utf8Unit nextUnit(std::string_view bytes);

/// The code point at `position` of valid UTF-8; moves `position` past it.
char32_t takeCodePoint(std::string_view text, size_t &position);

void appendUtf8(std::string &text, char32_t codePoint);

/// Moves the complete units of `bytes` to `text` (U+FFFD for each ill-formed
/// part) and leaves an incomplete tail in `bytes`.
void moveComplete(std::string &bytes, std::string &text);

/// `bytes` with U+FFFD for each maximal ill-formed part.
std::string toValidUtf8(std::string_view bytes);

bool isValidUtf8(std::string_view bytes);

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_UTF8_H
