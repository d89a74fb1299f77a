// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value of tokenizer.json that knows its place, so that an error can say
// "FILE: pre_tokenizer.pretokenizers[0].type: …". A key that nobody asks for is
// an error as well: see finish().
#ifndef MOE_LIB_RUNTIME_TOKENIZER_JSONNODE_H
#define MOE_LIB_RUNTIME_TOKENIZER_JSONNODE_H

#include "moe/Runtime/Error.h"

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moe::rt::tok {

class JsonNode {
public:
  /// `file` and `value` must outlive the node.
  JsonNode(const nlohmann::json &value, const std::string &file,
           std::string path = "")
      : value(&value), file(&file), path(std::move(path)) {}

  const nlohmann::json &raw() const { return *value; }

  /// Member `key`, which must be there.
  JsonNode member(const char *key) const;
  /// Member `key`; none when absent or null.
  std::optional<JsonNode> find(const char *key) const;
  std::vector<JsonNode> elements() const;
  JsonNode element(size_t index) const;

  /// Refuses members other than `known` (and "type").
  void allowOnly(std::initializer_list<std::string_view> known) const;

  std::string string() const;
  bool boolean() const;
  int64_t integer(int64_t least, int64_t most) const;
  /// A string of exactly one code point.
  std::string character() const;
  /// Member `key` as a boolean, `otherwise` when absent or null.
  bool flag(const char *key, bool otherwise) const;
  /// The "type" member; the value must be an object.
  std::string type() const;

  /// "FILE: PATH: expected …, got <this value>", exit code 1.
  Error mismatch(const std::string &expected) const;
  /// "FILE: PATH: <message>", exit code 1.
  Error wrong(const std::string &message) const;
  /// "FILE: PATH: <what> is not supported", exit code 3.
  Error unsupported(const std::string &what) const;
  /// unsupported() of the type: `PATH.type: "Foo" is not supported`.
  Error unsupportedType() const;

private:
  std::string where() const;

  const nlohmann::json *value;
  const std::string *file;
  std::string path;
};

/// `text` in quotes, escaped and shortened for a message.
std::string inQuotes(std::string_view text);

/// `value` in a few words.
std::string described(const nlohmann::json &value);

} // namespace moe::rt::tok

#endif // MOE_LIB_RUNTIME_TOKENIZER_JSONNODE_H
