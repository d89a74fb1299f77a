// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Normalizer.h"

#include "Unicode.h"
#include "Utf8.h"

#include <algorithm>
#include <optional>

using namespace moe::rt::tok;

Regex moe::rt::tok::readPattern(const JsonNode &node) {
  node.allowOnly({"String", "Regex"});
  auto literal = node.find("String"), pattern = node.find("Regex");
  if (literal.has_value() == pattern.has_value())
    throw node.mismatch("either \"String\" or \"Regex\"");
  const JsonNode &source = literal ? *literal : *pattern;
  std::string text = source.string();
  try {
    return literal ? Regex::fromLiteral(text) : Regex::fromPattern(text);
  } catch (const RegexError &error) {
    if (error.unsupported)
      throw Error(ExitCode::unsupported, source.wrong(error.what()).what());
    throw source.wrong("expected a regular expression, got " + inQuotes(text) +
                       ": " + error.what());
  }
}

std::string moe::rt::tok::replaceMatches(const Regex &regex,
                                         std::string_view text,
                                         const std::string &content,
                                         bool &lostStart) {
  std::string result;
  for (const Span &span : regex.spans(text)) {
    if (!span.isMatch) {
      result += text.substr(span.begin, span.end - span.begin);
      continue;
    }
    if (result.empty() && content.empty() && span.end != 0)
      lostStart = true;
    result += content;
  }
  return result;
}

namespace {
struct FormNormalizer final : Normalizer {
  explicit FormNormalizer(NormalForm form) : form(form) {}
  bool apply(std::string &text) const override {
    text = normalize(text, form);
    return false;
  }
  NormalForm form;
};

struct LowercaseNormalizer final : Normalizer {
  bool apply(std::string &text) const override {
    text = toLower(text);
    return false;
  }
};

struct PrependNormalizer final : Normalizer {
  explicit PrependNormalizer(std::string prefix) : prefix(std::move(prefix)) {}
  bool apply(std::string &text) const override {
    if (!text.empty())
      text.insert(0, prefix);
    return false;
  }
  std::string prefix;
};

struct ReplaceNormalizer final : Normalizer {
  ReplaceNormalizer(Regex regex, std::string content)
      : regex(std::move(regex)), content(std::move(content)) {}
  bool apply(std::string &text) const override {
    bool lostStart = false;
    text = replaceMatches(regex, text, content, lostStart);
    return lostStart;
  }
  Regex regex;
  std::string content;
};

struct StripNormalizer final : Normalizer {
  StripNormalizer(bool left, bool right) : left(left), right(right) {}
  bool apply(std::string &text) const override {
    // End of the last code point that is no space, start of the first one.
    size_t begin = text.size(), end = 0;
    for (size_t position = 0; position < text.size();) {
      size_t here = position;
      if (isSpace(takeCodePoint(text, position)))
        continue;
      begin = std::min(begin, here);
      end = position;
    }
    if (!left)
      begin = 0;
    if (!right)
      end = text.size();
    text = begin < end ? text.substr(begin, end - begin) : "";
    return begin != 0;
  }
  bool left, right;
};

struct SequenceNormalizer final : Normalizer {
  bool apply(std::string &text) const override {
    bool lostStart = false;
    for (const auto &step : steps)
      lostStart |= step->apply(text);
    return lostStart;
  }
  std::vector<std::unique_ptr<Normalizer>> steps;
};

std::optional<NormalForm> normalForm(const std::string &type) {
  if (type == "NFC")
    return NormalForm::nfc;
  if (type == "NFD")
    return NormalForm::nfd;
  if (type == "NFKC")
    return NormalForm::nfkc;
  if (type == "NFKD")
    return NormalForm::nfkd;
  return std::nullopt;
}
} // namespace

std::unique_ptr<Normalizer> Normalizer::create(const JsonNode &node,
                                               int depth) {
  std::string type = node.type();
  if (auto form = normalForm(type)) {
    node.allowOnly({});
    return std::make_unique<FormNormalizer>(*form);
  }
  if (type == "Lowercase") {
    node.allowOnly({});
    return std::make_unique<LowercaseNormalizer>();
  }
  if (type == "Prepend") {
    node.allowOnly({"prepend"});
    return std::make_unique<PrependNormalizer>(node.member("prepend").string());
  }
  if (type == "Replace") {
    node.allowOnly({"pattern", "content"});
    return std::make_unique<ReplaceNormalizer>(
        readPattern(node.member("pattern")), node.member("content").string());
  }
  if (type == "Strip") {
    node.allowOnly({"strip_left", "strip_right"});
    return std::make_unique<StripNormalizer>(
        node.member("strip_left").boolean(),
        node.member("strip_right").boolean());
  }
  if (type != "Sequence")
    throw node.unsupportedType();
  if (depth == kDeepestSequence)
    throw node.wrong("sequences nested too deeply");
  node.allowOnly({"normalizers"});
  auto sequence = std::make_unique<SequenceNormalizer>();
  for (const JsonNode &step : node.member("normalizers").elements())
    sequence->steps.push_back(create(step, depth + 1));
  return sequence;
}
