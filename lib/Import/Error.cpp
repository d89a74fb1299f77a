// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Error.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mlir::moe {

char ImportError::ID = 0;

ImportError::ImportError(ImportErrorKind kind, StringRef file, StringRef key,
                         const Twine &message)
    : kind(kind), file(printable(file)), key(printable(key)),
      text(message.str()) {}

void ImportError::log(raw_ostream &os) const {
  os << file << ": ";
  if (!key.empty())
    os << key << ": ";
  os << text;
}

std::error_code ImportError::convertToErrorCode() const {
  return std::make_error_code(kind == ImportErrorKind::NotSupported
                                  ? std::errc::not_supported
                                  : std::errc::invalid_argument);
}

Error invalidInput(StringRef file, StringRef key, const Twine &message) {
  return make_error<ImportError>(ImportErrorKind::InvalidInput, file, key,
                                 message);
}

Error expectedGot(StringRef file, StringRef key, const Twine &expected,
                  const Twine &got) {
  return invalidInput(file, key, "expected " + expected + ", got " + got);
}

Error notSupported(StringRef file, StringRef key, const Twine &message) {
  return make_error<ImportError>(ImportErrorKind::NotSupported, file, key,
                                 message);
}

int reportImportError(StringRef tool, Error error) {
  int exitCode = 1;
  handleAllErrors(std::move(error), [&](const ErrorInfoBase &info) {
    errs() << tool << ": error: " << info.message() << '\n';
    if (info.isA<ImportError>() &&
        static_cast<const ImportError &>(info).getKind() ==
            ImportErrorKind::NotSupported)
      exitCode = 3;
  });
  return exitCode;
}

std::string printable(StringRef text) {
  constexpr size_t longest = 200;
  std::string result;
  raw_string_ostream os(result);
  for (unsigned char c : text.take_front(longest)) {
    if (isPrint(c))
      os << c;
    else
      os << "\\x" << hexdigit(c >> 4) << hexdigit(c & 15);
  }
  if (text.size() > longest)
    os << "...";
  return result;
}

} // namespace mlir::moe
