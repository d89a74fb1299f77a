// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Arguments.h"

#include "Terminal.h"
#include "moe/Runtime/Error.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

using namespace moe::rt;

namespace moe::sim {

namespace {

/// A type by its name here and by NumPy's; those that NumPy lacks are words
/// without a sign there.
struct ElementType {
  const char *name, *numpy;
  unsigned bytes;
  char kind; // f, i, u; b: the upper half of an f32
};
constexpr ElementType types[] = {
    {"f32", "<f4", 4, 'f'},  {"f64", "<f8", 8, 'f'}, {"f16", "<f2", 2, 'h'},
    {"bf16", "<V2", 2, 'b'}, {"s8", "|i1", 1, 'i'},  {"u8", "|u1", 1, 'u'},
    {"s16", "<i2", 2, 'i'},  {"u16", "<u2", 2, 'u'}, {"s32", "<i4", 4, 'i'},
    {"u32", "<u4", 4, 'u'},  {"s64", "<i8", 8, 'i'}, {"u64", "<u8", 8, 'u'}};

[[noreturn]] void wrong(const std::string &word, const std::string &why) {
  throw Error(ExitCode::commandLine, "--args: " + word + ": " + why);
}

const ElementType *findType(const std::string &name) {
  for (const ElementType &type : types)
    if (name == type.name || name == type.numpy)
      return &type;
  return nullptr;
}

const ElementType &typeNamed(const std::string &word, const std::string &name) {
  const ElementType *type = findType(name);
  if (!type)
    wrong(word,
          "expected one of f16, bf16, f32, f64, s8 to s64, u8 to u64, got " +
              name);
  return *type;
}

uint16_t halfOf(float value) {
  _Float16 half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}

uint16_t bfloatOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value))
    return 0x7fff;
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// Writes `value` as the type does; integers of 64 bits are exact to 2^53 only
/// in patterns, not as scalars.
void store(const ElementType &type, double value, std::byte *to) {
  float single = float(value);
  int64_t integer = type.kind == 'i' || type.kind == 'u' ? int64_t(value) : 0;
  uint16_t half = type.kind == 'h' ? halfOf(single) : bfloatOf(single);
  const void *from = &integer;
  if (type.kind == 'f')
    from = type.bytes == 4 ? static_cast<const void *>(&single) : &value;
  else if (type.kind == 'h' || type.kind == 'b')
    from = &half;
  std::memcpy(to, from, type.bytes);
}

double load(const ElementType &type, const std::byte *from) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, type.bytes);
  if (type.kind == 'u')
    return double(bits);
  if (type.kind == 'i')
    return double(int64_t(bits << (64 - 8 * type.bytes)) >>
                  (64 - 8 * type.bytes));
  if (type.bytes == 8) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  if (type.kind == 'h') {
    _Float16 half;
    std::memcpy(&half, from, sizeof half);
    return double(half);
  }
  uint32_t word = type.kind == 'b' ? uint32_t(bits) << 16 : uint32_t(bits);
  float value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

std::vector<std::byte> scalarOf(const std::string &word, std::string text,
                                const std::string &paramType, size_t bytes) {
  std::string name = paramType;
  if (size_t colon = text.find(':'); colon != std::string::npos) {
    name = text.substr(0, colon);
    text = text.substr(colon + 1);
  }
  std::vector<std::byte> result(bytes);
  char *end = nullptr;
  const ElementType *type = findType(name);
  if (type && type->bytes != bytes)
    wrong(word, "the parameter has " + std::to_string(bytes) + " bytes, " +
                    name + " has " + std::to_string(type->bytes));
  if (type && type->kind != 'i' && type->kind != 'u') {
    double value = std::strtod(text.c_str(), &end);
    store(*type, value, result.data());
  } else {
    // Any other type is taken for an integer of its size.
    long long value = text[0] == '-'
                          ? std::strtoll(text.c_str(), &end, 0)
                          : (long long)std::strtoull(text.c_str(), &end, 0);
    if (bytes > sizeof value)
      wrong(word, "a parameter of " + std::to_string(bytes) +
                      " bytes cannot be given as a number");
    std::memcpy(result.data(), &value, bytes);
  }
  if (end == text.c_str() || *end)
    wrong(word, "expected a number, a .npy file or TYPE[COUNT]");
  return result;
}

std::string npyHeader(const ElementType &type, size_t count) {
  std::string dict = std::string("{'descr': '") + type.numpy +
                     "', 'fortran_order': False, 'shape': (" +
                     std::to_string(count) + ",), }";
  constexpr size_t alignment = 64, before = 10;
  dict.resize((before + dict.size() + 1 + alignment - 1) / alignment *
                      alignment -
                  before - 1,
              ' ');
  dict += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += char(dict.size() & 0xff);
  header += char(dict.size() >> 8);
  return header + dict;
}

void readNpy(const std::string &path, Argument &argument) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(ExitCode::inputWrong, path + ": cannot be read");
  std::stringstream stream;
  stream << file.rdbuf();
  std::string content = stream.str();
  if (content.size() < 10 || content.compare(0, 6, "\x93NUMPY") != 0 ||
      content[6] != 1)
    throw Error(ExitCode::inputWrong,
                path + ": expected a .npy file of version 1.0");
  size_t length =
      10 + (unsigned char)content[8] + 256u * (unsigned char)content[9];
  std::string dict = content.substr(10, length - 10);
  size_t at = dict.find("'descr': '");
  std::string name =
      at == std::string::npos
          ? ""
          : dict.substr(at + 10, dict.find('\'', at + 10) - at - 10);
  const ElementType *type = findType(name);
  if (length > content.size() || !type ||
      dict.find("'fortran_order': True") != std::string::npos)
    throw Error(ExitCode::inputWrong,
                path + ": expected numbers in C order, got " + dict);
  argument.type = type->name;
  argument.header = content.substr(0, length);
  argument.count = (content.size() - length) / type->bytes;
  argument.values.resize(argument.count * type->bytes);
  std::memcpy(argument.values.data(), content.data() + length,
              argument.values.size());
}

/// "f32[1000]=iota"
void makeBuffer(const std::string &word, const std::string &text,
                Argument &argument) {
  size_t open = text.find('['), close = text.find(']');
  const ElementType &type = typeNamed(word, text.substr(0, open));
  char *end = nullptr;
  argument.count = std::strtoull(text.c_str() + open + 1, &end, 10);
  if (close == std::string::npos || end != text.c_str() + close ||
      argument.count == 0)
    wrong(word, "expected TYPE[COUNT]");
  std::string pattern = close + 1 < text.size() ? text.substr(close + 1) : "=0";
  argument.type = type.name;
  argument.header = npyHeader(type, argument.count);
  argument.values.resize(argument.count * type.bytes);
  std::mt19937_64 random(0);
  double fixed = std::strtod(pattern.c_str() + 1, &end);
  bool isNumber = pattern[0] == '=' && end != pattern.c_str() + 1 && *end == 0;
  if (!isNumber && pattern != "=iota" && pattern != "=random")
    wrong(word, "expected =NUMBER, =iota or =random, got " + pattern);
  bool isInteger = type.kind == 'i' || type.kind == 'u';
  for (size_t i = 0; i < argument.count; ++i) {
    double value = fixed;
    if (pattern == "=iota")
      value = double(i);
    else if (pattern == "=random")
      value = isInteger
                  ? double(random() % 100)
                  : double(random() >> 11) / double(uint64_t(1) << 52) - 1;
    store(type, value, argument.values.data() + i * type.bytes);
  }
}

bool endsWith(const std::string &text, const char *end) {
  size_t length = std::strlen(end);
  return text.size() >= length &&
         text.compare(text.size() - length, length, end) == 0;
}

} // namespace

Argument readArgument(const std::string &word, const std::string &paramType,
                      size_t bytes) {
  Argument argument;
  std::string text = word;
  size_t bracket = text.find('['), colon = text.rfind(':');
  bool isFile = endsWith(text, ".npy");
  if (bracket != std::string::npos || isFile) {
    if (bytes != sizeof(uint64_t))
      wrong(word, "the parameter is no pointer: it has " +
                      std::to_string(bytes) + " bytes");
    argument.isBuffer = true;
    if (colon != std::string::npos && isFile) {
      argument.outFile = text.substr(colon + 1);
      text = text.substr(0, colon);
    }
    if (bracket != std::string::npos)
      makeBuffer(word, text, argument);
    else
      readNpy(text, argument);
    return argument;
  }
  argument.scalar = text == "null" ? std::vector<std::byte>(bytes)
                                   : scalarOf(word, text, paramType, bytes);
  return argument;
}

std::string describeValues(const Argument &argument, size_t limit) {
  const ElementType &type = *findType(argument.type);
  std::string text;
  for (size_t i = 0; i < argument.count && i < limit; ++i)
    text += tool::format(" %.9g",
                         load(type, argument.values.data() + i * type.bytes));
  return text + (argument.count > limit ? " …" : "");
}

void writeBuffer(const Argument &argument) {
  std::ofstream file(argument.outFile, std::ios::binary | std::ios::trunc);
  file << argument.header;
  file.write(reinterpret_cast<const char *>(argument.values.data()),
             std::streamsize(argument.values.size()));
  if (!file)
    throw Error(ExitCode::inputWrong, argument.outFile + ": cannot be written");
}

} // namespace moe::sim
