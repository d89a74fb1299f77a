// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PostProcessor.h"

#include "BPE.h"
#include "Normalizer.h"
#include "PreTokenizer.h"

using namespace moe::rt::tok;

PostProcessor::PostProcessor(const std::optional<JsonNode> &node) {
  bool hasTemplate = false;
  if (node)
    read(*node, hasTemplate, 0);
}

void PostProcessor::read(const JsonNode &node, bool &hasTemplate, int depth) {
  std::string type = node.type();
  if (type == "ByteLevel") {
    readByteLevel(node); // concerns offsets alone
    return;
  }
  if (type == "TemplateProcessing") {
    if (hasTemplate)
      throw node.unsupported("a second template");
    hasTemplate = true;
    readTemplate(node);
    return;
  }
  if (type != "Sequence")
    throw node.unsupportedType();
  if (depth == kDeepestSequence)
    throw node.wrong("sequences nested too deeply");
  node.allowOnly({"processors"});
  for (const JsonNode &step : node.member("processors").elements())
    read(step, hasTemplate, depth + 1);
}

void PostProcessor::readTemplate(const JsonNode &node) {
  // "pair" is for two texts at once, which we never encode.
  node.allowOnly({"single", "pair", "special_tokens"});
  bool seenText = false;
  for (const JsonNode &part : node.member("single").elements()) {
    part.allowOnly({"Sequence", "SpecialToken"});
    if (auto text = part.find("Sequence")) {
      if (text->member("id").string() != "A" || seenText)
        throw text->mismatch("the text \"A\", once");
      seenText = true;
      continue;
    }
    JsonNode name = part.member("SpecialToken").member("id");
    auto special = node.member("special_tokens").find(name.string().c_str());
    if (!special)
      throw name.mismatch("a key of special_tokens");
    for (const JsonNode &id : special->member("ids").elements())
      (seenText ? after : before)
          .push_back(static_cast<int32_t>(id.integer(0, kLargestId)));
  }
  if (!seenText)
    throw node.member("single").mismatch("a place for the text \"A\"");
}
