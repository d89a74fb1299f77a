// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The "post_processor" of tokenizer.json: special tokens around the text.
#ifndef MOE_LIB_RUNTIME_TOKENIZER_POSTPROCESSOR_H
#define MOE_LIB_RUNTIME_TOKENIZER_POSTPROCESSOR_H

#include "JsonNode.h"

#include <optional>
#include <vector>

namespace moe::rt::tok {

class PostProcessor {
public:
  explicit PostProcessor(const std::optional<JsonNode> &node);

  /// Ids before and after those of the text.
  std::vector<int32_t> before, after;

private:
  void read(const JsonNode &node, bool &hasTemplate, int depth);
  void readTemplate(const JsonNode &node);
};

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_POSTPROCESSOR_H
