// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions: their heads, and the statements that are no instructions.
#include "ParserImpl.h"

using namespace moe::ptx;

namespace {
constexpr size_t maxScopes = 1000;
}

void Parser::parseFunction(bool isEntry, Linkage linkage) {
  module.functions.emplace_back();
  Function &f = module.functions.back();
  uint32_t index = uint32_t(module.functions.size() - 1);
  // A function whose head is wrong stays out of the module's order.
  f.isEntry = isEntry;
  f.linkage = linkage;
  if (acceptDotted("attribute"))
    f.attributes = lexer.rawParentheses();
  if (!isEntry && at('('))
    parseParameters(f.returns, false, false);
  f.location = peek().location;
  f.name = expectName("the name of a function");
  if (at('('))
    parseParameters(f.params, isEntry, false);
  parseDirectives(f);

  f.hasBody = at('{');
  if (!f.hasBody)
    expect(';', "or a body behind the head of a function");
  module.items.push_back({Item::Kind::Function, index});
  Symbol *before = symbols.findInnermost(f.name);
  if (before && (!before->function || before->function->isEntry != isEntry ||
                 (before->function->hasBody && f.hasBody)))
    error(f.location, "\"" + f.name + "\" is declared twice");
  if (!before)
    symbols.declare(f.name, {Symbol::Kind::Function, index, nullptr, &f});
  else if (f.hasBody)
    before->function = &f;
  if (!f.hasBody)
    return;
  next();
  function = &f;
  lastLoc = Instruction::noLoc;
  targets.clear();
  references.clear();
  symbols.push(); // of the parameters
  for (std::deque<Variable> *list : {&f.returns, &f.params})
    for (Variable &param : *list) {
      Symbol symbol{Symbol::Kind::Variable, 0, &param, nullptr};
      if (param.space == Space::Reg) {
        symbol.kind = Symbol::Kind::Register;
        symbol.variable = nullptr;
        symbol.index = uint32_t(f.registers.size());
        uint32_t declaration = uint32_t(f.registerDeclarations.size());
        f.registerDeclarations.push_back({param.name, param.type, param.vector,
                                          false, 1, 0, param.location});
        f.registers.push_back(
            {param.name, param.type, param.vector, declaration});
      }
      if (!symbols.declare(param.name, symbol))
        error(param.location, "\"" + param.name + "\" is declared twice");
    }
  symbols.push();
  scope = 0;
  f.scopes.push_back(0);
}

void Parser::parseDirectives(Function &f) {
  auto dimensions = [&](std::array<uint32_t, 3> &values) {
    values = {1, 1, 1};
    size_t count = 0;
    do
      values[count++] = uint32_t(expectInteger("an extent", UINT32_MAX));
    while (count < 3 && accept(','));
  };
  auto number = [&](uint32_t &value) {
    value = uint32_t(expectInteger("a number", UINT32_MAX));
  };
  Directives &d = f.directives;
  while (peek().is(Token::Kind::Dotted)) {
    Token token = next();
    std::string_view name = token.text;
    if (name == "maxntid")
      dimensions(d.maxntid);
    else if (name == "reqntid")
      dimensions(d.reqntid);
    else if (name == "reqnctapercluster")
      dimensions(d.reqnctapercluster);
    else if (name == "minnctapersm")
      number(d.minnctapersm);
    else if (name == "maxnctapersm")
      number(d.maxnctapersm);
    else if (name == "maxnreg")
      number(d.maxnreg);
    else if (name == "maxclusterrank")
      number(d.maxclusterrank);
    else if (name == "abi_preserve")
      number(d.abiPreserve);
    else if (name == "abi_preserve_control")
      number(d.abiPreserveControl);
    else if (name == "noreturn")
      d.noreturn = true;
    else if (name == "explicitcluster")
      d.explicitcluster = true;
    else if (name == "blocksareclusters")
      d.blocksareclusters = true;
    else if (name == "unified")
      d.unified = true;
    else if (name == "attribute" && at('('))
      f.attributes = lexer.rawParentheses();
    else if (name == "pragma") {
      do {
        if (!peek().is(Token::Kind::String))
          fail(peek(), "a string behind .pragma");
        d.pragmas.emplace_back(next().text);
      } while (accept(','));
      accept(';');
    } else
      fail(token, "a directive of a function");
  }
}

void Parser::addStatement(Statement::Kind kind, size_t index) {
  function->statements.push_back({kind, uint32_t(index)});
}

void Parser::openScope() {
  if (symbols.depth() > maxScopes)
    throw SyntaxError(peek().location, "scopes are nested too deep");
  next();
  symbols.push();
  function->scopes.push_back(scope);
  scope = uint32_t(function->scopes.size() - 1);
  addStatement(Statement::Kind::ScopeBegin, scope);
}

void Parser::closeScope() {
  Location where = peek().location;
  next();
  symbols.pop();
  if (scope != 0) {
    addStatement(Statement::Kind::ScopeEnd, scope);
    scope = function->scopes[scope];
    return;
  }
  symbols.pop();
  function->endLocation = where;
  resolveLabels();
  function = nullptr;
}

void Parser::parseBody() {
  while (function && !peek().is(Token::Kind::End) && !diagnostics.full()) {
    try {
      parseStatement();
    } catch (const SyntaxError &e) {
      error(e.location, e.what());
      recover();
    }
  }
}

void Parser::parseStatement() {
  if (at('{'))
    return openScope();
  if (at('}'))
    return closeScope();
  if (accept(';'))
    return;
  if (peek().is(Token::Kind::Dotted)) {
    Token directive = next();
    std::string_view name = directive.text;
    if (name == "reg")
      return parseRegisters();
    if (name == "loc")
      return parseLoc();
    if (name == "file")
      return parseFile();
    if (name == "pragma") {
      do {
        if (!peek().is(Token::Kind::String))
          fail(peek(), "a string behind .pragma");
        addStatement(Statement::Kind::Pragma, function->pragmas.size());
        function->pragmas.emplace_back(next().text);
      } while (accept(','));
      return expect(';', "behind .pragma");
    }
    if (std::optional<Space> space = findSpace(name))
      if (*space == Space::Global || *space == Space::Const ||
          *space == Space::Shared || *space == Space::Local ||
          *space == Space::Param)
        return parseFunctionVariables(*space);
    throw SyntaxError(directive.location, "\"." + std::string(name) +
                                              "\" is no directive of a "
                                              "function");
  }
  parseInstruction();
}

void Parser::parseRegisters() {
  RegisterDeclaration prefix;
  prefix.scope = scope;
  for (;;) {
    if (!peek().is(Token::Kind::Dotted))
      fail(peek(), "the type of a register");
    Token token = next();
    std::optional<Part> part = findPart(token.text);
    if (part && part->kind == Part::Kind::Vector) {
      prefix.vector = uint8_t(part->value);
      continue;
    }
    if (!part || part->kind != Part::Kind::Type)
      fail(token, "the type of a register");
    prefix.type = Type(part->value);
    break;
  }
  do {
    RegisterDeclaration declaration = prefix;
    declaration.location = peek().location;
    declaration.name = expectName("the name of a register");
    uint32_t index = uint32_t(function->registerDeclarations.size());
    Symbol symbol{Symbol::Kind::Range, index, nullptr, nullptr};
    bool fresh;
    if (accept('<')) {
      declaration.ranged = true;
      declaration.count =
          uint32_t(expectInteger("a count of registers", INT32_MAX));
      expect('>', "behind a count of registers");
      fresh = symbols.declareRange(declaration.name, symbol);
    } else {
      symbol.kind = Symbol::Kind::Register;
      symbol.index = uint32_t(function->registers.size());
      function->registers.push_back(
          {declaration.name, declaration.type, declaration.vector, index});
      fresh = symbols.declare(declaration.name, symbol);
    }
    if (!fresh)
      error(declaration.location,
            "\"" + declaration.name + "\" is declared twice");
    addStatement(Statement::Kind::Registers, index);
    function->registerDeclarations.push_back(std::move(declaration));
  } while (accept(','));
  expect(';', "behind a declaration");
}

void Parser::parseLoc() {
  Loc loc;
  loc.file = uint32_t(expectInteger("the index of a file", UINT32_MAX));
  loc.line = uint32_t(expectInteger("a line", UINT32_MAX));
  loc.column = uint32_t(expectInteger("a column", UINT32_MAX));
  while (accept(',')) {
    std::string what = expectName("function_name or inlined_at");
    if (what == "function_name") {
      loc.functionName = expectName("the label of a name");
      if (accept('+'))
        loc.functionNameOffset = expectInteger("an offset", UINT64_MAX);
      continue;
    }
    if (what != "inlined_at")
      throw SyntaxError(peek().location,
                        "expected function_name or inlined_at, got \"" + what +
                            "\"");
    loc.inlinedFile =
        uint32_t(expectInteger("the index of a file", UINT32_MAX));
    loc.inlinedLine = uint32_t(expectInteger("a line", UINT32_MAX));
    loc.inlinedColumn = uint32_t(expectInteger("a column", UINT32_MAX));
  }
  accept(';');
  lastLoc = uint32_t(function->locs.size());
  addStatement(Statement::Kind::Loc, lastLoc);
  function->locs.push_back(std::move(loc));
}

void Parser::parseLabel(const Token &name) {
  std::string text(name.text);
  if (peek().is(Token::Kind::Dotted)) {
    if (acceptDotted("callprototype"))
      return parsePrototype(name);
    if (acceptDotted("branchtargets"))
      return parseTargets(name, false);
    if (acceptDotted("calltargets"))
      return parseTargets(name, true);
  }
  uint32_t index = uint32_t(function->labels.size());
  if (!targets.insert({{scope, text}, {Operand::Kind::Label, index}}).second)
    error(name.location, "label \"" + text + "\" is defined twice");
  function->labels.push_back(
      {text, uint32_t(function->instructions.size()), scope, name.location});
  addStatement(Statement::Kind::Label, index);
}

void Parser::parsePrototype(const Token &name) {
  Prototype prototype;
  prototype.name = std::string(name.text);
  prototype.scope = scope;
  prototype.location = name.location;
  if (at('('))
    parseParameters(prototype.returns, false, false);
  expectName("\"_\" of a prototype");
  if (at('('))
    parseParameters(prototype.params, false, false);
  while (peek().is(Token::Kind::Dotted)) {
    Token token = next();
    if (token.text == "noreturn") {
      prototype.noreturn = true;
    } else if (token.text == "abi_preserve" ||
               token.text == "abi_preserve_control") {
      prototype.directives += " ." + std::string(token.text) + " " +
                              std::to_string(expectInteger("a number", 255));
    } else {
      fail(token, "\";\" behind a prototype");
    }
  }
  expect(';', "behind a prototype");
  uint32_t index = uint32_t(function->prototypes.size());
  if (!targets
           .insert({{scope, prototype.name}, {Operand::Kind::Prototype, index}})
           .second)
    error(name.location, "label \"" + prototype.name + "\" is defined twice");
  function->prototypes.push_back(std::move(prototype));
  addStatement(Statement::Kind::Prototype, index);
}

void Parser::parseTargets(const Token &name, bool isCall) {
  TargetList list;
  list.name = std::string(name.text);
  list.isCall = isCall;
  list.scope = scope;
  list.location = name.location;
  uint32_t index = uint32_t(function->targetLists.size());
  // Joins the others only when the list is there that it refers to.
  std::vector<Reference> found;
  do {
    Location where = peek().location;
    std::string target = expectName(isCall ? "a function" : "a label");
    if (!isCall) {
      found.push_back(
          {index, uint32_t(list.labels.size()), true, target, scope, where});
      list.labels.push_back(0);
      continue;
    }
    Symbol *symbol = symbols.find(target, nullptr);
    if (!symbol || !symbol->function)
      throw SyntaxError(where, "unknown function \"" + target + "\"");
    list.functions.push_back(symbol->function);
  } while (accept(','));
  expect(';', "behind a list of targets");
  references.insert(references.end(), found.begin(), found.end());
  if (!targets.insert({{scope, list.name}, {Operand::Kind::TargetList, index}})
           .second)
    error(name.location, "label \"" + list.name + "\" is defined twice");
  function->targetLists.push_back(std::move(list));
  addStatement(Statement::Kind::TargetList, index);
}

void Parser::resolveLabels() {
  for (const Reference &reference : references) {
    const Target *target = nullptr;
    for (uint32_t at = reference.scope;; at = function->scopes[at]) {
      auto found = targets.find({at, reference.name});
      if (found != targets.end())
        target = &found->second;
      if (target || at == 0)
        break;
    }
    if (!target) {
      error(reference.location, "unknown label \"" + reference.name + "\"");
      continue;
    }
    if (reference.inList) {
      if (target->kind != Operand::Kind::Label)
        error(reference.location, "\"" + reference.name + "\" is no label");
      else
        function->targetLists[reference.instruction].labels[reference.operand] =
            target->index;
      continue;
    }
    Operand &operand = function->instructions[reference.instruction]
                           .operands[reference.operand];
    operand.kind = target->kind;
    operand.index = target->index;
  }
}
