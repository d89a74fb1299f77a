// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any text must give a configuration whose sizes can be worked with, or an
// error.
#include "moe/Import/Config.h"
#include "moe/Import/StrictJson.h"

#include <cstdlib>

using namespace mlir::moe;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  auto value = parseStrictJson(text, "input");
  if (!value) {
    llvm::consumeError(value.takeError());
    return 0;
  }
  const llvm::json::Object *object = value->getAsObject();
  if (!object)
    return 0;
  auto config = ModelConfig::parse(*object, "input");
  if (!config) {
    if (llvm::StringRef(llvm::toString(config.takeError())).contains('\n'))
      std::abort();
    return 0;
  }
  if (config->headDim <= 0 || config->headDim % 2 ||
      config->numHeads % config->numKVHeads ||
      config->topK > config->numExperts || config->sparseStep <= 0)
    std::abort();
  return 0;
}
