// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The one error type of the importer: which file, which key, what was expected
// and what was got.
#ifndef MOE_IMPORT_ERROR_H
#define MOE_IMPORT_ERROR_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::moe {

/// Why an import failed; tools map it to their exit code.
enum class ImportErrorKind {
  /// The files are damaged, contradict themselves or lack something.
  InvalidInput,
  /// The files are sound, but ask for something this compiler does not do.
  NotSupported,
};

/// Prints as `<file>: <key>: <message>` (the key is left out when empty),
/// always one line: keys come from untrusted files, so anything unprintable in
/// them is escaped and long ones are cut.
class ImportError : public llvm::ErrorInfo<ImportError> {
public:
  static char ID;

  ImportError(ImportErrorKind kind, llvm::StringRef file, llvm::StringRef key,
              const llvm::Twine &message);

  ImportErrorKind getKind() const { return kind; }
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  ImportErrorKind kind;
  std::string file, key, text;
};

/// `<file>: <key>: <message>`.
llvm::Error invalidInput(llvm::StringRef file, llvm::StringRef key,
                         const llvm::Twine &message);

/// `<file>: <key>: expected <expected>, got <got>`.
llvm::Error expectedGot(llvm::StringRef file, llvm::StringRef key,
                        const llvm::Twine &expected, const llvm::Twine &got);

/// `<file>: <key>: <message>`, for a sound input that this compiler does not
/// handle.
llvm::Error notSupported(llvm::StringRef file, llvm::StringRef key,
                         const llvm::Twine &message);

/// Prints each error as `<tool>: error: ...` on stderr and returns the exit
/// code it asks for: 1 for wrong input, 3 for what is not supported.
int reportImportError(llvm::StringRef tool, llvm::Error error);

/// Text from an untrusted file made fit for one line of an error message.
std::string printable(llvm::StringRef text);

} // namespace mlir::moe

#endif // MOE_IMPORT_ERROR_H
