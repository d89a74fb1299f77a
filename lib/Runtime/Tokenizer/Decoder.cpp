// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"

#include "Normalizer.h"
#include "PreTokenizer.h"
#include "Regex.h"
#include "Utf8.h"

#include <unordered_map>

using namespace moe::rt::tok;

namespace {
/// Without a decoder tokens stand with spaces between them.
struct JoinStage final : DecoderStage {
  void push(std::string token, const Sink &sink) override {
    sink(first ? std::move(token) : " " + token);
    first = false;
  }
  bool first = true;
};

/// Makes one token of all: its parts pass as they come.
struct FuseStage final : DecoderStage {
  void push(std::string token, const Sink &sink) override {
    sink(std::move(token));
  }
};

struct ReplaceStage final : DecoderStage {
  ReplaceStage(Regex regex, std::string content)
      : regex(std::move(regex)), content(std::move(content)) {}
  void push(std::string token, const Sink &sink) override {
    bool lostStart = false;
    sink(replaceMatches(regex, token, content, lostStart));
  }
  Regex regex;
  std::string content;
};

/// Any stage that must see one token whole, behind a decoder that fuses.
struct GatherStage final : DecoderStage {
  explicit GatherStage(std::unique_ptr<DecoderStage> inner)
      : inner(std::move(inner)) {}
  void push(std::string token, const Sink &sink) override { whole += token; }
  void finish(const Sink &sink) override {
    inner->push(std::move(whole), sink);
    inner->finish(sink);
  }
  std::unique_ptr<DecoderStage> inner;
  std::string whole;
};

struct MetaspaceStage final : DecoderStage {
  MetaspaceStage(MetaspaceOptions options, bool isFused)
      : options(std::move(options)), isFused(isFused) {}
  void push(std::string token, const Sink &sink) override {
    bool drop = isFirst && options.scheme != MetaspaceOptions::never;
    isFirst = isFused && isFirst;
    std::string text;
    for (size_t position = 0; position < token.size();) {
      if (token.compare(position, options.replacement.size(),
                        options.replacement) == 0) {
        text += drop ? "" : " ";
        position += options.replacement.size();
        continue;
      }
      appendUtf8(text, takeCodePoint(token, position));
    }
    sink(std::move(text));
  }
  MetaspaceOptions options;
  bool isFused;
  bool isFirst = true;
};

/// Letters back to bytes; a token with any other letter stands for itself.
struct ByteLevelStage final : DecoderStage {
  void push(std::string token, const Sink &sink) override {
    size_t before = bytes.size();
    for (size_t position = 0; position < token.size();) {
      auto byte = byteOf().find(takeCodePoint(token, position));
      if (byte == byteOf().end()) {
        bytes.replace(before, std::string::npos, token);
        break;
      }
      bytes.push_back(byte->second);
    }
    std::string text;
    moveComplete(bytes, text);
    sink(std::move(text));
  }
  void finish(const Sink &sink) override {
    if (!bytes.empty())
      sink(std::string(kReplacement));
    bytes.clear();
  }
  static const std::unordered_map<char32_t, char> &byteOf() {
    static const std::unordered_map<char32_t, char> table = [] {
      std::unordered_map<char32_t, char> result;
      for (size_t byte = 0; byte < 256; ++byte)
        result.emplace(byteLetters()[byte], static_cast<char>(byte));
      return result;
    }();
    return table;
  }
  std::string bytes;
};

/// Runs of "<0x41>" to text; a run that is not UTF-8 becomes one U+FFFD a byte,
/// so nothing of a run is certain before its end.
struct ByteFallbackStage final : DecoderStage {
  void push(std::string token, const Sink &sink) override {
    if (auto byte = byteOf(token)) {
      run.push_back(*byte);
      return;
    }
    finish(sink);
    sink(std::move(token));
  }
  void finish(const Sink &sink) override {
    if (run.empty())
      return;
    if (isValidUtf8(run))
      sink(run);
    else
      for (size_t i = 0; i < run.size(); ++i)
        sink(std::string(kReplacement));
    run.clear();
  }
  static std::optional<char> byteOf(const std::string &token) {
    if (token.size() != 6 || token.compare(0, 3, "<0x") != 0 ||
        token.back() != '>')
      return std::nullopt;
    // As in `tokenizers`, "+A" is a number too.
    std::string digits = token.substr(token[3] == '+' ? 4 : 3);
    digits.pop_back();
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      return std::nullopt;
    return static_cast<char>(std::stoi(digits, nullptr, 16));
  }
  std::string run;
};

/// Takes up to `start` and `stop` copies of a character off the ends of each
/// token, or of the one token whose parts come.
struct StripStage final : DecoderStage {
  StripStage(std::string content, size_t start, size_t stop, bool isFused)
      : content(std::move(content)), start(start), stop(stop), isFused(isFused),
        left(start) {}
  void push(std::string token, const Sink &sink) override {
    held += token;
    size_t begin = 0;
    while (left > 0 && held.compare(begin, content.size(), content) == 0) {
      begin += content.size();
      --left;
    }
    held.erase(0, begin);
    if (!held.empty())
      left = 0;
    // The last copies may be the token's end: they wait for what follows.
    size_t end = held.size() - trailing();
    sink(held.substr(0, end));
    held.erase(0, end);
    if (!isFused)
      finish(sink);
  }
  void finish(const Sink &sink) override {
    held.clear();
    left = start;
  }
  size_t trailing() const {
    size_t bytes = 0;
    for (size_t i = 0; i < stop && bytes + content.size() <= held.size(); ++i) {
      size_t at = held.size() - bytes - content.size();
      if (held.compare(at, content.size(), content) != 0)
        break;
      bytes += content.size();
    }
    return bytes;
  }
  std::string content;
  size_t start, stop;
  bool isFused;
  size_t left;
  std::string held;
};
} // namespace

Decoder::Decoder(const std::optional<JsonNode> &node) {
  bool isFused = false;
  if (node)
    add(*node, isFused, 0);
  else
    stages.push_back([] { return std::make_unique<JoinStage>(); });
}

/// Appends the stages of `node`; `isFused` says whether what reaches them are
/// parts of one token.
void Decoder::add(const JsonNode &node, bool &isFused, int depth) {
  auto gathered = [&](Factory factory) {
    if (isFused)
      factory = [factory] { return std::make_unique<GatherStage>(factory()); };
    stages.push_back(std::move(factory));
  };
  std::string type = node.type();
  if (type == "ByteLevel") {
    readByteLevel(node);
    gathered([] { return std::make_unique<ByteLevelStage>(); });
    isFused = true;
  } else if (type == "Fuse") {
    node.allowOnly({});
    stages.push_back([] { return std::make_unique<FuseStage>(); });
    isFused = true;
  } else if (type == "ByteFallback") {
    node.allowOnly({});
    gathered([] { return std::make_unique<ByteFallbackStage>(); });
  } else if (type == "Replace") {
    node.allowOnly({"pattern", "content"});
    Regex regex = readPattern(node.member("pattern"));
    std::string content = node.member("content").string();
    gathered([regex, content] {
      return std::make_unique<ReplaceStage>(regex, content);
    });
  } else if (type == "Metaspace") {
    MetaspaceOptions options = readMetaspace(node);
    stages.push_back([options, isFused] {
      return std::make_unique<MetaspaceStage>(options, isFused);
    });
  } else if (type == "Strip") {
    node.allowOnly({"content", "start", "stop"});
    std::string content = node.member("content").character();
    constexpr int64_t kMost = 1 << 20;
    auto start = static_cast<size_t>(node.member("start").integer(0, kMost));
    auto stop = static_cast<size_t>(node.member("stop").integer(0, kMost));
    stages.push_back([content, start, stop, isFused] {
      return std::make_unique<StripStage>(content, start, stop, isFused);
    });
  } else if (type == "Sequence") {
    if (depth == kDeepestSequence)
      throw node.wrong("sequences nested too deeply");
    node.allowOnly({"decoders"});
    for (const JsonNode &step : node.member("decoders").elements())
      add(step, isFused, depth + 1);
  } else {
    throw node.unsupportedType();
  }
}

std::vector<std::unique_ptr<DecoderStage>> Decoder::start() const {
  std::vector<std::unique_ptr<DecoderStage>> running;
  for (const Factory &factory : stages)
    running.push_back(factory());
  return running;
}
