// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/HostFeatures.h"

#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace moe::rt;

#if defined(__x86_64__)

namespace {

enum Register { eax, ebx, ecx, edx };

/// Register state that the operating system must save for a feature (XCR0).
enum StateMask : unsigned {
  noState = 0,
  ymmState = 0x6,
  zmmState = 0xe6,
  tileState = 0x60000,
};

struct Feature {
  const char *name;
  unsigned leaf, subleaf;
  Register where;
  unsigned bit;
  unsigned state;
};

/// Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
constexpr Feature features[] = {
    {"cx8", 1, 0, edx, 8, noState},
    {"cmov", 1, 0, edx, 15, noState},
    {"mmx", 1, 0, edx, 23, noState},
    {"fxsr", 1, 0, edx, 24, noState},
    {"sse", 1, 0, edx, 25, noState},
    {"sse2", 1, 0, edx, 26, noState},
    {"sse3", 1, 0, ecx, 0, noState},
    {"pclmul", 1, 0, ecx, 1, noState},
    {"ssse3", 1, 0, ecx, 9, noState},
    {"fma", 1, 0, ecx, 12, ymmState},
    {"cx16", 1, 0, ecx, 13, noState},
    {"sse4.1", 1, 0, ecx, 19, noState},
    {"sse4.2", 1, 0, ecx, 20, noState},
    {"crc32", 1, 0, ecx, 20, noState},
    {"movbe", 1, 0, ecx, 22, noState},
    {"popcnt", 1, 0, ecx, 23, noState},
    {"aes", 1, 0, ecx, 25, noState},
    {"xsave", 1, 0, ecx, 27, noState},
    {"avx", 1, 0, ecx, 28, ymmState},
    {"f16c", 1, 0, ecx, 29, ymmState},
    {"rdrnd", 1, 0, ecx, 30, noState},
    {"fsgsbase", 7, 0, ebx, 0, noState},
    {"bmi", 7, 0, ebx, 3, noState},
    {"avx2", 7, 0, ebx, 5, ymmState},
    {"bmi2", 7, 0, ebx, 8, noState},
    {"invpcid", 7, 0, ebx, 10, noState},
    {"avx512f", 7, 0, ebx, 16, zmmState},
    {"avx512dq", 7, 0, ebx, 17, zmmState},
    {"rdseed", 7, 0, ebx, 18, noState},
    {"adx", 7, 0, ebx, 19, noState},
    {"avx512ifma", 7, 0, ebx, 21, zmmState},
    {"clflushopt", 7, 0, ebx, 23, noState},
    {"clwb", 7, 0, ebx, 24, noState},
    {"avx512cd", 7, 0, ebx, 28, zmmState},
    {"sha", 7, 0, ebx, 29, noState},
    {"avx512bw", 7, 0, ebx, 30, zmmState},
    {"avx512vl", 7, 0, ebx, 31, zmmState},
    {"avx512vbmi", 7, 0, ecx, 1, zmmState},
    {"avx512vbmi2", 7, 0, ecx, 6, zmmState},
    {"gfni", 7, 0, ecx, 8, noState},
    {"vaes", 7, 0, ecx, 9, ymmState},
    {"vpclmulqdq", 7, 0, ecx, 10, ymmState},
    {"avx512vnni", 7, 0, ecx, 11, zmmState},
    {"avx512bitalg", 7, 0, ecx, 12, zmmState},
    {"avx512vpopcntdq", 7, 0, ecx, 14, zmmState},
    {"rdpid", 7, 0, ecx, 22, noState},
    {"cldemote", 7, 0, ecx, 25, noState},
    {"movdiri", 7, 0, ecx, 27, noState},
    {"movdir64b", 7, 0, ecx, 28, noState},
    {"avx512vp2intersect", 7, 0, edx, 8, zmmState},
    {"serialize", 7, 0, edx, 14, noState},
    {"amx-bf16", 7, 0, edx, 22, tileState},
    {"avx512fp16", 7, 0, edx, 23, zmmState},
    {"amx-tile", 7, 0, edx, 24, tileState},
    {"amx-int8", 7, 0, edx, 25, tileState},
    {"avxvnni", 7, 1, eax, 4, ymmState},
    {"avx512bf16", 7, 1, eax, 5, zmmState},
    {"amx-fp16", 7, 1, eax, 21, tileState},
    {"avxifma", 7, 1, eax, 23, ymmState},
    {"avxvnniint8", 7, 1, edx, 4, ymmState},
    {"avxneconvert", 7, 1, edx, 5, ymmState},
    {"amx-complex", 7, 1, edx, 8, tileState},
    {"avxvnniint16", 7, 1, edx, 10, ymmState},
    {"xsaveopt", 0xd, 1, eax, 0, noState},
    {"xsavec", 0xd, 1, eax, 1, noState},
    {"sahf", 0x80000001, 0, ecx, 0, noState},
    {"lzcnt", 0x80000001, 0, ecx, 5, noState},
    {"prfchw", 0x80000001, 0, ecx, 8, noState},
    {"64bit", 0x80000001, 0, edx, 29, noState},
};

/// The register states that the operating system saves.
unsigned enabledState() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) // OSXSAVE
    return 0;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool supports(const Feature &feature) {
  unsigned registers[4];
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &registers[eax],
                         &registers[ebx], &registers[ecx], &registers[edx]))
    return false;
  return (registers[feature.where] >> feature.bit & 1) &&
         (enabledState() & feature.state) == feature.state;
}

} // namespace

bool moe::rt::hostSupports(std::string_view name) {
  for (const Feature &feature : features)
    if (name == feature.name)
      return supports(feature);
  return false;
}

std::vector<std::string> moe::rt::hostFeatures() {
  std::vector<std::string> names;
  for (const Feature &feature : features)
    if (supports(feature))
      names.push_back(feature.name);
  return names;
}

bool moe::rt::requestAmxPermission() {
  // asm/prctl.h and the XSAVE component number of the tile data.
  constexpr int requestPermission = 0x1023;
  constexpr int tileData = 18;
  return ::syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

#else

bool moe::rt::hostSupports(std::string_view) { return false; }
std::vector<std::string> moe::rt::hostFeatures() { return {}; }
bool moe::rt::requestAmxPermission() { return false; }

#endif
