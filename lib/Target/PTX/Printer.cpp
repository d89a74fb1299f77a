// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module as PTX again. Numbers are printed in one form each, so that printing
// what was printed gives the same text.
#include "Names.h"
#include "moe/Target/PTX/Module.h"

#include <ostream>
#include <sstream>

using namespace moe::ptx;

namespace {

class Printer {
public:
  Printer(std::ostream &os, const Module &module) : os(os), module(module) {}

  void print();

private:
  void print(const Variable &variable, bool inList);
  void print(const Initializer &value);
  void printInitializer(const Variable &variable);
  void printValues(const Variable &variable, size_t level, uint64_t from,
                   size_t &at);
  void print(const Function &f);
  void print(const Directives &directives);
  void print(const std::deque<Variable> &params);
  void print(const Function &f, const Statement &statement);
  void print(const Function &f, const Instruction &instruction);
  void print(const Function &f, const Operand &operand);
  void printList(const Function &f, const std::vector<Operand> &operands,
                 size_t from = 0);
  void printFloat(Type type, uint64_t bits);
  void printLinkage(Linkage linkage);
  void printLoc(const Loc &loc);

  std::ostream &os;
  const Module &module;
  size_t indent = 1;
};

void Printer::printFloat(Type type, uint64_t bits) {
  static constexpr char digits[] = "0123456789ABCDEF";
  bool isSingle = type == Type::F32;
  os << (isSingle ? "0f" : "0d");
  for (int shift = isSingle ? 28 : 60; shift >= 0; shift -= 4)
    os << digits[bits >> shift & 15];
}

void Printer::printLinkage(Linkage linkage) {
  static constexpr const char *names[] = {"", ".visible ", ".extern ", ".weak ",
                                          ".common "};
  os << names[size_t(linkage)];
}

void Printer::print(const Initializer &value) {
  if (value.kind == Initializer::Kind::Float)
    return printFloat(value.floatType, value.bits);
  if (value.kind == Initializer::Kind::Integer) {
    os << value.integer;
    return;
  }
  if (value.mask)
    os << value.mask << "(";
  if (value.generic)
    os << "generic(";
  os << (value.variable ? value.variable->name : value.function->name);
  if (value.generic)
    os << ")";
  if (value.mask)
    os << ")";
  if (value.addend > 0)
    os << "+" << value.addend;
  if (value.addend < 0)
    os << value.addend;
}

void Printer::printValues(const Variable &variable, size_t level, uint64_t from,
                          size_t &at) {
  std::vector<uint64_t> dimensions = variable.dimensions();
  uint64_t stride = 1;
  for (size_t i = level + 1; i < dimensions.size(); ++i)
    stride *= dimensions[i];
  const auto &values = variable.initializer;
  os << "{";
  for (uint64_t row = 0;
       row < dimensions[level] && at < values.size() &&
       values[at].position < from + dimensions[level] * stride;
       ++row) {
    os << (row ? ", " : "");
    if (level + 1 < dimensions.size())
      printValues(variable, level + 1, from + row * stride, at);
    else
      print(values[at++]);
  }
  os << "}";
}

void Printer::printInitializer(const Variable &variable) {
  os << " = ";
  size_t at = 0;
  if (variable.dimensions().empty())
    print(variable.initializer.front());
  else
    printValues(variable, 0, 0, at);
}

void Printer::print(const Variable &variable, bool inList) {
  printLinkage(variable.linkage);
  os << "." << spelling(variable.space);
  if (!variable.attributes.empty())
    os << " .attribute(" << variable.attributes << ")";
  if (variable.alignment)
    os << " .align " << variable.alignment;
  if (variable.vector > 1)
    os << " .v" << unsigned(variable.vector);
  os << " ." << spelling(variable.type);
  if (variable.isPointer) {
    os << " .ptr";
    if (variable.pointee != Space::Generic)
      os << " ." << spelling(variable.pointee);
    if (variable.pointeeAlignment)
      os << " .align " << variable.pointeeAlignment;
  }
  if (!variable.name.empty())
    os << " " << variable.name;
  for (uint64_t extent : variable.extents) {
    os << "[";
    if (extent)
      os << extent;
    os << "]";
  }
  if (variable.hasInitializer)
    printInitializer(variable);
  if (!inList)
    os << ";\n";
}

void Printer::print(const std::deque<Variable> &params) {
  os << "(";
  const char *separator = "";
  for (const Variable &param : params) {
    os << separator << "\n\t";
    print(param, true);
    separator = ",";
  }
  os << ")";
}

void Printer::print(const Directives &d) {
  auto dimensions = [&](const char *name,
                        const std::array<uint32_t, 3> &values) {
    if (values[0])
      os << "\n." << name << " " << values[0] << ", " << values[1] << ", "
         << values[2];
  };
  auto number = [&](const char *name, uint32_t value) {
    if (value)
      os << "\n." << name << " " << value;
  };
  auto flag = [&](const char *name, bool value) {
    if (value)
      os << "\n." << name;
  };
  dimensions("maxntid", d.maxntid);
  dimensions("reqntid", d.reqntid);
  number("minnctapersm", d.minnctapersm);
  number("maxnctapersm", d.maxnctapersm);
  number("maxnreg", d.maxnreg);
  flag("explicitcluster", d.explicitcluster);
  dimensions("reqnctapercluster", d.reqnctapercluster);
  number("maxclusterrank", d.maxclusterrank);
  flag("blocksareclusters", d.blocksareclusters);
  number("abi_preserve", d.abiPreserve);
  number("abi_preserve_control", d.abiPreserveControl);
  flag("unified", d.unified);
  flag("noreturn", d.noreturn);
  for (const std::string &pragma : d.pragmas)
    os << "\n.pragma \"" << pragma << "\";";
}

void Printer::printLoc(const Loc &loc) {
  os << ".loc " << loc.file << " " << loc.line << " " << loc.column;
  if (!loc.functionName.empty()) {
    os << ", function_name " << loc.functionName;
    if (loc.functionNameOffset)
      os << "+" << loc.functionNameOffset;
    os << ", inlined_at " << loc.inlinedFile << " " << loc.inlinedLine << " "
       << loc.inlinedColumn;
  }
  os << "\n";
}

void Printer::print(const Function &f, const Operand &operand) {
  auto component = [&] {
    if (operand.component != Operand::noComponent)
      os << "." << "xyzw"[operand.component];
  };
  auto offset = [&] {
    if (operand.offset)
      os << "+" << operand.offset;
  };
  if (operand.negated)
    os << "!";
  switch (operand.kind) {
  case Operand::Kind::Register:
    os << f.registers[operand.index].name;
    return component();
  case Operand::Kind::Special:
    if (operand.special == SpecialRegister::Pm64)
      os << "%pm" << operand.index << "_64";
    else
      os << "%" << spelling(operand.special);
    if (operand.special == SpecialRegister::Pm ||
        operand.special == SpecialRegister::Envreg)
      os << operand.index;
    return component();
  case Operand::Kind::Integer:
    if (operand.isUnsigned)
      os << uint64_t(operand.integer) << "U";
    else
      os << operand.integer;
    return;
  case Operand::Kind::Float:
    return printFloat(operand.type, operand.bits);
  case Operand::Kind::Sink:
    os << "_";
    return;
  case Operand::Kind::Vector:
    os << "{";
    printList(f, operand.elements);
    os << "}";
    return;
  case Operand::Kind::Pair:
    print(f, operand.elements[0]);
    os << "|";
    return print(f, operand.elements[1]);
  case Operand::Kind::Address:
    os << "[";
    print(f, operand.base());
    offset();
    if (operand.elements.size() > 1)
      os << ", ";
    printList(f, operand.elements, 1);
    os << "]";
    return;
  case Operand::Kind::Variable:
    os << operand.variable->name;
    return offset();
  case Operand::Kind::Function:
    os << operand.function->name;
    return;
  case Operand::Kind::Label:
    os << f.labels[operand.index].name;
    return;
  case Operand::Kind::Arguments:
    os << "(";
    printList(f, operand.elements);
    os << ")";
    return;
  case Operand::Kind::Prototype:
    os << f.prototypes[operand.index].name;
    return;
  case Operand::Kind::TargetList:
    os << f.targetLists[operand.index].name;
    return;
  }
}

void Printer::printList(const Function &f, const std::vector<Operand> &operands,
                        size_t from) {
  for (size_t i = from; i < operands.size(); ++i) {
    os << (i == from ? "" : ", ");
    print(f, operands[i]);
  }
}

void Printer::print(const Function &f, const Instruction &instruction) {
  if (instruction.guarded)
    os << "@" << (instruction.guardNegated ? "!" : "")
       << f.registers[instruction.guard].name << " ";
  os << fullName(instruction);
  if (instruction.opcode == Opcode::Call) {
    os << " ";
    if (!instruction.operands[0].elements.empty()) {
      print(f, instruction.operands[0]);
      os << ", ";
    }
    printList(f, instruction.operands, 1);
  } else if (!instruction.operands.empty()) {
    os << " ";
    printList(f, instruction.operands);
  }
  os << ";\n";
}

void Printer::print(const Function &f, const Statement &statement) {
  uint32_t index = statement.index;
  if (statement.kind == Statement::Kind::ScopeEnd)
    --indent;
  if (statement.kind != Statement::Kind::Label)
    for (size_t i = 0; i < indent; ++i)
      os << "\t";
  switch (statement.kind) {
  case Statement::Kind::Instruction:
    return print(f, f.instructions[index]);
  case Statement::Kind::Label:
    os << f.labels[index].name << ":\n";
    return;
  case Statement::Kind::Registers: {
    const RegisterDeclaration &r = f.registerDeclarations[index];
    os << ".reg ";
    if (r.vector > 1)
      os << ".v" << unsigned(r.vector) << " ";
    os << "." << spelling(r.type) << " " << r.name;
    if (r.ranged)
      os << "<" << r.count << ">";
    os << ";\n";
    return;
  }
  case Statement::Kind::Variable:
    return print(f.variables[index], false);
  case Statement::Kind::Loc:
    return printLoc(f.locs[index]);
  case Statement::Kind::ScopeBegin:
    ++indent;
    os << "{\n";
    return;
  case Statement::Kind::ScopeEnd:
    os << "}\n";
    return;
  case Statement::Kind::Prototype: {
    const Prototype &p = f.prototypes[index];
    os << p.name << ": .callprototype ";
    if (!p.returns.empty())
      print(p.returns);
    os << " _ ";
    print(p.params);
    os << (p.noreturn ? " .noreturn" : "") << p.directives << ";\n";
    return;
  }
  case Statement::Kind::TargetList: {
    const TargetList &list = f.targetLists[index];
    os << list.name << (list.isCall ? ": .calltargets" : ": .branchtargets");
    const char *separator = " ";
    for (uint32_t label : list.labels) {
      os << separator << f.labels[label].name;
      separator = ", ";
    }
    for (const Function *target : list.functions) {
      os << separator << target->name;
      separator = ", ";
    }
    os << ";\n";
    return;
  }
  case Statement::Kind::Pragma:
    os << ".pragma \"" << f.pragmas[index] << "\";\n";
    return;
  }
}

void Printer::print(const Function &f) {
  printLinkage(f.linkage);
  os << (f.isEntry ? ".entry " : ".func ");
  if (!f.attributes.empty())
    os << ".attribute(" << f.attributes << ") ";
  if (!f.returns.empty()) {
    print(f.returns);
    os << " ";
  }
  os << f.name;
  print(f.params);
  print(f.directives);
  if (!f.hasBody) {
    os << ";\n";
    return;
  }
  os << "\n{\n";
  for (const Statement &statement : f.statements)
    print(f, statement);
  os << "}\n";
}

void Printer::print() {
  os << ".version " << module.isa / 10 << "." << module.isa % 10 << "\n";
  os << ".target sm_" << module.target.sm;
  if (module.target.suffix)
    os << module.target.suffix;
  for (const std::string &option : module.target.options)
    os << ", " << option;
  os << "\n";
  if (module.addressSizeWritten)
    os << ".address_size " << module.addressSize << "\n";
  for (const Item &item : module.items) {
    switch (item.kind) {
    case Item::Kind::Variable:
      print(module.variables[item.index], false);
      break;
    case Item::Kind::Function:
      print(module.functions[item.index]);
      break;
    case Item::Kind::File: {
      const File &file = module.files[item.index];
      os << ".file " << file.index << " \"" << file.name << "\"";
      if (file.hasStamp)
        os << ", " << file.timestamp << ", " << file.size;
      os << "\n";
      break;
    }
    case Item::Kind::Section:
      os << ".section ." << module.sections[item.index].name << "\n{\n";
      for (const std::string &line : module.sections[item.index].lines)
        os << line << "\n";
      os << "}\n";
      break;
    case Item::Kind::Alias:
      os << ".alias " << module.aliases[item.index].alias->name << ", "
         << module.aliases[item.index].aliasee->name << ";\n";
      break;
    case Item::Kind::Pragma:
      os << ".pragma \"" << module.pragmas[item.index] << "\";\n";
      break;
    }
  }
}

} // namespace

std::string moe::ptx::fullName(const Instruction &instruction) {
  std::string name(opcodeName(instruction.name).spelling);
  for (uint32_t code : instruction.parts) {
    uint16_t value = uint16_t(code & 0xffff);
    name += ".";
    switch (Part::Kind(code >> 16)) {
    case Part::Kind::Modifier:
      name += spelling(Modifier(value));
      break;
    case Part::Kind::Type:
      name += spelling(Type(value));
      break;
    case Part::Kind::Space:
      name += spelling(Space(value));
      break;
    case Part::Kind::Vector:
      name += "v" + std::to_string(value);
      break;
    case Part::Kind::Repeat:
      name += "x" + std::to_string(value);
      break;
    case Part::Kind::Shape: {
      const Shape &s = instruction.shape;
      name += "m" + std::to_string(s.m) + "n" + std::to_string(s.n);
      if (s.k)
        name += "k" + std::to_string(s.k);
      break;
    }
    }
  }
  return name;
}

void Module::print(std::ostream &os) const { Printer(os, *this).print(); }

std::string Module::str() const {
  std::ostringstream os;
  print(os);
  return os.str();
}
