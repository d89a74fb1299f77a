// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tokenizer.json of a few letters, to be changed by each test.
#ifndef MOE_UNITTESTS_TOKENIZER_TINYTOKENIZER_H
#define MOE_UNITTESTS_TOKENIZER_TINYTOKENIZER_H

#include "moe/Runtime/Tokenizer.h"

#include <memory>
#include <nlohmann/json.hpp>

namespace moe::rt {

/// Letters a, b, c, the merges "a b" and "ab c", "<s>" as a special token.
inline nlohmann::json tinyTokenizer() {
  return nlohmann::json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 6, "content": "<s>", "single_word": false, "lstrip": false,
                      "rstrip": false, "normalized": false, "special": true}],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null,
    "decoder": {"type": "Fuse"},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "fuse_unk": false,
              "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "▁": 5},
              "merges": [["a", "b"], "ab c"]}})");
}

inline std::unique_ptr<Tokenizer> parse(const nlohmann::json &document) {
  return Tokenizer::parse(document.dump(), "tokenizer.json");
}

inline std::string decode(const Tokenizer &tokenizer,
                          const std::vector<int32_t> &ids,
                          bool skipSpecial = false) {
  return tokenizer.decode(ids.data(), ids.size(), skipSpecial);
}

} // namespace moe::rt

#endif // MOE_UNITTESTS_TOKENIZER_TINYTOKENIZER_H
