// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/StrictJson.h"

#include "moe/Import/Error.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace llvm;

namespace mlir::moe {
namespace {

constexpr size_t maxDepth = 64;
constexpr size_t maxJsonFileBytes = size_t(100) << 20;

/// Walks the tokens of `text` without building values. Right for any JSON; for
/// text that is not JSON it may see anything, but ends, and the parser that
/// runs after it reports the fault.
class Prescan {
public:
  Prescan(StringRef text, StringRef file) : text(text), file(file) {}

  Error run() {
    while (pos < text.size()) {
      char c = text[pos];
      if (c == '"') {
        if (Error error = string())
          return error;
        continue;
      }
      ++pos;
      if (c == '{' || c == '[') {
        if (open.size() == maxDepth)
          return expectedGot(file, "",
                             "JSON nested at most " + Twine(maxDepth) + " deep",
                             "more at byte " + Twine(pos - 1));
        open.emplace_back(c == '{');
      } else if ((c == '}' || c == ']') && !open.empty()) {
        open.pop_back();
      } else if (c == ',' && !open.empty()) {
        open.back().atKey = open.back().isObject;
      } else if (c == ':' && !open.empty()) {
        open.back().atKey = false;
      }
    }
    return Error::success();
  }

private:
  struct Level {
    explicit Level(bool isObject) : isObject(isObject), atKey(isObject) {}
    bool isObject, atKey;
    StringSet<> keys;
  };

  Error string() {
    size_t begin = pos++;
    bool escaped = false;
    while (pos < text.size() && text[pos] != '"') {
      bool backslash = text[pos] == '\\';
      escaped |= backslash;
      pos += backslash ? 2 : 1;
    }
    pos = std::min(pos + 1, text.size());
    if (open.empty() || !open.back().atKey)
      return Error::success();
    StringRef token = text.slice(begin, pos);
    std::string key = token.drop_front().drop_back(token.size() > 1).str();
    // Two spellings of one key ("a" and "\u0061") are the same key.
    if (escaped) {
      Expected<json::Value> value = json::parse(token);
      if (!value) {
        consumeError(value.takeError());
        return Error::success();
      }
      if (std::optional<StringRef> unescaped = value->getAsString())
        key = unescaped->str();
    }
    if (!open.back().keys.insert(key).second)
      return expectedGot(file, key, "each key once",
                         "a second one at byte " + Twine(begin));
    return Error::success();
  }

  StringRef text, file;
  size_t pos = 0;
  SmallVector<Level, 4> open;
};

} // namespace

Expected<json::Value> parseStrictJson(StringRef text, StringRef file) {
  if (Error error = Prescan(text, file).run())
    return std::move(error);
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return expectedGot(file, "", "JSON",
                       printable(toString(value.takeError())));
  return value;
}

Expected<json::Object> readStrictJsonObject(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return invalidInput(path, "",
                        "cannot be read: " + buffer.getError().message());
  if ((*buffer)->getBufferSize() > maxJsonFileBytes)
    return expectedGot(path, "",
                       "at most " + Twine(maxJsonFileBytes) + " bytes of JSON",
                       Twine((*buffer)->getBufferSize()) + " bytes");
  Expected<json::Value> value = parseStrictJson((*buffer)->getBuffer(), path);
  if (!value)
    return value.takeError();
  json::Object *object = value->getAsObject();
  if (!object)
    return expectedGot(path, "", "a JSON object", describe(*value));
  return std::move(*object);
}

std::string describe(const json::Value &value) {
  std::string text;
  raw_string_ostream(text) << value;
  return printable(StringRef(text).size() > 80 ? text.substr(0, 77) + "..."
                                               : text);
}

} // namespace mlir::moe
