// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

namespace moe::ptxsim {

namespace {

bool isShared(const ptx::Variable &variable) {
  return variable.space == ptx::Space::Shared ||
         variable.space == ptx::Space::SharedCta;
}

template <class F>
void forEachOperand(const ptx::Operand &operand, F &&what) {
  what(operand);
  for (const ptx::Operand &element : operand.elements)
    forEachOperand(element, what);
}

/// The function, those it calls, and the shared variables they name.
struct Reachable {
  std::set<const ptx::Function *> functions;
  std::set<const ptx::Variable *> shared;
  /// Whose address is taken somewhere: what calls through pointers may reach.
  const std::vector<std::pair<const ptx::Function *, Address>> &pointees;

  void add(const ptx::Module &module, const ptx::Function &kernel) {
    std::vector<const ptx::Function *> todo;
    auto reach = [&](const ptx::Function *function) {
      if (function && functions.insert(function).second)
        todo.push_back(function);
    };
    reach(&kernel);
    while (!todo.empty()) {
      const ptx::Function &function = *todo.back();
      todo.pop_back();
      for (const ptx::Instruction &instruction : function.instructions) {
        for (const ptx::Operand &outer : instruction.operands)
          forEachOperand(outer, [&](const ptx::Operand &operand) {
            if (operand.variable && isShared(*operand.variable))
              shared.insert(operand.variable);
            if (operand.is(ptx::Operand::Kind::Function))
              reach(module.definition(*operand.function));
          });
        if (instruction.opcode == ptx::Opcode::Call &&
            instruction.operands[1].is(ptx::Operand::Kind::Register))
          for (const auto &[callee, address] : pointees)
            reach(callee);
      }
    }
  }
};

/// Definitions whose address is taken, in the order of the module.
std::vector<const ptx::Function *> findPointees(const ptx::Module &module) {
  std::set<const ptx::Function *> found;
  auto add = [&](const ptx::Function *function) {
    if (function)
      found.insert(module.definition(*function));
  };
  for (const ptx::Variable &variable : module.variables)
    for (const ptx::Initializer &value : variable.initializer)
      add(value.function);
  for (const ptx::Function &function : module.functions)
    for (const ptx::Instruction &instruction : function.instructions)
      if (instruction.opcode != ptx::Opcode::Call)
        for (const ptx::Operand &outer : instruction.operands)
          forEachOperand(outer, [&](const ptx::Operand &operand) {
            if (operand.is(ptx::Operand::Kind::Function))
              add(operand.function);
          });
  std::vector<const ptx::Function *> ordered;
  for (const ptx::Function &function : module.functions)
    if (function.hasBody && !function.isEntry && found.count(&function))
      ordered.push_back(&function);
  return ordered;
}

/// The peak of 32-bit registers between first and last mention.
uint32_t registerEstimate(const ptx::Function &function) {
  size_t count = function.instructions.size();
  std::vector<std::pair<size_t, size_t>> spans(function.registers.size(),
                                               {count, 0});
  for (size_t i = 0; i < count; ++i)
    for (const ptx::Operand &outer : function.instructions[i].operands)
      forEachOperand(outer, [&](const ptx::Operand &operand) {
        if (!operand.is(ptx::Operand::Kind::Register))
          return;
        auto &span = spans[operand.index];
        span.first = std::min(span.first, i);
        span.second = i;
      });
  std::vector<int64_t> change(count + 2);
  for (size_t i = 0; i < spans.size(); ++i) {
    unsigned words = (ptx::bitWidth(function.registers[i].type) + 31) / 32;
    if (spans[i].first > spans[i].second ||
        function.registers[i].type == ptx::Type::Pred)
      continue;
    change[spans[i].first] += words;
    change[spans[i].second + 1] -= words;
  }
  int64_t live = 0, peak = 0;
  for (int64_t c : change)
    peak = std::max(peak, live += c);
  uint32_t limit =
      function.directives.maxnreg ? function.directives.maxnreg : 255;
  return uint32_t(std::min<int64_t>(peak + 16, limit));
}

/// Whole pages are zero when they are touched next, so that what is large takes
/// no memory.
void clear(Address address, uint64_t bytes) {
  uint64_t page = uint64_t(sysconf(_SC_PAGESIZE)), end = address + bytes;
  Address first = (address + page - 1) / page * page, last = end / page * page;
  auto zero = [](Address from, Address to) {
    std::memset(reinterpret_cast<void *>(from), 0, to - from);
  };
  if (last <= first ||
      madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED))
    return zero(address, end);
  zero(address, first);
  zero(last, end);
}

/// Writes the initialiser of a module-scope variable.
void initialise(const ptx::Module &module, const ptx::Variable &variable,
                std::byte *to, const Layout &layout) {
  uint64_t bytes = ptx::byteSize(variable.type);
  for (const ptx::Initializer &value : variable.initializer) {
    uint64_t bits = 0, width = bytes;
    switch (value.kind) {
    case ptx::Initializer::Kind::Integer:
      bits = uint64_t(value.integer);
      break;
    case ptx::Initializer::Kind::Float: {
      ptx::Operand number;
      number.kind = ptx::Operand::Kind::Float;
      number.type = value.floatType;
      number.bits = value.bits;
      bits = ptx::immediateBits(number, variable.type);
      break;
    }
    case ptx::Initializer::Kind::Symbol: {
      auto it = layout.globals.find(value.variable);
      if (it != layout.globals.end())
        bits = it->second + uint64_t(value.addend);
      else if (value.function)
        bits = layout.addressOf(module, *value.function);
      if (value.mask)
        bits = (bits & value.mask) >> __builtin_ctzll(value.mask);
      break;
    }
    }
    std::memcpy(to + value.position * bytes, &bits, width);
  }
}

} // namespace

std::string Error::str() const {
  if (kernel.empty())
    return message;
  auto dim = [](const Dim3 &d) {
    return "(" + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " +
           std::to_string(d[2]) + ")";
  };
  return kernel + ", line " + std::to_string(line) + ", block " + dim(block) +
         ", thread " + dim(thread) + ": " + message;
}

std::unique_ptr<Program>
Program::load(std::shared_ptr<const ptx::Module> module, Device &device,
              Error &error) {
  std::unique_ptr<Program> program(new Program(device));
  program->module = module;
  Memory &memory = device.memory();
  Layout layout;
  uint32_t constantBytes = 0;
  for (const ptx::Variable &variable : module->variables) {
    bool constant = variable.space == ptx::Space::Const;
    if ((!constant && variable.space != ptx::Space::Global) ||
        variable.linkage == ptx::Linkage::Extern)
      continue;
    uint64_t bytes = std::max<uint64_t>(variable.size(), 1);
    Address address =
        memory.allocate(bytes, std::max(variable.effectiveAlignment(), 1u),
                        AllocationKind::Variable, constant);
    if (!address) {
      error = Error::make(ErrorKind::OutOfMemory,
                          "no memory for the variable \"" + variable.name +
                              "\" of " + std::to_string(bytes) + " bytes");
      return nullptr;
    }
    layout.globals[&variable] = address;
    program->variables.push_back({variable.name, address, bytes, constant});
    constantBytes += constant ? uint32_t(bytes) : 0;
  }
  for (const ptx::Function *function : findPointees(*module)) {
    constexpr uint64_t bytes = 16; // nothing is there, but it is no one else's
    Address address =
        memory.allocate(bytes, bytes, AllocationKind::Variable, true);
    if (!address) {
      error =
          Error::make(ErrorKind::OutOfMemory,
                      "no memory for the function \"" + function->name + "\"");
      return nullptr;
    }
    layout.functions.push_back({function, address});
    program->functions.push_back(address);
  }
  for (auto &[variable, address] : layout.globals) {
    clear(address, variable->size());
    initialise(*module, *variable, reinterpret_cast<std::byte *>(address),
               layout);
  }

  std::vector<std::string> problems;
  for (const ptx::Function &function : module->functions) {
    if (!function.isEntry || !function.hasBody)
      continue;
    auto kernel = std::make_unique<Kernel>();
    kernel->name = function.name;
    kernel->target = module->target.sm;
    kernel->isa = module->isa;
    kernel->constantBytes = constantBytes;
    kernel->registers = registerEstimate(function);
    kernel->paramBytes = uint32_t(function.paramBytes());
    layout.kernelParams.clear();
    for (const ptx::Variable &param : function.params) {
      layout.kernelParams[&param] = uint32_t(param.offset);
      kernel->params.push_back({param.name, uint32_t(param.offset),
                                uint32_t(param.size()),
                                param.effectiveAlignment()});
    }
    Reachable reachable{{}, {}, layout.functions};
    reachable.add(*module, function);
    layout.shared.clear();
    uint64_t shared = 0;
    std::vector<const ptx::Variable *> dynamic;
    auto place = [&](const ptx::Variable &variable) {
      if (!isShared(variable) || !reachable.shared.count(&variable))
        return;
      if (variable.isUnsized())
        return dynamic.push_back(&variable);
      uint64_t alignment = std::max(variable.effectiveAlignment(), 1u);
      shared = (shared + alignment - 1) / alignment * alignment;
      layout.shared[&variable] = uint32_t(shared);
      shared += variable.size();
    };
    for (const ptx::Variable &variable : module->variables)
      place(variable);
    for (const ptx::Function &other : module->functions)
      if (reachable.functions.count(&other))
        for (const ptx::Variable &variable : other.variables)
          place(variable);
    uint32_t most = device.properties().sharedPerBlockOptin;
    if (shared > most) {
      error = Error::make(ErrorKind::OutOfResources,
                          "\"" + function.name + "\" has " +
                              std::to_string(shared) +
                              " bytes of shared memory, a block at most " +
                              std::to_string(most));
      return nullptr;
    }
    kernel->staticSharedBytes = uint32_t(shared);
    for (const ptx::Variable *variable : dynamic)
      kernel->dynamicSharedAlignment = std::max(kernel->dynamicSharedAlignment,
                                                variable->effectiveAlignment());
    uint32_t alignment = kernel->dynamicSharedAlignment;
    for (const ptx::Variable *variable : dynamic)
      layout.shared[variable] =
          (uint32_t(shared) + alignment - 1) / alignment * alignment;

    auto code = std::make_shared<Code>();
    code->module = module;
    Decoder decoder(*module, layout, memory, device.options, *code);
    decoder.decode(function, problems);
    kernel->localBytes = code->localBytes;
    const ptx::Directives &directives = function.directives;
    auto product = [](const Dim3 &d) {
      return d[0] ? d[0] * std::max(d[1], 1u) * std::max(d[2], 1u) : 0;
    };
    kernel->requiredBlock = directives.reqntid;
    kernel->requiredCluster = directives.reqnctapercluster;
    for (Dim3 *d : {&kernel->requiredBlock, &kernel->requiredCluster})
      if ((*d)[0])
        for (uint32_t &extent : *d)
          extent = std::max(extent, 1u);
    kernel->maxThreads = product(directives.reqntid);
    if (!kernel->maxThreads)
      kernel->maxThreads = product(directives.maxntid);
    if (!kernel->maxThreads)
      kernel->maxThreads = device.properties().maxThreadsPerBlock;
    kernel->decoded = std::move(code);
    program->entries.push_back(std::move(kernel));
  }
  if (!problems.empty()) {
    std::sort(problems.begin(), problems.end());
    problems.erase(std::unique(problems.begin(), problems.end()),
                   problems.end());
    std::string text = "the executor cannot run " +
                       std::to_string(problems.size()) + " instructions:";
    for (size_t i = 0; i < problems.size() && i < 20; ++i)
      text += "\n  " + problems[i];
    error = Error::make(ErrorKind::Unsupported, text);
    return nullptr;
  }
  return program;
}

Program::~Program() {
  for (const Global &variable : variables)
    (void)device.memory().free(variable.address);
  for (Address function : functions)
    (void)device.memory().free(function);
}

const Kernel *Program::findKernel(std::string_view name) const {
  for (const auto &kernel : entries)
    if (kernel->name == name)
      return kernel.get();
  return nullptr;
}

const Global *Program::findGlobal(std::string_view name) const {
  for (const Global &variable : variables)
    if (variable.name == name)
      return &variable;
  return nullptr;
}

} // namespace moe::ptxsim
