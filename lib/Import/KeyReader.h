// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Typed access to the keys of a JSON object that remembers which were read and
// the first error.
#ifndef MOE_LIB_IMPORT_KEYREADER_H
#define MOE_LIB_IMPORT_KEYREADER_H

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>

namespace mlir::moe {

/// After the first error every read returns an empty value, so that callers
/// read straight through and ask `takeError` once. Integers fit 31 bits:
/// products of any two sizes then fit 64.
class KeyReader {
public:
  /// `prefix` goes before the key in messages ("rope_parameters.").
  KeyReader(const llvm::json::Object &object, llvm::StringRef file,
            llvm::StringRef prefix = "")
      : object(object), file(file), prefix(prefix) {}
  KeyReader(const KeyReader &) = delete;
  ~KeyReader() { llvm::consumeError(std::move(error)); }

  /// The value of a key in either spelling; null when it is absent or null.
  const llvm::json::Value *take(llvm::StringRef key,
                                llvm::StringRef otherKey = "");

  int64_t requireInteger(llvm::StringRef key, llvm::StringRef otherKey,
                         int64_t min);
  double requireNumber(llvm::StringRef key, llvm::StringRef otherKey = "");
  bool requireBool(llvm::StringRef key, llvm::StringRef otherKey = "");
  llvm::StringRef requireString(llvm::StringRef key);
  std::optional<int64_t> optionalInteger(llvm::StringRef key,
                                         llvm::StringRef otherKey, int64_t min);
  std::optional<double> optionalNumber(llvm::StringRef key,
                                       llvm::StringRef otherKey = "");
  /// A list of integers, or one integer where `scalar` allows it; empty when
  /// absent or null.
  llvm::SmallVector<int64_t> integers(llvm::StringRef key, bool scalar);

  /// Keys that nothing has read yet, sorted.
  std::vector<llvm::StringRef> unread() const;

  bool failed() { return static_cast<bool>(error); }
  /// Keeps the first error.
  void fail(llvm::Error next);
  void failMismatch(llvm::StringRef key, const llvm::Twine &expected,
                    const llvm::Twine &got);
  void failNotSupported(llvm::StringRef key, const llvm::Twine &message);
  llvm::Error takeError() { return std::move(error); }

private:
  std::optional<int64_t> asInteger(llvm::StringRef key,
                                   const llvm::json::Value &value, int64_t min);
  std::optional<double> asNumber(llvm::StringRef key,
                                 const llvm::json::Value &value);
  void failMissing(llvm::StringRef key, llvm::StringRef otherKey,
                   llvm::StringRef what);

  const llvm::json::Object &object;
  llvm::StringRef file, prefix;
  llvm::StringSet<> read;
  llvm::Error error = llvm::Error::success();
};

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_KEYREADER_H
