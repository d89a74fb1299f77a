// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#define PCRE2_CODE_UNIT_WIDTH 8
#include "Regex.h"

#include "Utf8.h"
#include "moe/Runtime/Error.h"

#include <cstdio>
#include <new>
#include <pcre2.h>

using namespace moe::rt;
using namespace moe::rt::tok;

namespace {
constexpr size_t kLongestPattern = 1 << 16;
// Real split patterns need a few hundred steps a match. The limits keep a
// pattern with nested repeats from running for ever: an error instead.
constexpr uint32_t kMatchLimit = 1000000;
constexpr uint32_t kHeapLimitKiB = 64 * 1024;
constexpr size_t kJitStackLeast = 1 << 15;
constexpr size_t kJitStackMost = 1 << 23;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T *object) const {
    Free(object);
  }
};
using CompileContext =
    std::unique_ptr<pcre2_compile_context, Freer<pcre2_compile_context_free>>;
using MatchContext =
    std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context_free>>;
using MatchData =
    std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Freer<pcre2_jit_stack_free>>;

template <typename T>
T *orBadAlloc(T *object) {
  if (!object)
    throw std::bad_alloc();
  return object;
}

/// Compiled code can be shared between threads, a JIT stack cannot.
pcre2_jit_stack *threadJitStack(void *) {
  thread_local JitStack stack(
      pcre2_jit_stack_create(kJitStackLeast, kJitStackMost, nullptr));
  return stack.get();
}

std::string messageOf(int error) {
  PCRE2_UCHAR text[256];
  if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
    return "error " + std::to_string(error);
  return reinterpret_cast<const char *>(text);
}
} // namespace

struct Regex::Code {
  std::unique_ptr<pcre2_code, Freer<pcre2_code_free>> code;
  MatchContext context;

  /// Searches from `start`; false when nothing matches.
  bool search(std::string_view text, size_t start,
              pcre2_match_data *data) const;
};

bool Regex::Code::search(std::string_view text, size_t start,
                         pcre2_match_data *data) const {
  auto run = [&](uint32_t options) {
    return pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                       text.size(), start, options, data, context.get());
  };
  int result = run(PCRE2_NO_UTF_CHECK);
  // The interpreter keeps its state on the heap and can go deeper.
  if (result == PCRE2_ERROR_JIT_STACKLIMIT)
    result = run(PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
  if (result == PCRE2_ERROR_NOMATCH)
    return false;
  if (result == PCRE2_ERROR_NOMEMORY)
    throw std::bad_alloc();
  if (result < 0)
    throw Error(ExitCode::inputWrong,
                "the tokenizer's pattern cannot split this text: " +
                    messageOf(result));
  return true;
}

Regex Regex::fromPCRE2(const std::string &pattern) {
  CompileContext compile(orBadAlloc(pcre2_compile_context_create(nullptr)));
  pcre2_set_newline(compile.get(), PCRE2_NEWLINE_LF);
  pcre2_set_bsr(compile.get(), PCRE2_BSR_UNICODE);

  int error;
  PCRE2_SIZE offset;
  auto compiled = std::make_shared<Code>();
  compiled->code.reset(pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
      PCRE2_UTF | PCRE2_UCP, &error, &offset, compile.get()));
  if (!compiled->code)
    throw RegexError(messageOf(error), false);
  // Where there is no JIT the interpreter does the same work.
  pcre2_jit_compile(compiled->code.get(), PCRE2_JIT_COMPLETE);

  compiled->context.reset(orBadAlloc(pcre2_match_context_create(nullptr)));
  pcre2_set_match_limit(compiled->context.get(), kMatchLimit);
  pcre2_set_heap_limit(compiled->context.get(), kHeapLimitKiB);
  pcre2_jit_stack_assign(compiled->context.get(), threadJitStack, nullptr);

  Regex regex;
  regex.code = std::move(compiled);
  return regex;
}

Regex Regex::fromPattern(std::string_view pattern) {
  if (pattern.size() > kLongestPattern)
    throw RegexError("pattern longer than " + std::to_string(kLongestPattern) +
                         " bytes",
                     false);
  return fromPCRE2(translateRegex(pattern));
}

Regex Regex::fromLiteral(std::string_view text) {
  std::string pattern;
  for (size_t position = 0; position < text.size();) {
    char escaped[16];
    std::snprintf(escaped, sizeof(escaped), "\\x{%x}",
                  static_cast<unsigned>(takeCodePoint(text, position)));
    pattern += escaped;
  }
  if (pattern.size() > kLongestPattern)
    throw RegexError("pattern longer than " + std::to_string(kLongestPattern) +
                         " bytes",
                     false);
  return fromPCRE2(pattern);
}

Regex Regex::fromClass(std::string_view items) {
  return fromPCRE2("[" + std::string(items) + "]");
}

std::vector<Span> Regex::spans(std::string_view text) const {
  std::vector<Span> result;
  if (text.empty())
    return result;
  MatchData data(orBadAlloc(pcre2_match_data_create(1, nullptr)));
  const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(data.get());

  // `from` is where the next search starts, `last` the end of the last match.
  // An empty match right behind another match does not count; the search then
  // moves on by a code point.
  size_t from = 0, last = 0;
  bool any = false;
  while (from <= text.size() && code->search(text, from, data.get())) {
    size_t begin = bounds[0], end = bounds[1];
    if (begin == end && any && end == last) {
      if (from == text.size())
        break;
      takeCodePoint(text, from);
      continue;
    }
    if (last < begin)
      result.push_back({last, begin, false});
    result.push_back({begin, end, true});
    from = last = end;
    any = true;
  }
  if (last < text.size())
    result.push_back({last, text.size(), false});
  return result;
}
