// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/ImportOptions.h"

#include "moe/Import/Error.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace mlir::moe {

/// A value that this version does not have, or that none has.
static Error refuse(StringRef option, StringRef value, StringRef expected,
                    bool isPlanned) {
  std::string got = "'" + printable(value) + "'";
  if (isPlanned)
    return notSupported(option, "", "expected " + expected + ", got " + got);
  return expectedGot(option, "", expected, got);
}

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
  bool isPlanned = StringSwitch<bool>(text)
                       .Cases({"none", "int8", "int4", "offload"}, true)
                       .Default(false);
  return refuse("--kv", text, "auto, static, sliding:W or hybrid", isPlanned);
}

Expected<ImportOptions::DType> ImportOptions::parseDType(StringRef text) {
  if (text == "f32")
    return DType::F32;
  if (text == "bf16")
    return DType::BF16;
  return refuse("--dtype", text, "f32 or bf16",
                text == "int8" || text == "int4");
}

StringRef getName(ImportOptions::DType dtype) {
  return dtype == ImportOptions::DType::F32 ? "f32" : "bf16";
}

} // namespace mlir::moe
