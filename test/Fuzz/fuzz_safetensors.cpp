// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes must give a file whose tensors are all readable, or an error.
#include "moe/Import/Safetensors.h"

#include <cstdlib>

using namespace mlir::moe;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto file = SafetensorsFile::parse(
      llvm::MemoryBuffer::getMemBuffer(bytes, "input",
                                       /*RequiresNullTerminator=*/false),
      "input");
  if (!file) {
    if (llvm::StringRef(llvm::toString(file.takeError())).contains('\n'))
      std::abort();
    return 0;
  }
  uint64_t sum = 0;
  for (const std::string &key : file->getKeys()) {
    const TensorView *tensor = file->lookup(key);
    uint64_t expected = getByteSize(tensor->dtype);
    for (int64_t extent : tensor->shape)
      expected *= extent;
    if (tensor->bytes.size() != expected)
      std::abort();
    for (char c : tensor->bytes)
      sum += c;
  }
  // Keeps the reads above, which the sanitizer checks.
  volatile uint64_t sink = sum;
  (void)sink;
  return 0;
}
