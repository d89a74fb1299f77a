// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Any bytes as tokenizer.json, and any text through the tokenizer that comes of
// it. The input is a tokenizer.json, a zero byte and a text.
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Tokenizer.h"

#include <cstdint>
#include <cstdlib>

using namespace moe::rt;

static void require(bool condition) {
  if (!condition)
    std::abort();
}

static void checkText(const Tokenizer &tokenizer, std::string_view text) {
  for (bool special : {false, true}) {
    auto ids = tokenizer.encode(text, special);
    for (int32_t id : ids)
      require(id >= 0);
    std::string whole = tokenizer.decode(ids.data(), ids.size(), special);
    StreamDecoder stream(tokenizer, special);
    std::string parts;
    for (int32_t id : ids)
      parts += stream.push(id);
    parts += stream.flush();
    require(parts == whole);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  size_t split = input.find('\0');
  std::string_view text = split == std::string_view::npos
                              ? "Hello  wörld 12"
                              : input.substr(split + 1);
  try {
    auto tokenizer = Tokenizer::parse(input.substr(0, split), "fuzz.json");
    checkText(*tokenizer, text);
  } catch (const Error &) {
    // Refused with a message: what bad input should get.
  }
  return 0;
}
