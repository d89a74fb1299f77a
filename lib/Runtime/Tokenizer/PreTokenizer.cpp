// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PreTokenizer.h"

#include "Normalizer.h"
#include "Regex.h"
#include "Unicode.h"
#include "Utf8.h"

#include <algorithm>

using namespace moe::rt::tok;

namespace {
enum class Behavior {
  removed,
  isolated,
  contiguous,
  mergedWithPrevious,
  mergedWithNext
};

Behavior readBehavior(const JsonNode &node) {
  std::string name = node.string();
  if (name == "Removed")
    return Behavior::removed;
  if (name == "Isolated")
    return Behavior::isolated;
  if (name == "Contiguous")
    return Behavior::contiguous;
  if (name == "MergedWithPrevious")
    return Behavior::mergedWithPrevious;
  if (name == "MergedWithNext")
    return Behavior::mergedWithNext;
  throw node.unsupported(inQuotes(name));
}

/// Joins or drops spans as `behavior` says.
std::vector<Span> arrange(std::vector<Span> spans, Behavior behavior) {
  std::vector<Span> result;
  bool previous = false; // was the span before this one a match?
  auto takeOver = [&](const Span &span, bool join) {
    if (join && !result.empty()) {
      result.back().begin = std::min(result.back().begin, span.begin);
      result.back().end = std::max(result.back().end, span.end);
    } else {
      result.push_back(span);
    }
    previous = span.isMatch;
  };
  switch (behavior) {
  case Behavior::isolated:
    return spans;
  case Behavior::removed:
    for (const Span &span : spans)
      if (!span.isMatch)
        result.push_back(span);
    return result;
  case Behavior::contiguous:
    for (const Span &span : spans)
      takeOver(span, span.isMatch == previous);
    return result;
  case Behavior::mergedWithPrevious:
    for (const Span &span : spans)
      takeOver(span, span.isMatch && !previous);
    return result;
  case Behavior::mergedWithNext:
    for (auto span = spans.rbegin(); span != spans.rend(); ++span)
      takeOver(*span, span->isMatch && !previous);
    std::reverse(result.begin(), result.end());
    return result;
  }
  return result;
}

void appendParts(const Piece &piece, const std::vector<Span> &spans,
                 Pieces &result) {
  for (const Span &span : spans)
    if (span.begin < span.end)
      result.push_back({piece.text.substr(span.begin, span.end - span.begin),
                        -1, piece.atStart && span.begin == 0});
}

/// Split, and everything that amounts to it: Digits, Punctuation, Whitespace.
class SplitPreTokenizer final : public PreTokenizer {
public:
  SplitPreTokenizer(Regex regex, Behavior behavior, bool invert = false)
      : regex(std::move(regex)), behavior(behavior), invert(invert) {}

private:
  void cut(Piece piece, Pieces &result) const override {
    std::vector<Span> spans = regex.spans(piece.text);
    if (invert)
      for (Span &span : spans)
        span.isMatch = !span.isMatch;
    appendParts(piece, arrange(std::move(spans), behavior), result);
  }

  Regex regex;
  Behavior behavior;
  bool invert;
};

class ByteLevelPreTokenizer final : public PreTokenizer {
public:
  explicit ByteLevelPreTokenizer(ByteLevelFlags flags) : flags(flags) {}

private:
  void cut(Piece piece, Pieces &result) const override {
    if (flags.addPrefixSpace && piece.text.front() != ' ')
      piece.text.insert(0, " ");
    size_t firstNew = result.size();
    if (flags.useRegex)
      appendParts(piece, regex.spans(piece.text), result);
    else
      result.push_back(std::move(piece));
    for (size_t i = firstNew; i < result.size(); ++i)
      result[i].text = spell(result[i].text);
  }

  static std::string spell(const std::string &bytes) {
    std::string letters;
    letters.reserve(bytes.size() * 2);
    for (char byte : bytes)
      appendUtf8(letters, byteLetters()[static_cast<unsigned char>(byte)]);
    return letters;
  }

  Regex regex =
      Regex::fromPattern("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|"
                         " ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
  ByteLevelFlags flags;
};

class MetaspacePreTokenizer final : public PreTokenizer {
public:
  explicit MetaspacePreTokenizer(MetaspaceOptions options)
      : options(std::move(options)),
        mark(Regex::fromLiteral(this->options.replacement)) {}

private:
  void cut(Piece piece, Pieces &result) const override {
    const std::string &replacement = options.replacement;
    std::string text;
    for (char c : piece.text)
      c == ' ' ? text.append(replacement) : text.append(1, c);
    bool wanted = options.scheme == MetaspaceOptions::always ||
                  (options.scheme == MetaspaceOptions::first && piece.atStart);
    if (wanted && text.compare(0, replacement.size(), replacement) != 0)
      text.insert(0, replacement);
    piece.text = std::move(text);
    if (options.split)
      appendParts(piece,
                  arrange(mark.spans(piece.text), Behavior::mergedWithNext),
                  result);
    else
      result.push_back(std::move(piece));
  }

  MetaspaceOptions options;
  Regex mark;
};

class SequencePreTokenizer final : public PreTokenizer {
public:
  std::vector<std::unique_ptr<PreTokenizer>> steps;

private:
  void cut(Piece piece, Pieces &result) const override {
    Pieces pieces;
    pieces.push_back(std::move(piece));
    for (const auto &step : steps)
      step->apply(pieces);
    std::move(pieces.begin(), pieces.end(), std::back_inserter(result));
  }
};

std::unique_ptr<PreTokenizer> splitAt(Regex regex, Behavior behavior,
                                      bool invert = false) {
  return std::make_unique<SplitPreTokenizer>(std::move(regex), behavior,
                                             invert);
}
} // namespace

void PreTokenizer::apply(Pieces &pieces) const {
  Pieces result;
  result.reserve(pieces.size());
  for (Piece &piece : pieces) {
    if (piece.id >= 0)
      result.push_back(std::move(piece));
    else
      cut(std::move(piece), result);
  }
  pieces = std::move(result);
}

const std::array<char32_t, 256> &moe::rt::tok::byteLetters() {
  static const std::array<char32_t, 256> letters = [] {
    std::array<char32_t, 256> table{};
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 256; ++byte) {
      bool printable = (byte >= '!' && byte <= '~') ||
                       (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      table[byte] = printable ? byte : next++;
    }
    return table;
  }();
  return letters;
}

ByteLevelFlags moe::rt::tok::readByteLevel(const JsonNode &node) {
  node.allowOnly({"add_prefix_space", "trim_offsets", "use_regex"});
  node.member("trim_offsets").boolean(); // offsets are not reported
  return {node.member("add_prefix_space").boolean(),
          node.flag("use_regex", true)};
}

MetaspaceOptions moe::rt::tok::readMetaspace(const JsonNode &node) {
  node.allowOnly({"replacement", "add_prefix_space", "prepend_scheme", "split",
                  "str_rep"});
  MetaspaceOptions options;
  options.replacement = node.member("replacement").character();
  options.split = node.flag("split", true);
  options.scheme = MetaspaceOptions::always;
  if (auto scheme = node.find("prepend_scheme")) {
    std::string name = scheme->string();
    if (name == "first")
      options.scheme = MetaspaceOptions::first;
    else if (name == "never")
      options.scheme = MetaspaceOptions::never;
    else if (name != "always")
      throw scheme->unsupported(inQuotes(name));
  }
  if (!node.flag("add_prefix_space", true) &&
      options.scheme != MetaspaceOptions::never)
    throw node.member("add_prefix_space")
        .wrong("expected true unless prepend_scheme is \"never\", got false");
  return options;
}

std::unique_ptr<PreTokenizer> PreTokenizer::create(const JsonNode &node,
                                                   int depth) {
  std::string type = node.type();
  if (type == "ByteLevel")
    return std::make_unique<ByteLevelPreTokenizer>(readByteLevel(node));
  if (type == "Metaspace")
    return std::make_unique<MetaspacePreTokenizer>(readMetaspace(node));
  if (type == "Split") {
    node.allowOnly({"pattern", "behavior", "invert"});
    return splitAt(readPattern(node.member("pattern")),
                   readBehavior(node.member("behavior")),
                   node.member("invert").boolean());
  }
  if (type == "Digits") {
    node.allowOnly({"individual_digits"});
    return splitAt(Regex::fromClass(rustNumericItems()),
                   node.member("individual_digits").boolean()
                       ? Behavior::isolated
                       : Behavior::contiguous);
  }
  if (type == "Punctuation") {
    node.allowOnly({"behavior"});
    auto behavior = node.find("behavior");
    return splitAt(Regex::fromClass(punctuationItems()),
                   behavior ? readBehavior(*behavior) : Behavior::isolated);
  }
  if (type == "WhitespaceSplit") {
    node.allowOnly({});
    return splitAt(Regex::fromClass(spaceItems()), Behavior::removed);
  }
  if (type == "Whitespace") {
    node.allowOnly({});
    std::string word(rustWordItems()), space(spaceItems());
    return splitAt(Regex::fromPCRE2("[" + word + "]+|[^" + word + space + "]+"),
                   Behavior::removed, /*invert=*/true);
  }
  if (type != "Sequence")
    throw node.unsupportedType();
  if (depth == kDeepestSequence)
    throw node.wrong("sequences nested too deeply");
  node.allowOnly({"pretokenizers"});
  auto sequence = std::make_unique<SequencePreTokenizer>();
  for (const JsonNode &step : node.member("pretokenizers").elements())
    sequence->steps.push_back(create(step, depth + 1));
  return sequence;
}
