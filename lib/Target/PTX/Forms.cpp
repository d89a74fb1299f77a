// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <unordered_map>

using namespace moe::ptx;

namespace {

struct NamedSet {
  std::string_view name, text;
};
constexpr NamedSet namedSets[] = {
    {"$rnd", ".rn|.rz|.rm|.rp"},
    {"$int8", ".u8|.u16|.u32|.u64|.s8|.s16|.s32|.s64"},
    {"$int", ".u16|.u32|.u64|.s16|.s32|.s64"},
    {"$icmp", ".eq|.ne|.lt|.le|.gt|.ge|.lo|.ls|.hi|.hs"},
    {"$scmp", ".eq|.ne|.lt|.le|.gt|.ge"},
    {"$ucmp", ".eq|.ne|.lt|.le|.gt|.ge|.lo|.ls|.hi|.hs"},
    {"$fcmp", ".eq|.ne|.lt|.le|.gt|.ge|.equ|.neu|.ltu|.leu|.gtu|.geu|.num|"
              ".nan"},
    {"$scope", ".cta|.cluster@78.90|.gpu|.sys"},
    {"$asem", ".relaxed|.acquire|.release|.acq_rel"},
    {"$ldspace", ".global|.shared|.shared::cta|.shared::cluster@78.90|.local|"
                 ".const|.param|.param::entry|.param::func"},
    {"$stspace", ".global|.shared|.shared::cta|.shared::cluster@78.90|.local|"
                 ".param|.param::func"},
    {"$aspace", ".global|.shared|.shared::cta|.shared::cluster@78.90"},
    {"$ldtype", ".b8|.b16|.b32|.b64|.u8|.u16|.u32|.u64|.s8|.s16|.s32|.s64|"
                ".f32|.f64"},
    {"$evict1", ".L1::evict_normal@74.70|.L1::evict_unchanged@74.70|"
                ".L1::evict_first@74.70|.L1::evict_last@74.70|"
                ".L1::no_allocate@74.70"},
    {"$evict2", ".L2::evict_normal@88.100|.L2::evict_first@88.100|"
                ".L2::evict_last@88.100"},
    {"$prefetch", ".L2::64B@74.75|.L2::128B@74.75|.L2::256B@74.80"},
    {"$dim", ".1d|.2d|.3d|.4d|.5d"},
    {"$group", ".cta_group::1|.cta_group::2"},
    {"$kind", ".kind::f16|.kind::tf32|.kind::f8f6f4|.kind::i8|"
              ".kind::mxf8f6f4|.kind::mxf4|.kind::mxf4nvf4"},
    {"$collect",
     ".collector::a::fill|.collector::a::use|.collector::a::lastuse|"
     ".collector::a::discard|.collector::b0::fill|.collector::b0::use|"
     ".collector::b0::lastuse|.collector::b0::discard|.collector::b1::fill|"
     ".collector::b1::use|.collector::b1::lastuse|.collector::b1::discard|"
     ".collector::b2::fill|.collector::b2::use|.collector::b2::lastuse|"
     ".collector::b2::discard|.collector::b3::fill|.collector::b3::use|"
     ".collector::b3::lastuse|.collector::b3::discard"},
    {"$narrow", ".e4m3|.e5m2|.e3m2|.e2m3|.e2m1"},
    {"$wmma", ".m16n16k16|.m8n32k16|.m32n8k16|.m16n16k8|.m8n8k4|.m8n8k32|"
              ".m8n8k128"},
    {"$geometry", ".1d|.2d|.3d|.a1d|.a2d|.cube|.acube|.2dms|.a2dms"},
    {"$query",
     ".width|.height|.depth|.channel_data_type|.channel_order|"
     ".normalized_coords|.array_size|.num_mipmap_levels|.num_samples|"
     ".filter_mode|.addr_mode_0|.addr_mode_1|.addr_mode_2|.memory_layout"},
};

class TableReader {
public:
  std::deque<Rule> rules;
  std::unordered_map<uint16_t, std::vector<const Rule *>> byOpcode;
  std::vector<std::string> errors;

  TableReader() {
    for (const char *table :
         {arithmeticForms, logicForms, moveForms, memoryForms, asyncForms,
          controlForms, matrixForms, wgmmaForms, tcgen05Forms})
      readTable(table);
  }

private:
  void readTable(std::string_view table) {
    while (!table.empty()) {
      size_t end = table.find('\n');
      std::string_view line = table.substr(0, end);
      table.remove_prefix(end + 1);
      if (!line.empty() && line[0] != '#')
        readRow(line);
    }
  }

  void fail(std::string_view row, std::string_view what) {
    errors.push_back("\"" + std::string(row) + "\": " + std::string(what));
  }

  static std::string_view word(std::string_view &rest) {
    size_t first = rest.find_first_not_of(' ');
    if (first == rest.npos)
      return rest = {};
    rest.remove_prefix(first);
    std::string_view result = rest.substr(0, rest.find(' '));
    rest.remove_prefix(result.size());
    return result;
  }

  static int number(std::string_view text) {
    return std::atoi(std::string(text).c_str());
  }

  /// "70.80", "70", "80.90a", "30.30-69"
  static Gate readGate(std::string_view text) {
    Gate gate;
    gate.isa = uint16_t(number(text));
    size_t point = text.find('.');
    if (point != text.npos) {
      std::string_view sm = text.substr(point + 1);
      gate.sm = uint16_t(number(sm));
      if (size_t dash = sm.find('-'); dash != sm.npos)
        gate.maxSm = uint16_t(number(sm.substr(dash + 1)));
      if (size_t letter = sm.find_first_of("as"); letter != sm.npos)
        gate.suffix = sm[letter];
    }
    return gate;
  }

  void readAlternatives(std::string_view text, Slot &slot,
                        std::string_view row) {
    while (!text.empty()) {
      std::string_view one = text.substr(0, text.find('|'));
      text.remove_prefix(std::min(text.size(), one.size() + 1));
      if (one[0] == '$') {
        bool found = false;
        for (const NamedSet &set : namedSets)
          if (set.name == one) {
            readAlternatives(set.text, slot, row);
            found = true;
          }
        if (!found)
          fail(row, one);
        continue;
      }
      Alternative alternative;
      size_t at = one.find('@');
      if (at != one.npos)
        alternative.gate = readGate(one.substr(at + 1));
      std::string name(one.substr(1, at == one.npos ? at : at - 1));
      if (size_t star = name.find('*'); star != name.npos) {
        name.replace(star, 1, "8");
        alternative.anyN = true;
      }
      std::optional<Part> part = findPart(name);
      if (!part) {
        fail(row, one);
        continue;
      }
      alternative.part = *part;
      slot.kind = part->kind;
      slot.isLayout |=
          part->kind == Part::Kind::Modifier &&
          modifierClass(Modifier(part->value)) == ModifierClass::Layout;
      slot.alternatives.push_back(alternative);
    }
  }

  void readConstants(std::string_view text, OperandSpec &spec) {
    size_t dots = text.find("..");
    if (dots == text.npos) {
      while (!text.empty()) {
        std::string_view one = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        spec.values.push_back(number(one));
      }
      return;
    }
    spec.ranged = true;
    spec.low = number(text);
    spec.high = number(text.substr(dots + 2));
    if (size_t slash = text.find('/'); slash != text.npos)
      spec.step = number(text.substr(slash + 1));
  }

  OperandSpec readOperand(std::string_view text, std::string_view row) {
    OperandSpec spec;
    if (text == "..") {
      spec.role = '.';
      return spec;
    }
    spec.role = text[0];
    text.remove_prefix(1);
    while (!text.empty()) {
      char c = text[0];
      size_t taken = 1;
      if (c == '{') {
        taken = text.find('}') + 1;
        std::string_view inside = text.substr(1, taken - 2);
        if (inside[0] >= '0' && inside[0] <= '9') {
          spec.count = '1';
          spec.multiply = number(inside);
        } else {
          spec.count = inside[0];
          if (inside.size() > 2)
            (inside[1] == '*' ? spec.multiply : spec.divide) =
                number(inside.substr(2));
        }
      } else if (c >= '0' && c <= '9') {
        spec.typeIndex = c - '0';
      } else if (c == 'w') {
        spec.wide = true;
      } else if (c == '~') {
        spec.relaxed = true;
      } else if (c == '?') {
        spec.optional = true;
      } else if (c == '|') {
        spec.pair = true;
        spec.pairOptional = text.substr(0, 3) == "|P?";
        taken = spec.pairOptional ? 3 : 2;
      } else if (c == '(') {
        taken = text.find(')') + 1;
        readConstants(text.substr(1, taken - 2), spec);
      } else if (c == '.') {
        size_t end = text.find_first_of("(?|~", 1);
        taken = end == text.npos ? text.size() : end;
        std::optional<Type> type = findType(text.substr(1, taken - 1));
        if (type)
          spec.type = *type;
        else
          fail(row, text);
      } else {
        fail(row, text);
      }
      text.remove_prefix(taken);
    }
    return spec;
  }

  void readRow(std::string_view row) {
    std::string_view rest = row;
    std::optional<uint16_t> name = findOpcode(word(rest));
    if (!name)
      return fail(row, "opcode");
    rules.emplace_back();
    Rule &rule = rules.back();
    rule.form.id = uint32_t(rules.size() - 1);
    rule.form.opcode = opcodeName(*name).opcode;
    rule.form.text = row;
    bool operands = false;
    for (std::string_view text = word(rest); !text.empty(); text = word(rest)) {
      if (text == ":") {
        operands = true;
      } else if (text[0] == '@') {
        rule.form.gate = readGate(text.substr(1));
      } else if (operands) {
        rule.operands.push_back(readOperand(text, row));
      } else {
        Slot slot;
        slot.text = text;
        slot.optional = text.back() == '?';
        readAlternatives(text.substr(0, text.size() - slot.optional), slot,
                         row);
        rule.slots.push_back(std::move(slot));
      }
    }
    if (!operands)
      fail(row, "\":\" is missing");
    byOpcode[uint16_t(rule.form.opcode)].push_back(&rule);
  }
};

const TableReader &tables() {
  static const TableReader reader;
  return reader;
}

} // namespace

const std::vector<const Rule *> &moe::ptx::rulesOf(Opcode opcode) {
  static const std::vector<const Rule *> none;
  auto found = tables().byOpcode.find(uint16_t(opcode));
  return found == tables().byOpcode.end() ? none : found->second;
}
const std::vector<std::string> &moe::ptx::tableErrors() {
  return tables().errors;
}
size_t moe::ptx::formCount() { return tables().rules.size(); }
const Form &moe::ptx::form(size_t id) { return tables().rules[id].form; }
