// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arguments of `moe-sim kernel`: a word for each parameter of the kernel.
//   5, -1, 0x10, 1.5         a number of the parameter's type
//   f32:1.5                  a number of another type of that size
//   null                     a null pointer
//   x.npy                    a buffer with the values of a file
//   bf16[1000]               a buffer of zeros; =7, =iota or =random fill it
//   otherwise
// A buffer followed by ":out.npy" is written to that file after the run.
#ifndef MOE_TOOLS_MOE_SIM_ARGUMENTS_H
#define MOE_TOOLS_MOE_SIM_ARGUMENTS_H

#include <cstddef>
#include <string>
#include <vector>

namespace moe::sim {

struct Argument {
  /// What the parameter gets: of a number its bytes, of a buffer nothing.
  std::vector<std::byte> scalar;
  /// A buffer: its type, values, and the header of its .npy file.
  bool isBuffer = false;
  std::string type, header, outFile;
  size_t count = 0;
  std::vector<std::byte> values;
};

/// Reads a word for a parameter of `bytes` bytes, which PTX calls `paramType`
/// (f32, u64, …). Throws Error.
Argument readArgument(const std::string &word, const std::string &paramType,
                      size_t bytes);

/// The first values of a buffer as text, and "…" if there are more.
std::string describeValues(const Argument &argument, size_t limit);

/// The .npy file of a buffer.
void writeBuffer(const Argument &argument);

} // namespace moe::sim

#endif // MOE_TOOLS_MOE_SIM_ARGUMENTS_H
