// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weights of k experts for each token, divided by their sum.
extern "C" __global__ void normalize(float *weights, int tokens, int k) {
  int token = blockIdx.x * blockDim.x + threadIdx.x;
  if (token >= tokens)
    return;
  float sum = 0;
  for (int i = 0; i < k; ++i)
    sum += weights[token * k + i];
  for (int i = 0; i < k; ++i)
    weights[token * k + i] /= sum;
}
