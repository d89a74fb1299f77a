// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Variables, their initialisers, and parameters.
#include "ParserImpl.h"

#include <cstring>

using namespace moe::ptx;

namespace {

/// Bytes that a variable may have: beyond, the text is nonsense.
constexpr uint64_t maxVariableBytes = uint64_t(1) << 40;
constexpr size_t maxDimensions = 16;

bool isPowerOfTwo(uint64_t value) {
  return value && (value & (value - 1)) == 0;
}

} // namespace

void Parser::parseVariablePrefix(Variable &variable) {
  for (;;) {
    if (!peek().is(Token::Kind::Dotted))
      fail(peek(), "the type of a variable");
    Token token = next();
    if (token.text == "align") {
      Location where = peek().location;
      uint64_t value = expectInteger("an alignment", uint64_t(1) << 30);
      if (!isPowerOfTwo(value))
        error(where,
              "an alignment is a power of two, got " + std::to_string(value));
      else
        variable.alignment = uint32_t(value);
      continue;
    }
    if (token.text == "attribute") {
      if (!at('('))
        fail(peek(), "\"(\" behind .attribute");
      variable.attributes = lexer.rawParentheses();
      continue;
    }
    std::optional<Part> part = findPart(token.text);
    if (part && part->kind == Part::Kind::Vector) {
      variable.vector = uint8_t(part->value);
      continue;
    }
    if (part && part->kind == Part::Kind::Type) {
      variable.type = Type(part->value);
      return;
    }
    fail(token, "the type of a variable");
  }
}

void Parser::parseExtents(Variable &variable) {
  Location where = peek().location;
  uint64_t bytes = variable.elementSize();
  while (accept('[')) {
    uint64_t extent = 0;
    if (!at(']')) {
      int64_t value = parseConstantInteger("the extent of an array");
      if (value < 0)
        throw SyntaxError(where, "the extent of an array is negative");
      extent = uint64_t(value);
      // "[0]" declares what "[]" does.
    } else if (!variable.extents.empty()) {
      throw SyntaxError(where, "only the first extent may be left out");
    }
    expect(']', "behind the extent of an array");
    if (variable.extents.size() == maxDimensions)
      throw SyntaxError(where, "too many dimensions");
    if (extent && bytes > maxVariableBytes / extent)
      throw SyntaxError(where,
                        "\"" + variable.name + "\" has more than 2^40 bytes");
    bytes *= extent ? extent : 1;
    variable.extents.push_back(extent);
  }
}

void Parser::parseInitializerValue(Variable &variable, uint64_t position) {
  Initializer value;
  value.position = position;
  Token first = peek();
  bool isSymbol = first.is(Token::Kind::Identifier) && first.text != "WARP_SZ";
  if (!isSymbol) {
    Constant constant = parseConstant();
    if (at('(') && !constant.isFloat) { // 0xff00(symbol)
      value.mask = uint64_t(constant.integer);
      isSymbol = true;
    } else if (constant.isFloat) {
      value.kind = Initializer::Kind::Float;
      value.floatType = constant.floatType;
      value.bits = constant.bits;
    } else {
      value.integer = constant.integer;
    }
  }
  if (isSymbol) {
    value.kind = Initializer::Kind::Symbol;
    bool wrapped = value.mask != 0;
    if (!wrapped && first.text == "generic") {
      next();
      value.generic = wrapped = true;
    }
    if (wrapped)
      expect('(', "before a symbol");
    if (value.mask && peek().is(Token::Kind::Identifier) &&
        peek().text == "generic") {
      next();
      value.generic = true;
      expect('(', "behind generic");
    }
    Token name = next();
    if (!name.is(Token::Kind::Identifier))
      fail(name, "a symbol");
    Symbol *symbol = symbols.find(std::string(name.text), nullptr);
    if (!symbol || (!symbol->variable && !symbol->function))
      throw SyntaxError(name.location,
                        "unknown symbol \"" + std::string(name.text) + "\"");
    value.variable = symbol->variable;
    value.function = symbol->function;
    auto offset = [&] {
      if (at('+')) {
        next();
        value.addend += parseConstantInteger("an offset");
      } else if (at('-')) {
        value.addend += parseConstantInteger("an offset");
      }
    };
    offset();
    if (wrapped) {
      if (value.mask && value.generic)
        expect(')', "behind a symbol");
      expect(')', "behind a symbol");
      offset();
    }
  }
  variable.initializer.push_back(value);
}

void Parser::parseInitializerList(Variable &variable, size_t level,
                                  uint64_t &position) {
  std::vector<uint64_t> dimensions = variable.dimensions();
  // The values that one entry of this level stands for.
  uint64_t stride = 1;
  for (size_t i = level + 1; i < dimensions.size(); ++i)
    stride *= dimensions[i];
  uint64_t start = position, count = 0;
  Location where = peek().location;
  expect('{', "before the values of an array");
  while (!at('}')) {
    if (at('{')) {
      if (level + 1 == dimensions.size())
        throw SyntaxError(peek().location, "too many braces");
      uint64_t inner = start + count * stride;
      parseInitializerList(variable, level + 1, inner);
      position = start + ++count * stride;
    } else {
      // A value alone fills the next place, whatever row it is in.
      parseInitializerValue(variable, position++);
      count = (position - start + stride - 1) / stride;
    }
    if (!accept(','))
      break;
  }
  expect('}', "behind the values of an array");
  if (level == 0 && variable.isUnsized())
    variable.extents[0] = count;
  else if (count > dimensions[level])
    throw SyntaxError(where, "too many values for \"" + variable.name +
                                 "\": " + std::to_string(count) + " for " +
                                 std::to_string(dimensions[level]));
}

void Parser::parseInitializer(Variable &variable) {
  variable.hasInitializer = true;
  bool isList = !variable.dimensions().empty();
  if (isList && at('{')) {
    uint64_t position = 0;
    parseInitializerList(variable, 0, position);
  } else {
    if (isList)
      fail(peek(), "\"{\" before the values of an array");
    parseInitializerValue(variable, 0);
  }
}

template <typename Add>
void Parser::parseVariables(Space space, Linkage linkage, Add add) {
  Variable prefix;
  prefix.space = space;
  prefix.linkage = linkage;
  parseVariablePrefix(prefix);
  do {
    Variable variable = prefix;
    variable.location = peek().location;
    variable.name = expectName("the name of a variable");
    // ".param .b32 %p<4>;" declares a range, of which each is a variable.
    if (accept('<')) {
      uint64_t count = expectInteger("a count", 1 << 16);
      expect('>', "behind a count");
      for (uint64_t i = 0; i < count; ++i) {
        Variable one = variable;
        one.name += std::to_string(i);
        add(std::move(one));
      }
      continue;
    }
    parseExtents(variable);
    if (accept('='))
      parseInitializer(variable);
    add(std::move(variable));
  } while (accept(','));
  expect(';', "behind a declaration");
}

void Parser::parseModuleVariables(Space space, Linkage linkage) {
  parseVariables(space, linkage, [&](Variable &&variable) {
    Location where = variable.location;
    std::string name = variable.name;
    Symbol *before = symbols.findInnermost(name);
    if (before &&
        !(before->variable && (before->variable->linkage == Linkage::Extern ||
                               variable.linkage == Linkage::Extern)))
      error(where, "\"" + name + "\" is declared twice");
    uint32_t index = uint32_t(module.variables.size());
    module.variables.push_back(std::move(variable));
    module.items.push_back({Item::Kind::Variable, index});
    Symbol symbol{Symbol::Kind::Variable, index, &module.variables.back(),
                  nullptr};
    if (!before)
      symbols.declare(name, symbol);
    else if (module.variables.back().linkage != Linkage::Extern)
      *before = symbol;
  });
}

void Parser::parseFunctionVariables(Space space) {
  parseVariables(space, Linkage::None, [&](Variable &&variable) {
    uint32_t index = uint32_t(function->variables.size());
    function->variables.push_back(std::move(variable));
    Variable &added = function->variables.back();
    addStatement(Statement::Kind::Variable, index);
    if (!symbols.declare(added.name,
                         {Symbol::Kind::Variable, index, &added, nullptr}))
      error(added.location, "\"" + added.name + "\" is declared twice");
  });
}

void Parser::layOut(std::deque<Variable> &params) {
  uint64_t offset = 0;
  for (Variable &param : params) {
    uint64_t alignment = std::max<uint64_t>(param.effectiveAlignment(), 1);
    offset = (offset + alignment - 1) / alignment * alignment;
    param.offset = offset;
    offset += param.size();
  }
}

void Parser::parseParameters(std::deque<Variable> &params, bool ofEntry,
                             bool declares) {
  expect('(', "before parameters");
  while (!at(')')) {
    Variable param;
    Token space = next();
    bool isReg = space.is(Token::Kind::Dotted) && space.text == "reg";
    if (!space.is(Token::Kind::Dotted) ||
        (space.text != "param" && !(isReg && !ofEntry)))
      fail(space, ofEntry ? ".param" : ".param or .reg");
    param.space = isReg ? Space::Reg : Space::Param;
    parseVariablePrefix(param);
    if (acceptDotted("ptr")) {
      param.isPointer = true;
      if (peek().is(Token::Kind::Dotted))
        if (std::optional<Space> pointee = findSpace(peek().text)) {
          param.pointee = *pointee;
          next();
        }
      if (acceptDotted("align"))
        param.pointeeAlignment =
            uint32_t(expectInteger("an alignment", uint64_t(1) << 30));
    }
    param.location = peek().location;
    if (peek().is(Token::Kind::Identifier))
      param.name = expectName("the name of a parameter");
    else if (declares)
      fail(peek(), "the name of a parameter");
    parseExtents(param);
    params.push_back(std::move(param));
    if (!accept(','))
      break;
    if (at(')'))
      fail(peek(), "a parameter behind \",\"");
  }
  expect(')', "behind parameters");
  layOut(params);
}
