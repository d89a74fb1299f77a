// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Unicode.h"

#include "Utf8.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <new>
#include <utf8proc.h>

using namespace moe::rt::tok;

namespace {
struct PropertyFragment {
  const char *name;
  const char *items;
};
struct CodePointRange {
  uint32_t first, last;
};
struct LowercaseException {
  uint32_t from;
  uint32_t to[2];
};
#include "UnicodeTables.inc"

bool isInert(char32_t codePoint) {
  const auto *range = std::lower_bound(
      std::begin(kNormalizationInert), std::end(kNormalizationInert), codePoint,
      [](const CodePointRange &r, char32_t c) { return r.last < c; });
  return range != std::end(kNormalizationInert) && range->first <= codePoint;
}

void appendNormalized(std::string &result, std::string_view text,
                      utf8proc_option_t options) {
  if (text.empty())
    return;
  utf8proc_uint8_t *mapped = nullptr;
  utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  // The text is valid UTF-8, so memory is all that can be wrong.
  if (size < 0)
    throw std::bad_alloc();
  result.append(reinterpret_cast<const char *>(mapped),
                static_cast<size_t>(size));
  std::free(mapped);
}

std::string simplified(std::string_view name) {
  std::string result;
  for (char c : name)
    if (c != ' ' && c != '-' && c != '_')
      result.push_back(
          static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return result;
}
} // namespace

std::string moe::rt::tok::normalize(std::string_view text, NormalForm form) {
  int options = UTF8PROC_STABLE;
  options |= form == NormalForm::nfc || form == NormalForm::nfkc
                 ? UTF8PROC_COMPOSE
                 : UTF8PROC_DECOMPOSE;
  if (form == NormalForm::nfkc || form == NormalForm::nfkd)
    options |= UTF8PROC_COMPAT;

  // Code points younger than the tables of `tokenizers` stay as they are and,
  // being starters that combine with nothing, separate what is around them.
  std::string result;
  size_t begin = 0;
  for (size_t position = 0; position < text.size();) {
    size_t here = position;
    if (!isInert(takeCodePoint(text, position)))
      continue;
    appendNormalized(result, text.substr(begin, here - begin),
                     static_cast<utf8proc_option_t>(options));
    result += text.substr(here, position - here);
    begin = position;
  }
  appendNormalized(result, text.substr(begin),
                   static_cast<utf8proc_option_t>(options));
  return result;
}

std::string moe::rt::tok::toLower(std::string_view text) {
  std::string result;
  for (size_t position = 0; position < text.size();) {
    char32_t codePoint = takeCodePoint(text, position);
    const auto *exception = std::lower_bound(
        std::begin(kLowercase), std::end(kLowercase), codePoint,
        [](const LowercaseException &e, char32_t c) { return e.from < c; });
    if (exception != std::end(kLowercase) && exception->from == codePoint) {
      appendUtf8(result, exception->to[0]);
      if (exception->to[1] != 0)
        appendUtf8(result, exception->to[1]);
      continue;
    }
    appendUtf8(result, static_cast<char32_t>(utf8proc_tolower(
                           static_cast<utf8proc_int32_t>(codePoint))));
  }
  return result;
}

bool moe::rt::tok::isSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::optional<std::string> moe::rt::tok::propertyItems(std::string_view name) {
  std::string wanted = simplified(name);
  for (const PropertyFragment &property : kProperties)
    if (simplified(property.name) == wanted)
      return property.items;
  return std::nullopt;
}

std::string_view moe::rt::tok::spaceItems() { return kSpace; }
std::string_view moe::rt::tok::onigurumaWordItems() { return kOnigurumaWord; }
std::string_view moe::rt::tok::rustWordItems() { return kRustWord; }
std::string_view moe::rt::tok::rustNumericItems() { return kRustNumeric; }
std::string_view moe::rt::tok::punctuationItems() { return kPunctuation; }
