// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Npy.h"

#include "moe/Runtime/Error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

using namespace moe::rt;

static std::string header(Span<const int64_t> shape) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (int64_t extent : shape)
    text += std::to_string(extent) + ",";
  text += "), }";
  // Magic, version and length take 10 bytes; data starts at a multiple of 64.
  constexpr size_t prefix = 10;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';
  std::string result("\x93NUMPY\x01\x00", 8);
  result += static_cast<char>(text.size() & 0xff);
  result += static_cast<char>(text.size() >> 8);
  return result + text;
}

void moe::rt::writeNpy(const std::string &path, Span<const float> values,
                       Span<const int64_t> shape) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  auto fail = [&] {
    return Error(ExitCode::inputWrong,
                 path + ": cannot write: " + std::strerror(errno));
  };
  std::string temporary = path + ".tmp" + std::to_string(::getpid());
  std::FILE *file = std::fopen(temporary.c_str(), "wbe");
  if (!file)
    throw fail();
  std::string head = header(shape);
  bool written =
      std::fwrite(head.data(), 1, head.size(), file) == head.size() &&
      std::fwrite(values.data(), sizeof(float), values.size(), file) ==
          values.size();
  written &= std::fclose(file) == 0;
  if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) {
    Error error = fail();
    std::remove(temporary.c_str());
    throw error;
  }
}
