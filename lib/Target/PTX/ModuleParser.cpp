// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens, recovery and what stands at module level.
#include "ParserImpl.h"

using namespace moe::ptx;

namespace {

constexpr uint32_t newestIsa = 91;

std::string describe(const Token &token) {
  if (token.is(Token::Kind::End))
    return "the end of the file";
  if (token.is(Token::Kind::Dotted))
    return "\"." + std::string(token.text) + "\"";
  return "\"" + std::string(token.text) + "\"";
}

} // namespace

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

bool Parser::accept(char c) {
  if (!at(c))
    return false;
  next();
  return true;
}

bool Parser::acceptDotted(std::string_view text) {
  if (!peek().is(Token::Kind::Dotted) || peek().text != text)
    return false;
  next();
  return true;
}

void Parser::fail(const Token &token, const std::string &expected) {
  throw SyntaxError(token.location,
                    "expected " + expected + ", got " + describe(token));
}

void Parser::expect(char c, const char *where) {
  if (!accept(c))
    fail(peek(), std::string("\"") + c + "\" " + where);
}

std::string Parser::expectName(const char *what) {
  if (!peek().is(Token::Kind::Identifier))
    fail(peek(), what);
  return std::string(next().text);
}

uint64_t Parser::expectInteger(const char *what, uint64_t limit) {
  if (!peek().is(Token::Kind::Integer))
    fail(peek(), what);
  Token token = next();
  if (token.value > limit)
    throw SyntaxError(token.location, std::string(what) + " is at most " +
                                          std::to_string(limit) + ", got " +
                                          std::string(token.text));
  return token.value;
}

void Parser::recover() {
  unsigned depth = openBraces;
  openBraces = 0;
  for (;;) {
    try {
      while (!peek().is(Token::Kind::End)) {
        if (at('}') && depth == 0) {
          if (!function) // closes nothing
            next();
          return;
        }
        Token token = next();
        if (token.is('{'))
          ++depth;
        if (token.is('}') && --depth == 0 && !at(',') && !at(';'))
          return;
        if (token.is(';') && depth == 0)
          return;
      }
      return;
    } catch (const SyntaxError &) {
      // One more token that is none; the lexer is behind it.
    }
  }
}

//===----------------------------------------------------------------------===//
// Module level
//===----------------------------------------------------------------------===//

void Parser::parseModule() {
  try {
    parseHeader();
  } catch (const SyntaxError &e) {
    error(e.location, e.what());
    return;
  }
  while (!peek().is(Token::Kind::End) && !diagnostics.full()) {
    try {
      if (function) {
        parseBody();
      } else {
        parseModuleStatement();
      }
    } catch (const SyntaxError &e) {
      error(e.location, e.what());
      recover();
    }
  }
  if (function && !diagnostics.full())
    error(peek().location,
          "the body of \"" + function->name + "\" is not closed by \"}\"");
}

void Parser::parseHeader() {
  if (!acceptDotted("version"))
    throw SyntaxError(peek().location,
                      "expected .version at the start of the file");
  Token version = next();
  size_t point = version.text.find('.');
  if (!version.is(Token::Kind::Float) || point == version.text.npos ||
      point != 1 || version.text.size() != 3 || version.text[0] == '0')
    fail(version, "a version \"major.minor\"");
  module.isa =
      uint32_t(version.text[0] - '0') * 10 + uint32_t(version.text[2] - '0');
  if (module.isa > newestIsa)
    throw SyntaxError(version.location, "PTX ISA " + std::string(version.text) +
                                            " is not supported, 9.1 is");
  if (!acceptDotted("target"))
    throw SyntaxError(peek().location, "expected .target behind .version");
  parseTarget();
  if (acceptDotted("address_size")) {
    Location where = peek().location;
    module.addressSize = uint32_t(expectInteger("an address size", 64));
    module.addressSizeWritten = true;
    if (module.addressSize != 32 && module.addressSize != 64)
      error(where, "an address size is 32 or 64, got " +
                       std::to_string(module.addressSize));
  } else {
    module.addressSize = 64; // as ptxas takes it
  }
}

void Parser::parseTarget() {
  do {
    Location where = peek().location;
    std::string name = expectName("a target");
    if (name.compare(0, 3, "sm_") != 0) {
      static constexpr std::string_view options[] = {
          "texmode_unified", "texmode_independent", "debug", "map_f64_to_f32"};
      bool known = false;
      for (std::string_view option : options)
        known |= option == name;
      if (!known)
        error(where, "unknown target \"" + name + "\"");
      module.target.options.push_back(std::move(name));
      continue;
    }
    size_t end = 3;
    uint32_t sm = 0;
    for (; end < name.size() && name[end] >= '0' && name[end] <= '9' && end < 7;
         ++end)
      sm = sm * 10 + uint32_t(name[end] - '0');
    static constexpr uint32_t known[] = {
        10, 11, 12, 13, 20, 30, 32, 35, 37, 50,  52,  53,  60,  61,  62,
        70, 72, 75, 80, 86, 87, 88, 89, 90, 100, 101, 103, 110, 120, 121};
    bool isKnown = false;
    for (uint32_t one : known)
      isKnown |= one == sm;
    std::string_view suffix = std::string_view(name).substr(end);
    bool suffixed = suffix == "a" || suffix == "f";
    if (!isKnown || !(suffix.empty() || (suffixed && sm >= 90)) ||
        (suffix == "f" && sm == 90))
      error(where, "unknown target \"" + name + "\"");
    if (module.target.sm)
      error(where, "a second target \"" + name + "\" beside sm_" +
                       std::to_string(module.target.sm));
    module.target.sm = sm;
    module.target.suffix = suffix.empty() ? '\0' : suffix[0];
  } while (accept(','));
  if (!module.target.sm)
    throw SyntaxError(peek().location, "the .target names no sm_");
}

void Parser::parseModuleStatement() {
  if (!peek().is(Token::Kind::Dotted)) {
    if (accept(';'))
      return;
    fail(peek(), "a directive");
  }
  Token directive = next();
  std::string_view name = directive.text;
  if (name == "visible")
    return parseLinked(Linkage::Visible);
  if (name == "extern")
    return parseLinked(Linkage::Extern);
  if (name == "weak")
    return parseLinked(Linkage::Weak);
  if (name == "common")
    return parseLinked(Linkage::Common);
  if (name == "entry" || name == "func")
    return parseFunction(name == "entry", Linkage::None);
  if (name == "file")
    return parseFile();
  if (name == "section")
    return parseSection();
  if (name == "alias")
    return parseAlias();
  if (name == "pragma") {
    if (!peek().is(Token::Kind::String))
      fail(peek(), "a string behind .pragma");
    module.items.push_back(
        {Item::Kind::Pragma, uint32_t(module.pragmas.size())});
    module.pragmas.emplace_back(next().text);
    return expect(';', "behind .pragma");
  }
  if (name == "version" || name == "target" || name == "address_size")
    throw SyntaxError(directive.location,
                      "." + std::string(name) +
                          " stands once, at the start of the file");
  if (std::optional<Space> space = findSpace(name))
    if (*space == Space::Global || *space == Space::Const ||
        *space == Space::Shared || *space == Space::Local ||
        *space == Space::Tex)
      return parseModuleVariables(*space, Linkage::None);
  throw SyntaxError(directive.location, "\"." + std::string(name) +
                                            "\" is no directive of a "
                                            "module");
}

void Parser::parseLinked(Linkage linkage) {
  if (acceptDotted("entry"))
    return parseFunction(true, linkage);
  if (acceptDotted("func"))
    return parseFunction(false, linkage);
  if (peek().is(Token::Kind::Dotted))
    if (std::optional<Space> space = findSpace(peek().text))
      if (*space == Space::Global || *space == Space::Const ||
          *space == Space::Shared || *space == Space::Tex) {
        next();
        return parseModuleVariables(*space, linkage);
      }
  fail(peek(), ".entry, .func or a variable behind its linkage");
}

void Parser::parseFile() {
  File file;
  Location where = peek().location;
  file.index = uint32_t(expectInteger("the index of a file", UINT32_MAX));
  if (!peek().is(Token::Kind::String))
    fail(peek(), "the name of a file");
  file.name = std::string(next().text);
  if (accept(',')) {
    file.hasStamp = true;
    file.timestamp = expectInteger("a time stamp", UINT64_MAX);
    expect(',', "behind the time stamp");
    file.size = expectInteger("a file size", UINT64_MAX);
  }
  accept(';');
  if (module.findFile(file.index))
    error(where, "a second file " + std::to_string(file.index));
  module.items.push_back({Item::Kind::File, uint32_t(module.files.size())});
  module.files.push_back(std::move(file));
}

void Parser::parseSection() {
  if (!peek().is(Token::Kind::Dotted))
    fail(peek(), "the name of a section");
  Section section;
  section.name = std::string(next().text);
  if (!at('{'))
    fail(peek(), "\"{\" behind the name of a section");
  section.lines = lexer.rawBlock();
  module.items.push_back(
      {Item::Kind::Section, uint32_t(module.sections.size())});
  module.sections.push_back(std::move(section));
}

void Parser::parseAlias() {
  Location where = peek().location;
  std::string names[2];
  const Function *functions[2];
  for (int i = 0; i < 2; ++i) {
    Location place = peek().location;
    names[i] = expectName("the name of a function");
    functions[i] = module.findFunction(names[i]);
    if (!functions[i] || functions[i]->isEntry)
      throw SyntaxError(place, "\"" + names[i] + "\" is no .func");
    if (i == 0)
      expect(',', "between the names of .alias");
  }
  expect(';', "behind .alias");
  for (const Alias &other : module.aliases)
    if (other.alias->name == names[0])
      error(where, "\"" + names[0] + "\" is an alias already");
  module.items.push_back({Item::Kind::Alias, uint32_t(module.aliases.size())});
  module.aliases.push_back({functions[0], functions[1], where});
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

std::unique_ptr<Module> moe::ptx::parse(std::string_view text,
                                        Diagnostics &diagnostics) {
  auto module = std::make_unique<Module>();
  module->fileName = diagnostics.fileName();
  try {
    Parser(text, diagnostics, *module).parseModule();
  } catch (const SyntaxError &e) {
    diagnostics.error(e.location, e.what()); // of the very first token
  }
  return diagnostics.hasErrors() ? nullptr : std::move(module);
}
