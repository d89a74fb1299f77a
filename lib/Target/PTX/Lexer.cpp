// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace moe::ptx;

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// Characters that follow the first of a name.
bool isFollow(char c) {
  return isLetter(c) || isDigit(c) || c == '_' || c == '$';
}
/// -1: not a digit of any base.
int digitValue(char c) {
  if (isDigit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::string_view trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

} // namespace

Lexer::Lexer(std::string_view source) : text(source) {
  // Images in memory end with a zero byte or several.
  text = text.substr(0, text.find('\0'));
  current = lex();
}

void Lexer::skipSpace() {
  for (;;) {
    char c = look();
    if (c == '\n') {
      ++at;
      ++line;
      lineStart = at;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f') {
      ++at;
    } else if ((c == '/' && look(1) == '/') ||
               (c == '@' && look(1) == '@')) { // "@@DWARF": old debug data
      while (at < text.size() && look() != '\n')
        ++at;
    } else if (c == '/' && look(1) == '*') {
      Location start = here();
      at += 2;
      while (at < text.size() && !(look() == '*' && look(1) == '/')) {
        if (look() == '\n') {
          ++line;
          lineStart = at + 1;
        }
        ++at;
      }
      if (at >= text.size())
        throw SyntaxError(start, "unterminated comment");
      at += 2;
    } else {
      return;
    }
  }
}

Token Lexer::number(Token token) {
  size_t start = at;
  // 0f3f800000 and 0d3ff0000000000000: the bits themselves.
  if (look() == '0' && std::strchr("fFdD", look(1)) && look(1)) {
    bool isSingle = look(1) == 'f' || look(1) == 'F';
    size_t digits = isSingle ? 8 : 16;
    at += 2;
    size_t count = 0;
    for (; digitValue(look()) >= 0; ++at, ++count)
      token.value = token.value << 4 | uint64_t(digitValue(look()));
    token.text = text.substr(start, at - start);
    if (count != digits)
      throw SyntaxError(token.location,
                        "a literal \"" + std::string(token.text.substr(0, 2)) +
                            "\" has " + std::to_string(digits) +
                            " hexadecimal digits, got " +
                            std::to_string(count));
    token.kind = Token::Kind::Float;
    token.floatType = isSingle ? Type::F32 : Type::F64;
    return token;
  }
  // Decimal floats: digits with a point or an exponent.
  size_t end = at;
  while (isDigit(look(end - at)))
    ++end;
  char after = look(end - at);
  bool isFloat = after == '.' ||
                 ((after == 'e' || after == 'E') &&
                  (isDigit(look(end - at + 1)) || look(end - at + 1) == '-' ||
                   look(end - at + 1) == '+'));
  if (isFloat) {
    if (after == '.')
      for (++end; isDigit(look(end - at));)
        ++end;
    if (look(end - at) == 'e' || look(end - at) == 'E') {
      ++end;
      if (look(end - at) == '-' || look(end - at) == '+')
        ++end;
      while (isDigit(look(end - at)))
        ++end;
    }
    std::string digits(text.substr(at, end - at));
    double value = std::strtod(digits.c_str(), nullptr);
    std::memcpy(&token.value, &value, sizeof value);
    at = end;
    token.text = text.substr(start, at - start);
    token.kind = Token::Kind::Float;
    token.floatType = Type::F64;
    return token;
  }
  unsigned base = 10;
  if (look() == '0' && (look(1) == 'x' || look(1) == 'X')) {
    base = 16;
    at += 2;
  } else if (look() == '0' && (look(1) == 'b' || look(1) == 'B')) {
    base = 2;
    at += 2;
  } else if (look() == '0') {
    base = 8;
  }
  size_t count = 0;
  bool overflow = false;
  for (;; ++at, ++count) {
    int digit = digitValue(look());
    if (digit < 0 || unsigned(digit) >= base)
      break;
    overflow |= token.value > (~uint64_t(0) - unsigned(digit)) / base;
    token.value = token.value * base + unsigned(digit);
  }
  if (look() == 'U' || look() == 'u') {
    token.isUnsigned = true;
    ++at;
  }
  token.text = text.substr(start, at - start);
  token.kind = Token::Kind::Integer;
  if (count == 0 || isFollow(look())) {
    while (isFollow(look()))
      ++at;
    throw SyntaxError(token.location,
                      "\"" + std::string(text.substr(start, at - start)) +
                          "\" is not a number");
  }
  if (overflow)
    throw SyntaxError(token.location, "\"" + std::string(token.text) +
                                          "\" does not fit 64 bits");
  return token;
}

Token Lexer::lex() {
  skipSpace();
  Token token;
  token.location = here();
  size_t start = at;
  char c = look();
  if (at >= text.size())
    return token;
  if (isDigit(c))
    return number(token);
  if (isLetter(c) || ((c == '_' || c == '$' || c == '%'))) {
    do
      ++at;
    while (isFollow(look()));
    token.text = text.substr(start, at - start);
    // "%" alone is the operator.
    if (token.text == "%") {
      token.kind = Token::Kind::Punct;
      token.punct = '%';
      return token;
    }
    token.kind = Token::Kind::Identifier;
    return token;
  }
  if (c == '.' && (isFollow(look(1)))) {
    ++at;
    while (isFollow(look()) ||
           (look() == ':' && look(1) == ':' && isFollow(look(2))))
      at += look() == ':' ? 2 : 1;
    token.kind = Token::Kind::Dotted;
    token.text = text.substr(start + 1, at - start - 1);
    return token;
  }
  if (c == '"') {
    for (++at; look() != '"'; ++at)
      if (at >= text.size() || look() == '\n')
        throw SyntaxError(token.location, "unterminated string");
    ++at;
    token.kind = Token::Kind::String;
    token.text = text.substr(start + 1, at - start - 2);
    return token;
  }
  token.kind = Token::Kind::Punct;
  static constexpr char pairs[][3] = {
      "<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};
  for (const char *two : pairs)
    if (c == two[0] && look(1) == two[1]) {
      at += 2;
      token.punct = pair(two[0], two[1]);
      token.text = text.substr(start, 2);
      return token;
    }
  ++at;
  token.text = text.substr(start, 1);
  token.punct = c;
  if (!std::strchr("{}[]()<>,;:@!|+-*/&^~=?", c))
    token.kind = Token::Kind::Bad;
  return token;
}

std::vector<std::string> Lexer::rawBlock() {
  Location start = current.location;
  std::vector<std::string> lines;
  for (bool closed = false; !closed;) {
    if (at >= text.size())
      throw SyntaxError(start, "\"{\" of the section is not closed");
    size_t newline = std::min(text.find('\n', at), text.size());
    std::string_view row = text.substr(at, newline - at);
    row = row.substr(0, row.find("//"));
    size_t brace = row.find('}');
    closed = brace != row.npos;
    at = closed ? at + brace + 1 : newline;
    row = trimmed(row.substr(0, brace));
    if (!row.empty())
      lines.emplace_back(row);
    if (!closed && at < text.size()) {
      ++at;
      ++line;
      lineStart = at;
    }
  }
  current = lex();
  return lines;
}

std::string Lexer::rawParentheses() {
  size_t end = text.find_first_of(")\n", at);
  if (end == text.npos || text[end] != ')')
    throw SyntaxError(current.location, "\"(\" is not closed");
  std::string inside(trimmed(text.substr(at, end - at)));
  at = end + 1;
  current = lex();
  return inside;
}
