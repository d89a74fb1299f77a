// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "JsonReader.h"

using namespace moe::rt;

nlohmann::json moe::rt::parseJson(std::string_view text,
                                  const std::string &file) {
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error &error) {
    throw Error::mismatch(file, "offset " + std::to_string(error.byte),
                          "well-formed JSON", "a syntax error");
  } catch (const nlohmann::json::exception &) {
    throw Error::mismatch(file, "", "well-formed JSON",
                          "a number out of range");
  }
}

JsonReader JsonReader::operator[](const char *key) const {
  requireObject();
  auto member = value.find(key);
  if (member == value.end())
    throw Error::mismatch(file, join(key), "a value", "nothing");
  return JsonReader(*member, file, join(key));
}

std::optional<JsonReader> JsonReader::find(const char *key) const {
  requireObject();
  auto member = value.find(key);
  if (member == value.end())
    return std::nullopt;
  return JsonReader(*member, file, join(key));
}

int64_t JsonReader::integer(int64_t least, int64_t most) const {
  bool fits =
      value.is_number_integer() &&
      !(value.is_number_unsigned() &&
        value.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max()));
  if (fits)
    if (int64_t number = value.get<int64_t>();
        least <= number && number <= most)
      return number;
  if (most == std::numeric_limits<int64_t>::max())
    throw mismatch("an integer of at least " + std::to_string(least));
  throw mismatch("an integer from " + std::to_string(least) + " to " +
                 std::to_string(most));
}

std::string JsonReader::string() const {
  if (!value.is_string())
    throw mismatch("a string");
  return value.get<std::string>();
}

Error JsonReader::mismatch(const std::string &expected, ExitCode code) const {
  constexpr size_t longest = 60;
  std::string got =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (got.size() > longest)
    got = value.is_array()    ? "an array"
          : value.is_object() ? "an object"
                              : got.substr(0, longest) + "...";
  return Error::mismatch(file, path, expected, got, code);
}

void JsonReader::requireObject() const {
  if (!value.is_object())
    throw mismatch("an object");
}
