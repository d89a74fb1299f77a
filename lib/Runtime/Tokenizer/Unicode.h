// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Unicode that the `tokenizers` package knows: libutf8proc and PCRE2 with
// the differences of UnicodeTables.inc.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_UNICODE_H
#define MOE_LIB_RUNTIME_TOKENIZER_UNICODE_H

#include <optional>
#include <string>
#include <string_view>

namespace moe::rt::tok {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

/// All take and give valid UTF-8.
std::string normalize(std::string_view text, NormalForm form);
std::string toLower(std::string_view text);
bool isSpace(char32_t codePoint);

/// What to write between [ and ] of a PCRE2 class (with UTF and UCP) for a
/// general category or script; none when the name is not known. Case, spaces,
/// '-' and '_' in the name do not count.
std::optional<std::string> propertyItems(std::string_view name);
/// The same for \s and \w of Oniguruma, for \w and \p{N} of Rust, and for the
/// Punctuation pre-tokenizer.
std::string_view spaceItems();
std::string_view onigurumaWordItems();
std::string_view rustWordItems();
std::string_view rustNumericItems();
std::string_view punctuationItems();

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_UNICODE_H
