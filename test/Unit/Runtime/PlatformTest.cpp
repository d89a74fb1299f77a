// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FakeArtefact.h"
#include "moe/Runtime/HostFeatures.h"
#include "moe/Runtime/MappedFile.h"
#include "moe/Runtime/Npy.h"

#include <filesystem>
#include <sstream>

using namespace moe::rt;

TEST(HostFeatures, AgreeWithTheKernel) {
  std::string info = readBytes("/proc/cpuinfo");
  size_t begin = info.find("flags");
  if (begin == std::string::npos)
    GTEST_SKIP() << "not x86";
  std::istringstream flags(info.substr(begin, info.find('\n', begin) - begin));
  std::vector<std::string> words{std::istream_iterator<std::string>(flags), {}};
  auto kernelHas = [&](const char *flag) {
    return std::find(words.begin(), words.end(), flag) != words.end();
  };
  const std::pair<const char *, const char *> names[] = {
      {"sse4.2", "sse4_2"},
      {"avx", "avx"},
      {"avx2", "avx2"},
      {"fma", "fma"},
      {"f16c", "f16c"},
      {"bmi2", "bmi2"},
      {"avx512f", "avx512f"},
      {"avx512bw", "avx512bw"},
      {"avx512vl", "avx512vl"},
      {"avx512vnni", "avx512_vnni"},
      {"avx512bf16", "avx512_bf16"},
      {"avx512fp16", "avx512_fp16"},
      {"amx-tile", "amx_tile"},
      {"amx-bf16", "amx_bf16"},
      {"amx-int8", "amx_int8"},
      {"avxvnni", "avx_vnni"},
  };
  for (auto [feature, flag] : names)
    EXPECT_EQ(hostSupports(feature), kernelHas(flag)) << feature;
}

TEST(HostFeatures, UnknownOnesAreNotSupported) {
  EXPECT_FALSE(hostSupports(""));
  EXPECT_FALSE(hostSupports("+avx2"));
}

TEST(ZeroedMemory, IsZeroAtFirstAndAfterClear) {
  ZeroedMemory memory(100000, "a test");
  auto *bytes = static_cast<unsigned char *>(memory.data());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes) % 64, 0u);
  EXPECT_EQ(bytes[0] | bytes[99999], 0);
  bytes[0] = bytes[99999] = 1;
  memory.clear();
  EXPECT_EQ(bytes[0] | bytes[99999], 0);
}

TEST(ZeroedMemory, SaysWhatDoesNotFit) {
  expectError(ExitCode::memory, "KV caches: cannot allocate",
              [] { ZeroedMemory(uint64_t{1} << 60, "KV caches"); });
}

TEST(ZeroedMemory, PeakResidentBytesGrow) {
  uint64_t before = peakResidentBytes();
  constexpr size_t size = 64 << 20;
  ZeroedMemory memory(size, "a test");
  std::fill_n(static_cast<char *>(memory.data()), size, 'x');
  EXPECT_GE(peakResidentBytes(), before + size / 2);
}

TEST(Npy, WritesWhatNumpyReads) {
  FakeArtefact directory;
  std::string path = directory.path("logits.npy");
  writeNpy(path, std::vector<float>{1, -2.5f}, std::vector<int64_t>{2});
  std::string bytes = readBytes(path);
  ASSERT_EQ(bytes.size(), 128u + 8u);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(bytes.substr(10, 61),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }    ");
  EXPECT_EQ(bytes[127], '\n');
  float value;
  std::memcpy(&value, bytes.data() + 132, sizeof value);
  EXPECT_EQ(value, -2.5f);
}

TEST(Npy, NamesWhatCannotBeWritten) {
  expectError(ExitCode::inputWrong, "/no/such/place.npy: cannot write", [] {
    writeNpy("/no/such/place.npy", std::vector<float>{1},
             std::vector<int64_t>{1});
  });
}
