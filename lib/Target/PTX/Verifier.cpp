// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verifier.h"

using namespace moe::ptx;

namespace {

constexpr uint64_t maxStaticShared = 48 << 10;

/// The first PTX ISA that knows a target.
uint32_t isaOfTarget(uint32_t sm, char suffix) {
  struct Row {
    uint32_t sm, plain, a, f;
  };
  static constexpr Row rows[] = {
      {10, 10, 0, 0},    {13, 12, 0, 0},    {20, 20, 0, 0},
      {30, 30, 0, 0},    {32, 40, 0, 0},    {35, 31, 0, 0},
      {37, 41, 0, 0},    {50, 40, 0, 0},    {52, 41, 0, 0},
      {53, 42, 0, 0},    {60, 50, 0, 0},    {70, 60, 0, 0},
      {72, 61, 0, 0},    {75, 63, 0, 0},    {80, 70, 0, 0},
      {86, 71, 0, 0},    {87, 74, 0, 0},    {88, 90, 0, 0},
      {89, 78, 0, 0},    {90, 78, 80, 0},   {100, 86, 86, 88},
      {101, 86, 86, 88}, {103, 88, 88, 88}, {110, 90, 90, 90},
      {120, 87, 87, 88}, {121, 88, 88, 88}};
  for (const Row &row : rows)
    if (row.sm == sm)
      return suffix == 'a' ? row.a : suffix == 'f' ? row.f : row.plain;
  return 10;
}

bool isRegisterType(Type type) {
  switch (typeClass(type)) {
  case TypeClass::Predicate:
  case TypeClass::Float:
    return true;
  case TypeClass::Bits:
  case TypeClass::Unsigned:
  case TypeClass::Signed:
    return bitWidth(type) >= 8 && bitWidth(type) <= 128 &&
           type != Type::B8x16 && type != Type::B4x16_P64 &&
           type != Type::B6x16_P32;
  default:
    return false;
  }
}

/// ".sat" of a conversion between integers that loses nothing.
std::string cvtProblem(const Instruction &inst) {
  Type to = inst.type(0), from = inst.type(1);
  if (!inst.has(Modifier::Sat) || !isInteger(to) || !isInteger(from))
    return {};
  bool holds = isSigned(to) == isSigned(from)
                   ? bitWidth(to) >= bitWidth(from)
                   : isSigned(to) && bitWidth(to) > bitWidth(from);
  return holds ? "modifier \".sat\" is not allowed here: every ." +
                     std::string(spelling(from)) + " is a ." +
                     std::string(spelling(to))
               : "";
}

class FunctionVerifier {
public:
  FunctionVerifier(Module &module, Function &f, Diagnostics &diagnostics)
      : module(module), f(f), diagnostics(diagnostics) {}

  void verify() {
    verifyHead();
    for (const RegisterDeclaration &r : f.registerDeclarations)
      verifyRegisters(r);
    uint64_t shared = 0;
    for (const Variable &variable : f.variables) {
      verifyVariable(variable, module, true, diagnostics);
      if (variable.space == Space::Shared)
        shared += variable.size();
    }
    if (shared > maxStaticShared)
      error(f.location, "\"" + f.name + "\" has " + std::to_string(shared) +
                            " bytes of .shared, at most 49152 are static");
    for (Instruction &instruction : f.instructions) {
      if (diagnostics.full())
        return;
      verifyInstruction(module, f, instruction, diagnostics);
    }
  }

private:
  void error(Location where, const std::string &message) {
    diagnostics.error(where, message);
  }

  void need(bool written, const char *directive, Gate gate) {
    if (!written)
      return;
    std::string problem = gateProblem(gate, module);
    if (!problem.empty())
      error(f.location, std::string(directive) + " " + problem);
  }

  void verifyHead() {
    const Directives &d = f.directives;
    if (!f.hasBody && !f.isEntry && f.linkage != Linkage::Extern &&
        !module.definition(f))
      error(f.location, "\"" + f.name + "\" has no body and is not .extern");
    if (f.isEntry) {
      for (const Variable &param : f.params)
        if (param.type == Type::Pred || param.name.empty() ||
            (param.isUnsized()))
          error(param.location,
                "\"" + param.name + "\" cannot be a parameter of an entry");
      uint64_t limit =
          module.isa >= 81 && module.target.sm >= 70 ? 32764 : 4352;
      if (f.paramBytes() > limit)
        error(f.location, "\"" + f.name + "\" has " +
                              std::to_string(f.paramBytes()) +
                              " bytes of parameters, at most " +
                              std::to_string(limit) + " are allowed");
    } else if (d.maxntid[0] || d.reqntid[0] || d.minnctapersm ||
               d.reqnctapercluster[0] || d.maxclusterrank) {
      error(f.location,
            "\"" + f.name + "\" is no entry and has launch directives");
    }
    for (const Variable &param : f.returns)
      if (param.type == Type::Pred && param.space == Space::Param)
        error(param.location, ".param cannot be of .pred");
    if (d.noreturn && (f.isEntry || !f.returns.empty()))
      error(f.location, "\"" + f.name + "\" cannot be .noreturn");
    need(d.reqnctapercluster[0], ".reqnctapercluster", {78, 90, 0, 0});
    need(d.explicitcluster, ".explicitcluster", {78, 90, 0, 0});
    need(d.maxclusterrank, ".maxclusterrank", {78, 90, 0, 0});
    need(d.blocksareclusters, ".blocksareclusters", {90, 90, 0, 0});
    need(d.noreturn, ".noreturn", {64, 30, 0, 0});
    uint64_t threads = 1;
    for (uint32_t extent : d.reqntid[0] ? d.reqntid : d.maxntid)
      threads *= std::min<uint64_t>(extent, 1 << 20);
    if (threads > 1024)
      error(f.location, "\"" + f.name + "\" asks for " +
                            std::to_string(threads) +
                            " threads, a block has at most 1024");
  }

  void verifyRegisters(const RegisterDeclaration &r) {
    unsigned bits = bitWidth(r.type) * r.vector;
    if (!isRegisterType(r.type) || bits > 128 ||
        (r.vector > 1 && r.type == Type::Pred))
      error(r.location,
            "\"" + r.name + "\": registers cannot be of " +
                (r.vector > 1 ? ".v" + std::to_string(r.vector) + " "
                              : std::string()) +
                "." + std::string(spelling(r.type)));
  }

  Module &module;
  Function &f;
  Diagnostics &diagnostics;
};

} // namespace

void moe::ptx::verifyVariable(const Variable &variable, const Module &module,
                              bool ofFunction, Diagnostics &diagnostics) {
  auto error = [&](const std::string &message) {
    diagnostics.error(variable.location,
                      "\"" + variable.name + "\" " + message);
  };
  TypeClass kind = typeClass(variable.type);
  bool opaque = kind == TypeClass::Opaque;
  if (kind == TypeClass::Predicate || kind == TypeClass::PackedFloat ||
      kind == TypeClass::PackedInteger || bitWidth(variable.type) > 128 ||
      (!opaque && bitWidth(variable.type) < 8))
    return error("cannot be of ." + std::string(spelling(variable.type)));
  if (variable.vector * bitWidth(variable.type) > 128)
    return error("is a vector of more than 128 bits");
  bool initial =
      variable.space == Space::Global || variable.space == Space::Const;
  if (variable.hasInitializer && (!initial || ofFunction == false) &&
      (!initial || variable.linkage == Linkage::Extern))
    return error("cannot have an initial value");
  if (variable.isUnsized() && !variable.hasInitializer &&
      variable.linkage != Linkage::Extern)
    return error("needs the extent of its array");
  bool isF16 = variable.type == Type::F16 || variable.type == Type::F16x2;
  for (const Initializer &value : variable.initializer) {
    bool isFloating = kind == TypeClass::Float;
    bool isFloatValue = value.kind == Initializer::Kind::Float;
    if (isFloatValue ? !isFloating || isF16
                     : value.kind == Initializer::Kind::Integer && isFloating &&
                           value.integer != 0)
      return error("has an initial value that is no ." +
                   std::string(spelling(variable.type)));
  }
}

void moe::ptx::verifyInstruction(const Module &module, const Function &f,
                                 Instruction &inst, Diagnostics &diagnostics) {
  auto error = [&](const std::string &message) {
    diagnostics.error(inst.location, "\"" + fullName(inst) + "\": " + message);
  };
  if (inst.guarded && f.registers[inst.guard].type != Type::Pred)
    error("the guard " + f.registers[inst.guard].name + " is of ." +
          std::string(spelling(f.registers[inst.guard].type)) + ", not .pred");
  Place place{module, f, inst};
  const Rule *best = nullptr;
  int bestProblems = 0;
  bool namesFit = false;
  std::string gate;
  for (const Rule *rule : rulesOf(inst.opcode)) {
    std::string closed;
    int problems = matchNames(place, *rule, nullptr, &closed);
    if (problems == 0) {
      problems = matchOperands(place, *rule, nullptr);
      if (problems == 0 && closed.empty()) {
        inst.form = &rule->form;
        break;
      }
      if (problems == 0 && gate.empty())
        gate = closed;
      if (!namesFit || problems < bestProblems) {
        best = rule;
        bestProblems = problems;
      }
      namesFit = true;
    } else if (!namesFit && (!best || problems < bestProblems)) {
      best = rule;
      bestProblems = problems;
    }
  }
  if (!inst.form) {
    std::string why = "no form is known";
    if (!gate.empty())
      why = gate;
    else if (best && namesFit)
      matchOperands(place, *best, &why);
    else if (best)
      matchNames(place, *best, &why, nullptr);
    return error(why);
  }
  std::string problem;
  if (inst.opcode == Opcode::Cvt)
    problem = cvtProblem(inst);
  else if (family(inst.opcode) == Family::Mbarrier &&
           (inst.modifier(ModifierClass::Scope) == Modifier::None) !=
               (inst.modifier(ModifierClass::Semantics) == Modifier::None))
    problem = "a scope goes with .release, .acquire or .relaxed";
  else if (inst.opcode == Opcode::Mov)
    problem = movProblem(place);
  else if (inst.opcode == Opcode::Call)
    problem = callProblem(place);
  if (!problem.empty())
    error(problem);
}

bool moe::ptx::verify(Module &module, Diagnostics &diagnostics) {
  size_t before = diagnostics.errors();
  uint32_t isa = isaOfTarget(module.target.sm, module.target.suffix);
  if (isa > module.isa)
    diagnostics.error(
        {1, 1}, "sm_" + std::to_string(module.target.sm) +
                    (module.target.suffix ? std::string(1, module.target.suffix)
                                          : std::string()) +
                    " needs PTX ISA " + std::to_string(isa / 10) + "." +
                    std::to_string(isa % 10) + ", the module has " +
                    std::to_string(module.isa / 10) + "." +
                    std::to_string(module.isa % 10));
  for (const Variable &variable : module.variables)
    verifyVariable(variable, module, false, diagnostics);
  for (Function &function : module.functions)
    if (!diagnostics.full())
      FunctionVerifier(module, function, diagnostics).verify();
  return diagnostics.errors() == before;
}

std::unique_ptr<Module> moe::ptx::parseAndVerify(std::string_view text,
                                                 Diagnostics &diagnostics) {
  std::unique_ptr<Module> module = parse(text, diagnostics);
  if (module && !verify(*module, diagnostics))
    return nullptr;
  return module;
}
