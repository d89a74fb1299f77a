// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Modules in every container, libraries, functions and launches.
#include "DriverLibrary.h"

#ifdef MOE_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef MOE_HAVE_ZSTD
#include <zstd.h>
#endif

#include <cstdio>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <unistd.h>

namespace {

/// Tests that run at the same time have files of their own.
std::string ownFile(const std::string &name) {
  return testing::TempDir() + "moe-" + std::to_string(getpid()) + "-" + name;
}

using ModuleTest = DriverTest;
using LaunchTest = DriverTest;
using LibraryTest = DriverTest;

template <typename T>
void append(std::string &out, T value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof value);
}

/// A fat binary of one entry: kind 1 is PTX, 2 machine code.
std::string fatbin(uint16_t kind, const std::string &data, uint32_t arch = 80,
                   uint64_t flags = 0x11, uint32_t packed = 0,
                   uint64_t plain = 0) {
  std::string padded = data + std::string(8 - data.size() % 8, '\0'), entry;
  append<uint16_t>(entry, kind);
  append<uint16_t>(entry, 0x101);
  append<uint32_t>(entry, 64);
  append<uint64_t>(entry, padded.size());
  append<uint32_t>(entry, packed);
  append<uint32_t>(entry, 0);
  append<uint16_t>(entry, 0);
  append<uint16_t>(entry, 8);
  append<uint32_t>(entry, arch);
  append<uint64_t>(entry, 0);
  append<uint64_t>(entry, flags);
  append<uint64_t>(entry, 0);
  append<uint64_t>(entry, plain);
  std::string out;
  append<uint32_t>(out, 0xba55ed50);
  append<uint16_t>(out, 1);
  append<uint16_t>(out, 16);
  append<uint64_t>(out, entry.size() + padded.size());
  return out + entry + padded;
}

/// An ELF file with one section of this name, as cubins are.
std::string elf(const std::string &name, const std::string &data) {
  std::string names = std::string(1, '\0') + name + '\0';
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  Elf64_Shdr sections[3]{};
  sections[1].sh_name = 1;
  sections[1].sh_offset = sizeof header;
  sections[1].sh_size = data.size();
  sections[2].sh_offset = sizeof header + data.size();
  sections[2].sh_size = names.size();
  header.e_shoff = sections[2].sh_offset + names.size();
  std::string out;
  append(out, header);
  out += data + names;
  for (const Elf64_Shdr &section : sections)
    append(out, section);
  return out;
}

CUresult load(const std::string &image) {
  CUmodule module = nullptr;
  CUresult result = driver().cuModuleLoadData(&module, image.data());
  if (result == CUDA_SUCCESS)
    EXPECT_CU(CUDA_SUCCESS, cuModuleUnload(module));
  return result;
}

/// Loading fails, and stderr has this text.
void expectRefusal(CUresult expected, const std::string &image,
                   const std::string &text) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(expected, load(image));
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(std::string::npos, said.find(text)) << said;
}

TEST_F(ModuleTest, FatBinaries) {
  EXPECT_EQ(CUDA_SUCCESS, load(fatbin(1, kernels)));
  expectRefusal(CUDA_ERROR_NO_BINARY_FOR_GPU, fatbin(2, "machine"),
                "only machine code");
  expectRefusal(CUDA_ERROR_NO_BINARY_FOR_GPU, fatbin(1, kernels, 90),
                "newer GPUs than sm_80");
  std::string wrong = fatbin(1, kernels);
  wrong[16 + 8 + 7] = char(0x7f);
  expectRefusal(CUDA_ERROR_INVALID_IMAGE, wrong, "past its end");
}

#if defined(MOE_HAVE_LZ4) && defined(MOE_HAVE_ZSTD)
TEST_F(ModuleTest, CompressedFatBinaries) {
  const size_t plain = std::strlen(kernels);
  std::string lz4(LZ4_compressBound(int(plain)), 0), zstd(lz4.size() + 512, 0);
  lz4.resize(
      LZ4_compress_default(kernels, lz4.data(), int(plain), int(lz4.size())));
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), kernels, plain, 9));
  for (bool isZstd : {false, true}) {
    const std::string &packed = isZstd ? zstd : lz4;
    EXPECT_LT(packed.size(), plain);
    auto image = [&](const std::string &data, size_t bytes) {
      return fatbin(1, data, 80, isZstd ? 0x8011 : 0x2011,
                    uint32_t(data.size()), bytes);
    };
    EXPECT_EQ(CUDA_SUCCESS, load(image(packed, plain)));
    for (size_t bytes : {plain - 1, plain + 1, size_t(10), size_t(0)})
      expectRefusal(CUDA_ERROR_INVALID_IMAGE, image(packed, bytes),
                    "does not unpack");
    for (size_t bytes : {packed.size() - 1, packed.size() / 2, size_t(1)})
      expectRefusal(CUDA_ERROR_INVALID_IMAGE,
                    image(packed.substr(0, bytes), plain), "does not unpack");
    expectRefusal(CUDA_ERROR_INVALID_IMAGE,
                  image(packed, (uint64_t(1) << 28) + 1),
                  "sizes of an entry are wrong");
    std::string tooLong = fatbin(1, packed, 80, isZstd ? 0x8011 : 0x2011,
                                 uint32_t(packed.size()) + 64, plain);
    expectRefusal(CUDA_ERROR_INVALID_IMAGE, tooLong,
                  "sizes of an entry are wrong");
    for (size_t i = 0; i < packed.size(); i += 7) {
      std::string damaged = packed;
      damaged[i] = char(damaged[i] ^ 0x15);
      testing::internal::CaptureStderr();
      load(image(damaged, plain)); // may be other PTX that is right
      testing::internal::GetCapturedStderr();
    }
  }
}
#endif

TEST_F(ModuleTest, FilesThatEndEarly) {
  std::string path = ownFile("ends-early.bin");
  auto loadFile = [&](const std::string &content) {
    std::ofstream(path, std::ios::binary) << content;
    CUmodule loaded = nullptr;
    testing::internal::CaptureStderr();
    CUresult result = driver().cuModuleLoad(&loaded, path.c_str());
    std::string said = testing::internal::GetCapturedStderr();
    CUlibrary library = nullptr;
    testing::internal::CaptureStderr();
    EXPECT_EQ(result,
              driver().cuLibraryLoadFromFile(&library, path.c_str(), nullptr,
                                             nullptr, 0, nullptr, nullptr, 0));
    EXPECT_EQ(said, testing::internal::GetCapturedStderr());
    return result;
  };
  for (const std::string &whole : {fatbin(1, kernels), elf(".nv.ptx", kernels),
                                   elf(".nv_fatbin", fatbin(1, kernels))}) {
    EXPECT_EQ(CUDA_SUCCESS, loadFile(whole));
    for (size_t bytes = 0; bytes < whole.size();
         bytes += bytes < 100 || whole.size() - bytes < 200 ? 3 : 41)
      EXPECT_NE(CUDA_SUCCESS, loadFile(whole.substr(0, bytes))) << bytes;
  }
  // A pointer in a file points nowhere.
  EXPECT_EQ(CUDA_ERROR_INVALID_IMAGE,
            loadFile(std::string("\xb1\x43\x62\x46", 4) + std::string(60, 1)));
  std::remove(path.c_str());
}

TEST_F(ModuleTest, WrapperOfAHostProgram) {
  std::string image = fatbin(1, kernels);
  struct {
    uint32_t magic = 0x466243b1, version = 1;
    const void *data, *file = nullptr;
  } wrapper;
  wrapper.data = image.data();
  CUmodule loaded = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuModuleLoadFatBinary(&loaded, &wrapper));
}

TEST_F(ModuleTest, CubinsThatCarryPtx) {
  EXPECT_EQ(CUDA_SUCCESS, load(elf(".nv.ptx", kernels)));
  EXPECT_EQ(CUDA_SUCCESS, load(elf(".nv_fatbin", fatbin(1, kernels))));
}

TEST_F(ModuleTest, MachineCodeAloneIsRefused) {
  std::string broken(128, '\0');
  std::memcpy(broken.data(),
              "\x7f"
              "ELF\x02\x01\x01",
              7);
  expectRefusal(CUDA_ERROR_INVALID_IMAGE, broken,
                "not a 64-bit ELF file with sections");
  expectRefusal(CUDA_ERROR_NO_BINARY_FOR_GPU, elf(".text.k", "machine"),
                "only machine code");
}

TEST_F(ModuleTest, ErrorsAreInTheLog) {
  char errors[256] = "x", info[64] = "x";
  CUjit_option names[] = {
      CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
      CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
      CU_JIT_MAX_REGISTERS};
  void *values[] = {errors, reinterpret_cast<void *>(sizeof errors), info,
                    reinterpret_cast<void *>(sizeof info),
                    reinterpret_cast<void *>(32)};
  CUmodule loaded = nullptr;
  const char *wrong = ".version 8.0\n.target sm_80\n.address_size 64\n.entry "
                      "k() {\n  bogus.u32;\n}\n";
  testing::internal::CaptureStderr();
  EXPECT_CU(CUDA_ERROR_INVALID_PTX,
            cuModuleLoadDataEx(&loaded, wrong, 5, names, values));
  testing::internal::GetCapturedStderr();
  EXPECT_NE(nullptr, std::strstr(errors, ":5:")) << errors;
  EXPECT_EQ(std::strlen(errors), reinterpret_cast<size_t>(values[1]));
  EXPECT_EQ(0, info[0]);
  expectRefusal(CUDA_ERROR_INVALID_IMAGE, std::string(1, '\0'), "empty");
}

TEST_F(ModuleTest, TargetsOfOtherGpusAreRefused) {
  std::string text = kernels;
  text.replace(text.find("sm_80"), 5, "sm_90");
  expectRefusal(CUDA_ERROR_NO_BINARY_FOR_GPU, text, "sm_90 does not run on");
  text.replace(text.find("sm_90"), 5, "sm_75");
  EXPECT_EQ(CUDA_SUCCESS, load(text));
}

TEST_F(ModuleTest, FromAFile) {
  std::string path = ownFile("driver-test.ptx");
  std::ofstream(path) << kernels;
  CUmodule loaded = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuModuleLoad(&loaded, path.c_str()));
  std::remove(path.c_str());
  EXPECT_CU(CUDA_ERROR_FILE_NOT_FOUND, cuModuleLoad(&loaded, path.c_str()));
}

TEST_F(ModuleTest, FunctionsAndVariables) {
  CUfunction function = kernel("vadd");
  CUfunction other = nullptr;
  EXPECT_CU(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&other, module, "none"));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE,
            cuModuleGetFunction(&other, CUmodule(0x10), "vadd"));
  unsigned count = 0;
  EXPECT_CU(CUDA_SUCCESS, cuModuleGetFunctionCount(&count, module));
  EXPECT_EQ(2u, count);
  const char *name = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuFuncGetName(&name, function));
  EXPECT_STREQ("vadd", name);
  size_t offset = 0, bytes = 0;
  EXPECT_CU(CUDA_SUCCESS, cuFuncGetParamInfo(function, 3, &offset, &bytes));
  EXPECT_EQ(24u, offset);
  EXPECT_EQ(4u, bytes);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuFuncGetParamInfo(function, 4, &offset, &bytes));
  CUdeviceptr address = 0;
  EXPECT_CU(CUDA_SUCCESS,
            cuModuleGetGlobal_v2(&address, &bytes, module, "counter"));
  EXPECT_EQ(4u, bytes);
  EXPECT_CU(CUDA_SUCCESS, cuMemsetD32_v2(address, 3, 1));
  EXPECT_CU(CUDA_ERROR_NOT_FOUND,
            cuModuleGetGlobal_v2(&address, &bytes, module, "none"));
  EXPECT_CU(CUDA_SUCCESS, cuModuleUnload(module));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuModuleUnload(module));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuFuncGetName(&name, function));
  EXPECT_CU(
      CUDA_ERROR_INVALID_HANDLE,
      cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
}

TEST_F(ModuleTest, AttributesOfFunctions) {
  CUfunction function = kernel("vadd");
  int value = 0;
  EXPECT_CU(CUDA_SUCCESS,
            cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK,
                               function));
  EXPECT_EQ(1024, value);
  EXPECT_CU(CUDA_SUCCESS,
            cuFuncGetAttribute(&value,
                               CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                               function));
  EXPECT_EQ(48 * 1024, value);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuLaunchKernel(kernel("fail"), 1, 1, 1, 1, 1, 1, 100000, nullptr,
                           nullptr, nullptr));
  EXPECT_CU(CUDA_SUCCESS,
            cuFuncSetAttribute(function,
                               CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                               166912));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuFuncSetAttribute(function,
                               CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                               166913));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_NUM_REGS, 3));
  EXPECT_CU(CUDA_SUCCESS,
            cuFuncSetCacheConfig(function, CU_FUNC_CACHE_PREFER_SHARED));
  int blocks = 0, grid = 0, size = 0;
  EXPECT_CU(CUDA_SUCCESS, cuOccupancyMaxActiveBlocksPerMultiprocessor(
                              &blocks, function, 1024, 0));
  EXPECT_EQ(2, blocks);
  EXPECT_CU(CUDA_SUCCESS, cuOccupancyMaxActiveBlocksPerMultiprocessor(
                              &blocks, function, 128, 100000));
  EXPECT_EQ(1, blocks);
  EXPECT_CU(CUDA_SUCCESS, cuOccupancyMaxPotentialBlockSize(
                              &grid, &size, function, nullptr, 0, 0));
  EXPECT_EQ(1024, size);
  EXPECT_EQ(2 * 108, grid);
  size_t available = 0;
  EXPECT_CU(CUDA_SUCCESS, cuOccupancyAvailableDynamicSMemPerBlock(
                              &available, function, 2, 128));
  EXPECT_CU(CUDA_SUCCESS, cuOccupancyMaxActiveBlocksPerMultiprocessor(
                              &blocks, function, 128, available));
  EXPECT_GE(blocks, 2);
  EXPECT_CU(CUDA_SUCCESS, cuOccupancyMaxActiveBlocksPerMultiprocessor(
                              &blocks, function, 128, available + 1024));
  EXPECT_LT(blocks, 2);
}

TEST_F(LaunchTest, BothFormsOfParameters) {
  std::vector<float> ones(300, 1.0f), twos(300, 2.0f), threes(300, 3.0f);
  CUdeviceptr a = upload(ones), b = upload(twos), c = allocate(1200);
  EXPECT_EQ(CUDA_SUCCESS, add(a, b, c, 300));
  EXPECT_EQ(threes, download(c, 300));
  struct {
    CUdeviceptr a, b, c;
    unsigned n;
  } block{a, a, c, 300};
  size_t bytes = sizeof block;
  void *extra[] = {kLaunchParamBufferPointer, &block, kLaunchParamBufferSize,
                   &bytes, kLaunchParamEnd};
  EXPECT_CU(CUDA_SUCCESS, cuLaunchKernel(kernel("vadd"), 3, 1, 1, 128, 1, 1, 0,
                                         nullptr, nullptr, extra));
  EXPECT_EQ(twos, download(c, 300));
  bytes = 20;
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuLaunchKernel(kernel("vadd"), 3, 1, 1, 128, 1, 1, 0, nullptr,
                           nullptr, extra));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuLaunchKernel(kernel("vadd"), 3, 1, 1, 128, 1, 1, 0, nullptr,
                           nullptr, nullptr));
}

TEST_F(LaunchTest, SizesAreChecked) {
  CUfunction function = kernel("fail");
  auto launch = [&](unsigned grid, unsigned block, unsigned shared) {
    return driver().cuLaunchKernel(function, grid, 1, 1, block, 1, 1, shared,
                                   nullptr, nullptr, nullptr);
  };
  EXPECT_EQ(CUDA_ERROR_INVALID_VALUE, launch(0, 1, 0));
  EXPECT_EQ(CUDA_ERROR_INVALID_VALUE, launch(1, 0, 0));
  EXPECT_EQ(CUDA_ERROR_INVALID_VALUE, launch(1, 1025, 0));
  EXPECT_EQ(CUDA_ERROR_INVALID_VALUE, launch(1, 1, 49153));
  EXPECT_CU(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
            cuLaunchCooperativeKernel(function, 1 << 20, 1, 1, 32, 1, 1, 0,
                                      nullptr, nullptr));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE,
            cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, CUstream(0x1234560),
                           nullptr, nullptr));
  // An A100 has no clusters.
  CUlaunchAttribute cluster{};
  cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  cluster.value.clusterDim = {2, 1, 1};
  CUlaunchConfig config{2, 1, 1, 32, 1, 1, 0, nullptr, &cluster, 1};
  EXPECT_CU(CUDA_ERROR_INVALID_CLUSTER_SIZE,
            cuLaunchKernelEx(&config, function, nullptr, nullptr));
}

TEST_F(LaunchTest, ProgrammaticSerialisationIsTaken) {
  CUdeviceptr a = upload({1, 2, 3}), c = allocate(12);
  unsigned n = 3;
  void *params[] = {&a, &a, &c, &n};
  CUlaunchAttribute attribute{};
  attribute.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  attribute.value.programmaticStreamSerializationAllowed = 1;
  CUlaunchConfig config{1, 1, 1, 32, 1, 1, 0, nullptr, &attribute, 1};
  EXPECT_CU(CUDA_SUCCESS,
            cuLaunchKernelEx(&config, kernel("vadd"), params, nullptr));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), download(c, 3));
}

TEST_F(LibraryTest, KernelsRunInTheCurrentContext) {
  CUlibrary library = nullptr;
  ASSERT_CU(cuLibraryLoadData(&library, kernels, nullptr, nullptr, 0, nullptr,
                              nullptr, 0));
  CUkernel found = nullptr;
  ASSERT_CU(cuLibraryGetKernel(&found, library, "vadd"));
  EXPECT_CU(CUDA_ERROR_NOT_FOUND, cuLibraryGetKernel(&found, library, "none"));
  unsigned count = 0;
  EXPECT_CU(CUDA_SUCCESS, cuLibraryGetKernelCount(&count, library));
  EXPECT_EQ(2u, count);
  CUdeviceptr a = upload({1}), c = allocate(4);
  unsigned n = 1;
  void *params[] = {&a, &a, &c, &n};
  // A kernel may stand where a function is wanted.
  EXPECT_CU(CUDA_SUCCESS,
            cuLaunchKernel(reinterpret_cast<CUfunction>(found), 1, 1, 1, 32, 1,
                           1, 0, nullptr, params, nullptr));
  EXPECT_EQ(2.0f, download(c, 1)[0]);
  CUfunction function = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuKernelGetFunction(&function, found));
  const char *name = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuFuncGetName(&name, function));
  EXPECT_STREQ("vadd", name);
  EXPECT_CU(CUDA_SUCCESS, cuLibraryUnload(library));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuKernelGetFunction(&function, found));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuFuncGetName(&name, function));
}

TEST_F(LibraryTest, LinkingOnePtx) {
  CUlinkState link = nullptr;
  ASSERT_CU(cuLinkCreate_v2(0, nullptr, nullptr, &link));
  std::string text = kernels;
  EXPECT_CU(CUDA_SUCCESS,
            cuLinkAddData_v2(link, CU_JIT_INPUT_PTX, text.data(), text.size(),
                             "k", 0, nullptr, nullptr));
  void *image = nullptr;
  size_t bytes = 0;
  EXPECT_CU(CUDA_SUCCESS, cuLinkComplete(link, &image, &bytes));
  EXPECT_CU(CUDA_SUCCESS, cuModuleLoadData(&module, image));
  EXPECT_CU(CUDA_SUCCESS, cuLinkDestroy(link));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuLinkDestroy(link));
}

} // namespace
