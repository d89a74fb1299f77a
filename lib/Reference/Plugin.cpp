// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libmoe-reference.so: the evaluator behind the runtime's plugin interface.
#include "Model.h"

#include "moe/Import/Error.h"
#include "moe/Runtime/ReferencePlugin.h"

#include <algorithm>
#include <cstring>

using namespace mlir::moe;

struct moe_reference_model {
  std::unique_ptr<reference::Model> model;
};

namespace {

/// Exit codes of the command line tools.
enum ExitCode : int32_t { done = 0, inputWrong = 1, notSupportedCode = 3 };

/// Writes the error's first line to the caller's buffer.
int32_t report(llvm::Error error, char *buffer, size_t size) {
  if (!error)
    return done;
  int32_t code = inputWrong;
  std::string text;
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    text = info.message();
    if (info.isA<ImportError>() &&
        static_cast<const ImportError &>(info).getKind() ==
            ImportErrorKind::NotSupported)
      code = notSupportedCode;
  });
  if (size > 0) {
    size_t length = std::min(text.size(), size - 1);
    std::memcpy(buffer, text.data(), length);
    buffer[length] = '\0';
  }
  return code;
}

int32_t openModel(const char *path, const char *options,
                  moe_reference_model **model, char *error, size_t size) {
  auto opened = reference::Model::open(path, options);
  if (!opened)
    return report(opened.takeError(), error, size);
  *model = new moe_reference_model{std::move(*opened)};
  return done;
}

const char *describe(const moe_reference_model *model) {
  return model->model->getDescription().c_str();
}

int32_t run(moe_reference_model *model, const char *entry,
            const moe_tensor *tensors, char *error, size_t size) {
  return report(model->model->run(entry, tensors), error, size);
}

void reset(moe_reference_model *model) { model->model->reset(); }

void closeModel(moe_reference_model *model) { delete model; }

} // namespace

extern "C" __attribute__((visibility("default")))
const moe_reference_plugin moe_reference = {
    MOE_REFERENCE_VERSION, openModel, describe, run, reset, closeModel};
