// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ParserImpl.h"

using namespace moe::ptx;

namespace {
constexpr unsigned maxDepth = 4;
constexpr size_t maxElements = 256;
} // namespace

Operand Parser::registerOperand(uint32_t index, Location where) {
  Operand operand;
  operand.kind = Operand::Kind::Register;
  operand.index = index;
  operand.type = function->registers[index].type;
  operand.location = where;
  return operand;
}

void Parser::parseComponent(Operand &operand, unsigned components) {
  if (!peek().is(Token::Kind::Dotted))
    return;
  std::string_view text = peek().text;
  static constexpr std::string_view names[] = {"x", "y", "z", "w",
                                               "r", "g", "b", "a"};
  for (uint8_t i = 0; i < 8; ++i)
    if (text == names[i] && i % 4u < components && components > 1) {
      next();
      operand.component = i % 4;
      return;
    }
  fail(peek(), "\",\" or \";\" behind an operand");
}

Operand Parser::parseNamed(bool labelsAllowed) {
  Token token = next();
  Location where = token.location;
  std::string name(token.text);
  Operand operand;
  operand.location = where;
  if (name == "_")
    return operand; // a sink
  if (Symbol *symbol = symbols.find(name, function)) {
    switch (symbol->kind) {
    case Symbol::Kind::Range:
    case Symbol::Kind::Register:
      operand = registerOperand(symbol->index, where);
      parseComponent(operand, function->registers[symbol->index].vector);
      return operand;
    case Symbol::Kind::Variable:
      operand.kind = Operand::Kind::Variable;
      operand.variable = symbol->variable;
      return operand;
    case Symbol::Kind::Function:
      operand.kind = Operand::Kind::Function;
      operand.function = symbol->function;
      return operand;
    }
  }
  if (name[0] == '%')
    if (auto special = findSpecialRegister(std::string_view(name).substr(1))) {
      operand.kind = Operand::Kind::Special;
      operand.special = special->special;
      operand.index = special->number;
      operand.type = info(special->special).type;
      parseComponent(operand, info(special->special).components);
      return operand;
    }
  if (!labelsAllowed)
    throw SyntaxError(where, "unknown symbol \"" + name + "\"");
  operand.kind = Operand::Kind::Label;
  pendingLabel = name;
  return operand;
}

Operand Parser::parseImmediate() {
  Operand operand;
  operand.location = peek().location;
  Constant constant = parseConstant();
  if (constant.isFloat) {
    operand.kind = Operand::Kind::Float;
    operand.type = constant.floatType;
    operand.bits = constant.bits;
  } else {
    operand.kind = Operand::Kind::Integer;
    operand.integer = constant.integer;
    operand.isUnsigned = constant.isUnsigned;
  }
  return operand;
}

int64_t Parser::parseOffset(Operand &base) {
  if (at('-'))
    return parseConstantInteger("an offset");
  if (!accept('+'))
    return 0;
  return parseConstantInteger("an offset");
}

Operand Parser::parseVector(unsigned depth) {
  Operand vector;
  vector.kind = Operand::Kind::Vector;
  vector.location = peek().location;
  expect('{', "before a vector");
  ++openBraces;
  while (!at('}')) {
    if (vector.elements.size() == maxElements)
      throw SyntaxError(peek().location, "too many elements");
    vector.elements.push_back(parseOperand(false, depth + 1));
    if (!accept(','))
      break;
    if (at('}'))
      fail(peek(), "an element behind \",\"");
  }
  if (!at('}'))
    fail(peek(), "\"}\" behind a vector");
  --openBraces;
  next();
  return vector;
}

Operand Parser::parseAddress(unsigned depth) {
  Operand address;
  address.kind = Operand::Kind::Address;
  address.location = peek().location;
  expect('[', "before an address");
  if (peek().is(Token::Kind::Identifier) && peek().text != "WARP_SZ") {
    Operand base = parseNamed(false);
    address.offset = parseOffset(base);
    address.elements.push_back(std::move(base));
  } else {
    address.elements.push_back(parseImmediate());
  }
  // "[tensor, {c0, c1}]", "[texture, sampler, {x, y}]"
  while (accept(',')) {
    if (address.elements.size() == maxDepth)
      throw SyntaxError(peek().location, "too many parts of an address");
    address.elements.push_back(parseOperand(false, depth + 1));
  }
  expect(']', "behind an address");
  return address;
}

Operand Parser::parseOperand(bool labelsAllowed, unsigned depth) {
  if (depth > maxDepth)
    throw SyntaxError(peek().location, "operands are nested too deep");
  Location where = peek().location;
  if (at('{'))
    return parseVector(depth);
  if (at('['))
    return parseAddress(depth);
  if (at('!')) {
    next();
    if (!peek().is(Token::Kind::Identifier))
      fail(peek(), "a predicate behind \"!\"");
    Operand operand = parseNamed(false);
    operand.negated = true;
    operand.location = where;
    return operand;
  }
  if (!peek().is(Token::Kind::Identifier) || peek().text == "WARP_SZ")
    return parseImmediate();
  Operand operand = parseNamed(labelsAllowed);
  if (operand.is(Operand::Kind::Variable))
    operand.offset = parseOffset(operand);
  if (at('|') && depth == 0) {
    next();
    Operand both;
    both.kind = Operand::Kind::Pair;
    both.location = where;
    both.elements.push_back(std::move(operand));
    both.elements.push_back(parseNamed(false));
    return both;
  }
  return operand;
}
