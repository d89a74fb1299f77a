// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma.mma_async of every type, width and layout in shared memory, dense and
// sparse, on numbers whose sums are exact, and a kernel that MLIR 22 made.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"
#include "moe/PTXSim/TensorMap.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace moe::ptxsim;

namespace {

struct Kind {
  const char *types; ///< of D, A and B
  unsigned bits, k;
  const char *tail = ""; ///< behind the types
};

/// How an operand lies in shared memory.
struct Layout {
  unsigned swizzle = 128; ///< bytes; 0: none
  bool transposed = false;
  unsigned from = 0; ///< the address that swizzles count from
};

struct Case {
  Kind kind;
  unsigned n;
  Layout a, b;
  bool aInRegisters = false;
  int signA = 1, signB = 1;
  bool accumulates = true;
  int selector = -1; ///< of a sparse A
};

bool has(const Kind &kind, const char *what) {
  return std::string(kind.types).find(what) != std::string::npos;
}

/// Elements are small integers; of u8 they are not negative, of b1 0 and 1.
int value(const Kind &kind, bool isA, unsigned row, unsigned k) {
  unsigned hash = (row * 2654435761u) ^ (k * 40503u + isA * 97u);
  hash ^= hash >> 13;
  int x = int(hash % 5) - 2;
  if (kind.bits == 1)
    return x & 1;
  std::string types = kind.types;
  std::string own = isA ? types.substr(4, types.find('.', 5) - 4)
                        : types.substr(types.rfind('.'));
  return own == ".u8" ? x + 2 : x;
}

uint32_t encoded(const Kind &kind, int x, bool isA) {
  std::string types = kind.types;
  std::string own = isA ? types.substr(4, types.find('.', 5) - 4)
                        : types.substr(types.rfind('.'));
  if (own == ".f16")
    return floatToF16(float(x));
  if (own == ".bf16")
    return floatToBF16(float(x));
  if (own == ".tf32")
    return bitCast<uint32_t>(float(x));
  if (own == ".e4m3")
    return encode(e4m3Format, x);
  if (own == ".e5m2")
    return encode(e5m2Format, x);
  return uint32_t(x);
}

/// Of a sparse row of A: which of the elements of a chunk are there, one of two
/// of tf32, else two of four.
std::pair<unsigned, unsigned> keptOf(const Kind &kind, unsigned row,
                                     unsigned chunk) {
  unsigned hash = (row * 2246822519u) ^ (chunk * 3266489917u);
  hash ^= hash >> 15;
  if (kind.bits == 32)
    return {hash % 2, hash % 2};
  const std::pair<unsigned, unsigned> pairs[] = {{0, 1}, {0, 2}, {0, 3},
                                                 {1, 2}, {1, 3}, {2, 3}};
  return pairs[hash % 6];
}

int valueOfA(const Case &c, unsigned row, unsigned k) {
  unsigned chunk = c.kind.bits == 32 ? 2 : 4;
  auto [x, y] = keptOf(c.kind, row, k / chunk);
  if (c.selector >= 0 && k % chunk != x && k % chunk != y)
    return 0;
  return value(c.kind, true, row, k);
}

/// Rows of an operand as they are put into registers.
std::vector<uint8_t> rowsOf(const Case &c, bool isA, unsigned rows) {
  const Kind &kind = c.kind;
  const bool packs = isA && c.selector >= 0;
  const unsigned width = kind.k * kind.bits / 8 / (packs ? 2 : 1);
  const unsigned chunk = kind.bits == 32 ? 2 : 4;
  std::vector<uint8_t> bytes(rows * width);
  for (unsigned r = 0; r < rows; ++r)
    for (unsigned i = 0; i < width * 8 / kind.bits; ++i) {
      unsigned k = i;
      if (packs) {
        auto [x, y] = keptOf(kind, r, i / (chunk / 2));
        k = i / (chunk / 2) * chunk + (i % (chunk / 2) ? y : x);
      }
      uint32_t bits = encoded(kind, value(kind, isA, r, k), isA);
      if (kind.bits == 1)
        bytes[r * width + k / 8] |= uint8_t((bits & 1) << k % 8);
      else
        std::memcpy(&bytes[r * width + i * kind.bits / 8], &bits,
                    kind.bits / 8);
    }
  return bytes;
}

/// By thread: rows g and g + 8 of a warp share words of two lanes of the group
/// g, or have words of their own if elements have 8 bits.
std::vector<uint32_t> metadataOf(const Case &c) {
  std::vector<uint32_t> words(128, 0xdeadbeef);
  if (c.selector < 0)
    return words;
  const unsigned chunks = c.kind.k / (c.kind.bits == 32 ? 2 : 4);
  for (unsigned row = 0; row < 64; ++row) {
    uint64_t bits = 0;
    for (unsigned chunk = 0; chunk < chunks; ++chunk) {
      auto [x, y] = keptOf(c.kind, row, chunk);
      uint64_t code = c.kind.bits < 32 ? x | y << 2 : x ? 0xe : 0x4;
      bits |= code << 4 * chunk;
    }
    uint32_t *group = &words[row / 16 * 32 + row % 8 * 4];
    bool isLow = row % 16 < 8;
    for (unsigned i = 0; i < 2; ++i) {
      if (c.kind.bits == 8) {
        group[2 * i + !isLow] = uint32_t(bits >> 32 * i);
        continue;
      }
      uint32_t &word = group[2 * unsigned(c.selector) + i];
      uint32_t part = uint32_t(bits >> 16 * i) & 0xffff;
      word = isLow ? (word & 0xffff0000) | part : (word & 0xffff) | part << 16;
    }
  }
  return words;
}

/// An operand from byte `start` of `image` on, and its descriptor.
uint64_t place(const std::vector<uint8_t> &rows, unsigned count,
               const Layout &layout, unsigned start,
               std::vector<uint8_t> &image) {
  unsigned width = unsigned(rows.size() / count), s = layout.swizzle;
  unsigned leading, stride;
  if (!layout.transposed) {
    leading = (count + 7) / 8 * (s ? 8 * s : 128);
    stride = s ? 8 * s : 128;
  } else if (s) {
    leading = width / 2 * s; // all groups of eight columns
    stride = 8 * s;
  } else {
    leading = (count + 7) / 8 * 128;
    stride = 128;
  }
  for (unsigned r = 0; r < count; ++r)
    for (unsigned byte = 0; byte < width; ++byte) {
      unsigned at, k = byte / 2;
      if (!layout.transposed)
        at = s ? r / 8 * stride + r % 8 * s + byte % s + byte / s * leading
               : r / 8 * stride + byte / 16 * leading + r % 8 * 16 + byte % 16;
      else if (s)
        at = k / 8 * stride + k % 8 * s + r / (s / 2) * leading +
             r % (s / 2) * 2 + byte % 2;
      else
        at = r / 8 * stride + k / 8 * leading + k % 8 * 16 + r % 8 * 2 +
             byte % 2;
      at += start;
      unsigned bits = s == 128 ? 7 : s == 64 ? 3 : s == 32 ? 1 : 0;
      at ^= ((at - layout.from) / 128 & bits) * 16;
      if (image.size() <= at)
        image.resize((at / 1024 + 1) * 1024);
      image[at] = rows[r * width + byte];
    }
  uint64_t code = s == 128 ? 1 : s == 64 ? 2 : s == 32 ? 3 : 0;
  return start / 16 | uint64_t(leading / 16) << 16 |
         uint64_t(stride / 16) << 32 | uint64_t(layout.from / 128 & 7) << 49 |
         code << 62;
}

std::string kernelText(const Case &c, unsigned registers, size_t bytes) {
  auto list = [](const char *name, unsigned count) {
    std::string text = "{";
    for (unsigned i = 0; i < count; ++i)
      text += (i ? ", %" : "%") + std::string(name) + std::to_string(i);
    return text + "}";
  };
  auto number = [](auto x) { return std::to_string(x); };
  std::string text =
      ".version 8.0\n.target sm_90a\n.address_size 64\n"
      ".visible .entry k(.param .u64 image, .param .u64 out, .param .u64 a,\n"
      "  .param .u64 da, .param .u64 db, .param .u32 adds, .param .u64 meta)\n"
      "{\n"
      "  .reg .b32 %d<" +
      number(registers) +
      ">, %a<4>, %v<4>, %t, %i, %j, %m;\n"
      "  .reg .b64 %x, %image, %out, %fragments, %da, %db; .reg .pred %p;\n"
      "  .shared .align 1024 .b8 s[" +
      number(bytes) +
      "];\n"
      "  mov.u32 %t, %tid.x;\n"
      "  ld.param.u64 %image, [image]; ld.param.u64 %out, [out];\n"
      "  ld.param.u64 %fragments, [a];\n"
      "  ld.param.u64 %da, [da]; ld.param.u64 %db, [db];\n"
      "  shl.b32 %i, %t, 4;\n"
      "copy: setp.ge.u32 %p, %i, " +
      number(bytes) +
      ";\n  @%p bra done;\n"
      "  cvt.u64.u32 %x, %i; add.u64 %x, %image, %x;\n"
      "  ld.global.v4.u32 {%v0, %v1, %v2, %v3}, [%x];\n"
      "  mov.u32 %j, s; add.u32 %j, %j, %i;\n"
      "  st.shared.v4.u32 [%j], {%v0, %v1, %v2, %v3};\n"
      "  add.u32 %i, %i, 2048;\n  bra copy;\n"
      "done: fence.proxy.async.shared::cta;\n  bar.sync 0;\n"
      "  mul.wide.u32 %x, %t, 16; add.u64 %fragments, %fragments, %x;\n"
      "  ld.global.v4.u32 {%a0, %a1, %a2, %a3}, [%fragments];\n"
      "  ld.param.u64 %x, [meta]; mad.wide.u32 %x, %t, 4, %x;\n"
      "  ld.global.u32 %m, [%x];\n"
      "  mul.wide.u32 %x, %t, " +
      number(registers * 4) + ";\n  add.u64 %out, %out, %x;\n";
  for (unsigned i = 0; i < registers; ++i)
    text +=
        "  ld.global.u32 %d" + number(i) + ", [%out+" + number(4 * i) + "];\n";
  text += "  ld.param.u32 %i, [adds]; setp.ne.u32 %p, %i, 0;\n"
          "  wgmma.fence.sync.aligned;\n"
          "  wgmma.mma_async" +
          std::string(c.selector < 0 ? "" : ".sp") + ".sync.aligned.m64n" +
          number(c.n) + "k" + number(c.kind.k) + c.kind.types + c.kind.tail +
          " " + list("d", registers) + ", " +
          (c.aInRegisters ? list("a", 4) : "%da") + ", %db" +
          (c.selector < 0 ? "" : ", %m, " + number(c.selector)) + ", %p";
  bool integers = has(c.kind, "s32");
  if (!integers)
    text += ", " + number(c.signA) + ", " + number(c.signB);
  if (!integers && c.kind.bits == 16) {
    if (!c.aInRegisters)
      text += c.a.transposed ? ", 1" : ", 0";
    text += c.b.transposed ? ", 1" : ", 0";
  }
  text += ";\n  wgmma.commit_group.sync.aligned;\n"
          "  wgmma.wait_group.sync.aligned 0;\n";
  for (unsigned i = 0; i < registers; ++i)
    text +=
        "  st.global.u32 [%out+" + number(4 * i) + "], %d" + number(i) + ";\n";
  return text + "  ret;\n}\n";
}

void check(const Case &c, const Options &options) {
  SCOPED_TRACE(std::string(c.kind.types) + " n " + std::to_string(c.n) +
               " swizzles " + std::to_string(c.a.swizzle) + " " +
               std::to_string(c.b.swizzle));
  bool half = has(c.kind, ".f16.") && c.kind.types[1] == 'f' &&
              std::string(c.kind.types).rfind(".f16.", 0) == 0;
  unsigned registers = half ? c.n / 4 : c.n / 2;
  std::vector<uint8_t> image, a = rowsOf(c, true, 64);
  uint64_t da = place(a, 64, c.a, c.a.from, image);
  unsigned start = unsigned(image.size()) + c.b.from;
  uint64_t db = place(rowsOf(c, false, c.n), c.n, c.b, start, image);
  // Register r of lane 4 g + t of warp w has the bytes 4 t … of half r / 2 of
  // row 16 w + 8 (r mod 2) + g.
  std::vector<uint32_t> fragments(128 * 4);
  for (unsigned i = 0; i < 128; ++i)
    for (unsigned r = 0; r < 4; ++r)
      std::memcpy(&fragments[i * 4 + r],
                  &a[(i / 32 * 16 + r % 2 * 8 + i % 32 / 4) * 32 + r / 2 * 16 +
                     i % 4 * 4],
                  4);
  // Two neighbours of a row at a time: of f16 they are one register.
  std::vector<uint32_t> d(128 * registers), expected(d.size());
  for (unsigned i = 0; i < 128; ++i)
    for (unsigned pair = 0; pair < c.n / 4; ++pair)
      for (unsigned j = 0; j < 2; ++j) {
        unsigned row = i / 32 * 16 + i % 32 / 4 + pair % 2 * 8;
        unsigned column = pair / 2 * 8 + i % 4 * 2 + j;
        int before = int((row + 3 * column) % 7), sum = 0;
        for (unsigned k = 0; k < c.kind.k; ++k)
          sum += valueOfA(c, row, k) * value(c.kind, false, column, k);
        sum *= c.signA * c.signB;
        sum += c.accumulates ? before : 0;
        auto bits = [&](int x) {
          return half                 ? uint32_t(floatToF16(float(x))) << 16 * j
                 : has(c.kind, "s32") ? uint32_t(x)
                                      : bitCast<uint32_t>(float(x));
        };
        size_t at = i * registers + (half ? pair : 2 * pair + j);
        d[at] |= bits(before);
        expected[at] |= bits(sum);
      }
  Sim sim(options);
  ASSERT_TRUE(sim.load(kernelText(c, registers, image.size())))
      << sim.error.str();
  Address out = sim.upload(d);
  EXPECT_RUNS(sim.run("k", {1, 1, 1}, {128, 1, 1}, 0, sim.upload(image), out,
                      sim.upload(fragments), da, db, uint32_t(c.accumulates),
                      sim.upload(metadataOf(c))));
  EXPECT_EQ(sim.download<uint32_t>(out, d.size()), expected);
}

const Kind f16{".f32.f16.f16", 16, 16}, bf16{".f32.bf16.bf16", 16, 16},
    f16Sum{".f16.f16.f16", 16, 16}, tf32{".f32.tf32.tf32", 32, 8};

TEST(Wgmma, EveryWidth) {
  for (unsigned n = 8; n <= 256; n += 8)
    check({n % 16 ? f16 : f16Sum, n, {}, {}}, optionsOf("h100"));
}

TEST(Wgmma, EveryType) {
  const Kind kinds[] = {f16,
                        f16Sum,
                        bf16,
                        tf32,
                        {".f32.e4m3.e4m3", 8, 32},
                        {".f32.e4m3.e5m2", 8, 32},
                        {".f16.e5m2.e4m3", 8, 32},
                        {".f16.e5m2.e5m2", 8, 32},
                        {".s32.s8.s8", 8, 32},
                        {".s32.s8.u8", 8, 32},
                        {".s32.u8.s8", 8, 32},
                        {".s32.u8.u8", 8, 32},
                        {".s32.b1.b1", 1, 256, ".and.popc"}};
  for (const Kind &kind : kinds)
    for (const Options &options : everyOrder("h100"))
      for (bool registers : {false, true}) {
        Case c{kind, 24, {}, {}};
        if (has(kind, "s32") && c.n % 16)
          c.n = 32;
        c.aInRegisters = registers;
        check(c, options);
        c.accumulates = false;
        if (!has(kind, "s32")) {
          c.signA = -1;
          check(c, options);
          c.signB = -1;
        }
        check(c, options);
      }
}

TEST(Wgmma, EveryLayout) {
  for (unsigned sa : {0u, 32u, 64u, 128u})
    for (unsigned sb : {0u, 32u, 64u, 128u})
      for (unsigned transposed = 0; transposed < 4; ++transposed)
        check({bf16, 64, {sa, bool(transposed & 1)}, {sb, transposed > 1}},
              optionsOf("h100"));
}

/// Swizzles that begin at another address than multiples of what they repeat
/// after.
TEST(Wgmma, BaseOffsets) {
  for (unsigned swizzle : {32u, 64u, 128u})
    for (unsigned from : {0u, 128u, 384u, 896u})
      for (bool transposed : {false, true})
        check({bf16, 64, {swizzle, transposed, from}, {swizzle, false, 512}},
              optionsOf("h100"));
}

TEST(Wgmma, SparseOfEveryType) {
  const Kind kinds[] = {{".f32.f16.f16", 16, 32},   {".f16.f16.f16", 16, 32},
                        {".f32.bf16.bf16", 16, 32}, {".f32.tf32.tf32", 32, 16},
                        {".f32.e4m3.e5m2", 8, 64},  {".f16.e5m2.e4m3", 8, 64},
                        {".s32.s8.u8", 8, 64},      {".s32.u8.s8", 8, 64}};
  for (const Kind &kind : kinds)
    for (const Options &options : everyOrder("h100"))
      for (int selector = 0; selector < (kind.bits == 8 ? 1 : 2); ++selector)
        for (bool registers : {false, true}) {
          Case c{kind, 16, {}, {}};
          c.selector = selector;
          c.aInRegisters = registers;
          check(c, options);
          c.accumulates = false;
          if (!has(kind, "s32"))
            c.signB = -1;
          check(c, options);
          if (!has(kind, "s32"))
            c.signA = -1;
          check(c, options);
        }
}

TEST(Wgmma, SparseOfEveryLayoutAndWidth) {
  for (unsigned sa : {0u, 32u, 64u, 128u})
    for (unsigned sb : {0u, 32u, 64u, 128u})
      for (unsigned transposed = 0; transposed < 4; ++transposed) {
        Case c{{".f32.f16.f16", 16, 32},
               64,
               {sa, bool(transposed & 1)},
               {sb, transposed > 1}};
        c.selector = 1;
        check(c, optionsOf("h100"));
      }
  for (unsigned n = 8; n <= 256; n += 56) {
    Case c{{".f32.f16.f16", 16, 32}, n, {}, {}};
    c.selector = 0;
    check(c, optionsOf("h100"));
  }
}

TEST(Wgmma, DescriptorsThatLeadNowhere) {
  Sim sim("h100");
  Case c{f16, 8, {}, {}};
  ASSERT_TRUE(sim.load(kernelText(c, 4, 1024))) << sim.error.str();
  Address buffer = sim.upload(std::vector<uint32_t>(1024));
  auto run = [&](uint64_t da, uint64_t db) {
    return sim.run("k", {1, 1, 1}, {128, 1, 1}, 0, buffer, buffer, buffer, da,
                   db, 1u, buffer);
  };
  uint64_t good = uint64_t(1) << 62 | uint64_t(1) << 16;
  Error error = run(good, good | 64);
  EXPECT_EQ(int(error.kind), int(ErrorKind::IllegalAddress)) << error.str();
  EXPECT_NE(error.message.find("the descriptor leads to byte 1024; the block "
                               "has 1024 bytes of shared memory"),
            std::string::npos)
      << error.str();
}

/// Integer sums clamp.
TEST(Wgmma, SaturatesIntegers) {
  for (bool saturates : {false, true}) {
    Sim sim("h100");
    Case c{
        {saturates ? ".satfinite.s32.u8.u8" : ".s32.u8.u8", 8, 32}, 8, {}, {}};
    ASSERT_TRUE(sim.load(kernelText(c, 4, 2048))) << sim.error.str();
    Address image = sim.upload(std::vector<uint8_t>(2048, 255));
    Address out = sim.upload(std::vector<int>(128 * 4, INT32_MAX - 9));
    uint64_t all = uint64_t(1) << 62;
    EXPECT_RUNS(sim.run("k", {1, 1, 1}, {128, 1, 1}, 0, image, out, image, all,
                        all, 1u, image));
    int sum =
        saturates ? INT32_MAX : int(uint32_t(INT32_MAX - 9) + 32u * 255 * 255);
    EXPECT_EQ(sim.download<int>(out, 512), std::vector<int>(512, sum));
  }
}

/// nvgpu's lowering leaves the last group in flight when it reads D (ptxas
/// injects a wait, C7517), and the shared memory it asks for is one byte.
TEST(Wgmma, KernelOfMLIRLacksAWait) {
  const int k = 192;
  std::mt19937 random(1);
  std::vector<uint16_t> a(64 * k), b(k * 64);
  std::vector<float> expected(64 * 64);
  for (auto *values : {&a, &b})
    for (uint16_t &x : *values)
      x = floatToBF16(float(int(random() % 9) - 4));
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j)
      for (int q = 0; q < k; ++q)
        expected[i * 64 + j] +=
            bf16ToFloat(a[i * k + q]) * bf16ToFloat(b[q * 64 + j]);
  auto run = [&](AsyncOrder order, bool enough, Error &error) {
    Options options = optionsOf("h100");
    options.async = order;
    Sim sim(options);
    std::string text = Sim::readInput("wgmma_mlir.ptx");
    std::string asked = ".align 16 .b8 __dynamic_shmem__0;";
    size_t at = text.find(asked);
    EXPECT_NE(at, std::string::npos);
    if (enough)
      text.replace(at, asked.size(),
                   ".align 1024 .b8 __dynamic_shmem__0[16384];");
    EXPECT_TRUE(sim.load(text)) << sim.error.str();
    TensorMap maps[2];
    for (int i = 0; i < 2; ++i) {
      maps[i].rank = 2;
      maps[i].dataType = 9;
      maps[i].swizzle = 3;
      maps[i].globalAddress = sim.upload(i ? b : a);
      maps[i].dims[0] = i ? 64 : k;
      maps[i].dims[1] = i ? k : 64;
      maps[i].strides[0] = maps[i].dims[0] * 2;
      maps[i].box[0] = maps[i].box[1] = 64;
      maps[i].elementStrides[0] = maps[i].elementStrides[1] = 1;
    }
    Address map = sim.upload(std::vector<TensorMap>(maps, maps + 2));
    Address c = sim.upload(std::vector<float>(64 * 64));
    error = sim.run("host_kernel", {1, 1, 1}, {128, 1, 1}, 0, map, map + 128,
                    uint64_t(k), c, c, uint64_t(0), uint64_t(64), uint64_t(64),
                    uint64_t(64), uint64_t(1));
    return sim.download<float>(c, 64 * 64);
  };
  Error error;
  EXPECT_EQ(run(AsyncOrder::Early, true, error), expected);
  EXPECT_RUNS(error);
  EXPECT_NE(run(AsyncOrder::Late, true, error), expected);
  EXPECT_RUNS(error);
  run(AsyncOrder::Early, false, error);
  EXPECT_EQ(int(error.kind), int(ErrorKind::IllegalAddress)) << error.str();
}

} // namespace
