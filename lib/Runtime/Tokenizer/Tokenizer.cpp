// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Tokenizer.h"

#include "AddedTokens.h"
#include "BPE.h"
#include "Decoder.h"
#include "JsonNode.h"
#include "Normalizer.h"
#include "PostProcessor.h"
#include "PreTokenizer.h"
#include "Utf8.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

using namespace moe::rt;
using namespace moe::rt::tok;

struct Tokenizer::Impl {
  explicit Impl(const JsonNode &root);

  std::optional<std::string_view> idToToken(int32_t id) const {
    auto added = addedTokens.idToToken(id);
    return added ? added : model.idToToken(id);
  }

  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> preTokenizer;
  PostProcessor postProcessor;
  Decoder decoder;
  BPE model;
  AddedTokens addedTokens;
};

static JsonNode checkRoot(const JsonNode &root) {
  root.allowOnly({"version", "truncation", "padding", "added_tokens",
                  "normalizer", "pre_tokenizer", "post_processor", "decoder",
                  "model"});
  JsonNode version = root.member("version");
  if (version.string() != "1.0")
    throw version.unsupported(inQuotes(version.string()));
  for (const char *key : {"truncation", "padding"})
    if (auto node = root.find(key))
      throw node->unsupported("a value other than null");
  return root;
}

template <typename Part>
static std::unique_ptr<Part> createPart(const JsonNode &root, const char *key) {
  auto node = root.find(key);
  return node ? Part::create(*node) : nullptr;
}

Tokenizer::Impl::Impl(const JsonNode &root)
    : normalizer(createPart<Normalizer>(checkRoot(root), "normalizer")),
      preTokenizer(createPart<PreTokenizer>(root, "pre_tokenizer")),
      postProcessor(root.find("post_processor")), decoder(root.find("decoder")),
      model(root.member("model")),
      addedTokens(root.find("added_tokens"), model, normalizer.get()) {}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

std::unique_ptr<Tokenizer> Tokenizer::load(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(ExitCode::inputWrong, path +
                                          ": expected a readable file, got " +
                                          std::strerror(errno));
  std::ostringstream json;
  if (file.peek() != EOF)
    json << file.rdbuf();
  if (file.bad() || json.bad())
    throw Error(ExitCode::inputWrong, path + ": cannot be read");
  return parse(json.str(), path);
}

std::unique_ptr<Tokenizer> Tokenizer::parse(std::string_view json,
                                            const std::string &name) {
  nlohmann::json document;
  try {
    document = nlohmann::json::parse(json.begin(), json.end());
  } catch (const nlohmann::json::exception &error) {
    throw Error(ExitCode::inputWrong,
                name + ": expected JSON: " + toValidUtf8(error.what()));
  }
  return std::unique_ptr<Tokenizer>(
      new Tokenizer(std::make_unique<Impl>(JsonNode(document, name))));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       bool addSpecialTokens) const {
  std::string valid;
  if (!isValidUtf8(text)) {
    valid = toValidUtf8(text);
    text = valid;
  }
  Pieces pieces = impl->addedTokens.extract(text, impl->normalizer.get());
  if (impl->preTokenizer)
    impl->preTokenizer->apply(pieces);

  std::vector<int32_t> ids;
  if (addSpecialTokens)
    ids = impl->postProcessor.before;
  for (const Piece &piece : pieces) {
    if (piece.id >= 0)
      ids.push_back(piece.id);
    else
      impl->model.encode(piece.text, ids);
  }
  if (addSpecialTokens)
    ids.insert(ids.end(), impl->postProcessor.after.begin(),
               impl->postProcessor.after.end());
  return ids;
}

std::string Tokenizer::decode(const int32_t *ids, size_t count,
                              bool skipSpecial) const {
  StreamDecoder decoder(*this, skipSpecial);
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += decoder.push(ids[i]);
  return text + decoder.flush();
}

int32_t Tokenizer::vocabSize() const {
  return std::max(impl->model.idLimit(), impl->addedTokens.idLimit());
}

std::optional<int32_t> Tokenizer::tokenToId(std::string_view token) const {
  std::string key(token);
  auto added = impl->addedTokens.tokenToId(key);
  return added ? added : impl->model.tokenToId(key);
}

std::optional<std::string_view> Tokenizer::idToToken(int32_t id) const {
  return impl->idToToken(id);
}

struct StreamDecoder::State {
  /// Passes `token` through the stages from `index` on.
  void push(size_t index, std::string token) {
    if (index == stages.size()) {
      text += token;
      return;
    }
    stages[index]->push(std::move(token), sinkBehind(index));
  }
  void finish() {
    for (size_t index = 0; index < stages.size(); ++index)
      stages[index]->finish(sinkBehind(index));
  }
  DecoderStage::Sink sinkBehind(size_t index) {
    return
        [this, index](std::string token) { push(index + 1, std::move(token)); };
  }

  std::vector<std::unique_ptr<DecoderStage>> stages;
  std::string text; // done, not yet handed out
};

StreamDecoder::StreamDecoder(const Tokenizer &tokenizer, bool skipSpecial)
    : tokenizer(tokenizer), skipSpecial(skipSpecial),
      state(std::make_unique<State>()) {
  state->stages = tokenizer.impl->decoder.start();
}
StreamDecoder::~StreamDecoder() = default;

std::string StreamDecoder::push(int32_t id) {
  auto token = tokenizer.impl->idToToken(id);
  if (token && !(skipSpecial && tokenizer.impl->addedTokens.isSpecial(*token)))
    state->push(0, std::string(*token));
  return std::exchange(state->text, {});
}

std::string StreamDecoder::flush() {
  state->finish();
  std::string rest = std::exchange(state->text, {});
  state->stages = tokenizer.impl->decoder.start();
  return rest;
}
