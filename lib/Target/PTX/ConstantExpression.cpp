// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constant expressions: C's operators on 64-bit integers and doubles. An
// operation is unsigned if one of its operands is; overflow wraps.
#include "ParserImpl.h"

#include <cstring>

using namespace moe::ptx;

namespace {

constexpr unsigned maxDepth = 64;

Constant integerConstant(uint64_t value, bool isUnsigned) {
  Constant constant;
  constant.integer = int64_t(value);
  constant.isUnsigned = isUnsigned;
  return constant;
}

Constant floatConstant(double value) {
  Constant constant;
  constant.isFloat = true;
  constant.floating = value;
  constant.floatType = Type::F64;
  std::memcpy(&constant.bits, &value, sizeof value);
  return constant;
}

double asDouble(const Constant &c) {
  if (c.isFloat)
    return c.floating;
  return c.isUnsigned ? double(uint64_t(c.integer)) : double(c.integer);
}

/// C's precedences; 0: not an operator of two operands.
int precedence(const Token &token) {
  if (!token.is(Token::Kind::Punct))
    return 0;
  switch (token.punct) {
  case '*':
  case '/':
  case '%':
    return 10;
  case '+':
  case '-':
    return 9;
  case pair('<', '<'):
  case pair('>', '>'):
    return 8;
  case '<':
  case '>':
  case pair('<', '='):
  case pair('>', '='):
    return 7;
  case pair('=', '='):
  case pair('!', '='):
    return 6;
  case '&':
    return 5;
  case '^':
    return 4;
  case '|':
    return 3;
  case pair('&', '&'):
    return 2;
  case pair('|', '|'):
    return 1;
  default:
    return 0;
  }
}

Constant floatOperation(const Token &op, double a, double b) {
  switch (op.punct) {
  case '*':
    return floatConstant(a * b);
  case '/':
    return floatConstant(a / b);
  case '+':
    return floatConstant(a + b);
  case '-':
    return floatConstant(a - b);
  case '<':
    return integerConstant(a < b, false);
  case '>':
    return integerConstant(a > b, false);
  case pair('<', '='):
    return integerConstant(a <= b, false);
  case pair('>', '='):
    return integerConstant(a >= b, false);
  case pair('=', '='):
    return integerConstant(a == b, false);
  case pair('!', '='):
    return integerConstant(a != b, false);
  default:
    throw SyntaxError(op.location, "operator \"" + std::string(op.text) +
                                       "\" needs integers");
  }
}

Constant integerOperation(const Token &op, const Constant &left,
                          const Constant &right) {
  uint64_t a = uint64_t(left.integer), b = uint64_t(right.integer);
  int64_t sa = left.integer, sb = right.integer;
  bool isUnsigned = left.isUnsigned || right.isUnsigned;
  switch (op.punct) {
  case '*':
    return integerConstant(a * b, isUnsigned);
  case '/':
  case '%': {
    if (b == 0)
      throw SyntaxError(op.location, "division by zero");
    bool isDivision = op.punct == '/';
    if (isUnsigned)
      return integerConstant(isDivision ? a / b : a % b, true);
    if (sb == -1) // INT64_MIN / -1 is no number of C++
      return integerConstant(isDivision ? 0 - a : 0, false);
    return integerConstant(uint64_t(isDivision ? sa / sb : sa % sb), false);
  }
  case '+':
    return integerConstant(a + b, isUnsigned);
  case '-':
    return integerConstant(a - b, isUnsigned);
  case pair('<', '<'):
    return integerConstant(b < 64 ? a << b : 0, left.isUnsigned);
  case pair('>', '>'):
    if (left.isUnsigned)
      return integerConstant(b < 64 ? a >> b : 0, true);
    return integerConstant(uint64_t(sa >> (b < 64 ? b : 63)), false);
  case '<':
    return integerConstant(isUnsigned ? a < b : sa < sb, false);
  case '>':
    return integerConstant(isUnsigned ? a > b : sa > sb, false);
  case pair('<', '='):
    return integerConstant(isUnsigned ? a <= b : sa <= sb, false);
  case pair('>', '='):
    return integerConstant(isUnsigned ? a >= b : sa >= sb, false);
  case pair('=', '='):
    return integerConstant(a == b, false);
  case pair('!', '='):
    return integerConstant(a != b, false);
  case '&':
    return integerConstant(a & b, isUnsigned);
  case '^':
    return integerConstant(a ^ b, isUnsigned);
  case '|':
    return integerConstant(a | b, isUnsigned);
  case pair('&', '&'):
    return integerConstant(a && b, false);
  default: // "||"
    return integerConstant(a || b, false);
  }
}

} // namespace

Constant Parser::parseUnary(unsigned depth) {
  if (depth > maxDepth)
    throw SyntaxError(peek().location, "the expression is nested too deep");
  Token token = next();
  if (token.is(Token::Kind::Integer))
    return integerConstant(token.value, token.isUnsigned);
  if (token.is(Token::Kind::Float)) {
    Constant constant;
    constant.isFloat = true;
    constant.floatType = token.floatType;
    constant.bits = token.value;
    if (token.floatType == Type::F32) {
      float value;
      uint32_t bits = uint32_t(token.value);
      std::memcpy(&value, &bits, sizeof value);
      constant.floating = value;
    } else {
      std::memcpy(&constant.floating, &token.value, sizeof(double));
    }
    return constant;
  }
  if (token.is(Token::Kind::Identifier) && token.text == "WARP_SZ")
    return integerConstant(32, false);
  if (token.is('(')) {
    // A cast "(.s64)" or "(.u64)", else a nested expression.
    if (peek().is(Token::Kind::Dotted) &&
        (peek().text == "s64" || peek().text == "u64")) {
      bool isUnsigned = next().text == "u64";
      expect(')', "behind a cast");
      Constant value = parseUnary(depth + 1);
      if (value.isFloat)
        throw SyntaxError(token.location, "a cast needs an integer");
      value.isUnsigned = isUnsigned;
      return value;
    }
    Constant value = parseConditional(depth + 1);
    expect(')', "behind an expression");
    return value;
  }
  if (token.is('+'))
    return parseUnary(depth + 1);
  if (token.is('-')) {
    Constant value = parseUnary(depth + 1);
    if (!value.isFloat)
      return integerConstant(0 - uint64_t(value.integer), value.isUnsigned);
    // The sign alone, so that a NaN stays the NaN it is.
    value.floating = -value.floating;
    value.bits ^=
        value.floatType == Type::F32 ? uint64_t(1) << 31 : uint64_t(1) << 63;
    return value;
  }
  if (token.is('!') || token.is('~')) {
    Constant value = parseUnary(depth + 1);
    if (value.isFloat)
      throw SyntaxError(token.location, "operator \"" +
                                            std::string(token.text) +
                                            "\" needs an integer");
    return token.is('!')
               ? integerConstant(value.integer == 0, false)
               : integerConstant(~uint64_t(value.integer), value.isUnsigned);
  }
  fail(token, "a constant");
}

Constant Parser::parseBinary(int minimum, unsigned depth) {
  Constant left = parseUnary(depth);
  for (;;) {
    int level = precedence(peek());
    if (level == 0 || level < minimum)
      return left;
    Token op = next();
    Constant right = parseBinary(level + 1, depth + 1);
    left = left.isFloat || right.isFloat
               ? floatOperation(op, asDouble(left), asDouble(right))
               : integerOperation(op, left, right);
  }
}

Constant Parser::parseConditional(unsigned depth) {
  if (depth > maxDepth)
    throw SyntaxError(peek().location, "the expression is nested too deep");
  Constant condition = parseBinary(1, depth);
  if (!accept('?'))
    return condition;
  Constant yes = parseConditional(depth + 1);
  expect(':', "in a conditional expression");
  Constant no = parseConditional(depth + 1);
  bool holds =
      condition.isFloat ? condition.floating != 0 : condition.integer != 0;
  return holds ? yes : no;
}

int64_t Parser::parseConstantInteger(const char *what) {
  Location where = peek().location;
  Constant value = parseConstant();
  if (value.isFloat)
    throw SyntaxError(where, std::string(what) + " has to be an integer");
  return value.integer;
}
