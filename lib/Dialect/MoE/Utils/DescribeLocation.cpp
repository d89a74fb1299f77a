// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Utils/DescribeLocation.h"

using namespace mlir;

std::string moe::describeLocation(Location loc) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto name = loc->findInstanceOf<NameLoc>())
    os << name.getName().strref();
  else if (auto file = loc->findInstanceOf<FileLineColLoc>())
    os << file.getFilename().strref() << ":" << file.getLine() << ":"
       << file.getColumn();
  else
    os << "unknown location";
  return text;
}
