// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ParserImpl.h"

using namespace moe::ptx;

namespace {
constexpr size_t maxParts = 32;
constexpr size_t maxOperands = 64;

void once(bool first, const Token &token) {
  if (!first)
    throw SyntaxError(token.location, "a second modifier of the kind of \"." +
                                          std::string(token.text) + "\"");
}
} // namespace

void Parser::parseParts(Instruction &instruction, const Token &first) {
  std::vector<Token> dotted;
  while (peek().is(Token::Kind::Dotted)) {
    if (dotted.size() == maxParts)
      throw SyntaxError(peek().location, "too many dotted names");
    dotted.push_back(next());
  }
  // The longest run of names that is an instruction.
  std::string text(first.text);
  size_t taken = 0;
  std::optional<uint16_t> opcode = findOpcode(text);
  for (size_t i = 0; i < dotted.size() && i < 5; ++i) {
    text += "." + std::string(dotted[i].text);
    if (std::optional<uint16_t> longer = findOpcode(text)) {
      opcode = longer;
      taken = i + 1;
    }
  }
  if (!opcode)
    throw SyntaxError(
        first.location,
        "unknown instruction \"" +
            (isFirstName(first.text) ? text : std::string(first.text)) + "\"");
  instruction.name = *opcode;
  instruction.opcode = opcodeName(*opcode).opcode;
  for (size_t i = taken; i < dotted.size(); ++i) {
    std::optional<Part> part = findPart(dotted[i].text);
    if (!part)
      throw SyntaxError(dotted[i].location,
                        "unknown modifier \"." + std::string(dotted[i].text) +
                            "\" of \"" +
                            std::string(spelling(instruction.opcode)) + "\"");
    instruction.parts.push_back(part->code());
    switch (part->kind) {
    case Part::Kind::Modifier:
      instruction.modifiers.push_back(Modifier(part->value));
      break;
    case Part::Kind::Type:
      instruction.types.push_back(Type(part->value));
      break;
    case Part::Kind::Space:
      instruction.spaces.push_back(Space(part->value));
      break;
    case Part::Kind::Vector:
      once(instruction.vector == 1, dotted[i]);
      instruction.vector = uint8_t(part->value);
      break;
    case Part::Kind::Repeat:
      once(instruction.repeat == 0, dotted[i]);
      instruction.repeat = uint8_t(part->value);
      break;
    case Part::Kind::Shape:
      once(instruction.shape.m == 0, dotted[i]);
      instruction.shape = part->shape;
      break;
    }
  }
}

void Parser::parseCall(Instruction &instruction) {
  // call (returns), callee, (arguments), prototype-or-targets;
  auto arguments = [&] {
    Operand list;
    list.kind = Operand::Kind::Arguments;
    list.location = peek().location;
    if (!accept('('))
      return list;
    while (!at(')')) {
      if (list.elements.size() == maxOperands * 4)
        throw SyntaxError(peek().location, "too many arguments");
      list.elements.push_back(parseOperand(false, 1));
      if (!accept(','))
        break;
      if (at(')'))
        fail(peek(), "an argument behind \",\"");
    }
    expect(')', "behind arguments");
    return list;
  };
  auto &operands = instruction.operands;
  operands.push_back(arguments());
  if (!operands[0].elements.empty())
    expect(',', "behind what a call returns");
  Location where = peek().location;
  operands.push_back(parseOperand(false));
  if (!operands[1].is(Operand::Kind::Function) &&
      !operands[1].is(Operand::Kind::Register))
    error(where, "what is called is neither a function nor a register");
  if (!accept(',')) {
    operands.emplace_back();
    operands.back().kind = Operand::Kind::Arguments;
    return;
  }
  if (!at('(')) { // "call %rd1, prototype;"
    operands.emplace_back();
    operands.back().kind = Operand::Kind::Arguments;
  } else {
    operands.push_back(arguments());
    if (!accept(','))
      return;
  }
  operands.push_back(parseOperand(true));
}

void Parser::parseInstruction() {
  Instruction instruction;
  if (accept('@')) {
    instruction.guarded = true;
    instruction.guardNegated = accept('!');
    Token name = next();
    if (!name.is(Token::Kind::Identifier))
      fail(name, "a predicate behind \"@\"");
    Symbol *symbol = symbols.find(std::string(name.text), function);
    if (!symbol || symbol->kind != Symbol::Kind::Register)
      throw SyntaxError(name.location,
                        "unknown register \"" + std::string(name.text) + "\"");
    instruction.guard = symbol->index;
  }
  if (!peek().is(Token::Kind::Identifier))
    fail(peek(), "an instruction");
  Token first = next();
  if (!instruction.guarded && accept(':'))
    return parseLabel(first);
  instruction.location = first.location;
  instruction.loc = lastLoc;
  parseParts(instruction, first);

  uint32_t index = uint32_t(function->instructions.size());
  Opcode opcode = instruction.opcode;
  bool namesLabels = opcode == Opcode::Bra || opcode == Opcode::BrxIdx ||
                     opcode == Opcode::Call;
  if (opcode == Opcode::Call) {
    parseCall(instruction);
  } else if (!at(';')) {
    do {
      if (instruction.operands.size() == maxOperands)
        throw SyntaxError(peek().location, "too many operands");
      instruction.operands.push_back(parseOperand(namesLabels));
    } while (accept(','));
  }
  if (!at(';'))
    fail(peek(), "\";\" behind an instruction");
  next();
  // Only now, as what follows may not be a token: a label may stand last, which
  // is resolved when the body is known.
  if (!instruction.operands.empty() &&
      instruction.operands.back().is(Operand::Kind::Label))
    references.push_back({index, uint32_t(instruction.operands.size() - 1),
                          false, pendingLabel, scope,
                          instruction.operands.back().location});
  addStatement(Statement::Kind::Instruction, index);
  function->instructions.push_back(std::move(instruction));
}
