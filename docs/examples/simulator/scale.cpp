// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A program of the CUDA driver interface: loads PTX, runs a kernel of it, checks the result.
#include <cuda.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

static void check(CUresult result, const char *what) {
  if (result == CUDA_SUCCESS)
    return;
  const char *text = nullptr;
  cuGetErrorString(result, &text);
  std::fprintf(stderr, "%s: %s\n", what, text ? text : "unknown error");
  std::exit(1);
}
#define CHECK(CALL) check(CALL, #CALL)

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  int tokens = 1000, k = 4;
  CUdevice device;
  CUcontext context;
  CUmodule module;
  CUfunction normalize;
  char name[100];
  CHECK(cuInit(0));
  CHECK(cuDeviceGet(&device, 0));
  CHECK(cuDeviceGetName(name, sizeof name, device));
  CHECK(cuDevicePrimaryCtxRetain(&context, device));
  CHECK(cuCtxSetCurrent(context));
  CHECK(cuModuleLoad(&module, argv[1]));
  CHECK(cuModuleGetFunction(&normalize, module, "normalize"));

  std::vector<float> weights(tokens * k);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = 1 + i % 7;
  size_t bytes = weights.size() * sizeof(float);
  CUdeviceptr memory;
  CUstream stream;
  CHECK(cuMemAlloc(&memory, bytes));
  CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  CHECK(cuMemcpyHtoDAsync(memory, weights.data(), bytes, stream));
  void *arguments[] = {&memory, &tokens, &k};
  CHECK(cuLaunchKernel(normalize, (tokens + 127) / 128, 1, 1, 128, 1, 1, 0, stream, arguments, nullptr));
  CHECK(cuMemcpyDtoHAsync(weights.data(), memory, bytes, stream));
  CHECK(cuStreamSynchronize(stream));

  float worst = 0;
  for (int token = 0; token < tokens; ++token) {
    float sum = 0;
    for (int i = 0; i < k; ++i)
      sum += weights[token * k + i];
    worst = std::fmax(worst, std::fabs(sum - 1));
  }
  std::printf("%s: sums of weights are off by at most %g\n", name, worst);
  CHECK(cuMemFree(memory));
  CHECK(cuStreamDestroy(stream));
  CHECK(cuModuleUnload(module));
  CHECK(cuDevicePrimaryCtxRelease(device));
  return worst < 1e-6 ? 0 : 1;
}
