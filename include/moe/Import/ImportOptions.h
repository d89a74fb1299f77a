// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a model is compiled for: the choices that its files leave open.
#ifndef MOE_IMPORT_IMPORTOPTIONS_H
#define MOE_IMPORT_IMPORTOPTIONS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>

namespace mlir::moe {

/// Which positions the caches keep. Whatever is chosen, a model's own window is
/// never exceeded.
struct KVOption {
  enum class Kind {
    /// What the model needs: a ring buffer where it has a window, else all
    /// positions.
    Auto,
    /// All positions up to the maximum length.
    Static,
    /// The last `window` positions in every layer.
    Sliding,
    /// Each layer as the model has it.
    Hybrid,
  };
  Kind kind = Kind::Auto;
  int64_t window = 0;

  /// Reads the value of `--kv`; an ImportError names what is wrong with it or
  /// not supported.
  static llvm::Expected<KVOption> parse(llvm::StringRef text);
};

struct ImportOptions {
  enum class DType { F32, BF16 };

  /// Type of weight matrices and caches; activations are f32 always.
  DType dtype = DType::F32;
  KVOption kv;
  /// Positions a sequence may have; 0 for the model's own limit, but at most
  /// `defaultMaxLen`.
  int64_t maxLen = 0;
  /// Sequences decoded at once.
  int64_t batch = 1;
  /// Most tokens that one call of prefill takes.
  int64_t prefillChunk = 256;

  static constexpr int64_t defaultMaxLen = 4096;

  /// Reads the value of `--dtype`, as KVOption::parse does.
  static llvm::Expected<DType> parseDType(llvm::StringRef text);
};

llvm::StringRef getName(ImportOptions::DType dtype);

} // namespace mlir::moe

#endif // MOE_IMPORT_IMPORTOPTIONS_H
