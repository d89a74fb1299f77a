// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KeyReader.h"

#include "moe/Import/Error.h"
#include "moe/Import/StrictJson.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;

namespace mlir::moe {

constexpr int64_t maxInteger = std::numeric_limits<int32_t>::max();

void KeyReader::fail(Error next) {
  if (error)
    consumeError(std::move(next));
  else
    error = std::move(next);
}

void KeyReader::failMismatch(StringRef key, const Twine &expected,
                             const Twine &got) {
  fail(expectedGot(file, (prefix + key).str(), expected, got));
}

void KeyReader::failNotSupported(StringRef key, const Twine &message) {
  fail(notSupported(file, (prefix + key).str(), message));
}

void KeyReader::failMissing(StringRef key, StringRef otherKey, StringRef what) {
  const json::Value *value = object.get(key);
  if (!value && !otherKey.empty())
    value = object.get(otherKey);
  std::string expected = what.str();
  if (!value && !otherKey.empty())
    expected += " here or in " + otherKey.str();
  failMismatch(key, expected, value ? "null" : "no such key");
}

const json::Value *KeyReader::take(StringRef key, StringRef otherKey) {
  read.insert(key);
  const json::Value *value = object.get(key);
  if (!otherKey.empty()) {
    read.insert(otherKey);
    const json::Value *other = object.get(otherKey);
    if (value && other && *value != *other)
      failMismatch(key,
                   "the same as " + otherKey + " (" + describe(*other) + ")",
                   describe(*value));
    if (!value)
      value = other;
  }
  if (failed() || !value || value->kind() == json::Value::Null)
    return nullptr;
  return value;
}

std::optional<int64_t>
KeyReader::asInteger(StringRef key, const json::Value &value, int64_t min) {
  std::optional<int64_t> number = value.getAsInteger();
  if (number && *number >= min && *number <= maxInteger)
    return number;
  failMismatch(key,
               "an integer from " + Twine(min) + " to " + Twine(maxInteger),
               describe(value));
  return std::nullopt;
}

std::optional<double> KeyReader::asNumber(StringRef key,
                                          const json::Value &value) {
  std::optional<double> number = value.getAsNumber();
  if (number && std::isfinite(*number) && *number > 0)
    return number;
  failMismatch(key, "a positive number", describe(value));
  return std::nullopt;
}

int64_t KeyReader::requireInteger(StringRef key, StringRef otherKey,
                                  int64_t min) {
  const json::Value *value = take(key, otherKey);
  if (!value)
    return failMissing(key, otherKey, "an integer"), 0;
  return asInteger(key, *value, min).value_or(0);
}

double KeyReader::requireNumber(StringRef key, StringRef otherKey) {
  const json::Value *value = take(key, otherKey);
  if (!value)
    return failMissing(key, otherKey, "a number"), 0;
  return asNumber(key, *value).value_or(0);
}

bool KeyReader::requireBool(StringRef key, StringRef otherKey) {
  const json::Value *value = take(key, otherKey);
  if (!value)
    return failMissing(key, otherKey, "true or false"), false;
  std::optional<bool> flag = value->getAsBoolean();
  if (!flag)
    failMismatch(key, "true or false", describe(*value));
  return flag.value_or(false);
}

StringRef KeyReader::requireString(StringRef key) {
  const json::Value *value = take(key);
  if (!value)
    return failMissing(key, "", "a string"), "";
  std::optional<StringRef> text = value->getAsString();
  if (!text)
    failMismatch(key, "a string", describe(*value));
  return text.value_or("");
}

std::optional<int64_t>
KeyReader::optionalInteger(StringRef key, StringRef otherKey, int64_t min) {
  const json::Value *value = take(key, otherKey);
  return value ? asInteger(key, *value, min) : std::nullopt;
}

std::optional<double> KeyReader::optionalNumber(StringRef key,
                                                StringRef otherKey) {
  const json::Value *value = take(key, otherKey);
  return value ? asNumber(key, *value) : std::nullopt;
}

SmallVector<int64_t> KeyReader::integers(StringRef key, bool scalar) {
  SmallVector<int64_t> result;
  const json::Value *value = take(key);
  if (!value)
    return result;
  if (const json::Array *array = value->getAsArray()) {
    for (const json::Value &element : *array)
      if (std::optional<int64_t> number = asInteger(key, element, 0))
        result.push_back(*number);
  } else if (scalar) {
    if (std::optional<int64_t> number = asInteger(key, *value, 0))
      result.push_back(*number);
  } else {
    failMismatch(key, "a list of integers", describe(*value));
  }
  return result;
}

std::vector<StringRef> KeyReader::unread() const {
  std::vector<StringRef> keys;
  for (const auto &[key, value] : object)
    if (!read.contains(StringRef(key)))
      keys.push_back(key);
  sort(keys);
  return keys;
}

} // namespace mlir::moe
