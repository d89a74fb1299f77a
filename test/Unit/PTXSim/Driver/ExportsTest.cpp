// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the library exports, and how cuGetProcAddress finds it.
#include "DriverLibrary.h"

namespace {

using Any = void (*)();

void *symbol(const char *name) { return dlsym(driver().library, name); }

TEST(ExportsTest, EveryFunctionIsThere) {
  ASSERT_NE(nullptr, driver().library) << dlerror();
  EXPECT_TRUE(driver().missing.empty()) << driver().missing.front();
#define MOE_CU_STUB(VERSION, NAME) EXPECT_NE(nullptr, symbol(#NAME)) << #NAME;
#include "moe/CUDA/Stubs.def"
}

TEST(ExportsTest, NothingElseIsVisible) {
  for (const char *name : {"_ZN3moe6driver5stateEv", "ZSTD_decompress",
                           "_ZN3moe6ptxsim6DeviceD1Ev"})
    EXPECT_EQ(nullptr, symbol(name)) << name;
}

TEST(ExportsTest, StubSaysItsNameOnce) {
  // Callers pass arguments, which the sanitizer of calls would not have.
  auto stub = reinterpret_cast<CUresult (*)()>(symbol("cuTexRefCreate"));
  ASSERT_NE(nullptr, stub);
  testing::internal::CaptureStderr();
  EXPECT_EQ(CUDA_ERROR_NOT_SUPPORTED, stub());
  EXPECT_EQ(CUDA_ERROR_NOT_SUPPORTED, stub());
  EXPECT_EQ("moe-sim: cuTexRefCreate is not supported\n",
            testing::internal::GetCapturedStderr());
}

struct Lookup {
  const char *name;
  int version;
  cuuint64_t flags;
  const char *expected; // null: not found
};

TEST(ExportsTest, ProcAddressFollowsVersionAndStream) {
  const Lookup lookups[] = {
      {"cuMemAlloc", 12000, 0, "cuMemAlloc_v2"},
      {"cuMemAlloc", 2000, 0, "cuMemAlloc"},
      {"cuCtxCreate", 3020, 0, "cuCtxCreate_v2"},
      {"cuCtxCreate", 11040, 0, "cuCtxCreate_v3"},
      {"cuCtxCreate", 13000, 0, "cuCtxCreate_v4"},
      {"cuLaunchKernel", 13000, CU_GET_PROC_ADDRESS_LEGACY_STREAM,
       "cuLaunchKernel"},
      {"cuLaunchKernel", 13000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM,
       "cuLaunchKernel_ptsz"},
      {"cuMemcpyHtoD", 13000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM,
       "cuMemcpyHtoD_v2_ptds"},
      // Without a variant for threads' streams there is the one.
      {"cuMemAlloc", 13000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM,
       "cuMemAlloc_v2"},
      {"cuGetProcAddress", 13000, 0, "cuGetProcAddress_v2"},
      {"cuStreamBeginCapture", 10010, 0, "cuStreamBeginCapture_v2"},
      {"cuTexRefCreate", 13000, 0, "cuTexRefCreate"},
      {"cuLaunchKernelEx", 11000, 0, nullptr},
      {"cuNoSuchFunction", 13000, 0, nullptr},
  };
  for (const Lookup &lookup : lookups) {
    void *address = nullptr;
    CUdriverProcAddressQueryResult found;
    EXPECT_CU(CUDA_SUCCESS,
              cuGetProcAddress_v2(lookup.name, &address, lookup.version,
                                  lookup.flags, &found));
    EXPECT_EQ(lookup.expected ? symbol(lookup.expected) : nullptr, address)
        << lookup.name << " " << lookup.version;
    EXPECT_EQ(lookup.expected != nullptr, found == CU_GET_PROC_ADDRESS_SUCCESS);
    EXPECT_CU(
        lookup.expected ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND,
        cuGetProcAddress(lookup.name, &address, lookup.version, lookup.flags));
  }
}

TEST(ExportsTest, ProcAddressSaysWhy) {
  void *address = nullptr;
  CUdriverProcAddressQueryResult found;
  EXPECT_CU(CUDA_SUCCESS, cuGetProcAddress_v2("cuLaunchKernelEx", &address,
                                              11000, 0, &found));
  EXPECT_EQ(CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT, found);
  EXPECT_CU(CUDA_SUCCESS,
            cuGetProcAddress_v2("cuX", &address, 13000, 0, &found));
  EXPECT_EQ(CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND, found);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuGetProcAddress_v2("cuInit", &address, 13000, 64, nullptr));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuGetProcAddress_v2(nullptr, &address, 13000, 0, nullptr));
}

TEST(ExportsTest, ErrorsHaveNamesAndTexts) {
  const char *text = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  EXPECT_STREQ("CUDA_ERROR_ILLEGAL_ADDRESS", text);
  EXPECT_CU(CUDA_SUCCESS, cuGetErrorString(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  EXPECT_STREQ("an illegal memory access was encountered", text);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuGetErrorString(CUresult(12345), &text));
  EXPECT_EQ(nullptr, text);
}

} // namespace
