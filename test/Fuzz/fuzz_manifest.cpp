// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever the bytes, reading a manifest gives one or throws an Error, and what
// it gives can be used without overflow.
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  try {
    moe::rt::Manifest manifest = moe::rt::Manifest::parse(text, "fuzz");
    for (const moe::rt::EntrySpec &entry : manifest.entries)
      for (const auto &tensors : {entry.args, entry.results})
        for (const moe::rt::TensorSpec &tensor : tensors)
          if (tensor.maxBytes() < 0)
            __builtin_trap();
    if (manifest.gpu)
      for (const moe::rt::KernelSpec &kernel : manifest.gpu->kernels)
        if (kernel.module >= manifest.gpu->modules.size() || kernel.block < 1)
          __builtin_trap();
  } catch (const moe::rt::Error &) {
  }
  return 0;
}
