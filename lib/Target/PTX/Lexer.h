// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX text to tokens, one ahead.
#ifndef MOE_LIB_TARGET_PTX_LEXER_H
#define MOE_LIB_TARGET_PTX_LEXER_H

#include "moe/Target/PTX/Diagnostics.h"
#include "moe/Target/PTX/Types.h"

#include <stdexcept>
#include <string_view>

namespace moe::ptx {

struct Token {
  enum class Kind : uint8_t {
    End,
    Identifier, ///< "%r1", "$L__BB0_1", "mov"
    Dotted,     ///< ".reg", ".shared::cta"; the text is without the dot
    Integer,    ///< `value`, `isUnsigned`
    Float,      ///< `value` are its bits, `floatType` F32 or F64
    String,     ///< the text is without the quotes
    Punct,      ///< `punct`; "<<" and the like have codes of their own
    Bad,        ///< a character that no token begins with
  };
  Kind kind = Kind::End;
  bool isUnsigned = false;
  Type floatType = Type::None;
  int punct = 0;
  std::string_view text;
  uint64_t value = 0;
  Location location;

  bool is(Kind k) const { return kind == k; }
  bool is(char c) const { return kind == Kind::Punct && punct == c; }
};

/// Operators of two characters, as Token::punct.
constexpr int pair(char a, char b) { return a << 8 | b; }

/// Leaves the statement that is wrong; the parser goes on behind it.
struct SyntaxError : std::runtime_error {
  SyntaxError(Location where, const std::string &message)
      : std::runtime_error(message), location(where) {}
  Location location;
};

class Lexer {
public:
  explicit Lexer(std::string_view text);

  const Token &peek() const { return current; }
  Token next() {
    Token token = current;
    current = lex();
    return token;
  }
  /// The lines up to the closing brace, which is taken too; the opening one is
  /// the current token. Comments and blank lines are dropped.
  std::vector<std::string> rawBlock();
  /// The text between the parentheses of which the first is the current token.
  std::string rawParentheses();

private:
  Token lex();
  void skipSpace();
  Token number(Token token);
  Location here() const { return {line, uint32_t(at - lineStart) + 1}; }
  char look(size_t ahead = 0) const {
    return at + ahead < text.size() ? text[at + ahead] : '\0';
  }

  std::string_view text;
  size_t at = 0;
  size_t lineStart = 0;
  uint32_t line = 1;
  Token current;
};

} // namespace moe::ptx

#endif // MOE_LIB_TARGET_PTX_LEXER_H
