// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever the bytes, PTX is refused with places inside the text, or gives a
// module that prints as text which is read and verified again, to the same.
#include "moe/Target/PTX/Parser.h"
#include "moe/Target/PTX/Resources.h"

using namespace moe::ptx;

static void require(bool holds) {
  if (!holds)
    __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  Diagnostics diagnostics("fuzz");
  std::unique_ptr<Module> module = parse(text, diagnostics);
  require(!module == diagnostics.hasErrors());
  if (!module)
    return 0;
  bool valid = verify(*module, diagnostics);
  for (const Function &function : module->functions)
    if (function.isEntry)
      resourcesOf(*module, function);

  std::string printed = module->str();
  Diagnostics again("printed");
  std::unique_ptr<Module> second = parse(printed, again);
  require(second != nullptr);
  require(verify(*second, again) == valid);
  require(second->str() == printed);
  return 0;
}
