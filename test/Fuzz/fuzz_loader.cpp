// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever the bytes, an image gives PTX or a reason, and PTX that is right is
// loaded onto a virtual GPU or refused with a reason; then all is freed.
#include "Image.h"
#include "moe/PTXSim/Device.h"
#include "moe/Target/PTX/Parser.h"

using namespace moe;

static void require(bool holds) {
  if (!holds)
    __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  driver::Image image = driver::findPtx(data, size, 90);
  require((image.result == cuda::CUDA_SUCCESS) == image.message.empty());
  if (image.result != cuda::CUDA_SUCCESS)
    return 0;
  ptx::Diagnostics diagnostics("fuzz");
  std::shared_ptr<const ptx::Module> module =
      ptx::parseAndVerify(image.ptx, diagnostics);
  if (!module)
    return 0;
  for (const char *id : {"a100", "h100"}) {
    ptxsim::Options options;
    options.device = ptxsim::findProperties(id);
    ptxsim::Device device(options);
    ptxsim::Error error;
    {
      auto program = ptxsim::Program::load(module, device, error);
      require(!program == bool(error));
      require(!error == error.message.empty());
    }
    require(device.memory().used() == 0);
  }
  return 0;
}
