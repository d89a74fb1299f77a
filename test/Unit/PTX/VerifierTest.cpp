// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"
#include "moe/Target/PTX/Parser.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace moe::ptx;

namespace {

/// The first message of verify() for one statement, without its place.
std::string verified(const std::string &statement,
                     const std::string &target = "sm_90a",
                     const std::string &version = "9.0") {
  Diagnostics diagnostics("x.ptx");
  parseAndVerify(
      ".version " + version + "\n.target " + target +
          "\n.address_size 64\n.global .b8 gv[16]; .const .b8 cv[16];\n"
          ".func (.param .b32 rv) fn(.param .b32 a) { ret; }\n"
          ".visible .entry k(.param .u64 p0, .param .align 64 .b8 p1[128]) {\n"
          ".reg .pred %p<4>; .reg .b16 %rs<9>; .reg .b32 %r<99>;\n"
          ".reg .b64 %rd<9>; .reg .f32 %f<9>; .reg .f64 %fd<9>;\n"
          ".reg .u32 %u<9>; .shared .b8 sv[64];\n" +
          statement + "\nL: ret;\n}\n",
      diagnostics);
  if (diagnostics.all().empty())
    return {};
  return diagnostics.all().front().message;
}

#define EXPECT_VALID(...) EXPECT_EQ(verified(__VA_ARGS__), "")

TEST(PTXVerifier, TablesCanBeRead) {
  for (const std::string &error : tableErrors())
    ADD_FAILURE() << error;
  EXPECT_GT(formCount(), 400u);
}

TEST(PTXVerifier, SamplesAreValid) {
  for (const auto &entry :
       std::filesystem::directory_iterator(MOE_PTX_INPUTS)) {
    if (entry.path().extension() != ".ptx")
      continue;
    std::ifstream in(entry.path());
    std::ostringstream text;
    text << in.rdbuf();
    Diagnostics diagnostics(entry.path().filename());
    auto module = parseAndVerify(text.str(), diagnostics);
    ASSERT_TRUE(module) << diagnostics.str();
    for (const Function &f : module->functions)
      for (const Instruction &inst : f.instructions)
        EXPECT_NE(inst.form, nullptr);
  }
}

TEST(PTXVerifier, TypesOfOperands) {
  EXPECT_VALID("add.f32 %r1, %f2, 1.0;"); // .b32 holds any 32 bits
  EXPECT_VALID("ld.global.u8 %r1, [%rd1];");
  EXPECT_VALID("cvt.u32.u64 %rd1, %rd2;");
  EXPECT_EQ(verified("add.f32 %u1, %f2, %f3;"),
            "\"add.f32\": operand 1: expected a register of .f32, got %u1 of "
            ".u32");
  EXPECT_EQ(verified("add.s32 %r1, %r2, 1.0;"),
            "\"add.s32\": operand 3: expected a value of .s32, got a constant "
            "of .f64");
  EXPECT_EQ(verified("add.s64 %rd1, %rd2, %r3;"),
            "\"add.s64\": operand 3: expected a value of .s64, got %r3 of "
            ".b32");
  EXPECT_EQ(verified("ld.global.f32 %fd1, [%rd1];"),
            "\"ld.global.f32\": operand 1: expected a register of .f32, got "
            "%fd1 of .f64");
  EXPECT_EQ(verified("@%r1 ret;"),
            "\"ret\": the guard %r1 is of .b32, not .pred");
  EXPECT_EQ(verified("mov.b32 %r1, %tid;"), "\"mov.b32\": %tid has components");
  EXPECT_EQ(verified("mov.b64 %rd1, {%r1, %rs1};"),
            "\"mov.b64\": elements of 32 bits are needed, got %rs1 of .b16");
}

TEST(PTXVerifier, CountsOfOperands) {
  EXPECT_EQ(verified("add.s32 %r1, %r2;"), "\"add.s32\": too few operands: 2");
  EXPECT_EQ(verified("add.s32 %r1, %r2, %r3, %r4;"),
            "\"add.s32\": too many operands: 4 for 3");
  EXPECT_EQ(verified("ld.global.v2.u32 {%r1,%r2,%r3}, [%rd1];"),
            "\"ld.global.v2.u32\": operand 1: expected a vector of 2, got a "
            "vector of 3");
  EXPECT_EQ(verified("ld.global.L2::cache_hint.u32 %r1, [%rd1];"),
            "\"ld.global.L2::cache_hint.u32\": too few operands: 2");
}

TEST(PTXVerifier, Modifiers) {
  EXPECT_VALID("add.sat.ftz.rn.f32 %f1, %f2, %f3;"); // in any order
  EXPECT_EQ(verified("mul.u32 %r1, %r2, %r3;"),
            "\"mul.u32\": one of .hi, .lo is missing");
  EXPECT_EQ(verified("cvt.rn.f64.f32 %fd1, %f1;"),
            "\"cvt.rn.f64.f32\": modifier \".rn\" is not allowed here");
  EXPECT_EQ(verified("setp.lo.s32 %p1, %r1, %r2;"),
            "\"setp.lo.s32\": one of .eq, .ne, .lt, .le, .gt, .ge is missing");
  EXPECT_EQ(verified("mma.sync.aligned.m16n8k16.col.row.f32.bf16.bf16.f32 "
                     "{%f1,%f2,%f3,%f4}, {%r1,%r2,%r3,%r4}, {%r5,%r6}, "
                     "{%f1,%f2,%f3,%f4};"),
            "\"mma.sync.aligned.m16n8k16.col.row.f32.bf16.bf16.f32\": .row is "
            "missing");
  EXPECT_EQ(verified("atom.global.inc.b32 %r1, [%rd1], 1;"),
            "\"atom.global.inc.b32\": one of .and, .or, .xor is missing");
}

TEST(PTXVerifier, ModifiersThatGoTogether) {
  EXPECT_EQ(verified("mbarrier.arrive.release.shared.b64 _, [%rd1];"),
            "\"mbarrier.arrive.release.shared.b64\": a scope goes with "
            ".release, .acquire or .relaxed");
  EXPECT_VALID("mbarrier.arrive.release.cta.shared.b64 _, [%rd1];");
  EXPECT_EQ(verified("cvt.sat.u64.u32 %rd1, %r1;"),
            "\"cvt.sat.u64.u32\": modifier \".sat\" is not allowed here: "
            "every .u32 is a .u64");
  EXPECT_VALID("cvt.sat.u32.s32 %r1, %r2;");
}

TEST(PTXVerifier, Addresses) {
  EXPECT_EQ(verified("ld.global.u32 %r1, [%r1];"),
            "\"ld.global.u32\": operand 2: expected an address in 64 bits, "
            "got %r1 of .b32");
  EXPECT_EQ(verified("ld.shared.u32 %r1, [gv];"),
            "\"ld.shared.u32\": operand 2: expected a variable of .shared, "
            "got gv in .global");
  EXPECT_EQ(verified("st.param.u64 [p0], %rd1;"),
            "\"st.param.u64\": parameter \"p0\" cannot be written");
  EXPECT_EQ(verified("st.const.u32 [cv], %r1;").substr(0, 40),
            "\"st.const.u32\": state space \".const\" is ");
}

TEST(PTXVerifier, Constants) {
  EXPECT_EQ(verified("bar.sync 16;"),
            "\"bar.sync\": operand 1: expected 0 to 15, got 16");
  EXPECT_EQ(verified("bar.sync 0, 33;"),
            "\"bar.sync\": operand 2: expected 0 to 2147483616 in steps of "
            "32, got 33");
  EXPECT_EQ(verified("cp.async.ca.shared.global [%r1], [%rd1], 5;"),
            "\"cp.async.ca.shared.global\": operand 3: expected 4 or 8 or 16, "
            "got 5");
  EXPECT_EQ(verified("wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.f16.f16 "
                     "{%f1, %f2, %f3, %f4}, %rd1, %rd2, %r1, 2, %p1, 1, 1, 0, "
                     "0;"),
            "\"wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.f16.f16\": operand "
            "5: expected 0 or 1, got 2");
}

/// Products of integers have a width of 24 but not of 40.
TEST(PTXVerifier, WidthsOfProducts) {
  auto product = [](unsigned n, const char *types, const char *tail) {
    std::string text = "wgmma.mma_async.sync.aligned.m64n" + std::to_string(n) +
                       types + " {%r1";
    for (unsigned i = 2; i <= n / 2; ++i)
      text += ", %r" + std::to_string(i);
    return text + "}, %rd1, %rd2, %p1" + tail + ";";
  };
  EXPECT_VALID(product(24, "k32.s32.s8.s8", ""));
  EXPECT_VALID(product(48, "k32.s32.s8.s8", ""));
  EXPECT_VALID(product(40, "k8.f32.tf32.tf32", ", 1, 1"));
  EXPECT_NE(verified(product(40, "k32.s32.s8.s8", "")), "");
  EXPECT_NE(verified(product(36, "k8.f32.tf32.tf32", ", 1, 1")), "");
}

TEST(PTXVerifier, Gates) {
  EXPECT_EQ(verified("elect.sync _|%p1, -1;", "sm_80"),
            "\"elect.sync\": needs sm_90 or later, the module is for sm_80");
  EXPECT_EQ(verified("setmaxnreg.inc.sync.aligned.u32 24;", "sm_90"),
            "\"setmaxnreg.inc.sync.aligned.u32\": needs sm_90a or later, the "
            "module is for sm_90");
  EXPECT_EQ(verified("wgmma.fence.sync.aligned;", "sm_100a"),
            "\"wgmma.fence.sync.aligned\": needs sm_90a, the module is for "
            "sm_100a");
  EXPECT_EQ(verified("vote.ballot.b32 %r1, %p1;"),
            "\"vote.ballot.b32\": is not of targets later than sm_69, the "
            "module is for sm_90a");
  EXPECT_EQ(verified("tanh.approx.f32 %f1, %f2;", "sm_75", "6.4"),
            "\"tanh.approx.f32\": needs PTX ISA 7.0, the module has 6.4");
  EXPECT_EQ(verified("ret;", "sm_90a", "7.8"),
            "sm_90a needs PTX ISA 8.0, the module has 7.8");
}

TEST(PTXVerifier, Calls) {
  EXPECT_VALID("{ .param .b32 r; .param .b32 a; call (r), fn, (a); }");
  EXPECT_EQ(verified("{ .param .b32 a; call fn, (a); }"),
            "\"call\": the callee has 1 results, the call 0");
  EXPECT_EQ(verified("{ .param .b32 r; .param .b64 a; call (r), fn, (a); }"),
            "\"call\": \"a\" has 8 bytes, the callee wants 4");
  EXPECT_EQ(verified("call %rd1, ();"),
            "\"call\": an indirect call needs a prototype or a list of "
            "targets");
}

TEST(PTXVerifier, Declarations) {
  EXPECT_EQ(verified(".reg .bf16 %q;"), "\"%q\": registers cannot be of .bf16");
  EXPECT_EQ(verified(".shared .b32 q = 1;"),
            "\"q\" cannot have an initial value");
  EXPECT_EQ(verified(".shared .b8 q[];"),
            "\"q\" needs the extent of its array");
  EXPECT_EQ(verified(".shared .b8 q[65536];"),
            "\"k\" has 65600 bytes of .shared, at most 49152 are static");
}

/// The first message for a module of these declarations.
std::string ofModule(const std::string &declarations) {
  Diagnostics diagnostics("x.ptx");
  parseAndVerify(".version 9.0\n.target sm_90a\n.address_size 64\n" +
                     declarations,
                 diagnostics);
  return diagnostics.all().empty() ? "" : diagnostics.all().front().message;
}

TEST(PTXVerifier, Functions) {
  EXPECT_EQ(ofModule(".extern .func f(.param .b32 a) .noreturn;"), "");
  EXPECT_EQ(ofModule(".extern .func (.param .b32 r) f() .noreturn;"),
            "\"f\" cannot be .noreturn");
  EXPECT_EQ(ofModule(".func f();"), "\"f\" has no body and is not .extern");
  EXPECT_EQ(ofModule(".func f() .maxntid 32 { ret; }"),
            "\"f\" is no entry and has launch directives");
  EXPECT_EQ(ofModule(".entry k() .maxntid 64, 32 { ret; }"),
            "\"k\" asks for 2048 threads, a block has at most 1024");
  EXPECT_EQ(ofModule(".entry k(.param .b8 a[]) { ret; }"),
            "\"a\" cannot be a parameter of an entry");
  EXPECT_EQ(ofModule(".entry k(.param .b8 a[40000]) { ret; }"),
            "\"k\" has 40000 bytes of parameters, at most 32764 are allowed");
  EXPECT_EQ(ofModule(".func f() { ret; } .entry k() { call f, (), f; }"),
            "\"call\": a call of a function by its name has no prototype");
  EXPECT_EQ(ofModule(".entry k() { ret; } .entry l() { call k, (); }"),
            "\"call\": \"k\" is an entry");
  EXPECT_EQ(ofModule(".func f() { ret; } .func g() { ret; } .alias f, g; "
                     ".alias f, g;"),
            "\"f\" is an alias already");
}

TEST(PTXVerifier, Variables) {
  EXPECT_EQ(ofModule(".global .pred p;"), "\"p\" cannot be of .pred");
  EXPECT_EQ(ofModule(".global .v4 .f64 p;"),
            "\"p\" is a vector of more than 128 bits");
  EXPECT_EQ(ofModule(".global .b32 p[];"),
            "\"p\" needs the extent of its array");
  EXPECT_EQ(ofModule(".global .s32 p = 1.5;"),
            "\"p\" has an initial value that is no .s32");
  EXPECT_EQ(ofModule(".global .b8 p[2] = {1, 2, 3};"),
            "too many values for \"p\": 3 for 2");
  EXPECT_EQ(ofModule(".global .b8 p[1099511627776][2];"),
            "\"p\" has more than 2^40 bytes");
  EXPECT_EQ(ofModule(".global .align 3 .b8 p;"),
            "an alignment is a power of two, got 3");
  EXPECT_EQ(ofModule(".global .b8 p; .global .b8 p;"),
            "\"p\" is declared twice");
}

TEST(PTXVerifier, Module) {
  EXPECT_EQ(ofModule(".file 1 \"a\" .file 1 \"b\""), "a second file 1");
  EXPECT_EQ(ofModule(".version 9.0"),
            ".version stands once, at the start of the file");
  EXPECT_EQ(ofModule(".entry k() {"), "the body of \"k\" is not closed by "
                                      "\"}\"");
  EXPECT_EQ(ofModule("/* never closed"), "unterminated comment");
  EXPECT_EQ(ofModule(".pragma \"x"), "unterminated string");
  Diagnostics none("x.ptx"), future("x.ptx"), target("x.ptx");
  EXPECT_FALSE(parse("", none));
  EXPECT_EQ(none.str(), "x.ptx:1:1: error: expected .version at the start of "
                        "the file\n");
  EXPECT_FALSE(parse(".version 9.2\n.target sm_90", future));
  EXPECT_EQ(future.str(),
            "x.ptx:1:10: error: PTX ISA 9.2 is not supported, 9.1 is\n");
  EXPECT_FALSE(parse(".version 9.0\n.target sm_91", target));
  EXPECT_EQ(target.str(), "x.ptx:2:9: error: unknown target \"sm_91\"\n");
}

TEST(PTXVerifier, NestingIsBounded) {
  std::string open(100000, '(');
  EXPECT_EQ(verified("mov.b32 %r1, " + open + "1;"),
            "the expression is nested too deep");
  EXPECT_EQ(verified("mov.b32 %r1, " + std::string(100000, '-') + "1;"),
            "the expression is nested too deep");
  EXPECT_EQ(verified(std::string(100000, '{')), "scopes are nested too deep");
  EXPECT_EQ(verified("mov.b32 %r1, " + std::string(100000, '{') + "1;"),
            "operands are nested too deep");
}

} // namespace
