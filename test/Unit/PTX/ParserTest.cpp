// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/PTX/Parser.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace moe::ptx;

namespace {

std::string read(const std::filesystem::path &path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// What parse() says of a body of `gate` with a few registers of each type.
std::unique_ptr<Module> body(const std::string &statements,
                             Diagnostics &diagnostics) {
  return parse(".version 9.0\n.target sm_90a\n.address_size 64\n"
               ".visible .entry k(.param .u64 p0, .param .align 8 .b8 p1[20],\n"
               ".param .u16 p2) {\n"
               ".reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %rd<9>;\n"
               ".reg .f32 %f<9>; .reg .v4 .f32 %v;\n" +
                   statements + "\n}\n",
               diagnostics);
}

std::string errorOf(const std::string &statements) {
  Diagnostics diagnostics("x.ptx");
  EXPECT_EQ(body(statements, diagnostics), nullptr) << statements;
  return diagnostics.str();
}

TEST(PTXParser, SamplesRoundTrip) {
  size_t count = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(MOE_PTX_INPUTS)) {
    if (entry.path().extension() != ".ptx")
      continue;
    ++count;
    Diagnostics diagnostics(entry.path().filename());
    auto module = parse(read(entry.path()), diagnostics);
    ASSERT_TRUE(module) << diagnostics.str();
    std::string printed = module->str();
    Diagnostics again("printed");
    auto second = parse(printed, again);
    ASSERT_TRUE(second) << again.str();
    EXPECT_EQ(second->str(), printed) << entry.path();
  }
  EXPECT_GE(count, 15u);
}

TEST(PTXParser, Parameters) {
  Diagnostics diagnostics;
  auto module = body("ret;", diagnostics);
  ASSERT_TRUE(module) << diagnostics.str();
  const Function &f = module->functions.front();
  ASSERT_EQ(f.params.size(), 3u);
  EXPECT_EQ(f.params[1].offset, 8u);
  EXPECT_EQ(f.params[1].size(), 20u);
  EXPECT_EQ(f.params[2].offset, 28u);
  EXPECT_EQ(f.paramBytes(), 30u);
}

TEST(PTXParser, Instruction) {
  Diagnostics diagnostics;
  auto module = body("@!%p1 mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                     "{%r1,%r2,%r3,%r4}, {%r1,%r2,%r3,%r4}, {%r5,%r6}, "
                     "{%r1,%r2,%r3,%r4};\n"
                     "ld.global.nc.v4.f32 {%f1,_,%f3,%f4}, [%rd1+-16];",
                     diagnostics);
  ASSERT_TRUE(module) << diagnostics.str();
  const Function &f = module->functions.front();
  const Instruction &mma = f.instructions[0];
  EXPECT_EQ(mma.opcode, Opcode::Mma);
  EXPECT_TRUE(mma.guarded && mma.guardNegated);
  EXPECT_EQ(f.registers[mma.guard].name, "%p1");
  EXPECT_EQ(mma.shape, (Shape{16, 8, 8}));
  EXPECT_EQ(mma.types,
            (std::vector<Type>{Type::F32, Type::TF32, Type::TF32, Type::F32}));
  EXPECT_TRUE(mma.has(Modifier::Aligned));
  EXPECT_EQ(mma.operands[2].elements.size(), 2u);
  EXPECT_EQ(fullName(mma),
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32");
  const Instruction &ld = f.instructions[1];
  EXPECT_EQ(ld.space(), Space::Global);
  EXPECT_EQ(ld.vector, 4);
  EXPECT_TRUE(ld.operands[0].elements[1].is(Operand::Kind::Sink));
  EXPECT_EQ(ld.operands[1].offset, -16);
  EXPECT_EQ(f.registers[ld.operands[1].base().index].name, "%rd1");
}

TEST(PTXParser, ScopesShadow) {
  Diagnostics diagnostics;
  auto module = body("{ .reg .f64 %r1; mov.f64 %r1, 1.5; bra L; L: ret; }\n"
                     "L: mov.b32 %r1, %r2; bra L;",
                     diagnostics);
  ASSERT_TRUE(module) << diagnostics.str();
  const Function &f = module->functions.front();
  EXPECT_EQ(f.instructions[0].operands[0].type, Type::F64);
  EXPECT_EQ(f.instructions[3].operands[0].type, Type::B32);
  EXPECT_EQ(f.labels[f.instructions[1].operands[0].index].instruction, 2u);
  EXPECT_EQ(f.labels[f.instructions[4].operands[0].index].instruction, 3u);
}

TEST(PTXParser, ConstantExpressions) {
  Diagnostics diagnostics;
  auto module = body("mov.b32 %r1, (1 + 2 * 3 == 7) ? ~0xf : 0b11;\n"
                     "mov.b32 %r1, 017 << 2 | 1;\n"
                     "mov.f32 %f1, -0f3F800000;\n"
                     "mov.u64 %rd1, (.u64)-1 / 2;\n"
                     "mov.b32 %r1, WARP_SZ;\n"
                     "mov.f64 %rd1, 2.5e-1;",
                     diagnostics);
  ASSERT_TRUE(module) << diagnostics.str();
  const auto &code = module->functions.front().instructions;
  EXPECT_EQ(code[0].operands[1].integer, ~0xf);
  EXPECT_EQ(code[1].operands[1].integer, 61);
  EXPECT_EQ(immediateBits(code[2].operands[1], Type::F32), 0xbf800000u);
  EXPECT_EQ(code[3].operands[1].integer, int64_t(~uint64_t(0) / 2));
  EXPECT_EQ(code[4].operands[1].integer, 32);
  EXPECT_EQ(immediateBits(code[5].operands[1], Type::F32), 0x3e800000u);
}

TEST(PTXParser, Initializers) {
  Diagnostics diagnostics;
  auto module = parse(".version 9.0\n.target sm_80\n.address_size 64\n"
                      ".global .b32 a[2][3] = {{1, 2}, {3}};\n"
                      ".global .v2 .f32 v[] = {{0f3f800000, 2.0}, {3.0}};\n"
                      ".global .b64 p[2] = {generic(a)+8, v};\n"
                      ".global .b8 q[2] = {0xff(a), 0xff00(a)};\n",
                      diagnostics);
  ASSERT_TRUE(module) << diagnostics.str();
  auto positions = [&](size_t i) {
    std::vector<uint64_t> list;
    for (const Initializer &value : module->variables[i].initializer)
      list.push_back(value.position);
    return list;
  };
  EXPECT_EQ(positions(0), (std::vector<uint64_t>{0, 1, 3}));
  EXPECT_EQ(positions(1), (std::vector<uint64_t>{0, 1, 2}));
  EXPECT_EQ(module->variables[1].size(), 16u);
  const Initializer &pointer = module->variables[2].initializer[0];
  EXPECT_TRUE(pointer.generic);
  EXPECT_EQ(pointer.addend, 8);
  EXPECT_EQ(pointer.variable, &module->variables[0]);
  EXPECT_EQ(module->variables[3].initializer[1].mask, 0xff00u);
  EXPECT_NE(module->str().find("a[2][3] = {{1, 2}, {3}};"), std::string::npos);
}

TEST(PTXParser, Errors) {
  EXPECT_EQ(errorOf("mov.b32 %r1, %r9;"),
            "x.ptx:8:14: error: unknown symbol \"%r9\"\n");
  EXPECT_EQ(errorOf("foo.b32 %r1;"),
            "x.ptx:8:1: error: unknown instruction \"foo\"\n");
  EXPECT_EQ(errorOf("cp.foo [%rd1];"),
            "x.ptx:8:1: error: unknown instruction \"cp.foo\"\n");
  EXPECT_EQ(errorOf("add.q32 %r1, %r2, %r3;"),
            "x.ptx:8:4: error: unknown modifier \".q32\" of \"add\"\n");
  EXPECT_EQ(errorOf("bra L;"), "x.ptx:8:5: error: unknown label \"L\"\n");
  EXPECT_EQ(errorOf("L: L: ret;"),
            "x.ptx:8:4: error: label \"L\" is defined twice\n");
  EXPECT_EQ(errorOf("mov.f32 %f1, 0f123;"),
            "x.ptx:8:14: error: a literal \"0f\" has 8 hexadecimal digits, "
            "got 3\n");
  EXPECT_EQ(errorOf("L: t: .branchtargets L, L"),
            "x.ptx:9:1: error: expected \";\" behind a list of targets, got "
            "\"}\"\n");
  EXPECT_EQ(errorOf("t: .branchtargets M; brx.idx %r1, t;"),
            "x.ptx:8:19: error: unknown label \"M\"\n");
  // One error a statement; the next one is read again.
  EXPECT_EQ(errorOf("mov.b32 {%r1, %r99}, %rd1; mov.b32 %r77, 1;"),
            "x.ptx:8:15: error: unknown symbol \"%r99\"\n"
            "x.ptx:8:36: error: unknown symbol \"%r77\"\n");
}

} // namespace
