// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/ImportOptions.h"

#include "moe/Import/Error.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace mlir::moe {

Expected<KVOption> KVOption::parse(StringRef text) {
  StringRef window = text;
  if (window.consume_front("sliding:")) {
    int64_t length;
    if (window.getAsInteger(10, length) || length < 1 ||
        length > std::numeric_limits<int32_t>::max())
      return expectedGot("--kv", "", "sliding:W with W from 1 to 2147483647",
                         "'" + printable(text) + "'");
    return KVOption{Kind::Sliding, length};
  }
  auto kind = StringSwitch<std::optional<Kind>>(text)
                  .Case("auto", Kind::Auto)
                  .Case("static", Kind::Static)
                  .Case("hybrid", Kind::Hybrid)
                  .Default(std::nullopt);
  if (kind)
    return KVOption{*kind, 0};
  return notSupported("--kv", "",
                      "expected auto, static, sliding:W or hybrid, got '" +
                          printable(text) + "'");
}

Expected<ImportOptions::DType> ImportOptions::parseDType(StringRef text) {
  if (text == "f32")
    return DType::F32;
  if (text == "bf16")
    return DType::BF16;
  return notSupported("--dtype", "",
                      "expected f32 or bf16, got '" + printable(text) + "'");
}

StringRef getName(ImportOptions::DType dtype) {
  return dtype == ImportOptions::DType::F32 ? "f32" : "bf16";
}

} // namespace mlir::moe
