// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compares the tokenizer with what the `tokenizers` package said.
//   tokenizer-check TOKENIZER_JSON < CASES
// CASES has one JSON object a line: "text" (missing: decoding alone is
// compared), "ids" and "plain" (its ids with and without special tokens;
// "plain" missing: the same), "decoded" and "skipped" (the text of "ids" with
// and without special tokens; missing: the same as "text" and as "decoded").
// The last line of output is "N cases, M differences"; the exit code is 5 when
// M is not 0.
#include "moe/Runtime/Error.h"
#include "moe/Runtime/Tokenizer.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

using namespace moe::rt;
using nlohmann::json;
using Ids = std::vector<int32_t>;

static std::string decodeAsStream(const Tokenizer &tokenizer, const Ids &ids,
                                  bool skipSpecial) {
  StreamDecoder stream(tokenizer, skipSpecial);
  std::string text;
  for (int32_t id : ids) {
    std::string part = stream.push(id);
    // Throws when a part is not complete UTF-8.
    (void)json(part).dump();
    text += part;
  }
  return text + stream.flush();
}

/// Prints what differs; true when nothing does.
template <typename T>
static bool same(const char *what, const json &test, const T &expected,
                 const T &got) {
  if (expected == got)
    return true;
  std::cout << json{{"what", what},
                    {"case", test},
                    {"expected", expected},
                    {"got", got}}
                   .dump()
            << "\n";
  return false;
}

static bool check(const Tokenizer &tokenizer, const json &test) {
  bool good = true;
  Ids ids = test.at("ids").get<Ids>();
  std::string text = test.value("text", "");
  if (test.contains("text")) {
    good &= same("ids", test, ids, tokenizer.encode(text, true));
    good &= same("plain", test, test.value("plain", ids),
                 tokenizer.encode(text, false));
  }
  std::string decoded = test.value("decoded", text);
  for (bool skip : {false, true}) {
    std::string expected = skip ? test.value("skipped", decoded) : decoded;
    good &= same(skip ? "skipped" : "decoded", test, expected,
                 tokenizer.decode(ids.data(), ids.size(), skip));
    good &=
        same("stream", test, expected, decodeAsStream(tokenizer, ids, skip));
  }
  return good;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: tokenizer-check TOKENIZER_JSON < CASES\n";
    return static_cast<int>(ExitCode::commandLine);
  }
  try {
    auto tokenizer = Tokenizer::load(argv[1]);
    size_t cases = 0, differences = 0;
    for (std::string line; std::getline(std::cin, line); ++cases)
      differences += !check(*tokenizer, json::parse(line));
    std::cout << cases << " cases, " << differences << " differences\n";
    return static_cast<int>(differences == 0 ? ExitCode::done
                                             : ExitCode::checkFailed);
  } catch (const Error &error) {
    std::cerr << "tokenizer-check: error: " << error.what() << "\n";
    return static_cast<int>(error.exitCode());
  } catch (const std::exception &error) {
    std::cerr << "tokenizer-check: error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::internal);
  }
}
