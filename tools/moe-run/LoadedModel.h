// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_RUN_LOADEDMODEL_H
#define MOE_TOOLS_MOE_RUN_LOADEDMODEL_H

#include "Options.h"
#include "moe/Runtime/Tokenizer.h"

#include <memory>

namespace moe::run {

/// A model that can run, and its tokenizer if it has one.
struct LoadedModel {
  std::string folder; ///< Where it lies: an artefact, or the model as given.
  std::unique_ptr<rt::Executable> executable;
  std::unique_ptr<rt::Tokenizer> tokenizer;
  double loadSeconds = 0;

  /// The tokenizer; throws Error (inputWrong) naming what needs it without one.
  const rt::Tokenizer &requireTokenizer(const char *why) const;
};

/// Finds out what `options.model` is, compiles it if need be and loads it.
LoadedModel load(const Options &options);

/// What it says about itself, from the manifest alone if it is compiled.
rt::Description describe(const Options &options);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_LOADEDMODEL_H
