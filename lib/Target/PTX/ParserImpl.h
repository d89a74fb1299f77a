// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The recursive-descent parser. Nesting that the text decides (scopes, braces
// of initialisers, parentheses of expressions) is counted or kept on a heap.
#ifndef MOE_LIB_TARGET_PTX_PARSERIMPL_H
#define MOE_LIB_TARGET_PTX_PARSERIMPL_H

#include "Lexer.h"
#include "Names.h"
#include "SymbolTable.h"
#include "moe/Target/PTX/Parser.h"

#include <map>

namespace moe::ptx {

/// The value of a constant expression: an integer, or a float.
struct Constant {
  bool isFloat = false;
  bool isUnsigned = false;
  int64_t integer = 0;
  double floating = 0;
  /// A literal "0f…" or "0d…" keeps its bits: they may be those of a NaN.
  Type floatType = Type::None;
  uint64_t bits = 0;
};

class Parser {
public:
  Parser(std::string_view text, Diagnostics &diagnostics, Module &module)
      : lexer(text), diagnostics(diagnostics), module(module) {}

  void parseModule();

private:
  // Tokens.
  const Token &peek() const { return lexer.peek(); }
  Token next() { return lexer.next(); }
  bool at(char c) const { return peek().is(c); }
  bool accept(char c);
  bool acceptDotted(std::string_view text);
  void expect(char c, const char *where);
  std::string expectName(const char *what);
  uint64_t expectInteger(const char *what, uint64_t limit);
  [[noreturn]] void fail(const Token &token, const std::string &expected);
  void error(Location where, const std::string &message) {
    diagnostics.error(where, message);
  }
  /// Behind the statement that is wrong, or at the brace behind it.
  void recover();

  // ModuleParser.cpp
  void parseHeader();
  void parseTarget();
  void parseModuleStatement();
  void parseFile();
  void parseSection();
  void parseAlias();
  void parseLinked(Linkage linkage);

  // DeclarationParser.cpp: variables and parameters.
  /// Behind the space; the names, up to and with the ";".
  template <typename Add>
  void parseVariables(Space space, Linkage linkage, Add add);
  void parseModuleVariables(Space space, Linkage linkage);
  void parseFunctionVariables(Space space);
  /// Alignment, vector, type: what stands before the name.
  void parseVariablePrefix(Variable &variable);
  void parseExtents(Variable &variable);
  void parseInitializer(Variable &variable);
  void parseInitializerList(Variable &variable, size_t level,
                            uint64_t &position);
  void parseInitializerValue(Variable &variable, uint64_t position);
  void parseParameters(std::deque<Variable> &params, bool ofEntry,
                       bool declares);
  void layOut(std::deque<Variable> &params);

  // FunctionParser.cpp
  void parseFunction(bool isEntry, Linkage linkage);
  void parseDirectives(Function &function);
  void parseBody();
  void parseStatement();
  void parseRegisters();
  void parseLoc();
  void parseLabel(const Token &name);
  void parsePrototype(const Token &name);
  void parseTargets(const Token &name, bool isCall);
  void openScope();
  void closeScope();
  void resolveLabels();
  void addStatement(Statement::Kind kind, size_t index);

  // InstructionParser.cpp
  void parseInstruction();
  void parseParts(Instruction &instruction, const Token &first);
  void parseCall(Instruction &instruction);

  // OperandParser.cpp
  Operand parseOperand(bool labelsAllowed, unsigned depth = 0);
  Operand parseNamed(bool labelsAllowed);
  Operand parseAddress(unsigned depth);
  Operand parseVector(unsigned depth);
  Operand parseImmediate();
  Operand registerOperand(uint32_t index, Location where);
  void parseComponent(Operand &operand, unsigned components);
  int64_t parseOffset(Operand &base);

  // ConstantExpression.cpp
  Constant parseConstant() { return parseConditional(0); }
  Constant parseConditional(unsigned depth);
  Constant parseBinary(int minimum, unsigned depth);
  Constant parseUnary(unsigned depth);
  int64_t parseConstantInteger(const char *what);

  Lexer lexer;
  Diagnostics &diagnostics;
  Module &module;
  SymbolTable symbols;

  // Of the function that is being parsed.
  Function *function = nullptr;
  uint32_t scope = 0;
  uint32_t lastLoc = Instruction::noLoc;
  /// Labels, prototypes and target lists by scope and name.
  struct Target {
    Operand::Kind kind;
    uint32_t index;
  };
  std::map<std::pair<uint32_t, std::string>, Target> targets;
  /// Operands that name one of them, perhaps further down.
  struct Reference {
    uint32_t instruction; ///< or, of a list, its index
    uint32_t operand;
    bool inList;
    std::string name;
    uint32_t scope;
    Location location;
  };
  std::vector<Reference> references;
  std::string pendingLabel; ///< of the operand parsed last, if it was one
  unsigned openBraces = 0;  ///< of a vector, for recover()
};

} // namespace moe::ptx

#endif // MOE_LIB_TARGET_PTX_PARSERIMPL_H
