// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strict access to a JSON document: every step knows where it is, so that an
// error names the file and the key.
#ifndef MOE_LIB_RUNTIME_JSONREADER_H
#define MOE_LIB_RUNTIME_JSONREADER_H

#include "moe/Runtime/Error.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace moe::rt {

/// Parses `text`; an Error names `file` and the offset of what is wrong.
nlohmann::json parseJson(std::string_view text, const std::string &file);

/// A value in a document together with its path ("entries.decode.args[1]").
class JsonReader {
public:
  JsonReader(const nlohmann::json &value, const std::string &file,
             std::string path = "")
      : value(value), file(file), path(std::move(path)) {}

  /// The member `key` of an object; missing is an error.
  JsonReader operator[](const char *key) const;
  /// The member `key` of an object, if there.
  std::optional<JsonReader> find(const char *key) const;

  int64_t integer(int64_t least = 0,
                  int64_t most = std::numeric_limits<int64_t>::max()) const;
  std::string string() const;

  /// Calls `visit(reader)` for each element of an array.
  template <typename Visit>
  void forEachElement(Visit visit) const {
    if (!value.is_array())
      throw mismatch("an array");
    for (size_t i = 0; i < value.size(); ++i)
      visit(JsonReader(value[i], file, path + "[" + std::to_string(i) + "]"));
  }
  /// Calls `visit(key, reader)` for each member of an object.
  template <typename Visit>
  void forEachMember(Visit visit) const {
    requireObject();
    for (const auto &member : value.items())
      visit(member.key(), JsonReader(member.value(), file, join(member.key())));
  }

  /// "expected …, got <this value>".
  Error mismatch(const std::string &expected,
                 ExitCode code = ExitCode::inputWrong) const;
  /// "expected …, got …", for what this value says in other words.
  Error mismatch(const std::string &expected, const std::string &got) const {
    return Error::mismatch(file, path, expected, got);
  }

private:
  void requireObject() const;
  std::string join(const std::string &key) const {
    return path.empty() ? key : path + "." + key;
  }

  const nlohmann::json &value;
  const std::string &file;
  std::string path;
};

} // namespace moe::rt

#endif // MOE_LIB_RUNTIME_JSONREADER_H
