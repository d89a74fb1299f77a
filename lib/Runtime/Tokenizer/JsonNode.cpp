// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "JsonNode.h"

#include "Utf8.h"

#include <algorithm>

using namespace moe::rt;
using namespace moe::rt::tok;
using nlohmann::json;

std::string moe::rt::tok::inQuotes(std::string_view text) {
  // Cut at a boundary of code points, so that the message stays UTF-8.
  constexpr size_t kLongest = 60;
  std::string shown;
  size_t position = 0;
  while (position < text.size() && position < kLongest)
    takeCodePoint(text, position);
  shown = json(text.substr(0, position)).dump();
  if (position < text.size())
    shown += "…";
  return shown;
}

std::string moe::rt::tok::described(const json &value) {
  if (value.is_string())
    return inQuotes(value.get_ref<const std::string &>());
  if (value.is_array())
    return "an array of " + std::to_string(value.size());
  if (value.is_object())
    return "an object";
  return value.dump();
}

std::string JsonNode::where() const {
  return *file + ": " + (path.empty() ? "" : path + ": ");
}

JsonNode JsonNode::member(const char *key) const {
  if (!value->is_object())
    throw mismatch("an object");
  auto it = value->find(key);
  if (it == value->end())
    throw wrong("expected a member \"" + std::string(key) + "\", got none");
  return JsonNode(*it, *file, path.empty() ? key : path + "." + key);
}

std::optional<JsonNode> JsonNode::find(const char *key) const {
  if (!value->is_object())
    throw mismatch("an object");
  auto it = value->find(key);
  if (it == value->end() || it->is_null())
    return std::nullopt;
  return JsonNode(*it, *file, path.empty() ? key : path + "." + key);
}

JsonNode JsonNode::element(size_t index) const {
  return JsonNode((*value)[index], *file,
                  path + "[" + std::to_string(index) + "]");
}

std::vector<JsonNode> JsonNode::elements() const {
  if (!value->is_array())
    throw mismatch("an array");
  std::vector<JsonNode> result;
  for (size_t i = 0; i < value->size(); ++i)
    result.push_back(element(i));
  return result;
}

void JsonNode::allowOnly(std::initializer_list<std::string_view> known) const {
  if (!value->is_object())
    throw mismatch("an object");
  for (const auto &item : value->items())
    if (item.key() != "type" &&
        std::find(known.begin(), known.end(), item.key()) == known.end())
      throw unsupported("the key " + inQuotes(item.key()));
}

std::string JsonNode::string() const {
  if (!value->is_string())
    throw mismatch("a string");
  return value->get<std::string>();
}

bool JsonNode::boolean() const {
  if (!value->is_boolean())
    throw mismatch("true or false");
  return value->get<bool>();
}

int64_t JsonNode::integer(int64_t least, int64_t most) const {
  // Above 2^63 the library keeps the number unsigned.
  bool fits = value->is_number_integer() &&
              !(value->is_number_unsigned() &&
                value->get<uint64_t>() > static_cast<uint64_t>(most));
  if (!fits || value->get<int64_t>() < least || value->get<int64_t>() > most)
    throw mismatch("an integer from " + std::to_string(least) + " to " +
                   std::to_string(most));
  return value->get<int64_t>();
}

std::string JsonNode::character() const {
  std::string text = string();
  if (text.empty() || nextUnit(text).size != text.size())
    throw mismatch("one character");
  return text;
}

bool JsonNode::flag(const char *key, bool otherwise) const {
  auto node = find(key);
  return node ? node->boolean() : otherwise;
}

std::string JsonNode::type() const { return member("type").string(); }

Error JsonNode::mismatch(const std::string &expected) const {
  return wrong("expected " + expected + ", got " + described(*value));
}

Error JsonNode::wrong(const std::string &message) const {
  return Error(ExitCode::inputWrong, where() + message);
}

Error JsonNode::unsupported(const std::string &what) const {
  return Error(ExitCode::unsupported, where() + what + " is not supported");
}

Error JsonNode::unsupportedType() const {
  return member("type").unsupported(inQuotes(type()));
}
